"""Fields on Linux: what programs say over AT-SPI, and the echo of terminals."""

from __future__ import annotations

import time

from capture_agent.core.asking import INVALID, is_terminal, judge_terminals, judge_widgets
from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Verdict, Window
from capture_agent.desktop.accessibility import Accessibility, BusGoneError, Shown
from capture_agent.desktop.base import AnswerError, Sight
from capture_agent.desktop.terminals import ptys_below

RECONNECT_S = 2.0  # between attempts to reach the accessibility bus


class LinuxFields:
    """The `FieldEyes` of Linux. The accessibility bus is reached for by `passed`."""

    def __init__(self, session_bus: str | None = None) -> None:
        """Touch nothing yet. `session_bus`: its D-Bus address; None: the environment's."""
        self._session_bus = session_bus
        self._bus: Accessibility | None = None
        self._tried = float("-inf")

    def look(self, window: Window) -> Sight:
        """See `FieldEyes.look`."""
        if window.pid is None:
            return Sight(Verdict.UNKNOWN)
        if is_terminal(window):
            ptys = ptys_below(window.pid)
            verdict = judge_terminals(ptys)
            unread = not all(pty.foreground for pty in ptys)  # between two commands nobody reads for a moment
            return Sight(verdict, whole=verdict is Verdict.SENSITIVE, doubtful=unread)
        shown = self._shown(window.pid)
        if shown is None:
            return Sight(Verdict.UNKNOWN, answered=False)
        found = judge_widgets(shown.focused, plain_hides=shown.plain_hides)
        verdict = judge_terminals(ptys_below(window.pid)) if found is None else found
        whole = shown.lost or (verdict is Verdict.SENSITIVE and not shown.secrets)
        doubtful = verdict is Verdict.UNKNOWN  # between two widgets none has the focus for a moment
        return Sight(
            verdict, shown.secrets, whole, doubtful=doubtful, plain_hides=shown.plain_hides, private=shown.private
        )

    def passed(self) -> Verdict:
        """See `FieldEyes.passed`."""
        bus = self._connected()
        if bus is None:
            return Verdict.CLEAR
        try:
            widgets = bus.newly_focused()
        except BusGoneError:
            self.close()
            return Verdict.CLEAR
        if judge_widgets(widgets, plain_hides=False) is Verdict.SENSITIVE:
            return Verdict.SENSITIVE
        return Verdict.UNKNOWN if any(widget.role == INVALID for widget in widgets) else Verdict.CLEAR

    def fileno(self) -> int | None:
        """See `FieldEyes.fileno`."""
        return None if self._bus is None else self._bus.fileno()

    def close(self) -> None:
        """See `FieldEyes.close`."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _connected(self) -> Accessibility | None:
        if self._bus is None and time.monotonic() - self._tried > RECONNECT_S:
            self._tried = time.monotonic()
            try:
                self._bus = Accessibility(self._session_bus)
            except DesktopError:
                return None
        return self._bus

    def _shown(self, pid: int) -> Shown | None:
        """Return what a program says it shows; None: nothing that is known."""
        if self._bus is None:
            return None
        try:
            return self._bus.look(pid)
        except BusGoneError:
            self.close()
        except AnswerError:
            return None  # too slow, or it does not know how: as if it said nothing
        return None
