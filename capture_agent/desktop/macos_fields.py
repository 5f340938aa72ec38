"""Fields on macOS: what its accessibility says of the element with the keyboard, and secure input."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from capture_agent.core.asking import is_console, judge_role
from capture_agent.core.events import Verdict, Window
from capture_agent.desktop.base import Sight, in_time


class Roles(NamedTuple):
    """What accessibility says of one element ("AXTextField", "AXSecureTextField"); never its title or value."""

    role: str
    subrole: str


class MacCalls(Protocol):
    """What is asked of macOS. `frontmost` and `focused` may raise `AnswerError`: no answer within `LOOK_S`, or none."""

    def secure_input(self) -> bool:
        """Return whether some program keeps what is typed from all others (IsSecureEventInputEnabled)."""

    def trusted(self) -> bool:
        """Return whether this program may use accessibility: the person allows it in the system's settings."""

    def frontmost(self, pid: int) -> bool:
        """Return whether the program `pid` is the one that has the keyboard."""

    def focused(self, pid: int) -> Roles:
        """Return what the element of `pid` is that has the keyboard."""

    def close(self) -> None:
        """Give everything back. Safe to call twice."""


class MacFields:
    """The `FieldEyes` of macOS. Nothing tells of a focus by itself: it is looked for after every key.

    Places are in points there, and what a pixel of them is depends on the display: a secret covers its whole window.
    """

    def __init__(self, calls: MacCalls, clock: Callable[[], float] = time.monotonic) -> None:
        """Use `calls`; `clock` tells seconds."""
        self._calls = calls
        self._clock = clock

    def look(self, window: Window) -> Sight:
        """See `FieldEyes.look`."""
        return in_time(lambda: self._look(window), self._clock)

    def _look(self, window: Window) -> Sight:
        if self._calls.secure_input():  # whoever asked for it
            return Sight(Verdict.SENSITIVE, whole=True)
        if window.pid is None or not self._calls.trusted():
            return Sight(Verdict.UNKNOWN, answered=False)
        element = self._calls.focused(window.pid)
        if not self._calls.frontmost(window.pid):
            return Sight(Verdict.UNKNOWN, answered=False, doubtful=True)
        verdict = judge_role(element.role, element.subrole)
        if verdict is Verdict.CLEAR and is_console(window):
            return Sight(Verdict.UNKNOWN)
        return Sight(verdict, whole=verdict is Verdict.SENSITIVE, doubtful=verdict is Verdict.UNKNOWN)

    def passed(self) -> Verdict:
        """See `FieldEyes.passed`."""
        return Verdict.CLEAR

    def fileno(self) -> None:
        """See `FieldEyes.fileno`."""

    def close(self) -> None:
        """See `FieldEyes.close`."""
        self._calls.close()
