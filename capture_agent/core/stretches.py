"""The stretches in which input was not kept, and when each may be spoken of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from capture_agent.core.events import Withheld
from capture_agent.core.fields import TRANSITION_US
from capture_agent.core.intervals import Intervals, Place

WHOLE_SECOND_US = 1_000_000


class Reason(StrEnum):
    """Why something was not kept; a class, never a program or a title."""

    NOT_AGREED = "not-agreed"  # its category
    OUTSIDE = "outside"  # paused, suspended, before or after
    PROGRAM = "program"  # not a program that may be recorded
    FOCUS_UNKNOWN = "focus-unknown"
    SECRET_FIELD = "secret-field"  # noqa: S105 - the name of a class of fields
    SECRET_TEXT = "secret-text"  # noqa: S105 - what was typed has the form of a secret
    FIELD_UNKNOWN = "field-unknown"  # whether the field is a secret one cannot be seen


_WINDOW = (Reason.PROGRAM, Reason.FOCUS_UNKNOWN)  # of one stretch the stronger reason is said


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch, on the input clock. `until_us`: None while it lasts. `said`: whether it is to be marked."""

    since_us: int
    reason: Reason
    until_us: int | None = None
    said: bool = True


@dataclass(frozen=True, slots=True)
class Stretches:
    """What lasts, and what is over but not said yet: until the whole second in which it ended is over.

    `epoch_us` is session time 0, to which whole seconds refer.
    """

    epoch_us: int = 0
    lasts: Stretch | None = None
    over: tuple[Stretch, ...] = ()

    def turn(self, t_us: int, reason: Reason | None) -> Stretches:
        """From `t_us` on, input is not kept for `reason`; None: it is kept again."""
        now = self.lasts
        if now is None:
            return self if reason is None else replace(self, lasts=_begin(t_us, reason))
        if now.reason is reason:
            return self
        if now.reason in _WINDOW and reason in _WINDOW:
            return replace(self, lasts=replace(now, reason=Reason.PROGRAM))
        brief = t_us - now.since_us <= TRANSITION_US and now.reason is Reason.FOCUS_UNKNOWN
        over = self.over if brief else (*self.over, replace(now, until_us=t_us))
        return replace(self, lasts=None if reason is None else _begin(t_us, reason), over=over)

    def hide(self, start_us: int, end_us: int) -> Stretches:
        """What was typed from `start_us` to `end_us` was a secret by its form."""
        return replace(self, over=(*self.over, Stretch(start_us, Reason.SECRET_TEXT, end_us)))

    def withheld(self) -> Stretches:
        """Something was not kept just now: what lasts has to be said."""
        return self if self.lasts is None or self.lasts.said else replace(self, lasts=replace(self.lasts, said=True))

    def due(self, intervals: Intervals) -> tuple[Stretches, tuple[Withheld, ...]]:
        """Return the marks of stretches that may be spoken of now, and what remains.

        Their bounds are whole seconds of session time, but never beyond the allowed interval that they are in: a
        pause, too, ends one, and nothing is marked with a time inside a pause.
        """
        if self.lasts is None and not self.over:
            return self, ()
        marks: list[Withheld] = []
        over: list[Stretch] = []
        lasts = self.lasts
        for one in (*self.over, *([] if lasts is None else [lasts])):
            end = self._end(one, intervals)
            if end is None:
                if one is not lasts:
                    over.append(one)
                continue
            if one is lasts:
                lasts = None
            if one.said:
                whole = self.epoch_us + (one.since_us - self.epoch_us) // WHOLE_SECOND_US * WHOLE_SECOND_US
                marks.append(Withheld(end, max(intervals.bounds(one.since_us)[0], whole), str(one.reason)))
        return Stretches(self.epoch_us, lasts, tuple(over)), tuple(marks)

    def _end(self, one: Stretch, intervals: Intervals) -> int | None:
        """Return where the mark of a stretch ends; None: not known yet."""
        _, ended = intervals.bounds(one.since_us)
        until = one.until_us if ended is None else min(one.until_us or ended, ended)
        if until is None:
            return None
        end = self.epoch_us - (self.epoch_us - until) // WHOLE_SECOND_US * WHOLE_SECOND_US
        if ended is not None:
            return min(end, ended)
        # The second is not over yet, and a pause may begin in it.
        return end if intervals.place(end, end) is Place.INSIDE else None


@dataclass(frozen=True, slots=True)
class Covered:
    """How long marks cover together, in µs by reason: those of one reason may overlap, each being whole seconds.

    They are added in the order of their ends, as they are written.
    """

    us: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)  # until when each is counted

    def add(self, reason: str, start_us: int, end_us: int) -> Covered:
        """Return the sums with one mark more."""
        more = max(0, end_us - max(start_us, self.ends.get(reason, start_us)))
        us = {**self.us, reason: self.us.get(reason, 0) + more}
        return Covered(us, {**self.ends, reason: max(end_us, self.ends.get(reason, end_us))})


def _begin(t_us: int, reason: Reason) -> Stretch:
    # That a field cannot be seen is worth a mark only if somebody typed there.
    return Stretch(t_us, reason, said=reason is not Reason.FIELD_UNKNOWN)
