"""Which kind of field has the keyboard: looked at after every key, and whenever a program says so.

On a still desktop it sleeps. A look takes a few ms; one that takes longer than 200 ms says UNKNOWN.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from capture_agent.core.asking import Remedy, is_terminal, remedy
from capture_agent.core.events import FieldFocus, Rect, Verdict, Window
from capture_agent.desktop.base import FieldEyes, Sight
from capture_agent.desktop.clock import now_us
from capture_agent.sources.base import Sink
from capture_agent.sources.worker import Worker

EVERY_S = 0.03  # between looks while keys come faster: the gate is content with one in 200 ms
# A look at a terminal takes less than 1 ms and costs the program in it nothing. A program that answers a prompt may be
# done with it in 30 ms: 5 to 12 of 200 such prompts went by unseen.
TERMINAL_EVERY_S = 0.008
AGAIN_S = 0.1  # looks go on at this pace for a while after a key or a change of focus …
AWAKE_S = 0.4  # … a prompt may come up after the last key, and the gate looks 250 ms around each
SECRET_S = 0.2  # while a secret field is on screen: it may scroll, and must stay painted over
BLIND_S = 2.0  # while nothing tells of a new focus: between looks, and between attempts to hear of it
SINCE_US = 400_000  # how far back a secret field may have had the keyboard unseen: a look and a busy machine
SETTLED_US = 250_000  # after a change of focus the program knows, too, which of its windows has the keyboard
# Between two commands of a shell nobody reads from the terminal for a moment, and between two widgets none has the
# focus: what is not known is looked at again before it is believed.
DOUBT_S = 0.03
DOUBT_PAUSE_S = 0.004


class Fields:
    """The source of `FieldFocus`."""

    def __init__(self, eyes: Callable[[], FieldEyes]) -> None:
        """Describe the source. `eyes` makes what sees, on the source's thread."""
        self._open = eyes
        self._worker: Worker | None = None
        self._window: Window | None = None
        self._awake_until = 0.0
        self._said_us = self._focused_us = 0
        self._answered: FieldFocus | None = None  # what the focused program said last
        self._unseen: Mapping[str, Remedy] = {}  # replaced, never changed

    # --- any thread

    def focused(self, window: Window | None) -> None:
        """Learn which window has the keyboard, or that it has moved or has another title."""
        before, self._window = self._window, window
        if (
            before is not None
            and window is not None
            and before == replace(window, rect=before.rect, client=before.client)
        ):
            shown = self._answered
            if shown is None or not (shown.secrets or shown.whole):
                return  # it moved, and nothing has to be covered elsewhere now
        else:
            self._focused_us = now_us()
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
        """See `Source.start`. Reaching what tells of fields is left to the thread."""
        self._worker = Worker("fields", lambda worker: self._run(worker, worker.guard(sink)))
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

    def _run(self, worker: Worker, sink: Sink) -> None:
        with closing(self._open()) as eyes:
            last: FieldFocus | None = None
            while not worker.asked:
                began = time.monotonic()
                worker.waker.clear()
                self._tell_passed(eyes, sink, last)
                look = self._look(eyes)
                if look is not None:
                    sink(look)
                    last = look
                if not worker.asked:
                    window = self._window
                    every = TERMINAL_EVERY_S if window is not None and is_terminal(window) else EVERY_S
                    time.sleep(max(0.0, every - (time.monotonic() - began)))
                self._wait(worker, eyes.fileno(), last)

    def _wait(self, worker: Worker, tells: int | None, last: FieldFocus | None) -> None:
        """Sleep until something happens, or until it is time to look again anyway. `tells`: see `FieldEyes.fileno`."""
        timeout = None
        if time.monotonic() < self._awake_until:
            # That a prompt is over is worth knowing soon: words after it are kept from then on.
            timeout = AGAIN_S if last is None or last.verdict is Verdict.CLEAR else EVERY_S
        elif last is not None and (last.secrets or last.whole):
            timeout = SECRET_S
        if tells is None and self._window is not None and not is_terminal(self._window):
            timeout = min(timeout or BLIND_S, BLIND_S)
        waits = [worker.waker.fileno()] + ([] if tells is None else [tells])
        select.select(waits, (), (), timeout)

    def _tell_passed(self, eyes: FieldEyes, sink: Sink, last: FieldFocus | None) -> None:
        """Say at once if a secret field has, or may have, got the keyboard since the `last` look, even if it is gone.

        When it was is not said, so it was right after that look. Where the window shows secrets is what that look
        knew; else the whole window may show one.
        """
        before, now = self._said_us, self._now_us()
        verdict = eyes.passed()
        window = self._window
        if window is None or verdict is Verdict.CLEAR:
            return
        secret = verdict is Verdict.SENSITIVE
        since = max(before, self._focused_us, now - SINCE_US)
        if last is not None and last.window == window.id and (last.secrets or last.whole or not secret):
            sink(replace(last, t_us=since, verdict=verdict))
        else:
            sink(FieldFocus(since, verdict, window.id, whole=secret))

    def _look(self, eyes: FieldEyes) -> FieldFocus | None:
        """Look into the focused window, if there is one; doubt a moment in which nothing in it has the keyboard."""
        until = time.monotonic() + DOUBT_S
        while True:
            window = self._window
            if window is None:
                return None
            now = self._now_us()
            own = window.pid is None or window.pid == os.getpid()
            sight = Sight(Verdict.UNKNOWN) if own else eyes.look(window)
            look = self._said(now, window, sight)
            self._note(window.app, sight)
            if not sight.doubtful or time.monotonic() > until:
                return look
            time.sleep(DOUBT_PAUSE_S)

    def _said(self, t_us: int, window: Window, sight: Sight) -> FieldFocus:
        if not sight.answered:  # where it showed secrets it may still
            said = self._answered
            if said is None or said.window != window.id:
                return FieldFocus(t_us, sight.verdict, window.id)
            return replace(said, t_us=t_us, verdict=sight.verdict)
        corner = window.rect
        places = tuple(Rect(rect.x - corner.x, rect.y - corner.y, rect.width, rect.height) for rect in sight.secrets)
        # Right after the focus has moved, a browser may still answer for its other window.
        settled = t_us - self._focused_us > SETTLED_US
        private = sight.private if sight.private or settled else None
        self._answered = FieldFocus(t_us, sight.verdict, window.id, places, sight.whole, private)
        return self._answered

    def _note(self, app: str, sight: Sight) -> None:
        others = {name: helps for name, helps in self._unseen.items() if name != app}
        unseen = {app: remedy(app, plain_hides=sight.plain_hides)} if sight.verdict is Verdict.UNKNOWN else {}
        self._unseen = {**others, **unseen}

    def _now_us(self) -> int:
        """Return the time of a look; a later one never seems earlier."""
        self._said_us = max(now_us(), self._said_us)
        return self._said_us


def each(*calls: Callable[[int], None]) -> Callable[[int], None]:
    """Return one callback that makes all of `calls`."""

    def all_of_them(t_us: int) -> None:
        for call in calls:
            call(t_us)

    return all_of_them
