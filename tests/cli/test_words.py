"""What commands say to people of what the agent says of itself."""

from __future__ import annotations

from capture_agent.cli.words import status_lines
from capture_agent.control.commands import describe
from capture_agent.core.never import NeverKind, NeverRule
from capture_agent.core.recording import State
from capture_agent.core.splitting import HINDERING, Reason
from capture_agent.session.snapshot import Snapshot


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
