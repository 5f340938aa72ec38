"""Slow work: what waits and runs, how far it has come, and how a person stops it. No Qt in here."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from capture_agent.bundle.manifest import EVENTS_NAME, video_place
from capture_agent.core.language import noted, say
from capture_agent.core.progress import CUTTING, NOTING, READING, RECORDINGS, REPORTING, CancelledError, Progress

STEP_S = 0.1  # between two tellings of how far a job has come: more often nobody sees, and each costs a repaint

T = TypeVar("T")

_STEPS = {
    READING: noted("Reading what was recorded"),
    CUTTING: noted("Writing what stays"),
    EVENTS_NAME: noted("Writing the list of events"),
    REPORTING: noted("Making the report"),
    RECORDINGS: noted("Opening your recordings"),
    NOTING: noted("Finishing"),
}
_VIDEO = noted("Writing the video of screen {number}")


class Job(Generic[T]):
    """One slow call. `label` says what is being done ("Sealing the recording…").

    A `watched` one tells how far it has come, and can be stopped while it runs.
    """

    def __init__(
        self, label: str, work: Callable[[Progress], T], done: Callable[[T], None], *, watched: bool = False
    ) -> None:
        self.label = label
        self.work = work
        self.done = done
        self.watched = watched
        self.step: Step | None = None
        self._lock = threading.Lock()
        self._started = self._cancelled = False

    @property
    def said(self) -> str:
        """What is being done, and how much of it is."""
        percent = None if self.step is None else self.step.percent
        return self.label if percent is None else f"{self.label} {say('{percent} %', percent=percent)}"

    @property
    def started(self) -> bool:
        """Whether it runs, or ran."""
        return self._started

    @property
    def cancelled(self) -> bool:
        """Whether the person wants no more of it."""
        return self._cancelled

    def begin(self) -> bool:
        """Return whether it is to be run now; from then on it counts as started. Worker thread."""
        with self._lock:
            self._started = not self._cancelled
            return self._started

    def cancel(self) -> bool:
        """Ask for no more of it; return whether that is possible: before it has begun, or if it is watched."""
        with self._lock:
            self._cancelled = self._cancelled or self.watched or not self._started
            return self._cancelled


@dataclass(frozen=True, slots=True)
class Step:
    """How far a job has come: what is being done, how much of it is done, and how much there is (0: not known)."""

    what: str
    done: int
    total: int

    @property
    def percent(self) -> int | None:
        """How much of this step is done, in whole percent, or None if that is not known."""
        return min(100, 100 * self.done // self.total) if self.total > 0 else None

    @property
    def words(self) -> str:
        """What is being done, for people; empty if there are no words for it."""
        place = video_place(self.what)
        if place is not None:
            return say(_VIDEO, number=place[0])
        return say(_STEPS[self.what]) if self.what in _STEPS else ""


def telling(job: Job[T], tell: Callable[[Step], None], clock: Callable[[], float] = time.monotonic) -> Progress:
    """Return what `job` tells its progress to: `tell` hears of it at most every `STEP_S`, on the job's thread.

    It raises `CancelledError` as soon as the job is cancelled.
    """
    due = -math.inf

    def progress(what: str, done: int, total: int) -> None:
        nonlocal due
        if job.cancelled:
            raise CancelledError
        now = clock()
        if now >= due:
            due = now + STEP_S
            tell(Step(what, done, total))

    return progress
