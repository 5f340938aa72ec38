"""How fast to deliver, when to try again what could not be delivered, and what is said of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.errors import (
    CaptureAgentError,
    ConfigError,
    DesktopError,
    KeyError_,
    StorageError,
    VerificationError,
)
from capture_agent.core.language import noted

FIRST_S = 4.0  # the longest wait after the first failure: what passes by itself has often passed then
LONGEST_S = 3600.0  # however long a place was away, within the hour after it is back it is tried
BACK_S = 10.0  # the longest wait once there is a network again: not all computers of an office come back in one second
CALM_S = 60  # how long any request may take, however small
LEAST_RATE = 16 * 1024  # bytes a second: what is slower than this is taken for stuck
LEAST_KBIT = 64  # kilobits a second: a file goes in one piece, and 100 MB take three and a half hours with this cap
MAX_KBIT = 1_000_000
STEPS = 8  # a second, in which a cap lets bytes go: smooth, and no server takes that for a connection that hangs


class Trouble(StrEnum):
    """Why something was not delivered."""

    AWAY = "away"
    BUSY = "busy"
    FULL = "full"
    REFUSED = "refused"
    NO_CREDENTIALS = "no-credentials"
    NO_LIBRARY = "no-library"
    NO_SUCH_PLACE = "no-such-place"
    NOT_ATOMIC = "not-atomic"
    NOT_OURS = "not-ours"
    NOT_TRUSTED = "not-trusted"
    UNREADABLE = "unreadable"
    METERED = "metered"
    OFFLINE = "offline"


_SAID: Mapping[Trouble, tuple[type[CaptureAgentError], str, str]] = MappingProxyType(
    {
        Trouble.AWAY: (
            CaptureAgentError,
            noted("{place} cannot be reached"),
            noted("Nothing is lost: it is tried again by itself. Is the network, or the network drive, there?"),
        ),
        Trouble.BUSY: (
            CaptureAgentError,
            noted("{place} takes nothing at the moment"),
            noted("Nothing is lost: it is tried again by itself."),
        ),
        Trouble.FULL: (
            StorageError,
            noted("{place} is full"),
            noted("Tell the people who run the study. Nothing is lost: it is tried again by itself."),
        ),
        Trouble.REFUSED: (
            KeyError_,
            noted("{place} does not let this computer deliver anything"),
            noted("Ask the people who run the study for valid access, then try again."),
        ),
        Trouble.NO_CREDENTIALS: (
            KeyError_,
            noted("there is no access to {place} on this computer"),
            noted("Put the access that the study gave you into the environment, see `capture-agent deliver --help`."),
        ),
        Trouble.NO_LIBRARY: (
            DesktopError,
            noted("delivering to {place} needs obstore, which is not installed"),
            noted("Install it: `pip install 'capture-agent[delivery]'`"),
        ),
        Trouble.NO_SUCH_PLACE: (
            ConfigError,
            noted("{place} does not exist"),
            noted("Tell the people who run the study. Nothing is lost: it is tried again by itself."),
        ),
        Trouble.NOT_ATOMIC: (
            ConfigError,
            noted("{place} cannot promise to replace nothing"),
            noted("The study needs a store that knows If-None-Match. Nothing was delivered."),
        ),
        Trouble.NOT_OURS: (
            VerificationError,
            noted("{place} has another file of the same name"),
            noted("It was left as it is. Tell the people who run the study."),
        ),
        Trouble.NOT_TRUSTED: (
            VerificationError,
            noted("{place} cannot prove that it is what it says"),
            noted("Its certificate is not valid for this computer. Nothing was delivered."),
        ),
        Trouble.UNREADABLE: (
            StorageError,
            noted("a file that is waiting to be delivered cannot be read"),
            noted("Check the disk, then try again."),
        ),
        Trouble.OFFLINE: (
            CaptureAgentError,
            noted("this computer has no network at the moment"),
            noted("Nothing is lost: what waits goes by itself, soon after there is one."),
        ),
        Trouble.METERED: (
            CaptureAgentError,
            noted("the network costs by volume, so nothing is delivered over it"),
            noted("It goes on in another network, or with `deliver_on_metered = true` in your settings."),
        ),
    }
)


# What may be over in another network, and so is looked at anew there, whenever it would be tried otherwise.
OF_THE_NETWORK = frozenset({Trouble.OFFLINE, Trouble.AWAY, Trouble.METERED, Trouble.NOT_TRUSTED})


class Undelivered(Exception):  # noqa: N818 - no error for people: `as_error` makes that
    """Something was not delivered. Carries no more than why: what a store or library says may hold anything."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def as_error(trouble: Trouble, place: str) -> CaptureAgentError:
    """Return the error for people that stands for `trouble` with the destination `place`."""
    kind, message, hint = _SAID[trouble]
    return kind(message, hint=hint, place=place)


def delay_s(failures: int, luck: float) -> float:
    """Return how long to wait after so many failures in a row, in seconds: exponential back-off with full jitter.

    `luck` is random, from 0 to 1: computers that lost the same server do not come back to it all at once
    (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    # 2 ** 12 is beyond the longest already; larger powers are not worth computing.
    return luck * min(LONGEST_S, FIRST_S * 2.0 ** min(max(failures, 1) - 1, 12))


def back_s(luck: float) -> float:
    """Return how long to wait once this computer is in a network again, in seconds. `luck` as for `delay_s`."""
    return luck * BACK_S


def patience_s(size: int, rate: int | None = None) -> int:
    """Return how long one request that carries `size` bytes, `rate` a second at most, may take, in seconds."""
    return CALM_S + size // LEAST_RATE + (0 if rate is None else size // rate)


@dataclass(frozen=True, slots=True)
class Pace:
    """A cap of `rate` bytes a second: what goes is paid for with time before anything else goes.

    A token bucket that holds one step, said by the moment at which it has one again. No time is saved up: after a wait
    nothing goes faster. So in no stretch of T seconds do more than `rate` · T bytes and one step go.
    """

    rate: int
    free: float = float("-inf")  # when the next bytes may go, in seconds of any clock that never goes back

    @property
    def step(self) -> int:
        """How many bytes go at once, at most."""
        return max(1, self.rate // STEPS)

    def after(self, sent: int, now: float) -> Pace:
        """Return the pace to use once `sent` bytes, a step at most, went at `now`."""
        return replace(self, free=max(self.free, now) + sent / self.rate)
