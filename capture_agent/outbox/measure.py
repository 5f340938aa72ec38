"""What an opened session is worth, as numbers: pure, fed with its messages and its frames' times.

Every input event joins to the last frame at or before it on the monitor where it happened: that
is what the person saw. The lag is how long after a press its monitor showed something new.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from capture_agent.bundle.manifest import Described, Screens, video_place

SECOND_US = 1_000_000
# A press that changes nothing within this time changes nothing; what comes later has another cause.
LAG_WINDOW_US = SECOND_US


class Joined(NamedTuple):
    """The frame that was on screen: its video, and its time in µs."""

    member: str
    t_us: int


class FrameIndex:
    """When each monitor showed which frame."""

    def __init__(self, times: Mapping[str, Sequence[int]]) -> None:
        """Take the frame times (session time, µs, rising) of each video by its name."""
        self.times = times
        by_monitor: dict[int, list[tuple[int, str]]] = {}
        for name, of_video in times.items():
            place = video_place(name)
            if place is not None:
                by_monitor.setdefault(place[0], []).extend((t_us, name) for t_us in of_video)
        self._all = {monitor: sorted(frames) for monitor, frames in by_monitor.items()}
        self._starts = {monitor: array("q", (t for t, _ in frames)) for monitor, frames in self._all.items()}

    @property
    def monitors(self) -> tuple[int, ...]:
        """The monitors that have a video."""
        return tuple(sorted(self._all))

    def shown(self, monitor: int, t_us: int) -> Joined | None:
        """Return the frame that `monitor` showed at `t_us`, or None before its first."""
        place = bisect_right(self._starts.get(monitor, ()), t_us) - 1
        if place < 0:
            return None
        start, name = self._all[monitor][place]
        return Joined(name, start)

    def lag(self, monitor: int, t_us: int) -> int | None:
        """Return the µs from a press to the next frame of its monitor; None if nothing changed soon."""
        starts = self._starts.get(monitor, array("q"))
        place = bisect_left(starts, t_us)
        if place == len(starts) or starts[place] - t_us > LAG_WINDOW_US:
            return None
        return starts[place] - t_us


class Desk:
    """Where things are while messages pass in the order of time: monitors, pointer."""

    def __init__(self, screens: Iterable[Screens], monitors: Sequence[int]) -> None:
        self._coming = sorted(screens, key=lambda one: one.from_us)
        self._now: Screens | None = None
        self._monitor = monitors[0] if monitors else None

    def monitor(self, fields: Mapping[str, Any]) -> int | None:
        """Return the monitor on which an event happened: under the pointer, the last known place for keys."""
        t_us = fields["t_us"]
        while self._coming and self._coming[0].from_us <= t_us:
            self._now = self._coming.pop(0)
        x, y = fields.get("x"), fields.get("y")
        if self._now is not None and isinstance(x, int) and isinstance(y, int):
            for screen in self._now.monitors:
                if screen.x <= x < screen.x + screen.width and screen.y <= y < screen.y + screen.height:
                    self._monitor = screen.number
        return self._monitor


@dataclass(slots=True)
class Observed:
    """What passed: counts by kind, presses, spans in which input was not kept."""

    kinds: Counter[str] = field(default_factory=Counter)
    lags_us: array[int] = field(default_factory=lambda: array("q"))
    presses: int = 0
    withheld: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # by reason class

    def add(self, fields: Mapping[str, Any], monitor: int | None, frames: FrameIndex) -> None:
        """Count one event (as `event_log.decode` returns it) that happened on `monitor`."""
        kind = f"{fields['topic']}/{fields['kind']}"
        self.kinds[kind] += 1
        if kind == "marks/withheld":
            self.withheld.setdefault(fields["reason"], []).append((fields["start_us"], fields["t_us"]))
        if is_press(fields):
            self.presses += 1
            lag = None if monitor is None else frames.lag(monitor, fields["t_us"])
            if lag is not None:
                self.lags_us.append(lag)


def is_press(fields: Mapping[str, Any]) -> bool:
    """Return whether an event is a key or button that went down."""
    return fields["kind"] in {"key", "button"} and bool(fields["down"])


def covered_us(spans: Iterable[tuple[int, int]], end_us: int) -> int:
    """Return how much of [0, end_us] `spans` cover together."""
    covered, reached = 0, 0
    for start, end in sorted(spans):
        start_us, stop_us = max(start, reached), min(end, end_us)
        if stop_us > start_us:
            covered += stop_us - start_us
            reached = stop_us
    return covered


def recorded_us(described: Described) -> int:
    """Return the length of a session without its gaps."""
    whole = described.clock.duration_us
    return whole - covered_us(((gap.start_us, gap.end_us) for gap in described.gaps), whole)


def percentile(values: Sequence[int], share: float) -> int | None:
    """Return the smallest value that `share` of `values` do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[max(1, math.ceil(share * len(ranked))) - 1]


def best_second(times: Sequence[int]) -> int:
    """Return the most frames that any one second of a video holds; `times` rise."""
    best = 0
    first = 0
    for last, t_us in enumerate(times):
        while times[first] <= t_us - SECOND_US:
            first += 1
        best = max(best, last - first + 1)
    return best
