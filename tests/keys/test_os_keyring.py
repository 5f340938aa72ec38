from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from capture_agent.core.errors import KeyError_
from capture_agent.keys import age
from capture_agent.keys.os_keyring import ENVIRONMENT, KeyringSecrets
from capture_agent.keys.secret_store import choose_secrets
from capture_agent.keys.vault import Vault

SECRET = "AGE-SECRET-KEY-CANARY"


def refuse(*, new: bool, why: str) -> str | None:
    pytest.fail(f"nobody should have been asked: {why}")


def test_a_real_keyring_keeps_replaces_and_deletes(bus: Any) -> None:
    secrets = KeyringSecrets(os.environ)
    assert secrets.get("name") is None
    secrets.set("name", "one")
    secrets.set("name", "two")
    secrets.set("other", "three")
    assert KeyringSecrets(os.environ).get("name") == "two"
    secrets.delete("name")
    secrets.delete("name")
    assert secrets.get("name") is None
    assert secrets.get("other") == "three"
    assert secrets.kind == "os"


@pytest.mark.promise("P2")
def test_destroying_with_a_real_keyring(bus: Any, tmp_path: Path) -> None:
    secrets = choose_secrets(tmp_path / "profile", refuse)
    vault = Vault(tmp_path / "profile" / "vault", secrets)
    session, stays = age.new_classical(), age.new_classical()
    vault.add("gone", session)
    vault.add("stays", stays)
    before = (tmp_path / "profile" / "vault" / "vault").read_bytes()
    vault.destroy(["gone"])
    assert vault.identity("stays") == stays
    (tmp_path / "profile" / "vault" / "vault").write_bytes(before)
    old = Vault(tmp_path / "profile" / "vault", choose_secrets(tmp_path / "profile", refuse))
    with pytest.raises(KeyError_):
        old.identity("gone")


def test_the_device_identity_is_never_kept_in_the_clear(bus: Any, tmp_path: Path) -> None:
    secrets = KeyringSecrets(os.environ)
    secrets.set("name", SECRET)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files, "gnome-keyring wrote nothing"
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def answered(secrets: KeyringSecrets) -> str | None:
    """Return what is kept under "name", once all that waited before has been worked off: calls keep their order."""
    for _ in range(100):
        try:
            return secrets.get("name")
        except KeyError_:
            continue
    pytest.fail("the keyring never answered again")


def test_a_keyring_that_does_not_answer_is_given_up_and_works_again_later(bus: Any) -> None:
    """What happens when it waits for its password: no hang, and what was given up does not happen later."""
    secrets = KeyringSecrets(os.environ, timeout_s=0.3)
    patient = KeyringSecrets(os.environ)
    patient.set("name", "before")
    bus.freeze_keyring()
    threads = threading.active_count()
    for _ in range(3):
        with pytest.raises(KeyError_, match="did not answer"):
            secrets.get("name")
    with pytest.raises(KeyError_, match="did not answer"):
        secrets.set("name", "after")
    assert threading.active_count() == threads + 1, "one thread, however often it is tried"
    bus.thaw_keyring()
    assert patient.get("name") == "before"
    assert answered(secrets) == "before", "a call that was given up before it began was never made"


def test_no_keyring_is_said_at_once_and_a_passphrase_is_asked_for(bus: Any, tmp_path: Path) -> None:
    bus.stop_keyring()
    with pytest.raises(KeyError_, match="no keyring"):
        KeyringSecrets(os.environ).get("name")
    asked: list[tuple[bool, str]] = []

    def ask(*, new: bool, why: str) -> str | None:
        asked.append((new, why))
        return "four words of course"

    secrets = choose_secrets(tmp_path / "profile", ask)
    assert secrets.kind == "passphrase"
    assert asked == [(True, "The keyring cannot be used: this desktop has no keyring.")]
    bus.start_keyring()
    assert choose_secrets(tmp_path / "profile", ask).kind == "passphrase", "the choice stays"


def test_a_keyring_that_is_away_for_a_day_is_not_replaced_by_a_passphrase(bus: Any, tmp_path: Path) -> None:
    choose_secrets(tmp_path / "profile", refuse).set("name", SECRET)
    bus.stop_keyring()
    with pytest.raises(KeyError_):
        choose_secrets(tmp_path / "profile", refuse).get("name")
    bus.start_keyring()
    assert choose_secrets(tmp_path / "profile", refuse).get("name") == SECRET


@pytest.mark.parametrize(
    "backend",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyrings.alt.file.PlaintextKeyring",
        "os.system",
    ],
)
def test_a_back_end_that_may_not_encrypt_is_refused_and_never_imported(backend: str) -> None:
    secrets = KeyringSecrets({ENVIRONMENT: backend})
    for use in (lambda: secrets.get("name"), lambda: secrets.set("name", SECRET), lambda: secrets.delete("name")):
        with pytest.raises(KeyError_, match=ENVIRONMENT) as caught:
            use()
        assert "Unset" in caught.value.hint
        assert SECRET not in str(caught.value)


def test_the_allowed_back_end_may_be_named(bus: Any) -> None:
    for backend in ("keyring.backends.SecretService.Keyring", "keyring.backends.chainer.ChainerBackend"):
        secrets = KeyringSecrets({ENVIRONMENT: backend})
        secrets.set("name", backend)
        assert secrets.get("name") == backend


def test_a_configuration_file_of_keyring_decides_nothing(bus: Any, tmp_path: Path) -> None:
    """keyring itself would load any class that this file names, from any folder."""
    config = tmp_path / "config" / "python_keyring"
    config.mkdir(parents=True)
    (config / "keyringrc.cfg").write_text("[backend]\ndefault-keyring=keyring.backends.null.Keyring\n")
    secrets = KeyringSecrets(os.environ)
    secrets.set("name", SECRET)
    assert secrets.get("name") == SECRET


@pytest.mark.promise("P3")
def test_what_a_keyring_says_in_an_error_is_not_repeated(bus: Any) -> None:
    secrets = KeyringSecrets(os.environ)
    with pytest.raises(KeyError_) as caught:
        secrets.set(f"a name\0{SECRET}", f"\ud800{SECRET}")  # neither can be sent
    assert SECRET not in str(caught.value) + caught.value.hint
    assert caught.value.__cause__ is None
    assert SECRET not in repr(secrets)


@pytest.mark.promise("P3")
def test_no_secret_is_in_any_log(bus: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    vault = Vault(tmp_path / "profile" / "vault", choose_secrets(tmp_path / "profile", refuse))
    session = age.new_classical()
    vault.add("session", session)
    key = vault.signing_key("study")
    vault.destroy(["another"])
    said = caplog.text
    logging.getLogger().debug("the logs are looked at")
    assert "the logs are looked at" in caplog.text
    for secret in (session.secret, key.secret, vault.pseudonym("study"), "AGE-SECRET"):
        assert secret not in said


def test_importing_the_package_asks_no_keyring() -> None:
    code = "import sys, capture_agent.keys.vault; sys.exit('keyring' in sys.modules or 'secretstorage' in sys.modules)"
    assert subprocess.run((sys.executable, "-c", code), check=False).returncode == 0
