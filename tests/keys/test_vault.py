from __future__ import annotations

import base64
import json
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from capture_agent.core.errors import CaptureAgentError, KeyError_, StorageError, VerificationError
from capture_agent.keys import age
from capture_agent.keys.vault import Secrets, Vault

GONE = age.new_classical()
STAYS = age.new_classical()


@pytest.fixture
def secrets(tmp_path: Path, file_secrets: ModuleType) -> Any:
    return file_secrets.FileSecrets(tmp_path / "keyring.json")


@pytest.fixture
def vault(tmp_path: Path, secrets: Any) -> Vault:
    return Vault(tmp_path / "vault", secrets)


def filled(vault: Vault) -> Vault:
    vault.add("gone", GONE)
    vault.add("stays", STAYS)
    return vault


def opened_by(secrets_found: dict[str, str], folder: Path) -> set[str]:
    """Return which secret halves of sessions anybody gets from a copy of a vault with these secrets, by any means."""
    devices = [age.parse_identity(text) for name, text in secrets_found.items() if name.startswith("device-identity")]
    found = set()
    for file in folder.iterdir():
        for line in file.read_bytes().splitlines():
            try:
                inside = json.loads(age.decrypt(base64.b64decode(json.loads(line)["sealed"]), devices))
                found.update(secret for _, secret in inside.get("keys") or [("", inside["identity"])])
            except (ValueError, KeyError, CaptureAgentError):
                continue
    return found


def test_an_identity_comes_back_after_a_restart(tmp_path: Path, vault: Vault, secrets: Secrets) -> None:
    filled(vault)
    again = Vault(tmp_path / "vault", secrets)
    assert again.identity("gone") == GONE
    assert again.sessions() == {"gone", "stays"}
    again.check()


def test_adding_needs_no_secret(vault: Vault, secrets: Any) -> None:
    recipient = vault.device_recipient
    secrets.calls.clear()
    secrets.locked = True
    vault.add("gone", GONE)
    assert vault.sessions() == {"gone"}
    assert vault.device_recipient == recipient
    assert secrets.calls == []
    with pytest.raises(KeyError_):
        vault.identity("gone")


def test_nothing_is_made_by_looking(tmp_path: Path, vault: Vault, secrets: Any) -> None:
    assert vault.sessions() == set()
    assert not (tmp_path / "vault").exists()
    assert secrets.calls == []


def test_a_session_that_is_not_there_has_no_key(vault: Vault) -> None:
    with pytest.raises(KeyError_, match="destroyed"):
        vault.identity("never")


def test_the_last_of_several_identities_counts(vault: Vault) -> None:
    vault.add("cut", GONE)
    vault.add("cut", STAYS)
    assert vault.identity("cut") == STAYS
    assert vault.identities("cut") == (GONE, STAYS)


@pytest.mark.promise("P3")
def test_files_are_for_their_owner_only_and_hold_no_secret(tmp_path: Path, vault: Vault) -> None:
    filled(vault).destroy(["gone"])
    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700
    for file in (tmp_path / "vault").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        content = file.read_bytes()
        for identity in (GONE, STAYS):
            assert identity.secret.encode() not in content
            assert identity.recipient.encode() not in content
    assert STAYS.secret not in repr(vault)


@pytest.mark.promise("P2")
@pytest.mark.promise("P11")
def test_an_old_copy_without_the_keyring_opens_nothing_that_was_destroyed(
    tmp_path: Path, vault: Vault, secrets: Any
) -> None:
    filled(vault)
    shutil.copytree(tmp_path / "vault", tmp_path / "copy")
    assert opened_by(secrets.everything(), tmp_path / "copy") == {GONE.secret, STAYS.secret}, "the copy is a good one"
    vault.destroy(["gone"])
    assert opened_by(secrets.everything(), tmp_path / "copy") == set()
    assert opened_by(secrets.everything(), tmp_path / "vault") == {STAYS.secret}
    assert vault.identity("stays") == STAYS
    with pytest.raises(KeyError_):
        vault.identity("gone")


@pytest.mark.promise("P2")
def test_destroying_everything_needs_no_old_key(vault: Vault, secrets: Any) -> None:
    filled(vault)
    secrets._save({})
    with pytest.raises(KeyError_):
        vault.destroy(["gone"])
    assert vault.sessions() == {"gone", "stays"}, "nothing was lost by trying"
    vault.destroy(vault.sessions())
    assert vault.sessions() == set()
    vault.check()


def test_destroying_again_and_again_leaves_one_key_in_the_keyring(vault: Vault, secrets: Any) -> None:
    filled(vault)
    recipients = set()
    for _ in range(5):
        vault.destroy(["gone"])
        recipients.add(vault.device_recipient)
        assert sum(name.startswith("device-identity") for name in secrets.everything()) == 1
    assert len(recipients) == 5
    assert vault.identity("stays") == STAYS


@pytest.mark.promise("P11")
def test_a_cut_recording_gets_its_new_key_in_the_same_step(vault: Vault) -> None:
    filled(vault)
    new = age.new_classical()
    vault.destroy(["gone"], {"gone": new})
    assert vault.identities("gone") == (new,)
    assert vault.identity("stays") == STAYS


def test_an_older_copy_that_was_restored_is_noticed_before_recording(
    tmp_path: Path, vault: Vault, secrets: Secrets
) -> None:
    filled(vault)
    shutil.copytree(tmp_path / "vault", tmp_path / "copy")
    vault.destroy(["gone"])
    shutil.move(tmp_path / "vault", tmp_path / "newest")
    shutil.copytree(tmp_path / "copy", tmp_path / "vault")
    (tmp_path / "vault" / "turning").write_bytes(b"")  # even one that was made in the middle of it
    restored = Vault(tmp_path / "vault", secrets)
    with pytest.raises(KeyError_, match="does not hold the key of this vault"):
        restored.check()
    with pytest.raises(KeyError_):
        restored.identity("gone")
    shutil.rmtree(tmp_path / "vault")
    shutil.move(tmp_path / "newest", tmp_path / "vault")
    Vault(tmp_path / "vault", secrets).check()
    assert vault.identity("stays") == STAYS, "trying the old copy cost nothing"


def test_a_torn_last_entry_is_as_if_never_added(tmp_path: Path, vault: Vault) -> None:
    filled(vault)
    path = tmp_path / "vault" / "vault"
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for torn in (
        whole[:-1],
        whole[: last + 1],
        whole[: last + 700],
        whole[:last] + bytes(50_000),
        whole[:last] + b"\0\n",
    ):
        path.write_bytes(torn)
        assert vault.sessions() == {"gone"}
        vault.add("next", STAYS)
        assert vault.sessions() == {"gone", "next"}
        assert vault.identity("next") == STAYS
        assert path.read_bytes().endswith(b"}\n"), "the torn end is gone"
        assert vault.identity("gone") == GONE


def test_damage_elsewhere_is_said_and_nothing_is_touched(tmp_path: Path, vault: Vault) -> None:
    filled(vault)
    path = tmp_path / "vault" / "vault"
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"{}\n",
        whole[10:],
        whole.replace(b'"session":"gone"', b'"session":x', 1),
        whole.replace(b"\n", b"\n" + b"[" * 99_999 + b"\n", 1),
    ):
        path.write_bytes(damaged)
        with pytest.raises(StorageError):
            vault.add("next", STAYS)
        assert path.read_bytes() == damaged


def test_a_newer_version_is_refused_untouched(tmp_path: Path, vault: Vault) -> None:
    filled(vault)
    path = tmp_path / "vault" / "vault"
    newer = path.read_bytes().replace(b'"format":2', b'"format":3', 1)
    path.write_bytes(newer)
    for use in (vault.check, vault.sessions, lambda: vault.add("x", GONE), lambda: vault.destroy(["gone"])):
        with pytest.raises(StorageError, match="newer version"):
            use()
    assert path.read_bytes() == newer


def test_an_entry_under_another_name_is_found_out(tmp_path: Path, vault: Vault) -> None:
    filled(vault)
    path = tmp_path / "vault" / "vault"
    swapped = path.read_bytes().replace(b'"session":"gone"', b'"session":"swap"')
    path.write_bytes(swapped)
    with pytest.raises(VerificationError):
        vault.identity("swap")
    assert vault.destroy(["nothing"]) == {"swap"}, "what cannot be kept is said"
    assert vault.sessions() == {"stays"}


def test_each_study_has_a_signing_key_and_a_pseudonym_of_its_own(
    tmp_path: Path, vault: Vault, secrets: Secrets
) -> None:
    assert not vault.has_signing_key("one")
    one = vault.signing_key("one")
    assert vault.has_signing_key("one")
    assert vault.signing_key("two") != one
    again = Vault(tmp_path / "vault", secrets)
    assert again.signing_key("one") == one
    assert again.pseudonym("one") == vault.pseudonym("one") != vault.pseudonym("two")
    assert len(vault.pseudonym("one")) == 32


def test_a_keyring_that_keeps_nothing_is_found_out(tmp_path: Path, file_secrets: ModuleType) -> None:
    class Forgetful(file_secrets.FileSecrets):  # type: ignore[misc, name-defined]
        def set(self, name: str, value: str) -> None:
            pass

    vault = Vault(tmp_path / "vault", Forgetful(tmp_path / "keyring.json"))
    with pytest.raises(KeyError_, match="does not keep"):
        vault.add("gone", GONE)
    with pytest.raises(KeyError_, match="does not keep"):
        vault.signing_key("one")


def test_a_keyring_that_does_not_delete_is_found_out(tmp_path: Path, file_secrets: ModuleType) -> None:
    class Stubborn(file_secrets.FileSecrets):  # type: ignore[misc, name-defined]
        stubborn = False

        def delete(self, name: str) -> None:
            if not self.stubborn:
                super().delete(name)

    secrets = Stubborn(tmp_path / "keyring.json")
    vault = filled(Vault(tmp_path / "vault", secrets))
    secrets.stubborn = True
    with pytest.raises(KeyError_, match="did not delete"):
        vault.destroy(["gone"])
    secrets.stubborn = False
    vault.check()
    assert sum(name.startswith("device-identity") for name in secrets.everything()) == 1


def run_until_struck(folder: Path, countdown: int, action: str) -> bool:
    """Run `action` in a process that is killed at its `countdown`-th effect; whether it came through."""
    program = Path(__file__).with_name("file_secrets.py")
    command = (sys.executable, str(program), str(folder), str(countdown), action)
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
    return done.returncode == 0


def prepared(folder: Path, file_secrets: ModuleType) -> tuple[Vault, Any]:
    folder.mkdir()
    secrets = file_secrets.FileSecrets(folder / "keyring.json")
    return filled(Vault(folder / "vault", secrets)), secrets


@pytest.mark.promise("P2")
@pytest.mark.promise("P11")
@pytest.mark.parametrize("action", ["destroy", "replace"])
def test_a_kill_at_any_step_of_destroying_loses_nothing_and_leaves_no_way_back(
    tmp_path: Path, file_secrets: ModuleType, action: str
) -> None:
    before_switch = after_switch = 0
    for countdown in range(1, 200):
        folder = tmp_path / str(countdown)
        _, secrets = prepared(folder, file_secrets)
        shutil.copytree(folder / "vault", folder / "copy")
        if run_until_struck(folder, countdown, action):
            break
        vault = Vault(folder / "vault", secrets)
        vault.check()
        assert vault.identity("stays") == STAYS
        assert sum(name.startswith("device-identity") for name in secrets.everything()) == 1
        if "gone" in vault.sessions() and vault.identity("gone") == GONE:
            before_switch += 1
            assert opened_by(secrets.everything(), folder / "copy") == {GONE.secret, STAYS.secret}
            vault.destroy(["gone"])  # what a restart does: the intent is in the ledger
        else:
            after_switch += 1
        assert opened_by(secrets.everything(), folder / "copy") == set()
        assert GONE.secret not in opened_by(secrets.everything(), folder / "vault")
        assert vault.identity("stays") == STAYS
    else:
        pytest.fail("the action never came to its end")
    assert before_switch >= 4
    assert after_switch >= 3


def test_a_kill_at_any_step_of_recovery_is_recovered_from(tmp_path: Path, file_secrets: ModuleType) -> None:
    for countdown in range(1, 100):
        folder = tmp_path / str(countdown)
        vault, secrets = prepared(folder, file_secrets)
        vault.destroy(["gone"])
        secrets.set("device-identity-a", GONE.secret)  # as if the old key had not been deleted yet
        (folder / "vault" / "turning").write_bytes(b"")
        if run_until_struck(folder, countdown, "check"):
            break
        Vault(folder / "vault", secrets).check()
        assert sum(name.startswith("device-identity") for name in secrets.everything()) == 1
        assert Vault(folder / "vault", secrets).identity("stays") == STAYS
    assert countdown > 3


@pytest.mark.parametrize("action", ["begin", "add"])
def test_a_kill_while_beginning_or_adding_leaves_a_vault_that_works(
    tmp_path: Path, file_secrets: ModuleType, action: str
) -> None:
    for countdown in range(1, 100):
        folder = tmp_path / str(countdown)
        folder.mkdir()
        secrets = file_secrets.FileSecrets(folder / "keyring.json")
        if run_until_struck(folder, countdown, action):
            break
        vault = filled(Vault(folder / "vault", secrets))
        vault.check()
        assert vault.identity("stays") == STAYS
    assert countdown > 3


def test_many_identities_come_in_one_go_and_what_does_not_open_is_left_out(vault: Vault, tmp_path: Path) -> None:
    filled(vault)
    cut = age.new_classical()
    vault.add("stays", cut)
    path = tmp_path / "vault" / "vault"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[1].replace(b'"gone"', b'"other"')]))  # under another's name
    assert vault.last_identities(["gone", "stays", "other", "nobody"]) == {"gone": GONE, "stays": cut}
    assert vault.last_identities([]) == {}


def test_what_another_process_added_is_seen(vault: Vault, tmp_path: Path, secrets: Secrets) -> None:
    assert vault.sessions() == frozenset()
    other = Vault(tmp_path / "vault", secrets)
    other.add("one", GONE)
    assert vault.sessions() == {"one"}
    other.destroy(["one"])
    assert vault.sessions() == frozenset()
