"""What the monitors show, on X11: a thread that sleeps until something is drawn or pressed.

Drawing is reported by the DAMAGE extension. A change after a quiet time is grabbed at once, later
ones at most `max_fps` times a second; the last change of a burst is always grabbed. Each grab is
compared with the one before, and equal ones go no further.

**Which state a press meets.** A press (`nudge`) makes the thread grab what is not grabbed yet. Such a
frame may show the state before the press or already the reaction. It shows the state before if

    (1) all drawing so far was taken, and reports armed again, before the press, and
    (2) no report has come by a round trip after the grab:

then nothing was drawn between (1) and the grab, so the pixels are those that were on screen when
the press happened, and the frame carries the time of the press. Otherwise it carries the time of
the grab, and the press joins to the frame before. (Drawing within `REARM_US` before a press cannot be
told from the reaction.) A press within `PRESS_EVERY_US` of the one that was grabbed for is not grabbed
for itself.

**What the screen shows late.** Each frame carries what was seen lately where windows have changed since
(`core.afterimage`). When it is over, everything is grabbed once more: what was painted over for it is free.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import Any

import mss
import numpy as np
from mss.exception import ScreenShotError
from numpy.typing import NDArray
from Xlib import X

from capture_agent.core.afterimage import LASTS_US
from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Frame, Layout, Monitor, Rect, Window
from capture_agent.desktop import x11_damage, x11_monitors, x11_windows
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.x11_connection import Connection, wait, wrapped
from capture_agent.desktop.x11_layout import LayoutTracker
from capture_agent.sources.base import Sink
from capture_agent.sources.worker import Worker

REARM_US = 10_000  # reports are armed again this often at most: a video then costs 1 % of a core, not 10 %
LAYOUT_TRIES = 3  # a window that is being dragged moves in every grab: try again later
# Bounds the grabs for presses to 40 a second: the flood of the benchmark presses 125 times a second.
PRESS_EVERY_US = 25_000
BAND = 64  # rows that are compared together
FAILURES = 5  # grabs in a row that may fail while the screen changes its size; then something is broken
SETTLE_ROUNDS = 5  # asking who a window is takes time, in which more may happen; the comparison catches the rest
RETRY_US = 50_000  # after a grab that failed or met a moving window
NOTHING = Rect(0, 0, 0, 0)


class X11Screen:
    """The source of `Frame`s on X11."""

    def __init__(self, *, max_fps: float, display: str | None = None) -> None:
        """Describe the source.

        Args:
            max_fps: Grabs a second at most, those for a press not counted.
            display: Name of the display; None: the environment's.
        """
        self._every_us = int(1_000_000 / max_fps)
        self._display = display
        self._presses: deque[int] = deque()
        self._full: deque[bool] = deque([True])
        self._worker: Worker | None = None

    def start(self, sink: Sink) -> None:
        """See `Source.start`. The first frames are all monitors as they are."""
        camera = _Camera(self._display, self._every_us)
        self._worker = Worker("screen", lambda worker: self._run(worker, camera, worker.guard(sink)), camera.close)
        self._worker.start()

    def nudge(self, t_us: int) -> None:
        """Say that a key or button went down at `t_us`. Callable from any thread; returns at once."""
        self._presses.append(t_us)
        self._wake()

    def request_full(self) -> None:
        """Make the source send a frame of every monitor at the next moment, changed or not. From any thread."""
        self._full.append(True)
        self._wake()

    def _wake(self) -> None:
        if self._worker is not None:
            self._worker.waker.wake()

    def check(self) -> None:
        """See `Source.check`."""
        if self._worker is not None:
            self._worker.check()

    def stop(self) -> None:
        """See `Source.stop`."""
        if self._worker is not None:
            self._worker.stop()

    def _run(self, worker: Worker, camera: _Camera, sink: Sink) -> None:
        while not worker.asked:
            worker.waker.clear()
            presses = [self._presses.popleft() for _ in range(len(self._presses))]
            full = bool(self._full)
            self._full.clear()
            for frame in camera.work(min(presses, default=None), full=full):
                sink(frame)
            due = camera.due_us()
            wait(worker.waker, camera.connection, timeout=None if due is None else max(0, due - now_us()) / 1e6)


@dataclass(slots=True)
class _Drawn:
    """What is known of drawing."""

    box: Rect = NOTHING  # around all that was taken and not grabbed yet
    reported: bool = False  # more was drawn since reports were armed
    armed_us: int = 0  # when they were armed, at the latest
    full: bool = False  # every monitor is wanted, changed or not

    @property
    def any(self) -> bool:
        """Whether something has to be grabbed."""
        return self.full or self.reported or bool(self.box.area)


@dataclass(slots=True)
class _Pace:
    """When grabs may happen."""

    next_us: int = 0
    press_us: int = 0  # from when on a press is grabbed for again
    failures: int = 0
    settled_us: int | None = None  # when what was seen before cannot be on the screen any more; None: it is not


@dataclass(slots=True)
class _Shot:
    """One monitor as grabbed at `t_us` or shortly before."""

    monitor: Monitor
    pixels: NDArray[np.uint8] = field(repr=False)
    t_us: int


class _Camera:
    """Grabs monitors together with the windows that are on them. Used by the source's thread alone."""

    def __init__(self, display: str | None, every_us: int) -> None:
        self.connection = Connection(display)
        self._every_us = every_us
        try:
            with wrapped():
                x11_monitors.select_changes(self.connection)
                self._tracker = LayoutTracker(self.connection, root_mask=X.StructureNotifyMask)
                self._damage = x11_damage.Damage(self.connection)
                self._monitors: tuple[Monitor, ...] = x11_monitors.read(self.connection)
            self._mss = _open(display)
        except DesktopError:
            self.connection.close()
            raise
        self._drawn = _Drawn(full=True)
        self._pace = _Pace()
        self._last: dict[int, NDArray[np.uint8]] = {}  # what each monitor showed
        self._numbers: Counter[int] = Counter()  # frames of each monitor
        self._last_us = 0
        self._monitors_doubted = False

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        self._mss.close()
        self.connection.close()

    def due_us(self) -> int | None:
        """Return when `work` has something to do without being woken, or None."""
        settled = self._pace.settled_us
        if not self._drawn.any:
            return settled
        if self._drawn.reported:
            return min(self._pace.next_us, self._drawn.armed_us + REARM_US)
        return self._pace.next_us

    def work(self, press_us: int | None, *, full: bool) -> list[Frame]:
        """Learn what has happened, and grab if it is time to, or because of a press at `press_us`."""
        if press_us is not None and now_us() < self._pace.press_us:
            press_us = None
        if press_us is not None:
            self.connection.sync()
        self._learn(self.connection.drain())
        if self._monitors_doubted:
            self._read_monitors()
        now = now_us()
        if self._pace.settled_us is not None and now >= self._pace.settled_us:
            self._pace.settled_us = None
            full = True
        self._drawn.full |= full
        if press_us is not None and self._drawn.any:
            self._pace.press_us = now + PRESS_EVERY_US
            # What it grabs need not be grabbed again at once: while somebody types, fewer frames come and wait.
            self._pace.next_us = max(self._pace.next_us, now + self._every_us // 2)
            return self._grab_for_press(press_us)
        if self._drawn.any and (now >= self._pace.next_us or full):
            self._pace.next_us = now + self._every_us
            return self._grab(None)
        if self._drawn.reported and now >= self._drawn.armed_us + REARM_US:
            self._take()
        return []

    def _learn(self, events: list[Any], taken: int | None = None) -> None:
        for event in events:
            if x11_damage.is_report(self.connection, event):
                if taken is None or not x11_damage.is_older(event, taken):
                    self._drawn.reported = True
            elif x11_monitors.is_change(self.connection, event):
                self._monitors_doubted = True
            else:
                self._tracker.handle(event)

    def _take(self) -> None:
        """Take what was drawn, and arm reports again."""
        box, number = self._damage.take()
        self._drawn.box = _around(self._drawn.box, box)
        self._drawn.reported = False
        self._drawn.armed_us = now_us()
        self._learn(self.connection.drain(), number)

    def _read_monitors(self) -> None:
        """Learn the monitors anew; a new grabber, because the old one has a buffer of the old size."""
        self._monitors_doubted = False
        monitors = x11_monitors.read(self.connection)
        if monitors == self._monitors:
            return
        self._monitors = monitors
        self._last.clear()
        self._mss.close()
        self._mss = _open(self.connection.name)
        self._drawn.full = True

    def _grab_for_press(self, press_us: int) -> list[Frame]:
        """Grab the state that a press met, if that can be had; see the module's beginning."""
        before = not self._drawn.reported and self._drawn.armed_us <= press_us and press_us >= self._last_us
        return self._grab(press_us, before=before)

    def _grab(self, press_us: int | None, *, before: bool = False) -> list[Frame]:
        """Grab the monitors that were drawn on, and return those that have changed.

        The windows are read before and after. If they moved in between, the pixels may not be where
        they are said to be, and are thrown away.
        """
        for _ in range(LAYOUT_TRIES):
            if not before:
                self._take()
            full, box = self._drawn.full, self._drawn.box
            layout = self._known()  # as of the last answer: what happens since is noticed after the grab
            try:
                shots = [self._shoot(m) for m in self._monitors if full or m.rect.intersect(box).area]
            except ScreenShotError:
                # The screen has just become smaller, or is gone: the monitors will tell.
                self._failed()
                return []
            after = self._settled()
            before = before and not self._drawn.reported
            if after == layout and not self._monitors_doubted:
                self._drawn.box, self._drawn.full = NOTHING, False
                self._pace.failures = 0
                at_us = press_us if before else None
                frames = [self._frame(shot, layout, at_us, None if full else box) for shot in shots]
                still, moving = self._lately()
                pressed = press_us is not None
                return [replace(f, pressed=pressed, still=still, moving=moving) for f in frames if f is not None]
            before = False
        self._pace.next_us = now_us() + RETRY_US
        return []

    def _settled(self) -> Layout:
        """Return the windows after a round trip."""
        self.connection.sync()
        self._learn(self.connection.drain())
        return self._known()

    def _known(self) -> Layout:
        """Return the windows, when no event about them is left unread."""
        layout = self._tracker.layout()
        for _ in range(SETTLE_ROUNDS):
            if not self.connection.queued():
                break
            self._learn(self.connection.drain())
            layout = self._tracker.layout()
        return layout

    def _lately(self) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
        """Return what the screen may still show, and the windows that a compositor may show anywhere."""
        now, changed = now_us(), self._tracker.changed_us
        if now >= changed + LASTS_US:
            return (), ()
        self._pace.settled_us = changed + LASTS_US
        still, moved = self._tracker.lately(now - LASTS_US)
        return still, moved if x11_windows.composited(self.connection) else ()

    def _failed(self) -> None:
        self._pace.failures += 1
        if self._pace.failures > FAILURES:
            raise DesktopError("the screen cannot be read any more", hint="start recording again")
        self._monitors_doubted = True
        self._pace.next_us = now_us() + RETRY_US

    def _shoot(self, monitor: Monitor) -> _Shot:
        area = monitor.rect
        shot = self._mss.grab({"left": area.x, "top": area.y, "width": area.width, "height": area.height})
        # mss makes a bytearray for each grab and forgets it. From here on nobody writes to it.
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(area.height, area.width, 4)
        pixels.flags.writeable = False
        # The later bound: what the frame shows is never younger than its time.
        return _Shot(monitor, pixels, now_us())

    def _frame(self, shot: _Shot, layout: Layout, at_us: int | None, box: Rect | None) -> Frame | None:
        """Return the frame of a shot, None if nothing has changed in `box`.

        Elsewhere nothing was drawn, or it is reported later and compared then. `box` is None if the
        frame is wanted whether or not anything has changed. The pixels are remembered as they are, not copied:
        nobody writes to them, and 8 MB are 8 MB.
        """
        number, area = shot.monitor.number, shot.monitor.rect
        last, rows = self._last.get(number), None
        if box is not None and last is not None and last.shape == shot.pixels.shape:
            first, end = max(0, box.y - area.y), min(area.height, box.bottom - area.y)
            if _same(last[first:end], shot.pixels[first:end]):
                return None
            # What was drawn since the box was taken may be on this shot, too.
            rows = None if self._drawn.reported else (first, end)
        self._last[number] = shot.pixels
        self._last_us = shot.t_us if at_us is None else at_us
        self._numbers[number] += 1
        return Frame(self._last_us, shot.monitor, shot.pixels, layout, number=self._numbers[number], rows=rows)


def _open(display: str | None) -> mss.MSS:
    try:
        return mss.MSS(display=display)
    except ScreenShotError as problem:
        raise DesktopError("the screen cannot be read", hint="use a display of 24 or 32 bits a pixel") from problem


def _same(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> bool:
    """Return whether two grabs of one size are equal; in bands, because they mostly differ long before the last row."""
    before, now = _words(before), _words(now)
    return all(np.array_equal(before[n : n + BAND], now[n : n + BAND]) for n in range(0, now.shape[0], BAND))


def _words(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Return contiguous pixels as rows of words, of 64 bits where their number allows it."""
    height, width = pixels.shape[:2]
    return pixels.reshape(height, width * 4).view(np.uint64 if width % 2 == 0 else np.uint32)


def _around(one: Rect, other: Rect) -> Rect:
    """Return the smallest rectangle around two; empty ones do not count."""
    if not one.area or not other.area:
        return one if one.area else other
    x, y = min(one.x, other.x), min(one.y, other.y)
    return Rect(x, y, max(one.right, other.right) - x, max(one.bottom, other.bottom) - y)
