"""How long was recorded, paused and not recorded on one day, and when the person is told: once, at its end.

A fold over time: only sums are kept, no content, no moment of anything but the day itself.

::

    the chosen hours end           ──▶ told
    quit or idle, after 17:00      ──▶ told
    the day is over (midnight)     ──▶ told, at the latest at the next start
    told already, nothing counted  ──▶ not
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum, auto
from types import MappingProxyType

from capture_agent.core.recording import State

EVENING_HOUR = 17  # from then on, who quits or goes away has probably done the day's work
INDICATOR = "indicator"  # the class of time in which the recording indicator was not proved
MINUTE_US = 60_000_000
_NOTHING: Mapping[str, int] = MappingProxyType({})


class Happening(Enum):
    """What may be the end of a day."""

    HOURS_END = auto()
    QUIT = auto()
    IDLE = auto()
    TIME = auto()  # nothing but the clock


@dataclass(frozen=True, slots=True)
class Day:
    """The sums of one day of the wall clock here, in µs; `withheld` by the class of reason."""

    day: date
    recorded_us: int = 0
    paused_us: int = 0
    withheld: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    told: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing at all was counted."""
        return not self.recorded_us and not self.paused_us

    def whole_minutes(self) -> Day:
        """Return the sums as people read them: a snapshot that has them does not change all the time."""
        return replace(
            self,
            recorded_us=_whole(self.recorded_us),
            paused_us=_whole(self.paused_us),
            withheld=MappingProxyType({name: _whole(us) for name, us in self.withheld.items() if us >= MINUTE_US}),
        )

    def passed(self, us: int, state: State, reason: str | None) -> Day:
        """Return the sums after `us` in `state`; `reason` is why nothing is recorded while the state is SUSPENDED."""
        match state:
            case State.RECORDING:
                return replace(self, recorded_us=self.recorded_us + us)
            case State.PAUSED:
                return replace(self, paused_us=self.paused_us + us)
            case State.SUSPENDED:
                return self.not_kept(reason or INDICATOR, us)
            case _:
                return self

    def not_kept(self, reason: str, us: int) -> Day:
        """Return the sums after the privacy gate, or a guard, kept nothing for `us`."""
        return replace(self, withheld=MappingProxyType({**self.withheld, reason: self.withheld.get(reason, 0) + us}))

    def ends(self, happening: Happening, local: datetime) -> bool:
        """Return whether `happening` at `local` is the moment to tell the person."""
        if self.told or self.empty:
            return False
        if local.date() > self.day or happening is Happening.HOURS_END:
            return True
        return happening in {Happening.QUIT, Happening.IDLE} and local.hour >= EVENING_HOUR


def _whole(us: int) -> int:
    return us // MINUTE_US * MINUTE_US
