"""What others wrote for the age format: Debian's `age`, and npm's `age-encryption` and `cctv-age`."""

from __future__ import annotations

import fcntl
import importlib.util
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

INTEROP = Path(__file__).parents[1] / "interop"
NPM_INSTALL = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent")


@pytest.fixture(scope="session")
def node() -> Callable[..., bytes]:
    """Run a script of `tests/interop` with Node; installs what it needs the first time."""
    with (INTEROP / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel workers install once
        if not (INTEROP / "node_modules" / "cctv-age").is_dir():
            subprocess.run(NPM_INSTALL, cwd=INTEROP, check=True, timeout=120)

    def run(script: str, *args: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ("node", str(INTEROP / script), *args), input=given, capture_output=True, check=True, timeout=60
        )
        return done.stdout

    return run


def load(name: str) -> ModuleType:
    """Return a module that stands beside this file: tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def file_secrets() -> ModuleType:
    """The module `file_secrets.py`: secrets in a plain file, and a program that kills itself."""
    return load("file_secrets")


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A message bus with an unlocked gnome-keyring, which this process talks to; no display."""
    with load("keyring_bus").KeyringBus(tmp_path) as started:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHON_KEYRING_BACKEND"):
            monkeypatch.delenv(name, raising=False)
        for name, value in started.env.items():
            monkeypatch.setenv(name, value)
        yield started
