"""What commands say to people of what the agent says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from capture_agent.cli.words import session_lines, session_rows, status_lines
from capture_agent.control.commands import describe, describe_session
from capture_agent.core.never import NeverKind, NeverRule
from capture_agent.core.recording import State
from capture_agent.core.splitting import HINDERING, Reason
from capture_agent.held.spans import What
from capture_agent.session.snapshot import HeldSession, Snapshot, WaitingCut
from capture_agent.ui.lines import state_words


def said(waiting: Reason | None) -> str:
    return status_lines(describe(Snapshot(State.SUSPENDED, None, None, waiting=waiting)))[0]


def test_status_says_which_guard_it_waits_for() -> None:
    assert said(Reason.LOCKED) == "Waiting: the screen is locked."
    assert len({said(reason) for reason in HINDERING}) == len(HINDERING)
    assert said(None) == "Not recording now: something hinders it."


def test_status_says_what_the_person_keeps_out() -> None:
    rules = (NeverRule(NeverKind.PROGRAM, "signal"), NeverRule(NeverKind.TITLE, "My bank"))
    lines = status_lines(describe(Snapshot(State.OFF, None, None, never=rules)))
    assert lines[-2:] == [
        "Never recorded, as you said: the program signal",
        "Never recorded, as you said: windows with “My bank” in their title",
    ]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "held"),
        (1, "held\n1 cut waits until you share it or cut for good"),
        (2, "held\n2 cuts wait until you share it or cut for good"),
    ],
)
def test_a_recording_says_how_many_cuts_wait(count: int, said: str) -> None:
    cuts = tuple(WaitingCut(number, What.STRETCH, ()) for number in range(count))
    line = describe_session(HeldSession("3f9c", "desk", datetime.now(UTC), 1.0, 1, "held", True, 29, cuts=cuts))
    assert line["cuts"] == count
    assert session_rows([line | {"withheld_us": None}])[0][4] == said


@pytest.mark.parametrize(
    ("days", "said"), [(None, "held"), (1, "shared by itself after 1 day of use"), (3, "after 3 days of use")]
)
def test_a_recording_says_when_it_is_shared_by_itself(days: int | None, said: str) -> None:
    line = describe_session(HeldSession("3f9c", "desk", datetime.now(UTC), 1.0, 1, "held", True, 29, shares_in=days))
    assert line["shares_in"] == days
    assert session_rows([line | {"withheld_us": None}])[0][4].endswith(said)


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (("Archive",), "Archive can get it, too, if you share it again"),
        (("Lab 2", "Archive", "Late"), "Lab 2, Archive and Late can get it, too, if you share it again"),
    ],
)
def test_a_recording_says_who_may_get_it_since_as_the_window_does(later: tuple[str, ...], said: str) -> None:
    shared = HeldSession("3f9c", "desk", datetime.now(UTC), 1.0, 1, "released", True, 29, ("Lab",))
    line = describe_session(replace(shared, later_readers=later))
    assert line["later_readers"] == later
    assert session_rows([line | {"withheld_us": None}])[0][4] == f"released\n{said}"
    assert state_words(replace(shared, later_readers=later)) == f"{state_words(shared)}; {said}"


def test_the_list_has_a_row_a_recording_in_columns_and_a_line_more_for_what_does_not_fit() -> None:
    began = datetime(2030, 1, 1, 12).astimezone()
    lines = [
        HeldSession("3f9c", "desk", began, 1.0, 1024, "held", True, 29),
        HeldSession("40aa", "desk", began, 1.0, 1024, "delivered", True, 29, ("Lab",), delivered_to=("/srv/[lab]",)),
    ]
    assert session_lines([describe_session(one) | {"withheld_us": {}} for one in lines]) == [
        "id    began             length   size     state          study  days left  input not kept",
        "3f9c  2030-01-01 12:00  0:00:01  1.0 KiB  held           desk   29         none",
        "40aa  2030-01-01 12:00  0:00:01  1.0 KiB  delivered      desk   29         none",
        "                                          to /srv/[lab]",
    ]
    assert session_lines([]) == ["There are no recordings."]


def test_a_recording_says_until_when_it_can_be_put_back() -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    line = describe_session(HeldSession("3f9c", "desk", until, 1.0, 1, "held", True, 29, deleted_until=until))
    assert line["deleted_until"] == until.isoformat(timespec="seconds")
    said = f"held\ndeleted; it can be put back until {until.astimezone():%Y-%m-%d %H:%M}"
    assert session_rows([line | {"withheld_us": None}])[0][4] == said
