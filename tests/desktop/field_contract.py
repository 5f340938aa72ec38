"""What every `FieldEyes` has to do, whatever the operating system: the same situations, the same answers."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from capture_agent.core.events import Verdict, Window
from capture_agent.desktop.base import LOOK_S, FieldEyes, Sight


class Situation(StrEnum):
    """What the person's desktop is in."""

    PLAIN = "an ordinary field has the keyboard"
    SECRET = "a password field has it"
    NOWHERE = "the window has it, and no field in it"
    HANGS = "the program does not answer"
    FORBIDDEN = "the system does not let us ask, or is not there to be asked"
    ELSEWHERE = "another program has the keyboard already: the focus goes from window to window"


EXPECTED = dict.fromkeys(Situation, Verdict.UNKNOWN) | {
    Situation.PLAIN: Verdict.CLEAR,
    Situation.SECRET: Verdict.SENSITIVE,
}
HINDRANCES = [situation for situation, verdict in EXPECTED.items() if verdict is Verdict.UNKNOWN]


class Stage(Protocol):
    """One system with one program on it, real or made up."""

    eyes: FieldEyes
    window: Window

    def show(self, situation: Situation) -> None:
        """Bring it about."""

    def now_s(self) -> float:
        """Return the time on the clock that its eyes go by."""

    def eventually(self, true: Callable[[], bool]) -> bool:
        """Return whether it becomes true: at once where nothing takes time, within seconds in real programs."""


def look(stage: Stage) -> Sight:
    stage.eyes.passed()  # where a connection is needed, this makes it
    return stage.eyes.look(stage.window)


def check_verdict(stage: Stage, situation: Situation) -> None:
    """A situation is seen as what it is, starting from a field that is known."""
    stage.show(Situation.PLAIN)
    assert stage.eventually(lambda: look(stage).verdict is Verdict.CLEAR)
    stage.show(situation)
    assert stage.eventually(lambda: look(stage).verdict is EXPECTED[situation])
    # and goes on being that
    assert {look(stage).verdict for _ in range(5)} == {EXPECTED[situation]}


def check_recovery(stage: Stage, situation: Situation) -> None:
    """What hindered a look hinders the next one no more when it is over, and what was secret is secret again."""
    stage.show(situation)
    assert stage.eventually(lambda: look(stage).verdict is Verdict.UNKNOWN)
    stage.show(Situation.PLAIN)
    assert stage.eventually(lambda: look(stage).verdict is Verdict.CLEAR)
    stage.show(Situation.SECRET)
    assert stage.eventually(lambda: look(stage).verdict is Verdict.SENSITIVE)


def check_place(stage: Stage) -> None:
    """A secret is painted over: its place, within its window, or the whole window."""
    stage.show(Situation.SECRET)
    assert stage.eventually(lambda: look(stage).verdict is Verdict.SENSITIVE)
    sight = look(stage)
    assert sight.whole or sight.secrets
    for rect in sight.secrets:
        assert rect.intersect(stage.window.rect) == rect


def check_nothing_shown_is_taken_for_gone(stage: Stage) -> None:
    """Who cannot look does not say that no secret is on screen."""
    stage.show(Situation.HANGS)
    assert stage.eventually(lambda: look(stage).verdict is Verdict.UNKNOWN)
    assert not look(stage).answered


def check_patience(stage: Stage, slack_s: float) -> None:
    """A program that hangs is waited for no longer than a look may take."""
    stage.show(Situation.HANGS)
    assert stage.eventually(lambda: look(stage).verdict is Verdict.UNKNOWN)
    began = stage.now_s()
    look(stage)
    assert stage.now_s() - began <= LOOK_S + slack_s


def check_close(stage: Stage) -> None:
    """Closing twice is fine."""
    look(stage)
    stage.eyes.close()
    stage.eyes.close()
