"""What stays after a destruction is sealed in blocks, which keep every promise of what was added by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from capture_agent.core.errors import KeyError_, StorageError, VerificationError
from capture_agent.keys import age
from capture_agent.keys.vault import BLOCK, LOOSE, Vault

NEW = age.new_classical()
MANY = {f"{number:032x}": age.new_classical() for number in range(2 * BLOCK + 1)}
FIRST, *_, LAST = MANY


@pytest.fixture
def secrets(tmp_path: Path, file_secrets: Any) -> Any:
    return file_secrets.FileSecrets(tmp_path / "keyring.json")


@pytest.fixture
def vault(tmp_path: Path, secrets: Any) -> Vault:
    found = Vault(tmp_path / "vault", secrets)
    found.destroy([], MANY)
    return found


@pytest.fixture
def file(tmp_path: Path, vault: Vault) -> Path:
    return tmp_path / "vault" / "vault"


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()[1:]]


def damage(file: Path, which: int) -> None:
    """Change a line so that its seal does not fit any more."""
    lines = file.read_bytes().splitlines(keepends=True)
    end = lines[which].index(b'","session')
    lines[which] = lines[which][: end - 20] + lines[which][end - 24 : end - 4] + lines[which][end:]
    file.write_bytes(b"".join(lines))


def test_many_take_few_seals_and_each_is_found(vault: Vault, file: Path) -> None:
    assert [len(line["sessions"]) for line in lines_of(file)] == [BLOCK, BLOCK, 1]
    assert vault.sessions() == MANY.keys()
    for session in (FIRST, LAST):
        assert vault.identities(session) == (MANY[session],)
    assert vault.last_identities([FIRST, LAST, "nobody"]) == {FIRST: MANY[FIRST], LAST: MANY[LAST]}


@pytest.mark.promise("P2")
@pytest.mark.promise("P11")
def test_what_is_destroyed_leaves_its_block_and_the_others_of_it_stay(vault: Vault, file: Path) -> None:
    before = {line["sealed"] for line in lines_of(file)}
    recipient = vault.device_recipient
    vault.add(FIRST, NEW)  # added since: goes with it
    assert vault.destroy([FIRST]) == frozenset()
    assert vault.sessions() == MANY.keys() - {FIRST}
    assert not before & {line["sealed"] for line in lines_of(file)}, "no seal of before is left"
    assert vault.device_recipient != recipient
    with pytest.raises(KeyError_, match="destroyed"):
        vault.identity(FIRST)
    assert vault.last_identities(MANY) == {session: one for session, one in MANY.items() if session != FIRST}


def test_what_is_added_after_comes_after_what_is_in_a_block(vault: Vault) -> None:
    vault.add(FIRST, NEW)
    assert vault.identities(FIRST) == (MANY[FIRST], NEW)
    vault.destroy([LAST])
    assert vault.identities(FIRST) == (MANY[FIRST], NEW)
    assert vault.last_identities([FIRST]) == {FIRST: NEW}


def test_a_damaged_block_takes_no_other_with_it_and_is_said(vault: Vault, file: Path) -> None:
    damage(file, 1)
    with pytest.raises(VerificationError):
        vault.identity(FIRST)
    assert vault.identity(LAST) == MANY[LAST]
    assert vault.last_identities([FIRST, LAST]) == {LAST: MANY[LAST]}
    lost = frozenset(list(MANY)[:BLOCK]) - {FIRST}
    assert vault.destroy([FIRST]) == lost
    assert vault.sessions() == MANY.keys() - lost - {FIRST}


def test_a_block_under_other_names_is_found_out(vault: Vault, file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(FIRST.encode(), b"f" * 32))
    with pytest.raises(VerificationError):
        vault.identity("f" * 32)


@pytest.mark.parametrize("names", [b'"sessions":[7', b'"sessions":"x","y":["', b'"x":["', b'"session":["'])
def test_a_line_that_is_neither_is_said_and_nothing_is_touched(vault: Vault, file: Path, names: bytes) -> None:
    damaged = file.read_bytes().replace(b'"sessions":["', names, 1)
    file.write_bytes(damaged)
    for use in (vault.sessions, vault.check, lambda: vault.destroy([FIRST])):
        with pytest.raises(StorageError, match="damaged"):
            use()
    assert file.read_bytes() == damaged


def test_many_that_were_added_one_by_one_are_put_into_blocks_at_a_start(vault: Vault, file: Path, secrets: Any) -> None:
    for number in range(LOOSE + 1):
        vault.add(f"{number + 1000:032x}", NEW)
        if number == LOOSE - 1:
            vault.check()
            assert len(lines_of(file)) == 3 + LOOSE, "few are left as they are"
    recipient, keyring = vault.device_recipient, secrets.everything()
    vault.check()
    assert all("sessions" in line for line in lines_of(file))
    assert len(vault.sessions()) == len(MANY) + LOOSE + 1
    assert vault.identity(FIRST) == MANY[FIRST]
    assert vault.identity(f"{1000:032x}") == NEW
    assert (vault.device_recipient, secrets.everything()) == (recipient, keyring), "nothing was destroyed"


def test_a_start_puts_nothing_into_blocks_that_it_cannot_open(vault: Vault, file: Path) -> None:
    for number in range(LOOSE + 1):
        vault.add(f"{number + 1000:032x}", NEW)
    damage(file, 1)
    before = file.read_bytes()
    vault.check()
    assert file.read_bytes() == before, "whoever restores the file finds the rest as it was"


def test_a_vault_of_the_first_format_is_read_and_added_to(vault: Vault, file: Path) -> None:
    vault.destroy(MANY)
    vault.add(FIRST, MANY[FIRST])
    old = file.read_bytes().replace(b'"format":2', b'"format":1', 1)
    file.write_bytes(old)
    vault.check()
    vault.add(LAST, MANY[LAST])
    assert file.read_bytes().startswith(old), "the version that wrote it can still read it"
    vault.destroy([FIRST])
    assert file.read_bytes().startswith(b'{"format":2')
    assert vault.last_identities(MANY) == {LAST: MANY[LAST]}
