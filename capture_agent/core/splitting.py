"""Where one session ends and the next begins although nobody stopped it, and when nothing is recorded meanwhile.

::

    what happens            session         until then
    screen locked           ends then       nothing is recorded until it is unlocked
    nobody there: 10 min    ends then       nothing is recorded until somebody is
    computer slept          ended before    goes on at once, unless the screen is locked
    1 h is over             ends            goes on at once
    consent changed         ends            goes on at once, with what is agreed now
    something is forgotten  ends            goes on when that is done
    who is there? (shared)  ends            nothing is recorded before "It is me"

Going on needs that the person's click to record still stands: this decides nothing of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SESSION_LIMIT_US = 3_600_000_000  # one hour: what is reviewed, released, cut or lost at once stays small
IDLE_LIMIT_US = 600_000_000  # ten minutes: longer than reading a page, shorter than a break
# Two clocks are read one after the other: a difference of less than this is no sleep.
SLEEP_LEAST_US = 1_000_000


class Reason(StrEnum):
    """Why a session ends, or why nothing is recorded now; it stands in the session's end."""

    LOCKED = "locked"
    IDLE = "idle"
    ASLEEP = "asleep"
    HOUR = "one-hour"
    CONSENT = "consent-changed"
    WHO = "who-is-there"
    FORGET = "forgotten"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the person at one moment. Times in µs, on the input clock.

    `locked_us`: since when the screen is locked, or None. `idle_us`: for how long nobody has touched anything.
    `slept_us`: how long the computer has slept since it was started. `who`: it is not said who is there.
    """

    now_us: int
    locked_us: int | None = None
    idle_us: int = 0
    slept_us: int = 0
    who: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows: `ends` an open session, as of `from_us`; `hinders` capture as long as it is said."""

    ends: Reason | None = None
    from_us: int = 0
    hinders: Reason | None = None


def judge(before: Seen, seen: Seen, began_us: int | None) -> Verdict:
    """Return what follows from `seen`, looked at after `before`; `began_us` is when the open session began, or None."""
    hinders, from_us = _hinders(seen)
    if seen.slept_us - before.slept_us >= SLEEP_LEAST_US:
        # The input clock stood still meanwhile: what was known before the sleep is the last that holds.
        return Verdict(Reason.ASLEEP, before.now_us, hinders)
    if hinders is not None:
        return Verdict(hinders, from_us, hinders)
    if began_us is not None and seen.now_us - began_us >= SESSION_LIMIT_US:
        return Verdict(Reason.HOUR, seen.now_us)
    return Verdict()


def _hinders(seen: Seen) -> tuple[Reason | None, int]:
    if seen.locked_us is not None:
        return Reason.LOCKED, min(seen.locked_us, seen.now_us)
    if seen.who:
        return Reason.WHO, seen.now_us
    if seen.idle_us >= IDLE_LIMIT_US:
        return Reason.IDLE, seen.now_us
    return None, seen.now_us
