"""Keeps the sums of the day over restarts, and says when the day is told of: `core.day` held against the world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from capture_agent.core.day import MINUTE_US, Day, Happening
from capture_agent.core.errors import StorageError
from capture_agent.core.language import language, noted, say, say_many
from capture_agent.core.recording import State
from capture_agent.core.splitting import Reason
from capture_agent.keys.files import read_private, replace_private
from capture_agent.session.world import World

DAY_FORMAT = 1
SAVE_EVERY_US = 300_000_000  # at most five minutes of sums are lost in a crash
TICK_EVERY_US = 1_000_000
GAP_US = 2_000_000  # a tick that comes later than this tells nothing of the time before it
# Each class of reason in words; {time} is how long.
REASONS: Mapping[str, str] = {
    Reason.SHUTDOWN: noted("{time} before a shutdown"),
    Reason.ASLEEP: noted("{time} before the computer slept"),
    Reason.ELSEWHERE: noted("{time} while another user had the screen"),
    Reason.LOCKED: noted("{time} while the screen was locked"),
    Reason.REMOTE: noted("{time} while this computer was used from another one"),
    Reason.WHO: noted("{time} before it was said who is there"),
    Reason.IDLE: noted("{time} while nobody used this computer"),
    Reason.DISK: noted("{time} while the disk was nearly full"),
    Reason.NETWORK: noted("{time} while recordings would have lain in a network folder"),
    Reason.FULL: noted("{time} while recordings had no more room"),
    Reason.SAVER: noted("{time} while the battery was being saved"),
    "indicator": noted("{time} while the recording sign was not in sight"),
    "program": noted("{time} of input in other programs"),
    "focus-unknown": noted("{time} of input in windows that are not known"),
    "secret-field": noted("{time} in password fields"),
    "secret-text": noted("{time} of typed text that looks like a secret"),
    "field-unknown": noted("{time} of typed text in fields that may be password fields"),
}


class Daybook:
    """Main thread only."""

    def __init__(self, path: Path, world: World) -> None:
        """Go on with the day that `path` holds; a file that cannot be read is begun anew: it holds sums alone."""
        self._path = path
        self._world = world
        self._ticked_us: int | None = None
        self._saved_us = world.now_us()
        self._state: State | None = None
        self._reason: str | None = None
        self._withheld: dict[str, int] = {}
        self.day = _read(path) or Day(self._local().date())

    def due(self, state: State, reason: str | None) -> bool:
        """Return whether there is something to `tick`: another state, or a second of the same."""
        if state is not self._state or reason != self._reason or self._ticked_us is None:
            return True
        return self._world.now_us() - self._ticked_us >= TICK_EVERY_US

    def tick(self, state: State, reason: str | None, withheld: Mapping[str, int]) -> None:
        """Count the time since the last tick; `withheld` is what the gate did not keep since the start, in µs.

        Raises:
            StorageError: It cannot be saved; it is counted all the same.
        """
        now = self._world.now_us()
        passed = 0 if self._ticked_us is None else now - self._ticked_us
        if self._state is not None and 0 < passed <= GAP_US:
            self.day = self.day.passed(passed, self._state, self._reason)
        for name, total in withheld.items():
            more = total - self._withheld.get(name, 0)
            if more > 0:
                self.day = self.day.not_kept(name, more)
        self._withheld = dict(withheld)
        changed = self._state is not None and state is not self._state
        self._ticked_us, self._state, self._reason = now, state, reason
        if changed or now - self._saved_us >= SAVE_EVERY_US:
            self.save()

    def ended(self, happening: Happening) -> Day | None:
        """Return the day to be told of now, if that is due; it is not returned again.

        Raises:
            StorageError: It cannot be noted that it was told.
        """
        local = self._local()
        told = None
        if self.day.ends(happening, local):
            told = self.day
            self.day = Day(told.day, told.recorded_us, told.paused_us, told.withheld, told=True)
        if local.date() > self.day.day:
            self.day = Day(local.date())
        if told is not None:
            self.save()
        return told

    def today(self) -> date:
        """Return the day that it is here."""
        return self._local().date()

    def save(self) -> None:
        """Keep the sums over a restart.

        Raises:
            StorageError: They cannot be written.
        """
        self._saved_us = self._world.now_us()
        if self.day.empty:
            return
        stored = {
            "format": DAY_FORMAT,
            "day": self.day.day.isoformat(),
            "recorded_us": self.day.recorded_us,
            "paused_us": self.day.paused_us,
            "withheld": dict(self.day.withheld),
            "told": self.day.told,
        }
        replace_private(self._path, json.dumps(stored).encode())

    def _local(self) -> datetime:
        return self._world.wall().astimezone(self._world.zone())


def in_words(day: Day, held: int, today: date) -> tuple[str, str]:
    """Return title and text that tell of `day`; `held` recordings wait for the person."""
    title = say("Your day with Capture Agent")
    if day.day != today:
        title = say("Your {date} with Capture Agent", date=_date(day.day))
    lines = [say("Recorded: {time}", time=_time(day.recorded_us)), say("Paused: {time}", time=_time(day.paused_us))]
    reasons = [
        say(words, time=_time(day.withheld[name]))
        for name, words in REASONS.items()
        if day.withheld.get(name, 0) >= MINUTE_US
    ]
    if reasons:
        lines.append(say("Not recorded: {reasons}", reasons=", ".join(reasons)))
    if held:
        lines.append(say_many("{count} recording waits for you.", "{count} recordings wait for you.", held))
    return title, "\n".join(lines)


def _time(us: int) -> str:
    hours, minutes = divmod(us // MINUTE_US, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"  # these signs are the same in every language


def _date(day: date) -> str:
    return f"{day.day}.{day.month}." if language() == "de" else day.isoformat()


def _read(path: Path) -> Day | None:
    try:
        found = read_private(path)
        stored = json.loads(found or b"null")
        if stored is None or stored["format"] != DAY_FORMAT:
            return None
        return Day(
            date.fromisoformat(stored["day"]),
            int(stored["recorded_us"]),
            int(stored["paused_us"]),
            {str(name): int(us) for name, us in stored["withheld"].items()},
            told=stored["told"] is True,
        )
    except (StorageError, ValueError, KeyError, TypeError, AttributeError):
        return None
