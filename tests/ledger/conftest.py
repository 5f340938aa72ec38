from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from file_secrets import FileSecrets

from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def secrets(tmp_path: Path) -> Any:
    """Secrets in a plain file (see `tests/keys/file_secrets.py`): a test can lock, read and change them."""
    return FileSecrets(tmp_path / "keyring.json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "ledger.jsonl"


@pytest.fixture
def load(tmp_path: Path, secrets: Any, path: Path) -> Callable[[], Ledger]:
    """Open the record anew, as after a restart: with a new vault, which remembers no key."""
    return lambda: Ledger(path, Vault(tmp_path / "profile" / "vault", secrets))


@pytest.fixture
def file_kind(secrets: Any) -> type:
    """The class of `secrets`, for tests that need several."""
    return type(secrets)
