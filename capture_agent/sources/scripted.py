"""A source that plays a list of events, each at its own time. For rehearsing the way of the data without a desktop."""

from __future__ import annotations

import select
from collections.abc import Sequence

from capture_agent.core.events import Event
from capture_agent.desktop.clock import now_us
from capture_agent.sources.base import Sink
from capture_agent.sources.worker import Worker


class Scripted:
    """Plays `events`, in the order of their times on the input clock; those that are past, at once."""

    def __init__(self, events: Sequence[Event]) -> None:
        """Remember what to play."""
        self._events = sorted(events, key=lambda event: event.t_us)
        self._worker: Worker | None = None

    def start(self, sink: Sink) -> None:
        """See `Source.start`."""
        self._worker = Worker("scripted", lambda worker: self._run(worker, worker.guard(sink)))
        self._worker.start()

    def check(self) -> None:
        """See `Source.check`. Having played everything is no death."""
        if self._worker is not None:
            self._worker.check()

    def stop(self) -> None:
        """See `Source.stop`."""
        if self._worker is not None:
            self._worker.stop()

    def _run(self, worker: Worker, sink: Sink) -> None:
        for event in self._events:
            while (ahead_us := event.t_us - now_us()) > 0 and not worker.asked:
                select.select((worker.waker,), (), (), ahead_us / 1e6)
            if worker.asked:
                return
            sink(event)
        while not worker.asked:
            select.select((worker.waker,), (), ())
