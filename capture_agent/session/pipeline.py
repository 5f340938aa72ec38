"""The one thread that holds plaintext: gate, encoders, writer.

Sources call `put` from their own threads. The main thread opens, marks and closes the allowed
interval. Everything else is decided here by event time, so it does not matter who was late.
"""

from __future__ import annotations

import heapq
import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from capture_agent.core.errors import CaptureAgentError, FaultError
from capture_agent.core.events import (
    Button,
    Event,
    FieldFocus,
    Focus,
    Frame,
    Gap,
    GapReason,
    Key,
    Picture,
    TaskFinished,
    TaskStarted,
    Withheld,
)
from capture_agent.core.intervals import Intervals, Place
from capture_agent.core.keyboard import Reduced
from capture_agent.core.privacy import Cleared, Gate, waiting
from capture_agent.core.rules import Rules
from capture_agent.core.stretches import Covered, Reason, Stretches
from capture_agent.encode import event_log
from capture_agent.encode.event_log import Message
from capture_agent.held.reader import WITHHELD_US
from capture_agent.session.screens import Screens

# Marks wake the thread if there is something to decide: nothing can be decided between two of them. This is for what is
# due without any (in a pause, behind windows that hang).
WAKE_SECONDS = 0.2
REST_SECONDS = 1.0  # nothing is held, so nothing can come due: a still desktop costs next to nothing
PART_US = (
    800_000  # with hold window (250 ms), mark (200 ms at most), wake (200 ms) and sync: below 1.5 s lost at a crash
)
MAX_EVENTS = 65_536  # a minute at 1,000 events/s; more means that the pipeline has stopped working
# Pixels that may wait, in bytes: 12 frames at 1080p. A fast typist causes 30 frames a second, and each waits 0.15 s;
# beyond that, also while the disk hangs, the oldest are dropped and counted.
MAX_FRAME_BYTES = 100 * 1024 * 1024
CLOSE_SECONDS = 30.0  # sealing takes milliseconds; longer means that the disk hangs


class PartWriter(Protocol):
    """Where parts go: `held.writer.Writer`."""

    def append(self, messages: list[Message]) -> None:
        """Write one part durably, or raise StorageError with the file cut back to its last whole part."""

    def close(self, reason: str, about: Mapping[str, str]) -> None:
        """Write the end."""

    def abandon(self) -> None:
        """Close the file as it is."""


@dataclass(frozen=True, slots=True)
class _SetRules:
    rules: Rules


@dataclass(frozen=True, slots=True)
class _Close:
    """Decide everything that waits, write it and end the session."""

    reason: str


class Pipeline:
    """One session's thread, from the first event to the seal."""

    def __init__(
        self,
        writer: PartWriter,
        rules: Rules,
        *,
        epoch_us: int,
        clock: Callable[[], int],
    ) -> None:
        """Take over `writer`; `epoch_us` is session time 0."""
        self._writer = writer
        self._clock = clock
        self._gate = Gate(rules, hidden=Stretches(epoch_us), reduced=Reduced(epoch_us))
        self._queue: deque[Event | _SetRules | _Close] = deque()
        self._waiting: list[tuple[int, int, Event]] = []
        # Frames are large and true at their own moment: they wait for a mark only, not for what follows them.
        self._frames: list[tuple[int, int, Frame]] = []
        self._frames_lock = threading.Lock()  # held for microseconds
        self._order = count()
        self._intervals = Intervals()
        self._epoch_us = epoch_us
        self._screens = Screens(epoch_us)
        self._messages: list[Message] = []
        self._part_since_us = 0
        self._dead = ""
        self._overrun = False
        self._frames_dropped = 0
        self._withheld = Covered()  # input that the gate did not keep; replaced, never changed
        self._painted = 0.0  # shares, summed over the frames that were kept
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self._thread.start()

    # --- the main thread

    def open_interval(self, now_us: int) -> None:
        """Allow capture from now on."""
        self._intervals = self._intervals.open(now_us)

    def mark(self, now_us: int) -> bool:
        """Say that everything still permits capture, and return whether it goes on.

        If marks had stopped for too long, the interval has ended; only `open_interval` goes on then.
        """
        self._intervals = self._intervals.mark(now_us)
        if self._queue or self._frames or self._waiting or self._messages:
            self._wake.set()
        return self._intervals.opened_us is not None

    @property
    def rests(self) -> bool:
        """Whether nothing waits for a mark, and nothing is held that could come due without an event."""
        return self._gate.rests and not (self._queue or self._frames or self._waiting or self._messages)

    @property
    def withholding(self) -> Reason | None:
        """Why input is not kept at this moment; None: it is, or it is not known yet. A moment late, as the gate is."""
        lasts = self._gate.hidden.lasts
        return None if lasts is None else lasts.reason

    @property
    def withheld_us(self) -> Mapping[str, int]:
        """How long the gate did not keep input, in µs by class of reason."""
        return self._withheld.us

    def close_interval(self, now_us: int, from_us: int | None = None) -> int:
        """Forbid capture from now on, and return when it ended: earlier, if marks had stopped.

        With `from_us`, from that moment of the past on, as far as nothing has been marked since.
        What waits is decided at once.
        """
        intervals = self._intervals.lost(now_us)
        end_us = now_us if from_us is None else max(intervals.marked_us, min(from_us, now_us))
        self._intervals = intervals.close(end_us)
        self._wake.set()
        return self._intervals.ended[-1][1] if self._intervals.ended else self._epoch_us

    def put(self, event: Event) -> None:
        """Take one event; any thread. Too many are a fault, but for frames: the oldest is dropped."""
        if isinstance(event, Frame):
            with self._frames_lock:
                heapq.heappush(self._frames, (event.t_us, next(self._order), event))
                while sum(waits.pixels.nbytes for _, _, waits in self._frames) > MAX_FRAME_BYTES:
                    heapq.heappop(self._frames)
                    self._frames_dropped += 1
        elif len(self._queue) < MAX_EVENTS:
            self._queue.append(event)
        else:
            self._overrun = True

    def gap(self, start_us: int, end_us: int, reason: GapReason) -> None:
        """Say that nothing was recorded between two moments."""
        self._queue.append(Gap(end_us, start_us, reason))

    def set_rules(self, rules: Rules) -> None:
        """Use other rules for everything that is decided from now on, what waits included."""
        self._queue.append(_SetRules(rules))

    def check(self) -> None:
        """Raise `FaultError` if the thread died or is hopelessly behind."""
        if self._dead:
            raise FaultError("recording stopped: {why}", hint="What was recorded until then is sealed.", why=self._dead)
        if self._overrun:
            raise FaultError("recording could not keep up", hint="What was recorded until then is sealed.")

    def close(self, reason: str) -> None:
        """Decide what waits, seal the session and end the thread. Safe to call on a dead pipeline.

        Raises:
            FaultError: The seal could not be written; the session stays readable, marked incomplete.
        """
        self._queue.append(_Close(reason))
        self._wake.set()
        self._thread.join(CLOSE_SECONDS)
        if self._dead or self._thread.is_alive():
            self._writer.abandon()
            why = self._dead or "the disk does not answer"
            raise FaultError("the session was not sealed: {why}", hint="It is kept, marked incomplete.", why=why)

    # --- the pipeline's thread

    def _run(self) -> None:
        try:
            while self._once():
                self._wake.wait(REST_SECONDS if self.rests else WAKE_SECONDS)
                self._wake.clear()
        except CaptureAgentError as error:
            # Our own errors say what happened and hold no content.
            self._die(str(error))
        except BaseException as error:  # noqa: BLE001 - the thread's one boundary: whatever it is becomes a fault
            self._die(type(error).__name__)

    def _die(self, what: str) -> None:
        self._dead = what
        self._queue.clear()
        self._waiting.clear()
        self._messages.clear()
        with self._frames_lock:
            self._frames.clear()

    def _once(self) -> bool:
        """Take in what arrived, decide what can be decided, write a part if one is due."""
        # The clock is read before the interval, and the interval before the queue. An event that happened before
        # the end of an interval is then in one or the other; one that is younger than what is known waits.
        now_us = self._clock()
        intervals = self._intervals.lost(now_us)
        close: _Close | None = None
        while self._queue and close is None:
            item = self._queue.popleft()
            match item:
                case _SetRules():
                    self._gate = self._gate.obey(item.rules)
                case _Close():
                    close, intervals = item, self._intervals
                case _:
                    self._take(item)
        horizon_us = sys.maxsize if close is not None else now_us
        while (frame := self._next_frame(horizon_us, intervals)) is not None:
            self._decide(frame, intervals)
        while self._waiting and self._waiting[0][0] <= horizon_us:
            oldest = self._waiting[0][2]
            if close is None and (waiting(oldest, intervals) or self._gate.awaits(oldest, now_us)):
                break
            self._decide(heapq.heappop(self._waiting)[2], intervals)
        self._gate, marks = self._gate.close_hidden(intervals)
        for mark in marks:
            self._keep(mark)
        if close is not None:
            self._finish(close.reason, intervals)
            return False
        if self._messages and self._clock() - self._part_since_us >= PART_US:
            self._write_part()
        return True

    def _finish(self, reason: str, intervals: Intervals) -> None:
        end_us = intervals.ended[-1][1] if intervals.ended else self._epoch_us
        self._write_part()
        self._screens.close()
        about = {
            "frames_kept": self._screens.kept,
            "frames_dropped": self._frames_dropped,
            "frames_equal": self._screens.equal,
            "duration_us": end_us - self._epoch_us,
            "masked_share": round(self._painted / max(1, self._screens.kept), 4),
        }
        withheld = json.dumps(dict(self._withheld.us), sort_keys=True)
        self._writer.close(reason, {name: str(number) for name, number in about.items()} | {WITHHELD_US: withheld})

    def _take(self, event: Event) -> None:
        if isinstance(event, Focus | FieldFocus | Key | Button):
            self._gate = self._gate.observe(event)
        elif isinstance(event, Gap):
            # The sources were stopped; where the focus went meanwhile is not known until they say so again.
            self._gate = self._gate.forget_focus()
        if isinstance(event, Gap | TaskStarted | TaskFinished):
            # What comes before is gone; or may go, for who cuts a task, or all else, cuts here.
            self._screens.force_key_frames(event.t_us)
        heapq.heappush(self._waiting, (event.t_us, next(self._order), event))

    def _next_frame(self, horizon_us: int, intervals: Intervals) -> Frame | None:
        """Return the oldest frame that can be decided, or None; `horizon_us` is as far as `intervals` is known."""
        with self._frames_lock:
            if not self._frames or (t_us := self._frames[0][0]) > horizon_us:
                return None
            return None if intervals.place(t_us, t_us) is Place.NOT_YET else heapq.heappop(self._frames)[2]

    def _decide(self, event: Event, intervals: Intervals) -> None:
        self._gate, kept = self._gate.clear(event, intervals)
        for cleared in kept.cleared:
            self._keep(cleared, kept.painted)

    def _keep(self, cleared: Cleared, painted: float = 0.0) -> None:
        if isinstance(cleared.event, Withheld):
            event = cleared.event
            self._withheld = self._withheld.add(event.reason, event.start_us, event.t_us)
        if isinstance(cleared.event, Picture):
            message = self._screens.encode(cleared.event)
            if message is None:
                return
            self._painted += painted
        else:
            message = event_log.encode(cleared, self._epoch_us)
        if not self._messages:
            self._part_since_us = self._clock()
        self._messages.append(message)

    def _write_part(self) -> None:
        if self._messages:
            self._messages.sort(key=lambda message: message.t_us)
            self._writer.append(self._messages)
            self._messages = []
