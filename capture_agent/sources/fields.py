"""Which kind of field has the keyboard: looked at after every key, and whenever a program says so.

On a still desktop it sleeps. A look takes a few ms; one that takes longer than 200 ms says UNKNOWN.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from capture_agent.core.asking import INVALID, Remedy, is_terminal, judge_terminals, judge_widgets, remedy
from capture_agent.core.errors import DesktopError
from capture_agent.core.events import FieldFocus, Rect, Verdict, Window
from capture_agent.desktop.accessibility import Accessibility, AnswerError, BusGoneError, Shown
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.terminals import ptys_below
from capture_agent.desktop.waker import Waker
from capture_agent.sources.base import Sink
from capture_agent.sources.worker import Worker

EVERY_S = 0.03  # between looks while keys come faster: the gate is content with one in 200 ms
AGAIN_S = 0.1  # looks go on at this pace for a while after a key or a change of focus …
AWAKE_S = 0.4  # … a prompt may come up after the last key, and the gate looks 250 ms around each
SECRET_S = 0.2  # while a secret field is on screen: it may scroll, and must stay painted over
RECONNECT_S = 2.0  # between attempts to reach the accessibility bus
SINCE_US = 400_000  # how far back a secret field may have had the keyboard unseen: a look and a busy machine
# Between two commands of a shell nobody reads from the terminal for a moment, and between two widgets none has the
# focus: what is not known is looked at again before it is believed.
DOUBT_S = 0.03
DOUBT_PAUSE_S = 0.004


class Fields:
    """The source of `FieldFocus`."""

    def __init__(self, *, session_bus: str | None = None) -> None:
        """Describe the source. `session_bus`: D-Bus address; None: the environment's."""
        self._session_bus = session_bus
        self._worker: Worker | None = None
        self._window: Window | None = None
        self._awake_until = 0.0
        self._bus: Accessibility | None = None
        self._bus_tried = float("-inf")
        self._said_us = self._focused_us = 0
        self._answered: FieldFocus | None = None  # what the focused program said last
        self._unseen: Mapping[str, Remedy] = {}  # replaced, never changed

    # --- any thread

    def focused(self, window: Window | None) -> None:
        """Learn which window has the keyboard."""
        self._window, self._focused_us = window, now_us()
        self.nudge()

    def nudge(self, _t_us: int = 0) -> None:
        """Look soon: something may have changed, by a key for example. Returns at once."""
        self._awake_until = time.monotonic() + AWAKE_S
        if self._worker is not None:
            self._worker.waker.wake()

    @property
    def unseen(self) -> Mapping[str, Remedy]:
        """The programs whose fields could not be seen when last looked at, each with what helps."""
        return self._unseen

    # --- the main thread

    def start(self, sink: Sink) -> None:
        """See `Source.start`. Reaching the accessibility bus is left to the thread."""
        self._worker = Worker("fields", lambda worker: self._run(worker, worker.guard(sink)), self._close)
        self._worker.start()

    def check(self) -> None:
        """See `Source.check`."""
        if self._worker is not None:
            self._worker.check()

    def stop(self) -> None:
        """See `Source.stop`."""
        if self._worker is not None:
            self._worker.stop()

    # --- the source's thread

    def _close(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _run(self, worker: Worker, sink: Sink) -> None:
        last: FieldFocus | None = None
        while not worker.asked:
            began = time.monotonic()
            worker.waker.clear()
            self._tell_events(sink, last)
            look = self._look()
            if look is not None:
                sink(look)
                last = look
            if not worker.asked:
                time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
            self._wait(worker, last)

    def _wait(self, worker: Worker, last: FieldFocus | None) -> None:
        """Sleep until something happens, or until it is time to look again anyway."""
        timeout = None
        if time.monotonic() < self._awake_until:
            # That a prompt is over is worth knowing soon: words after it are kept from then on.
            timeout = AGAIN_S if last is None or last.verdict is Verdict.CLEAR else EVERY_S
        elif last is not None and (last.secrets or last.whole):
            timeout = SECRET_S
        if self._bus is None and self._window is not None and not is_terminal(self._window):
            timeout = min(timeout or RECONNECT_S, RECONNECT_S)
        waits: list[Waker | Accessibility] = [worker.waker]
        if self._bus is not None:
            waits.append(self._bus)
        select.select(waits, (), (), timeout)

    def _tell_events(self, sink: Sink, last: FieldFocus | None) -> None:
        """Say at once if a secret field has, or may have, got the keyboard since the `last` look, even if it is gone.

        When it was is not said, so it was right after that look. Where the window shows secrets is what that look
        knew; else the whole window may show one.
        """
        bus = self._connected()
        if bus is None:
            return
        before, now = self._said_us, self._now_us()
        try:
            widgets = bus.newly_focused()
        except BusGoneError:
            self._close()
            return
        window = self._window
        secret = judge_widgets(widgets, plain_hides=False) is Verdict.SENSITIVE
        if window is None or not (secret or any(widget.role == INVALID for widget in widgets)):
            return
        verdict = Verdict.SENSITIVE if secret else Verdict.UNKNOWN
        since = max(before, self._focused_us, now - SINCE_US)
        if last is not None and last.window == window.id and (last.secrets or last.whole or not secret):
            sink(replace(last, t_us=since, verdict=verdict))
        else:
            sink(FieldFocus(since, verdict, window.id, whole=secret))

    def _connected(self) -> Accessibility | None:
        if self._bus is None and time.monotonic() - self._bus_tried > RECONNECT_S:
            self._bus_tried = time.monotonic()
            try:
                self._bus = Accessibility(self._session_bus)
            except DesktopError:
                return None
        return self._bus

    def _look(self) -> FieldFocus | None:
        """Look into the focused window, if there is one; doubt a moment in which nothing in it has the keyboard."""
        until = time.monotonic() + DOUBT_S
        doubtful, look = True, None
        while doubtful:
            window = self._window
            if window is None:
                return None
            look, doubtful, plain_hides = self._look_into(window)
            self._note(window.app, look.verdict, plain_hides=plain_hides)
            if doubtful:
                if time.monotonic() > until:
                    break
                time.sleep(DOUBT_PAUSE_S)
        return look

    def _note(self, app: str, verdict: Verdict, *, plain_hides: bool) -> None:
        others = {name: helps for name, helps in self._unseen.items() if name != app}
        unseen = {app: remedy(app, plain_hides=plain_hides)} if verdict is Verdict.UNKNOWN else {}
        self._unseen = {**others, **unseen}

    def _look_into(self, window: Window) -> tuple[FieldFocus, bool, bool]:
        """Return what a window's field is, whether another look may know more, and whether its plain ones hide."""
        now = self._now_us()
        if window.pid is None or window.pid == os.getpid():
            return FieldFocus(now, Verdict.UNKNOWN, window.id), False, False
        if is_terminal(window):
            ptys = ptys_below(window.pid)
            verdict = judge_terminals(ptys)
            look = FieldFocus(now, verdict, window.id, whole=verdict is Verdict.SENSITIVE)
            return look, not all(pty.foreground for pty in ptys), False
        shown = self._shown(window.pid)
        if shown is None:  # where it showed secrets it may still
            said = self._answered
            if said is None or said.window != window.id:
                return FieldFocus(now, Verdict.UNKNOWN, window.id), False, False
            return replace(said, t_us=now, verdict=Verdict.UNKNOWN), False, False
        found = judge_widgets(shown.focused, plain_hides=shown.plain_hides)
        verdict = judge_terminals(ptys_below(window.pid)) if found is None else found
        self._answered = _said(now, verdict, window, shown)
        return self._answered, verdict is Verdict.UNKNOWN, shown.plain_hides

    def _shown(self, pid: int) -> Shown | None:
        """Return what a program says it shows; None: nothing that is known."""
        if self._bus is None:
            return None
        try:
            return self._bus.look(pid)
        except BusGoneError:
            self._close()
        except AnswerError:
            return None  # too slow, or it does not know how: as if it said nothing
        return None

    def _now_us(self) -> int:
        """Return the time of a look; a later one never seems earlier."""
        self._said_us = max(now_us(), self._said_us)
        return self._said_us


def _said(t_us: int, verdict: Verdict, window: Window, shown: Shown) -> FieldFocus:
    corner = window.rect
    secrets = tuple(Rect(rect.x - corner.x, rect.y - corner.y, rect.width, rect.height) for rect in shown.secrets)
    whole = shown.lost or (verdict is Verdict.SENSITIVE and not secrets)
    return FieldFocus(t_us, verdict, window.id, secrets, whole)


def each(*calls: Callable[[int], None]) -> Callable[[int], None]:
    """Return one callback that makes all of `calls`."""

    def all_of_them(t_us: int) -> None:
        for call in calls:
            call(t_us)

    return all_of_them
