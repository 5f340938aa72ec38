"""Where one session ends and the next begins although nobody stopped it, and when nothing is recorded meanwhile.

::

    what happens            session         until then
    screen locked           ends then       nothing is recorded until it is unlocked
    user switched           ends then       nothing is recorded until this session has the screen again
    going to sleep          ends then       nothing is recorded before it wakes
    computer slept          ended before    goes on at once, unless the screen is locked
    shutting down           ends then       nothing is recorded, unless the shutdown is called off
    used from afar          ends            nothing is recorded in a remote session
    nobody there: 10 min    ends then       nothing is recorded until somebody is
    disk nearly full        ends            nothing is recorded until twice that much is free
    network or synced disk  ends            nothing is recorded where files do not stay here (`core.elsewhere`)
    no room for recordings  ends            nothing is recorded until some were deleted (`core.room`)
    battery saver           ends            nothing is recorded until it is off or the computer plugged in
    1 h is over             ends            goes on at once
    consent changed         ends            goes on at once, with what is agreed now
    something is forgotten  ends            goes on when that is done
    who is there? (shared)  ends            nothing is recorded before "It is me"

Going on needs that the person's click to record still stands: this decides nothing of that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

SESSION_LIMIT_US = 3_600_000_000  # one hour: what is reviewed, released, cut or lost at once stays small
IDLE_LIMIT_US = 600_000_000  # ten minutes: longer than reading a page, shorter than a break
# Two clocks are read one after the other: a difference of less than this is no sleep.
SLEEP_LEAST_US = 1_000_000
# What has to stay free on the disk, in bytes: other programs need it more, and a quarter of an hour of a busy screen is
# the least that is worth beginning for. On a disk that is smaller than ten times that, a tenth of it.
LEAST_FREE_BYTES = 250 * 1024 * 1024
LEAST_FREE_SHARE = 10
POWER_SAVER = "power-saver"  # power-profiles-daemon, ActiveProfile
WARNING_LOW = 3  # UPower, org.freedesktop.UPower.Device, WarningLevel; 1 is none, 2 what only a UPS says


class Reason(StrEnum):
    """Why a session ends, or why nothing is recorded now; it stands in the session's end."""

    LOCKED = "locked"
    ELSEWHERE = "other-user"
    SHUTDOWN = "shutdown"
    REMOTE = "remote"
    IDLE = "idle"
    ASLEEP = "asleep"
    DISK = "low-disk"
    FULL = "recordings-full"
    NETWORK = "network-folder"
    SAVER = "battery-saver"
    HOUR = "one-hour"
    CONSENT = "consent-changed"
    WHO = "who-is-there"
    FORGET = "forgotten"


# Who is away is not at this computer, whatever it is that took the screen.
AWAY = frozenset({Reason.SHUTDOWN, Reason.ASLEEP, Reason.ELSEWHERE, Reason.LOCKED})
# Of several reasons the first is said: the one that ends last, or that the person can do least about.
HINDERING = (
    Reason.SHUTDOWN,
    Reason.ASLEEP,
    Reason.ELSEWHERE,
    Reason.LOCKED,
    Reason.REMOTE,
    Reason.WHO,
    Reason.IDLE,
    Reason.NETWORK,
    Reason.DISK,
    Reason.FULL,
    Reason.SAVER,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the person and the computer at one moment. Times in µs, on the input clock.

    `locked_us`: since when the screen is locked or the person away in another way, or None. `idle_us`: for how long
    nobody has touched anything. `slept_us`: how long the computer has slept since it was started. `who`: it is not said
    who is there. `told`: the reasons that buses, display and disk tell by themselves.
    """

    now_us: int
    locked_us: int | None = None
    idle_us: int = 0
    slept_us: int = 0
    who: bool = False
    told: frozenset[Reason] = field(default_factory=frozenset)


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
    reasons = set(seen.told)
    if seen.locked_us is not None and not reasons & AWAY:
        reasons.add(Reason.LOCKED)
    if seen.who:
        reasons.add(Reason.WHO)
    if seen.idle_us >= IDLE_LIMIT_US:
        reasons.add(Reason.IDLE)
    first = next((reason for reason in HINDERING if reason in reasons), None)
    since_us = seen.now_us if first not in AWAY or seen.locked_us is None else min(seen.locked_us, seen.now_us)
    return first, since_us


def saves_battery(profile: str, on_battery: bool | None, warning: int) -> bool:
    """Return whether the battery is being saved, so that a recorder had better rest.

    `profile`: what power-profiles-daemon has on, "" for nothing. `on_battery`: None if not known; a computer that is
    plugged in saves nothing, whatever its profile. `warning`: UPower's WarningLevel, from 3 (low) to 5 (about to act).
    """
    return on_battery is not False and (profile == POWER_SAVER or warning >= WARNING_LOW)


def is_scarce(free: int, size: int, *, was: bool) -> bool:
    """Return whether a disk of `size` bytes with `free` of them is too full to record on; `was`: it was until now.

    Twice as much has to be free again before recording goes on: it would else begin and end all the time.
    """
    least = min(LEAST_FREE_BYTES, size // LEAST_FREE_SHARE)
    return free < (2 * least if was else least)
