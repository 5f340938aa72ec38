"""The contract of `Secrets`, on every implementation, and the passphrase file."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from capture_agent.core.errors import KeyError_, StorageError
from capture_agent.keys.os_keyring import KeyringSecrets
from capture_agent.keys.secret_store import PassphraseSecrets, Secrets, choose_secrets

PASSPHRASE = "four words of course"
SECRET = "AGE-SECRET-KEY-CANARY"


def answering(passphrase: str | None) -> Any:
    def ask(*, new: bool, why: str) -> str | None:
        assert why
        return passphrase

    return ask


@pytest.fixture(params=["passphrase", "os", "file"])
def again(request: pytest.FixtureRequest, tmp_path: Path, file_secrets: ModuleType) -> Callable[[], Secrets]:
    """Open the same secrets anew, as after a restart."""
    if request.param == "os":
        request.getfixturevalue("bus")
        return lambda: KeyringSecrets(os.environ)
    if request.param == "file":
        return lambda: file_secrets.FileSecrets(tmp_path / "keyring.json")  # type: ignore[no-any-return]
    return lambda: PassphraseSecrets(tmp_path / "profile", answering(PASSPHRASE))


def test_every_store_keeps_the_contract(again: Callable[[], Secrets]) -> None:
    store = again()
    assert store.get("a") is None
    store.delete("a")
    store.set("a", "one")
    store.set("b/with slash", "zwei: ä €\n" * 10)
    store.set("a", "two")
    store = again()
    assert store.get("a") == "two"
    assert store.get("b/with slash") == "zwei: ä €\n" * 10
    store.delete("a")
    store.delete("a")
    assert store.get("a") is None
    assert again().get("a") is None
    assert again().get("b/with slash") is not None
    assert store.kind in {"os", "passphrase"}


@pytest.mark.promise("P3")
def test_a_passphrase_file_is_for_its_owner_only_and_sealed(tmp_path: Path) -> None:
    store = PassphraseSecrets(tmp_path / "profile", answering(PASSPHRASE))
    store.set("name", SECRET)
    for file in (tmp_path / "profile").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert SECRET.encode() not in file.read_bytes()
        assert PASSPHRASE.encode() not in file.read_bytes()
        assert file.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert stat.S_IMODE((tmp_path / "profile").stat().st_mode) == 0o700
    assert SECRET not in repr(store)
    assert PASSPHRASE not in repr(store)


def test_a_wrong_passphrase_opens_nothing_and_changes_nothing(tmp_path: Path) -> None:
    PassphraseSecrets(tmp_path, answering(PASSPHRASE)).set("name", SECRET)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    for passphrase in ("four words of curse", "", None):
        store = PassphraseSecrets(tmp_path, answering(passphrase))
        with pytest.raises(KeyError_):
            store.get("name")
        with pytest.raises(KeyError_):
            store.set("name", "x")
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    asked: list[bool] = []

    def ask(*, new: bool, why: str) -> str | None:
        asked.append(new)
        return PASSPHRASE

    store = PassphraseSecrets(tmp_path, ask)
    assert asked == []
    for _ in range(3):
        store.set("name", SECRET)
        store.get("name")
    assert asked == [True]


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError_, match="shorter than 12"):
        PassphraseSecrets(tmp_path, answering("password")).set("name", SECRET)
    assert list(tmp_path.iterdir()) == []


def test_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"format": 2, "kind": "os"}))
    with pytest.raises(StorageError, match="newer version"):
        choose_secrets(tmp_path, answering(PASSPHRASE))
    assert json.loads((tmp_path / "secrets.json").read_text()) == {"format": 2, "kind": "os"}


def test_without_anybody_to_ask_nothing_is_chosen(tmp_path: Path) -> None:
    environ = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    with pytest.raises(KeyError_, match="PYTHON_KEYRING_BACKEND"):
        choose_secrets(tmp_path, None, environ=environ)
    assert list(tmp_path.iterdir()) == []
    choose_secrets(tmp_path, answering(PASSPHRASE), environ=environ).set("name", SECRET)
    with pytest.raises(KeyError_, match="nobody is there to ask"):
        choose_secrets(tmp_path, None, environ=environ).get("name")


def test_debians_age_opens_the_key_file_with_the_passphrase(tmp_path: Path) -> None:
    """A person who lost this program still has a way: age is asked on a terminal, which `script` gives it."""
    PassphraseSecrets(tmp_path, answering(PASSPHRASE)).set("name", SECRET)
    command = f"age -d -o {tmp_path / 'key'} {tmp_path / 'secrets.key'}"
    subprocess.run(
        ("script", "-qec", command, "/dev/null"),
        input=f"{PASSPHRASE}\n".encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert (tmp_path / "key").read_text().startswith("AGE-SECRET-KEY-PQ-1")
