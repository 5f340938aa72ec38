"""A withdrawal reaches the researcher: exactly what was withdrawn is refused and removed, whatever else is tried."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from capture_agent.bundle import tombstone
from capture_agent.bundle.manifest import NO_WITHDRAWALS, Withdrawals
from capture_agent.bundle.read import Bundle
from capture_agent.bundle.tombstone import Withdrawable
from capture_agent.core.errors import ConfigError, VerificationError
from capture_agent.core.policy import Recipient
from capture_agent.keys import age, dsse
from capture_agent.keys.dsse import SigningKey
from capture_agent.outbox.release import Chain, Released, Signer, Terms, release, withdrawal_secret
from capture_agent.outbox.withdraw import write_tombstones
from capture_agent.research import permitted
from capture_agent.research.commands import research_app
from capture_agent.research.permitted import is_withdrawn, kept_until, missing

pytestmark = pytest.mark.promise("P12")

KEYS = [SigningKey.new() for _ in range(3)]
FIRST = Chain()
SESSIONS = ["a" * 32, "b" * 32, "c" * 32]
STUDIES = ["one", "two"]
HASHES = {(n, s): tombstone.code_sha256(withdrawal_secret(key, s)) for n, key in enumerate(KEYS) for s in SESSIONS}
RECORDINGS = {
    (n, study, session): Withdrawable(study, key.public, HASHES[n, session])
    for n, key in enumerate(KEYS)
    for study in STUDIES
    for session in SESSIONS
}
PLACES = st.sampled_from(sorted(RECORDINGS))


def code(n: int, session: str) -> str:
    return tombstone.code_text(withdrawal_secret(KEYS[n], session))


def signed(n: int, study: str, withdrawal_sha256: str, before: Withdrawals = NO_WITHDRAWALS) -> bytes:
    return tombstone.sign(KEYS[n], study, withdrawal_sha256, tombstone.after(before, withdrawal_sha256))


# --- pure


@given(st.sets(PLACES), st.sets(PLACES))
def test_exactly_what_was_withdrawn_is_withdrawn(by_key: set[Any], by_code: set[Any]) -> None:
    stones = [tombstone.parse(signed(n, study, HASHES[n, session])) for n, study, session in by_key]
    stones += [tombstone.parse(tombstone.from_code(code(n, session))) for n, _, session in by_code]
    gone = {place for place, recording in RECORDINGS.items() if is_withdrawn(recording, stones)}
    # A code is that of a key and a session; a key is that of one study, so that one study alone has it.
    assert gone == by_key | {place for place in RECORDINGS if (place[0], place[2]) in {(n, s) for n, _, s in by_code}}


@given(PLACES, st.integers(0, len(KEYS) - 1), st.sampled_from(STUDIES))
def test_nobody_else_can_withdraw_it(place: tuple[int, str, str], n: int, study: str) -> None:
    owner, home, session = place
    forged = tombstone.parse(signed(n, study, HASHES[owner, session]))
    assert forged.withdraws(RECORDINGS[place]) == (n == owner and study == home)


@given(PLACES, st.binary(min_size=32, max_size=32))
def test_a_wrong_code_withdraws_nothing(place: tuple[int, str, str], guess: bytes) -> None:
    stone = tombstone.parse(tombstone.from_code(tombstone.code_text(guess)))
    assert not stone.withdraws(RECORDINGS[place])


@given(st.booleans(), st.data())
def test_a_tampered_one_is_refused(by_code: bool, data: st.DataObject) -> None:
    whole = tombstone.from_code(code(0, SESSIONS[0])) if by_code else signed(0, "one", HASHES[0, SESSIONS[0]])
    meant = tombstone.parse(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = tombstone.parse(bytes(damaged))
    except VerificationError:
        return
    assert found == meant  # the key id, which is not signed and which nobody looks at


@pytest.mark.parametrize(
    "change",
    [
        {"withdrawal_sha256": HASHES[1, SESSIONS[0]]},
        {"device": KEYS[1].public},
        {"device": "nobody"},
        {"study": ""},
        {"more": 1},
        {"kind": "capture-agent/bundle"},
        {"withdrawals": {"count": 1, "sha256": None}},
        {"code": "withdrawal-1qqqq"},
    ],
)
def test_what_another_signs_or_leaves_out_is_refused(change: dict[str, Any]) -> None:
    fields = json.loads(dsse.unverified_payload(signed(0, "one", HASHES[0, SESSIONS[0]]))) | change
    if change.keys() & {"withdrawal_sha256"}:
        envelope = KEYS[1].sign(dsse.TOMBSTONE, json.dumps(fields).encode())
    else:
        envelope = KEYS[0].sign(dsse.TOMBSTONE, json.dumps(fields).encode())
    with pytest.raises(VerificationError):
        tombstone.parse(envelope)


def test_a_manifests_signature_is_no_withdrawal() -> None:
    payload = dsse.unverified_payload(signed(0, "one", HASHES[0, SESSIONS[0]]))
    with pytest.raises(VerificationError, match="another kind"):
        tombstone.parse(KEYS[0].sign(dsse.MANIFEST, payload))


def another_letter(text: str) -> str:
    return text[:20] + ("p" if text[20] == "q" else "q") + text[21:]


@pytest.mark.parametrize("slip", [lambda t: t[:-1], another_letter, lambda t: "age" + t, lambda t: ""])
def test_a_slip_of_the_pen_in_a_code_is_found(slip: Any) -> None:
    text = code(0, SESSIONS[1])
    with pytest.raises(ConfigError):
        tombstone.from_code(slip(text))
    assert tombstone.parse_code(f" {text[:30]}\n{text[30:]} ") == withdrawal_secret(KEYS[0], SESSIONS[1])


@given(st.integers(0, 6), st.sets(st.integers(1, 6)), st.integers(0, 6))
def test_a_withdrawal_that_is_held_back_is_missed(made: int, here: set[int], claimed: int) -> None:
    chain, stones, said = [NO_WITHDRAWALS], [], min(claimed, made)
    for number in range(1, made + 1):
        one = f"{number:064x}"
        stones.append(tombstone.parse(signed(0, "one", one, chain[-1])))
        chain.append(tombstone.after(chain[-1], one))
    kept = [stone for number, stone in enumerate(stones, 1) if number in here]
    found = missing("one", KEYS[0].public, [chain[said], None], kept)
    most = max({said} | {number for number in here if number <= made})
    assert found == permitted.Missing(most, tuple(n for n in range(1, most + 1) if n not in here), False)


def test_two_chains_of_one_device_contradict_each_other() -> None:
    one, two = (tombstone.parse(signed(0, "one", text * 64)) for text in "ab")
    assert missing("one", KEYS[0].public, [], [one]).contradiction is False
    assert missing("one", KEYS[0].public, [], [one, two]).contradiction is True
    assert missing("one", KEYS[0].public, [two.withdrawals], [one]).contradiction is True
    other = replace(two, withdrawals=Withdrawals(count=2, sha256="f" * 64))
    assert missing("one", KEYS[0].public, [], [one, other]).contradiction is True
    assert missing("two", KEYS[0].public, [], [one, two]) == permitted.Missing(0, (), False)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=3))
def test_the_shortest_time_that_was_agreed_to_counts(days: list[int]) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    purposes = [{"retention_period": f"P{one}D"} for one in days]
    record = {"schema_version": "capture-agent-consent-receipt-2", "pii_processing": purposes}
    assert kept_until(json.dumps(record).encode(), began) == began + timedelta(days=min(days))


@pytest.mark.parametrize(
    "record",
    [b"", b"[]", b"{}", b'{"schema_version":"other","pii_processing":[{"retention_period":"P1D"}]}'],
)
def test_a_record_that_says_no_time_ends_none(record: bytes) -> None:
    assert kept_until(record, datetime(2026, 1, 1, tzinfo=UTC)) is None


# --- with files, through the commands


class Collection:
    """A researcher's folder with bundles of two participants, and the commands on it."""

    def __init__(self, folder: Path, made: ModuleType) -> None:
        self.made = made
        self.folder = folder / "inbox"
        self.folder.mkdir()
        self.known = folder / "research" / "devices.json"
        self.me = age.new_classical()
        self.key = folder / "me.key"
        self.key.write_text(f"{self.me.secret}\n")
        self.lab: Recipient = made.recipient(self.me)
        self.who: list[Signer] = [made.signer(KEYS[n], f"otter-{n}") for n in range(2)]

    def receive(
        self, n: int, session: str, after: Chain = FIRST, record: bytes | None = None, ago: int = 1
    ) -> Released:
        began = (datetime.now(UTC) - timedelta(days=ago)).isoformat(timespec="seconds")
        about = {**self.made.ABOUT, "started": began}
        held = self.made.make_held(self.folder.parent / f"held-{n}", self.made.work(1), session=session, about=about)
        terms = self.made.terms(self.lab)
        terms = terms if record is None else Terms(terms.policy, terms.consent, record)
        (released,) = release(held.path, held.identity, terms, self.who[n], self.folder, after=after)
        found: Released = released
        return found

    def withdraw(self, n: int, session: str, before: Withdrawals = NO_WITHDRAWALS, study: str = "") -> Path:
        envelope = signed(n, study or self.made.STUDY, HASHES[n, session], before)
        (path,) = write_tombstones(envelope, [self.lab], self.folder)
        return path

    def run(self, *words: str) -> tuple[int, Any]:
        fixed = ["--identity", str(self.key), "--devices", str(self.known), "--json"]
        done = CliRunner().invoke(research_app, [*words, *fixed])
        return done.exit_code, json.loads(done.stdout)

    def open(self, path: Path, out: str) -> tuple[int, Any]:
        return self.run("open", str(path), "--out", str(self.folder / out), "--pin", "--stills")

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def inbox(tmp_path: Path, sessions: ModuleType) -> Collection:
    return Collection(tmp_path, sessions)


def test_a_sealed_withdrawal_is_a_file_like_any_other_and_opens_for_its_recipients(inbox: Collection) -> None:
    bundle, path = inbox.receive(0, SESSIONS[0]).path, inbox.withdraw(0, SESSIONS[0])
    assert (path.suffix, path.stat().st_size) == (bundle.suffix, bundle.stat().st_size)
    assert HASHES[0, SESSIONS[0]].encode() not in path.read_bytes()
    known = inbox.made.Known(KEYS[0].public)
    with path.open("rb") as stream, pytest.raises(VerificationError, match="the withdrawal of one"):
        Bundle(stream, [inbox.me], known)


def test_what_was_withdrawn_does_not_open_and_all_else_does(inbox: Collection) -> None:
    gone, stays, others = (inbox.receive(0, SESSIONS[0]), inbox.receive(0, SESSIONS[1]), inbox.receive(1, SESSIONS[0]))
    assert inbox.open(gone.path, "before")[0] == 0
    inbox.withdraw(0, SESSIONS[0])
    code_, said = inbox.open(gone.path, "after")
    assert (code_, said["error"]) == (4, "ConsentError")
    assert "withdrawn" in said["message"]
    assert not (inbox.folder / "after").exists()
    assert inbox.run("verify", str(gone.path))[1]["withdrawn"] is True
    for n, one in enumerate((stays, others)):
        code_, said = inbox.open(one.path, f"other-{n}")
        assert (code_, said["verification"]["withdrawn"]) == (0, False)


def test_the_code_alone_withdraws_from_another_machine(inbox: Collection, tmp_path: Path) -> None:
    gone = inbox.receive(0, SESSIONS[0])
    file = tmp_path / "paper.tombstone"
    file.write_bytes(tombstone.from_code(code(0, SESSIONS[0])) + b"\n")
    assert inbox.open(gone.path, "before")[0] == 0
    assert inbox.run("import", str(file)) == (
        0,
        {"imported": [HASHES[0, SESSIONS[0]]], "folder": str(inbox.known.parent / "withdrawals")},
    )
    assert inbox.open(gone.path, "after")[0] == 4
    assert [one["why"] for one in inbox.run("purge", str(inbox.folder))[1]["recordings"]] == ["withdrawn"] * 2


def test_what_does_not_count_does_nothing(inbox: Collection) -> None:
    whole = inbox.receive(0, SESSIONS[0])
    right = HASHES[0, SESSIONS[0]]
    write_tombstones(signed(1, inbox.made.STUDY, right), [inbox.lab], inbox.folder)  # another key
    inbox.withdraw(0, SESSIONS[0], study="another-study")
    inbox.withdraw(0, SESSIONS[1])  # another recording
    stranger = inbox.made.recipient(age.new_classical())
    write_tombstones(signed(0, inbox.made.STUDY, right), [stranger], inbox.folder)  # not for this key
    tampered = tombstone.from_code(code(0, SESSIONS[0])).replace(b'"sig":"', b'"sig":"A')
    (inbox.folder / "tampered.tombstone").write_bytes(tampered)
    (inbox.folder / "wrong-code.tombstone").write_bytes(tombstone.from_code(tombstone.code_text(b"x" * 32)))
    code_, said = inbox.open(whole.path, "opened")
    assert (code_, [Path(one["file"]).name for one in said["verification"]["withdrawals"]["ignored"]]) == (
        0,
        ["tampered.tombstone"],
    )
    code_, said = inbox.run("import", str(inbox.folder / "tampered.tombstone"))
    assert (code_, said["error"]) == (5, "VerificationError")
    before = inbox.files()
    code_, said = inbox.run("purge", str(inbox.folder), "--yes")
    assert (code_, said["recordings"], said["kept"]) == (0, [], 2)
    assert inbox.files() == before


def test_purge_removes_exactly_the_withdrawn_and_what_open_made_of_it(inbox: Collection) -> None:
    gone, stays, others = (inbox.receive(0, SESSIONS[0]), inbox.receive(0, SESSIONS[1]), inbox.receive(1, SESSIONS[0]))
    for n, one in enumerate((gone, stays, others)):
        assert inbox.open(one.path, f"opened-{n}")[0] == 0
    (inbox.folder / "opened-0" / "mine.txt").write_text("my notes")
    (inbox.folder / "mine.capture").write_bytes(b"not one of these")
    inbox.withdraw(0, SESSIONS[0])
    before = inbox.files()
    code_, said = inbox.run("purge", str(inbox.folder))
    assert (code_, said["removed"]) == (0, False)
    assert inbox.files() == before
    code_, said = inbox.run("purge", str(inbox.folder), "--yes")
    assert (code_, said["removed"], said["kept"]) == (0, True, 4)
    assert {one["path"] for one in said["recordings"]} == {str(gone.path), str(inbox.folder / "opened-0")}
    assert [one["path"] for one in said["unread"]] == [str(inbox.folder / "mine.capture")]
    assert said["left"] == [str(inbox.folder / "opened-0")]
    removed = {name for name in before if name.startswith("opened-0/")} - {"opened-0/mine.txt"} | {gone.path.name}
    assert before - inbox.files() == removed
    assert len(removed) > 6
    assert inbox.run("purge", str(inbox.folder), "--yes")[1]["recordings"] == []


def test_purge_follows_no_link_and_a_link_to_a_bundle_is_obeyed(inbox: Collection, tmp_path: Path) -> None:
    gone = inbox.receive(0, SESSIONS[0])
    assert inbox.open(gone.path, "opened")[0] == 0
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "holiday.png").write_bytes(b"a picture")
    stills = inbox.folder / "opened" / "stills"
    for still in stills.iterdir():
        still.unlink()
    stills.rmdir()
    stills.symlink_to(mine)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link.capture").symlink_to(gone.path)
    assert inbox.open(elsewhere / "link.capture", "by-link")[0] == 0
    inbox.withdraw(0, SESSIONS[0])
    assert inbox.open(elsewhere / "link.capture", "by-link-again")[0] == 4
    code_, said = inbox.run("purge", str(inbox.folder), "--yes")
    assert (code_, said["left"]) == (0, [str(inbox.folder / "opened")])
    assert [path.name for path in mine.iterdir()] == ["holiday.png"]
    assert [path.name for path in (inbox.folder / "opened").iterdir()] == ["stills"]


def test_a_withdrawal_that_never_arrived_is_missed(inbox: Collection) -> None:
    first = inbox.receive(0, SESSIONS[0])
    assert first.chain.withdrawals == NO_WITHDRAWALS
    once = tombstone.after(NO_WITHDRAWALS, HASHES[0, SESSIONS[0]])
    later = inbox.receive(0, SESSIONS[1], after=replace(first.chain, withdrawals=once))
    code_, said = inbox.run("verify", str(later.path), "--pin")
    assert (code_, said["withdrawals"]["claimed"], said["withdrawals"]["missing"]) == (0, 1, [1])
    missed = {"study": inbox.made.STUDY, "pseudonym": "otter-0", "device": KEYS[0].public, "claimed": 1, "missing": [1]}
    missed |= {"contradiction": False}
    inbox.who[1] = inbox.made.signer(KEYS[1], "otter-0")  # somebody who uses the name, so that nothing is missed
    inbox.receive(1, SESSIONS[2])
    assert inbox.run("purge", str(inbox.folder))[1]["missing"] == [missed]
    inbox.withdraw(0, SESSIONS[0])
    assert inbox.run("verify", str(later.path), "--pin")[1]["withdrawals"]["missing"] == []
    fixed = ["--identity", str(inbox.key), "--devices", str(inbox.known)]
    inbox.withdraw(0, SESSIONS[2], before=tombstone.after(once, "f" * 64))
    said = CliRunner().invoke(research_app, ["verify", str(later.path), *fixed]).stdout
    assert "MISSING: 1 of 3 withdrawals that otter-0 in study-of-work made are not here." in said


def test_past_the_agreed_time_it_is_refused_and_purged(inbox: Collection) -> None:
    def receipt(days: int) -> bytes:
        purposes = [{"retention_period": f"P{days}D"}]
        record = {"schema_version": "capture-agent-consent-receipt-2", "pii_processing": purposes}
        return json.dumps(record).encode()

    over = inbox.receive(0, SESSIONS[0], record=receipt(30), ago=31)
    stays = inbox.receive(0, SESSIONS[1], record=receipt(30), ago=29)
    code_, said = inbox.open(over.path, "over")
    assert (code_, said["error"]) == (4, "ConsentError")
    assert "is kept until" in said["message"]
    assert inbox.open(stays.path, "stays")[0] == 0
    assert not (inbox.folder / "over").exists()
    code_, said = inbox.run("purge", str(inbox.folder), "--yes")
    assert [(one["path"], one["why"]) for one in said["recordings"]] == [(str(over.path), "retention")]
    assert not over.path.exists()
    assert stays.path.exists()


def test_people_are_told_in_sentences_what_would_go(inbox: Collection) -> None:
    gone = inbox.receive(0, SESSIONS[0])
    inbox.withdraw(0, SESSIONS[0])
    fixed = ["--identity", str(inbox.key), "--devices", str(inbox.known)]
    done = CliRunner().invoke(research_app, ["purge", str(inbox.folder), *fixed])
    assert done.stdout.splitlines() == [
        f"Would be removed (withdrawn): {gone.path}",
        "May stay: 0",
        "Nothing was removed. To remove it, say --yes.",
    ]
    assert "WITHDRAWN" in CliRunner().invoke(research_app, ["verify", str(gone.path), *fixed, "--pin"]).stdout
    done = CliRunner().invoke(research_app, ["purge", str(gone.path), *fixed])
    assert done.exit_code == 2


def test_a_bundle_is_not_imported_as_a_withdrawal(inbox: Collection) -> None:
    code_, said = inbox.run("import", str(inbox.receive(0, SESSIONS[0]).path))
    assert (code_, said["error"]) == (2, "ConfigError")
