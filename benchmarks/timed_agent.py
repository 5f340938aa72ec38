"""The agent as it is, with a clock around its gate.

    python -m benchmarks.timed_agent REPORT

Every call of the pipeline into the gate, and the whole thread that looks into fields, are counted in CPU time of their
thread. The gate is the real one and decides what it always does: a subclass that reads a clock before and after. When
a session is sealed, REPORT says how many seconds that was, without the first `START_S`, before the work begins.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from capture_agent.core import privacy
from capture_agent.core.intervals import Intervals
from capture_agent.session import pipeline, recorder
from capture_agent.sources import fields

START_S = 2.5  # libraries are loaded and buses are reached; the work begins `run.SETTLE_S` after the recording


class Watch:
    """Seconds of CPU, by what they were spent on; calls within a call count once."""

    def __init__(self) -> None:
        self.seconds = {"deciding": 0.0, "looking into fields": 0.0}
        self._began = float("inf")
        self._local = threading.local()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Say that a recording begins."""
        self._began = time.monotonic()

    @property
    def counts(self) -> bool:
        """Whether the work has begun, or is about to."""
        return time.monotonic() - self._began > START_S

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Count what this thread does meanwhile."""
        if getattr(self._local, "busy", False) or not self.counts:
            yield
            return
        self._local.busy = True
        before = time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[what] += time.thread_time() - before
            self._local.busy = False


WATCH = Watch()


class TimedGate(privacy.Gate):
    """The gate, and how long it takes."""

    __slots__ = ()

    def observe(self, focus: Any) -> privacy.Gate:
        with WATCH.on("deciding"):
            return super().observe(focus)

    def awaits(self, event: Any, now_us: int) -> bool:
        with WATCH.on("deciding"):
            return super().awaits(event, now_us)

    def clear(self, event: Any, intervals: Intervals) -> tuple[privacy.Gate, privacy.Kept]:
        with WATCH.on("deciding"):
            return super().clear(event, intervals)

    def close_hidden(self, intervals: Intervals) -> tuple[privacy.Gate, tuple[privacy.Cleared, ...]]:
        with WATCH.on("deciding"):
            return super().close_hidden(intervals)


class TimedFields(fields.Fields):
    """The source of looks, and how long it takes."""

    _before: float | None = None

    def _run(self, *arguments: Any) -> None:
        WATCH.begin()
        super()._run(*arguments)
        if self._before is not None:
            WATCH.seconds["looking into fields"] += time.thread_time() - self._before

    def _look(self, *arguments: Any) -> Any:
        if self._before is None and WATCH.counts:
            self._before = time.thread_time()
        return super()._look(*arguments)


def telling(report: Path, seal: Callable[..., None]) -> Callable[..., None]:
    """Return `seal` of a pipeline, which then writes what was counted."""

    def close(self: pipeline.Pipeline, reason: str) -> None:
        seal(self, reason)
        report.write_text(json.dumps(WATCH.seconds), encoding="utf-8")

    return close


def main() -> None:
    """Run the agent."""
    report = Path(sys.argv[1])
    pipeline.Gate = TimedGate  # type: ignore[misc]
    fields.Fields = TimedFields  # type: ignore[misc]
    recorder.Pipeline.close = telling(report, pipeline.Pipeline.close)  # type: ignore[method-assign]
    sys.argv = ["capture-agent"]
    from capture_agent.__main__ import main as agent

    agent()


if __name__ == "__main__":
    main()
