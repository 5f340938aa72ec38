from __future__ import annotations

import json
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_agent.core.consent import State
from capture_agent.core.errors import ConsentError, KeyError_, StorageError, VerificationError
from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_PURPOSE, OWN_STUDY
from capture_agent.keys import dsse
from capture_agent.keys.strict_json import canonical_json
from capture_agent.keys.vault import Vault
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipts import accepted_body, asked_body, offered_keys
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = own_policy()
ASKED = asked_body(POLICY)
ACCEPTED = accepted_body(POLICY, offered_keys(POLICY), {"xterm"}, "en", "shown")
Load = Callable[[], Ledger]


def filled(load: Load) -> Ledger:
    """Joined, asked, accepted, started, withdrawn."""
    ledger = load()
    ledger.append(Kind.JOINED, OWN_STUDY, {}, NOW)
    ledger.append(Kind.ASKED, OWN_STUDY, ASKED, NOW)
    ledger.append(Kind.ACCEPTED, OWN_STUDY, ACCEPTED, NOW + timedelta(seconds=20))
    ledger.append(Kind.STARTED, OWN_STUDY, {"session": "abc"}, NOW + timedelta(seconds=30))
    ledger.append(Kind.WITHDRAWN, OWN_STUDY, {}, NOW + timedelta(seconds=40))
    return ledger


def test_a_record_without_entries_says_that_nobody_was_asked(load: Load, path: Path) -> None:
    ledger = load()
    assert ledger.entries == ()
    assert ledger.current_study is None
    assert ledger.standing(OWN_STUDY).categories == set()
    assert not path.exists()


@pytest.mark.promise("P1")
def test_consent_survives_a_restart_and_so_does_its_end(load: Load) -> None:
    ledger = load()
    ledger.append(Kind.JOINED, OWN_STUDY, {}, NOW)
    ledger.append(Kind.ASKED, OWN_STUDY, ASKED, NOW)
    assert load().standing(OWN_STUDY).categories == set()
    entry = ledger.append(Kind.ACCEPTED, OWN_STUDY, ACCEPTED, NOW)
    standing = load().standing(OWN_STUDY)
    assert standing.categories == set(Category)
    assert standing.apps == {"xterm"}
    assert standing.policy == POLICY
    assert standing.consent_hash == entry.sha256
    ledger.append(Kind.WITHDRAWN, OWN_STUDY, {}, NOW)
    standing = load().standing(OWN_STUDY)
    assert standing.categories == set()
    assert standing.apps == set()
    assert standing.consent.state(OWN_PURPOSE, Category.SCREEN) is State.WITHDRAWN


def test_entries_come_back_as_they_were_written(load: Load) -> None:
    written = filled(load).entries
    assert load().entries == written
    assert [entry.seq for entry in written] == [1, 2, 3, 4, 5]
    assert load().current_study == OWN_STUDY


@pytest.mark.promise("P1")
def test_an_illegal_move_is_refused_and_nothing_is_written(load: Load, path: Path, secrets: Any) -> None:
    ledger = load()
    with pytest.raises(ConsentError):
        ledger.append(Kind.ACCEPTED, OWN_STUDY, ACCEPTED, NOW)  # never asked
    with pytest.raises(VerificationError):
        ledger.append(Kind.ASKED, OWN_STUDY, {}, NOW)
    with pytest.raises(VerificationError):
        ledger.append(Kind.DESTROYED, OWN_STUDY, {"intent": 1}, NOW)
    assert ledger.entries == ()
    assert not path.exists()
    assert secrets.get("ledger-head") is None


@pytest.mark.promise("P3")
def test_the_file_is_for_its_owner_only(load: Load, path: Path) -> None:
    filled(load)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.promise("P9")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_a_flipped_bit_anywhere_is_noticed(draw: st.DataObject, load: Load, path: Path) -> None:
    if not path.exists():
        filled(load)
    whole = path.read_bytes()
    place = draw.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= 1 << draw.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    try:
        with pytest.raises((VerificationError, ConsentError)):
            load()
        assert path.read_bytes() == bytes(damaged), "nothing is deleted or repaired"
    finally:
        path.write_bytes(whole)


@pytest.mark.promise("P9")
def test_removed_moved_and_repeated_entries_are_noticed(load: Load, path: Path) -> None:
    filled(load)
    lines = path.read_bytes().splitlines(keepends=True)
    one, two, three, four, five = lines
    for changed in (
        [two, three, four, five],
        [one, three, four, five],
        [one, two, three, five],
        [two, one, three, four, five],
        [one, one, two, three, four, five],
        [*lines, five],
        [*lines, b"\n"],
        [*lines, b"{}\n"],
    ):
        path.write_bytes(b"".join(changed))
        with pytest.raises((VerificationError, ConsentError)):
            load()


@pytest.mark.promise("P9")
def test_entries_of_another_key_are_noticed(load: Load, path: Path) -> None:
    ledger = filled(load)
    stranger = dsse.SigningKey.new()
    payload = json.loads(dsse.unverified_payload(ledger.entries[0].line))
    path.write_bytes(stranger.sign(dsse.LEDGER_ENTRY, canonical_json(payload)) + b"\n")
    with pytest.raises(VerificationError):
        load()
    payload["study"] = "one that this device never joined"
    path.write_bytes(stranger.sign(dsse.LEDGER_ENTRY, canonical_json(payload)) + b"\n")
    with pytest.raises(VerificationError, match="does not know"):
        load()


@pytest.mark.promise("P2")
def test_an_older_copy_cannot_undo_a_withdrawal(load: Load, path: Path) -> None:
    filled(load)
    lines = path.read_bytes().splitlines(keepends=True)
    for count in range(len(lines)):
        path.write_bytes(b"".join(lines[:count]))
        with pytest.raises(ConsentError, match="older copy"):
            load()
    path.unlink()
    with pytest.raises(ConsentError, match="older copy"):
        load()
    path.write_bytes(b"".join(lines)[:-1])  # not even by making the withdrawal look torn
    with pytest.raises(ConsentError, match="older copy"):
        load()
    path.write_bytes(b"".join(lines[:-1]) + b"\0" * 50 + b"\n")
    with pytest.raises(ConsentError, match="older copy"):
        load()


@pytest.mark.promise("P1")
def test_a_record_that_went_another_way_from_an_older_copy_is_noticed(load: Load, path: Path, secrets: Any) -> None:
    ledger = load()
    ledger.append(Kind.JOINED, OWN_STUDY, {}, NOW)
    head, older = secrets.get("ledger-head"), path.read_bytes()
    ledger.append(Kind.ASKED, OWN_STUDY, ASKED, NOW)
    ledger.append(Kind.ACCEPTED, OWN_STUDY, ACCEPTED, NOW)
    other, head_of_other = path.read_bytes(), secrets.get("ledger-head")
    path.write_bytes(older)
    secrets.set("ledger-head", head)
    again = load()
    again.append(Kind.ASKED, OWN_STUDY, ASKED, NOW)
    again.append(Kind.REFUSED, OWN_STUDY, {"keys": ASKED["keys"]}, NOW)
    path.write_bytes(other)  # each entry of it is signed, and follows the one before
    with pytest.raises(VerificationError, match="not the one"):
        load()
    secrets.set("ledger-head", head_of_other)
    assert load().standing(OWN_STUDY).categories == set(Category)


@pytest.mark.parametrize("head", ["", "rubbish", "0 -", "-1 " + "0" * 64, "x " + "0" * 64, "1 short", "2"])
def test_a_head_that_is_none_is_said_in_words(load: Load, path: Path, secrets: Any, head: str) -> None:
    filled(load)
    before = path.read_bytes()
    secrets.set("ledger-head", head)
    with pytest.raises(VerificationError, match="not the one"):
        load()
    assert path.read_bytes() == before


def test_a_record_of_another_device_is_noticed(load: Load, secrets: Any) -> None:
    filled(load)
    kept = secrets.everything()
    secrets._save({name: value for name, value in kept.items() if name != "ledger-head"})
    with pytest.raises(VerificationError, match="does not know"):
        load()
    secrets._save({})
    with pytest.raises(VerificationError, match="does not know"):
        load()


def test_a_torn_last_line_is_as_if_never_written(load: Load, path: Path, secrets: Any) -> None:
    ledger = load()
    ledger.append(Kind.JOINED, OWN_STUDY, {}, NOW)
    head, whole = secrets.get("ledger-head"), path.read_bytes()
    ledger.append(Kind.PAUSED, OWN_STUDY, {}, NOW)
    longer = path.read_bytes()
    for torn in (longer[:-1], longer[: len(whole) + 1], whole + bytes(300), whole + b'{"pay' + bytes(30) + b"\n"):
        path.write_bytes(torn)
        secrets.set("ledger-head", head)  # the power went before anything was promised
        again = load()
        assert [entry.kind for entry in again.entries] == [Kind.JOINED]
        again.append(Kind.STOPPED, OWN_STUDY, {}, NOW)
        assert [entry.kind for entry in load().entries] == [Kind.JOINED, Kind.STOPPED]


def test_a_newer_version_is_refused_untouched(tmp_path: Path, load: Load, path: Path, secrets: Any) -> None:
    ledger = filled(load)
    payload = json.loads(dsse.unverified_payload(ledger.entries[-1].line))
    payload |= {"format": 3, "seq": 6, "prev": ledger.entries[-1].sha256}
    key = Vault(tmp_path / "profile" / "vault", secrets).signing_key(OWN_STUDY)
    newer = path.read_bytes() + key.sign(dsse.LEDGER_ENTRY, canonical_json(payload)) + b"\n"
    path.write_bytes(newer)
    with pytest.raises(StorageError, match="newer version"):
        load()
    assert path.read_bytes() == newer


@pytest.mark.promise("P2")
def test_withdrawing_works_while_the_keyring_is_locked_and_widening_does_not(load: Load, secrets: Any) -> None:
    ledger = load()
    ledger.append(Kind.ASKED, OWN_STUDY, ASKED, NOW)
    secrets.locked = True
    with pytest.raises(KeyError_):
        ledger.append(Kind.ACCEPTED, OWN_STUDY, ACCEPTED, NOW)
    assert ledger.standing(OWN_STUDY).categories == set()
    secrets.locked = False
    ledger.append(Kind.ACCEPTED, OWN_STUDY, ACCEPTED, NOW)
    assert not ledger.unsettled
    secrets.locked = True
    ledger.append(Kind.WITHDRAWN, OWN_STUDY, {}, NOW)
    assert ledger.standing(OWN_STUDY).categories == set()
    assert ledger.unsettled
    with pytest.raises(KeyError_):
        ledger.settle()
    intent = ledger.append(Kind.DESTROY_INTENDED, OWN_STUDY, {"sessions": ["a"]}, NOW)
    secrets.locked = False
    assert load().standing(OWN_STUDY).categories == set()
    assert load().open_intents() == (intent,), "what could not be destroyed now is destroyed at the next start"


@pytest.mark.promise("P2")
@pytest.mark.parametrize("way", ["settle", "load", "append"])
def test_a_withdrawal_under_a_locked_keyring_is_protected_as_soon_as_it_is_open(
    load: Load, path: Path, secrets: Any, way: str
) -> None:
    ledger = load()
    ledger.append(Kind.ASKED, OWN_STUDY, ASKED, NOW)
    ledger.append(Kind.ACCEPTED, OWN_STUDY, ACCEPTED, NOW)
    before = path.read_bytes()
    secrets.locked = True
    ledger.append(Kind.WITHDRAWN, OWN_STUDY, {}, NOW)
    secrets.locked = False
    match way:
        case "settle":
            ledger.settle()
            assert not ledger.unsettled
        case "load":
            assert not load().unsettled
        case "append":
            ledger.append(Kind.STARTED, OWN_STUDY, {}, NOW)
            assert not ledger.unsettled
    path.write_bytes(before)
    with pytest.raises(ConsentError, match="older copy"):
        load()


def test_a_locked_keyring_is_not_taken_for_tampering(load: Load, secrets: Any) -> None:
    filled(load)
    secrets.locked = True
    with pytest.raises(KeyError_):
        load()


def test_open_intents_survive_until_they_are_carried_out(load: Load) -> None:
    ledger = load()
    first = ledger.append(Kind.DESTROY_INTENDED, OWN_STUDY, {"sessions": ["a"]}, NOW)
    second = ledger.append(Kind.FORGET_INTENDED, OWN_STUDY, {"since": 0}, NOW)
    assert load().open_intents() == (first, second)
    with pytest.raises(VerificationError):
        ledger.append(Kind.DESTROYED, OWN_STUDY, {"intent": second.seq}, NOW)
    ledger.append(Kind.DESTROYED, OWN_STUDY, {"intent": first.seq}, NOW)
    assert load().open_intents() == (second,)
    with pytest.raises(VerificationError):
        ledger.append(Kind.DESTROYED, OWN_STUDY, {"intent": first.seq}, NOW)


def test_two_studies_are_kept_apart(load: Load) -> None:
    ledger = filled(load)
    ledger.append(Kind.LEFT, OWN_STUDY, {}, NOW)
    assert ledger.current_study is None
    ledger.append(Kind.JOINED, "other", {}, NOW)
    ledger.append(Kind.ASKED, "other", {"keys": [["research", "screen"]]}, NOW)
    again = load()
    assert again.current_study == "other"
    assert again.standing("other").consent.state("research", Category.SCREEN) is State.REQUESTED
    assert again.standing(OWN_STUDY).consent.state("research", Category.SCREEN) is State.UNKNOWN


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from file_secrets import FileSecrets, strike
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.ledger.receipts import accepted_body, offered_keys
from capture_agent.ledger.notices import own_policy
from datetime import UTC, datetime
folder = Path(sys.argv[2])
ledger = Ledger(folder / "ledger.jsonl", Vault(folder / "vault", FileSecrets(folder / "keyring.json")))
body = accepted_body(own_policy(), offered_keys(own_policy()), ["xterm"], "en", "shown")
strike(folder, int(sys.argv[3]))
ledger.append(Kind(sys.argv[4]), "myself", body, datetime(2026, 11, 23, tzinfo=UTC))
"""


@pytest.mark.promise("P1")
@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.WITHDRAWN])
def test_a_kill_at_any_step_of_writing_leaves_the_entry_whole_or_away(
    tmp_path: Path, file_kind: Any, kind: Kind
) -> None:
    seen = set()
    for countdown in range(1, 60):
        folder = tmp_path / str(countdown)
        folder.mkdir()
        secrets = file_kind(folder / "keyring.json")
        ledger = Ledger(folder / "ledger.jsonl", Vault(folder / "vault", secrets))
        ledger.append(Kind.JOINED, OWN_STUDY, {}, NOW)
        ledger.append(Kind.ASKED, OWN_STUDY, ASKED, NOW)
        beside = str(Path(__file__).parents[1] / "keys")
        command = (sys.executable, "-c", PROGRAM, beside, str(folder), str(countdown), kind)
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
        again = Ledger(folder / "ledger.jsonl", Vault(folder / "vault", secrets))
        kinds = [entry.kind for entry in again.entries]
        assert kinds in ([Kind.JOINED, Kind.ASKED], [Kind.JOINED, Kind.ASKED, kind])
        seen.add(len(kinds))
        again.append(Kind.WITHDRAWN, OWN_STUDY, {}, NOW)
        assert len(Ledger(folder / "ledger.jsonl", Vault(folder / "vault", secrets)).entries) == len(kinds) + 1
        if done.returncode == 0:
            break
    assert seen == {2, 3}
    assert countdown > 3


def test_a_disk_that_is_full_in_the_middle_of_an_entry_leaves_the_record_as_it_was(load: Load, path: Path) -> None:
    ledger = filled(load)
    before = path.read_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))  # bytes; a write beyond fails half-way
    try:
        with pytest.raises(StorageError):
            ledger.append(Kind.PAUSED, OWN_STUDY, {}, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert len(path.read_bytes()) == len(before) + 100
    assert ledger.entries == load().entries
    ledger.append(Kind.STOPPED, OWN_STUDY, {}, NOW)
    assert [entry.kind for entry in load().entries[5:]] == [Kind.STOPPED]
