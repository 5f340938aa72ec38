"""What others wrote for the age format: Debian's `age`, and npm's `age-encryption` and `cctv-age`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import file_secrets as secrets_module
import pytest
from keyring_bus import KeyringBus


@pytest.fixture(scope="session")
def file_secrets() -> ModuleType:
    """The module `file_secrets.py`: secrets in a plain file, and a program that kills itself."""
    return secrets_module


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A message bus with an unlocked gnome-keyring, which this process talks to; no display."""
    with KeyringBus(tmp_path) as started:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHON_KEYRING_BACKEND"):
            monkeypatch.delenv(name, raising=False)
        for name, value in started.env.items():
            monkeypatch.setenv(name, value)
        yield started
