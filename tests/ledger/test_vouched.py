"""Reading what the head vouches for: the same entries as by their signatures, or none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.policy import OWN_STUDY
from capture_agent.keys.dsse import LEDGER_ENTRY, SigningKey
from capture_agent.keys.strict_json import canonical_json
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Entry, Kind, fold, open_intents
from capture_agent.ledger.vouched import vouched

NONE = "0" * 64
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = SigningKey.new()


def written(count: int) -> list[bytes]:
    """Return the lines of a record."""
    lines: list[bytes] = []
    before = NONE
    for number in range(1, count + 1):
        payload = {"prev": before, "seq": number, "body": {"said": f'"{{}},[] {number}'}}
        lines.append(KEY.sign(LEDGER_ENTRY, canonical_json(payload)))
        before = hashlib.sha256(lines[-1]).hexdigest()
    return lines


LINES = written(6)
HEAD = hashlib.sha256(LINES[-1]).hexdigest()


def test_what_the_head_vouches_for_is_read_as_it_was_written() -> None:
    found = vouched(LINES, HEAD, NONE)
    assert found is not None
    assert [one.line for one in found] == LINES
    assert [one.payload["seq"] for one in found] == list(range(1, 7))
    assert [one.sha256 for one in found] == [hashlib.sha256(line).hexdigest() for line in LINES]
    assert vouched([], HEAD, NONE) is None


@pytest.mark.promise("P9")
@given(st.integers(0, len(LINES) - 1), st.data())
def test_no_other_lines_are_vouched_for(which: int, data: st.DataObject) -> None:
    """Whatever happens to one line: changed, gone, twice, cut in two, with something more in it."""
    line = LINES[which]
    at = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(
        st.sampled_from(
            [
                [line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]],
                [],
                [line, line],
                [line[:at], line[at:]],
                [line + b"," + line],
                [b"{}," + line],
                [line[:at]],
                [b""],
            ]
        )
    )
    lines = [*LINES[:which], *other, *LINES[which + 1 :]]
    assert vouched(lines, HEAD, NONE) is None
    if lines:
        assert vouched(lines, hashlib.sha256(lines[-1]).hexdigest(), NONE) is None or which == len(LINES) - 1


def test_the_same_record_comes_from_the_head_and_from_the_signatures(load: Callable[[], Ledger], secrets: Any) -> None:
    ledger = load()
    text = {"text": "ä", "sha256": hashlib.sha256("ä".encode()).hexdigest()}
    for body in ({"session": "a"}, {"session": "b", "notice": text}):
        ledger.append(Kind.STARTED, OWN_STUDY, body, NOW)
    by_head = load().entries
    # A head that announced what was never written vouches for nothing that is there: each entry is verified then.
    secrets.set("ledger-head", f"3 {NONE} {by_head[-1].sha256}")
    assert load().entries == by_head == ledger.entries


def test_standing_and_intents_are_kept_as_a_fold_of_all_entries_makes_them(load: Callable[[], Ledger]) -> None:
    ledger = load()
    asked = {"keys": [["research", "screen"]], "policy_version": 1}
    intent = {"sessions": ["a"]}
    for kind, body in (
        (Kind.JOINED, {}),
        (Kind.ASKED, asked),
        (Kind.DESTROY_INTENDED, intent),
        (Kind.DESTROY_INTENDED, intent),
        (Kind.REFUSED, asked),
        (Kind.DESTROYED, {"intent": 3}),
        (Kind.KEPT, {"intent": 4}),
    ):
        ledger.append(kind, OWN_STUDY, body, NOW)
        for one in (ledger, load()):
            assert one.standing(OWN_STUDY) == fold(one.entries, OWN_STUDY)
            assert one.open_intents() == open_intents(one.entries)


def test_what_is_made_of_all_entries_is_made_once_for_each_state_of_the_record(load: Callable[[], Ledger]) -> None:
    ledger = load()
    made = []

    def count(entries: Sequence[Entry]) -> int:
        made.append(len(entries))
        return len(entries)

    for number in range(3):
        assert [ledger.folded(count) for _ in range(3)] == [number] * 3
        ledger.append(Kind.STARTED, OWN_STUDY, {}, NOW)
    assert made == [0, 1, 2]
