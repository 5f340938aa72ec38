"""Sharing that happens by itself after a hold: which days count, and where a recording is on its way. Pure.

Nobody's recordings are shared by themselves before they chose that in a window. The hold is counted in days on which
this program really ran, so nothing is shared of whoever was away and could not look::

    a recording is  when                                                 then
    WAITING         before the last of its days                          nothing
    SOON            its last day is next                                 the person is told: keep, share now, or delete
    TOLD            they were told, and a day has not passed since       nothing; they still can
    DUE             all its days are over, and one since they were told  it is shared
    KEPT            the person said so                                   never by itself

A day counts when it is over and the program ran for `RAN_LEAST_S` of it. Days are counted by time that surely passed:
while the computer is on, clocks that nobody can set; over a time when it was off, what the wall clock says, but no more
than a night. So a clock that is set adds nothing while the computer is on, and while it is off no more than a night.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

DAY_S = 86_400
RAN_LEAST_S = 3600  # of a day: less is too short to have looked through what waits
HOLD_LIMIT_DAYS = 90  # longer than that nobody remembers having chosen it


class Stage(StrEnum):
    """Where a recording is on its way to being shared by itself."""

    WAITING = "waiting"
    SOON = "soon"
    TOLD = "told"
    DUE = "due"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Days:
    """How many days have counted. Times in s, since the midnight before the first start.

    `passed`: what has surely passed. `ran`: for how long the program ran on the day that is going on.
    """

    passed: int = 0
    ran: int = 0
    count: int = 0

    def run(self, awake: int, asleep: int = 0) -> Days:
        """Return the days after the program ran for `awake`, and the computer slept for `asleep` meanwhile."""
        return self._pass(asleep, runs=False)._pass(awake, runs=True)

    def off(self, gap: int) -> Days:
        """Return the days after the program did not run for `gap`: as late in the day, and a night further at most."""
        return self._pass(min(gap, DAY_S + gap % DAY_S), runs=False)

    def _pass(self, seconds: int, *, runs: bool) -> Days:
        passed, ran, count = self.passed, self.ran, self.count
        while seconds > 0:
            step = min(seconds, DAY_S - passed % DAY_S)
            passed, ran, seconds = passed + step, ran + (step if runs else 0), seconds - step
            if passed % DAY_S == 0:
                count, ran = count + (ran >= RAN_LEAST_S), 0
        return Days(passed, ran, count)


@dataclass(frozen=True, slots=True)
class Held:
    """One recording that may be shared by itself. Numbers are of `Days.count`.

    `since`: what it is when the day is over on which the hold began. `told`: the same of the day on which the person
    was told last. `kept`: they said that it is not to be shared by itself.
    """

    since: int
    told: int | None = None
    kept: bool = False

    def stage(self, count: int, hold_days: int) -> Stage:
        """Return where it is after `count` days, of which `hold_days` are its hold."""
        end = self.since + max(1, hold_days)
        if self.kept:
            return Stage.KEPT
        if self.told is None or self.told < end - 1:  # or told too early: the hold has become longer since
            return Stage.SOON if count >= end - 2 else Stage.WAITING
        return Stage.DUE if count >= max(end, self.told + 1) else Stage.TOLD

    def days_left(self, count: int, hold_days: int) -> int:
        """Return how many days of use are left, the one that is going on included."""
        told = count + 1 if self.told is None else self.told
        return max(self.since + max(1, hold_days), told + 1) - count


@dataclass(frozen=True, slots=True)
class Hold:
    """All recordings that may be shared by themselves, by id, and the days."""

    days: Days = Days()
    held: Mapping[str, Held] = field(default_factory=dict)

    def watch(self, sessions: Collection[str]) -> Hold:
        """Return the hold of exactly these; for those that are new it begins now."""
        new = Held(self.days.count + 1)
        return replace(self, held={one: self.held.get(one, new) for one in sessions})

    def anew(self, sessions: Collection[str]) -> Hold:
        """Return the hold begun anew for these: they were looked at, cut, or the person chose again."""
        again = {one: Held(self.days.count + 1, kept=self.held[one].kept) for one in sessions if one in self.held}
        return replace(self, held={**self.held, **again})

    def told(self, sessions: Collection[str]) -> Hold:
        """Return the hold after the person was told of these."""
        told = {one: replace(self.held[one], told=self.days.count + 1) for one in sessions if one in self.held}
        return replace(self, held={**self.held, **told})

    def keep(self, sessions: Collection[str]) -> Hold:
        """Return the hold after the person kept these for themselves."""
        kept = {one: replace(self.held[one], kept=True) for one in sessions if one in self.held}
        return replace(self, held={**self.held, **kept})

    def stage(self, session: str, hold_days: int) -> Stage | None:
        """Return where a recording is; None: it is none that could be shared by itself."""
        one = self.held.get(session)
        return None if one is None else one.stage(self.days.count, hold_days)
