"""How a pause ends: the table of its phases, and when its clock says that the next one has come.

Pure, and on the input clock alone: it stands still while the computer sleeps and nobody can set it, so
neither sleep nor a wall clock set forward shortens a pause. Nothing here knows of a policy.

::

    nothing is recorded ── 15 minutes over ──▶ countdown, 10 s in sight ── nobody says no ──▶ recording goes on
                                │                        │
                                └── nobody is there ─────┴──▶ until I resume
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.errors import ConsentError

COUNTDOWN_US = 10_000_000  # in sight, for as long as it takes to read two lines and find a button
# Who wants to read the countdown has to get the chance: one that is covered or not yet drawn begins anew, for at most
# this long. Then the pause goes on.
UNSEEN_US = 30_000_000
LOOK_LOST_US = 1_000_000  # a program that hung for longer could not be clicked meanwhile: the countdown begins anew
ATTENDED_US = 60_000_000  # who touched neither keyboard nor pointer for longer may not be there to see a countdown
MINUTE_US = 60_000_000


class Phase(StrEnum):
    """Where a pause is."""

    NONE = "none"  # there is no pause
    TIMED = "timed"
    COUNTING = "counting"  # its time is over, and the person sees for 10 s that recording goes on
    OPEN = "open"  # until I resume


class Input(StrEnum):
    """What can happen to a pause."""

    PAUSE = "pause"  # a click, hotkey or command: until I resume. In the countdown: *Stay paused*
    PAUSE_FOR = "pause-for"  # for so many minutes. In the countdown: *15 more minutes*
    TIME_UP = "time-up"  # and somebody is there
    LEFT_ALONE = "left-alone"  # its time is over, and nobody is there or could see the countdown
    SEEN_OUT = "seen-out"  # the countdown was in sight to its end, and nobody said no
    END = "end"  # a click resumed, or there is nothing left to resume: stopped, opted out


class Note(StrEnum):
    """What the tray has to say of a pause that did not end as announced."""

    NOTHING = ""
    NOBODY = "nobody"  # locked, or nobody at the keyboard
    UNSEEN = "unseen"  # the countdown could not be shown


_OVER = {Input.END: Phase.NONE}
TABLE: Mapping[Phase, Mapping[Input, Phase]] = MappingProxyType(
    {
        Phase.NONE: {
            Input.PAUSE: Phase.OPEN,
            Input.PAUSE_FOR: Phase.TIMED,
            **_OVER,
        },
        Phase.TIMED: {
            Input.PAUSE: Phase.OPEN,
            Input.PAUSE_FOR: Phase.TIMED,
            Input.TIME_UP: Phase.COUNTING,
            Input.LEFT_ALONE: Phase.OPEN,
            **_OVER,
        },
        Phase.COUNTING: {
            Input.PAUSE: Phase.OPEN,
            Input.PAUSE_FOR: Phase.TIMED,
            Input.LEFT_ALONE: Phase.OPEN,
            Input.SEEN_OUT: Phase.NONE,
            **_OVER,
        },
        Phase.OPEN: {
            Input.PAUSE: Phase.OPEN,
            Input.PAUSE_FOR: Phase.TIMED,
            **_OVER,
        },
    }
)


def step(phase: Phase, given: Input) -> Phase:
    """Return the phase that `given` leads to.

    Raises:
        ConsentError: The table has no such move. Nothing changes.
    """
    try:
        return TABLE[phase][given]
    except KeyError:
        raise ConsentError("a pause cannot go from {phase} by {move}", phase=phase.value, move=given.value) from None


@dataclass(frozen=True, slots=True)
class Pausing:
    """One pause. Immutable; times are µs of the input clock.

    Attributes:
        ends_us: When its time is over; None unless it is timed or counting.
        seen_us: Since when the countdown has been in sight without a break; None unless it is counting.
        looked_us: When that was last looked at.
    """

    phase: Phase = Phase.NONE
    ends_us: int | None = None
    seen_us: int | None = None
    looked_us: int | None = None
    note: Note = Note.NOTHING

    def pause(self, now_us: int, minutes: int | None) -> Pausing:
        """Pause from now on, for `minutes` or until resumed."""
        if minutes is None:
            return Pausing(step(self.phase, Input.PAUSE))
        return Pausing(step(self.phase, Input.PAUSE_FOR), ends_us=now_us + minutes * MINUTE_US)

    def end(self) -> Pausing:
        """End it because the person wants so, or because there is nothing to resume."""
        return Pausing(step(self.phase, Input.END))

    def due(self, now_us: int) -> bool:
        """Return whether its time is over, so that `watch` needs to know what is to be seen."""
        return self.ends_us is not None and now_us >= self.ends_us

    def watch(self, now_us: int, *, attended: bool, shown: bool) -> Pausing:
        """Return what has become of it by now. Only phase NONE permits to record again.

        Args:
            now_us: The input clock.
            attended: Whether the screen is not locked and somebody is at the keyboard.
            shown: Whether the countdown is proved to be in sight.
        """
        if self.ends_us is None or now_us < self.ends_us:
            return self
        if not attended:
            return self._left_alone(Note.NOBODY)
        if self.phase is Phase.TIMED:
            return Pausing(step(self.phase, Input.TIME_UP), self.ends_us, now_us, now_us)
        if not shown and now_us - self.ends_us > UNSEEN_US:
            return self._left_alone(Note.UNSEEN)
        if not shown or self.looked_us is None or now_us - self.looked_us > LOOK_LOST_US:
            return Pausing(self.phase, self.ends_us, now_us, now_us)
        if self.left_us(now_us) > 0:
            return replace(self, looked_us=now_us)
        return Pausing(step(self.phase, Input.SEEN_OUT))

    def left_us(self, now_us: int) -> int:
        """Return how much of the countdown is left, in µs."""
        return COUNTDOWN_US if self.seen_us is None else max(0, self.seen_us + COUNTDOWN_US - now_us)

    def _left_alone(self, note: Note) -> Pausing:
        return Pausing(step(self.phase, Input.LEFT_ALONE), note=note)
