"""Fields on Windows: what UI Automation says of the element with the keyboard, and windows that hide from pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from capture_agent.core.asking import is_console, judge_control
from capture_agent.core.events import Rect, Verdict, Window
from capture_agent.desktop.base import Sight, in_time

WDA_NONE = 0  # GetWindowDisplayAffinity: anything else (WDA_MONITOR, WDA_EXCLUDEFROMCAPTURE) wants to be in no picture


@dataclass(frozen=True, slots=True)
class Element:
    """What UI Automation says of one element; never its name or value.

    `control` is a control type (UIA_…ControlTypeId), `framework` what it is made with ("Win32", "WPF", "Chrome"),
    `rect` px of the virtual desktop, or None if it does not say.
    """

    pid: int
    control: int
    framework: str
    password: bool
    rect: Rect | None


class WindowsCalls(Protocol):
    """What is asked of Windows. Every call but `close` may raise `AnswerError`: no rights, no answer, no such thing."""

    def foreground(self) -> int:
        """Return the handle of the window that has the keyboard; 0 while it goes from one to another."""

    def affinity(self, window: int) -> int:
        """Return the display affinity of a window."""

    def hangs(self, window: int) -> bool:
        """Return whether Windows has given a window up: it has taken no message for 5 s."""

    def focused(self) -> Element:
        """Return the element that has the keyboard; waits for `LOOK_S` at most."""

    def close(self) -> None:
        """Give everything back. Safe to call twice."""


class WindowsFields:
    """The `FieldEyes` of Windows. Nothing tells of a focus by itself: it is looked for after every key."""

    def __init__(self, calls: WindowsCalls, clock: Callable[[], float] = time.monotonic) -> None:
        """Use `calls`; `clock` tells seconds."""
        self._calls = calls
        self._clock = clock

    def look(self, window: Window) -> Sight:
        """See `FieldEyes.look`."""
        return in_time(lambda: self._look(window), self._clock)

    def _look(self, window: Window) -> Sight:
        if self._calls.affinity(window.id) != WDA_NONE:
            return Sight(Verdict.SENSITIVE, whole=True)
        if self._calls.hangs(window.id):
            return Sight(Verdict.UNKNOWN, answered=False)
        element = self._calls.focused()
        # After it: what had the keyboard before it and after it had it meanwhile.
        if self._calls.foreground() != window.id or element.pid != window.pid:
            return Sight(Verdict.UNKNOWN, answered=False, doubtful=True)
        verdict = judge_control(element.control, element.framework, password=element.password)
        if verdict is Verdict.SENSITIVE:
            place = () if element.rect is None else (element.rect,)
            return Sight(verdict, place, whole=not place)
        if is_console(window):
            return Sight(Verdict.UNKNOWN)
        return Sight(verdict, doubtful=verdict is Verdict.UNKNOWN)

    def passed(self) -> Verdict:
        """See `FieldEyes.passed`."""
        return Verdict.CLEAR

    def fileno(self) -> None:
        """See `FieldEyes.fileno`."""

    def close(self) -> None:
        """See `FieldEyes.close`."""
        self._calls.close()
