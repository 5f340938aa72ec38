"""Counts the days of the hold, over restarts too: `core.hold` held against the world.

What it remembers is a file whose hash is kept among the secrets: a file that somebody changed or put back is not
believed, and then every hold begins anew. So no file brings anything nearer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from capture_agent.core.errors import StorageError
from capture_agent.core.hold import Days, Held, Hold, Stage
from capture_agent.keys.files import read_private, replace_private
from capture_agent.keys.secret_store import Secrets
from capture_agent.keys.strict_json import canonical_json
from capture_agent.session.world import World

FORMAT = 1
NAME = "hold"  # among the secrets
SECOND_US = 1_000_000


class Holding:
    """Main thread only, but for `hold`, which is replaced whole."""

    def __init__(self, path: Path, secrets: Secrets, world: World) -> None:
        """Go on where the last run was."""
        self._path = path
        self._secrets = secrets
        self._world = world
        self._awake_us, self._asleep_us = self._clocks()
        self._touched: Mapping[str, int] = {}
        self._chosen = 0
        self._digest = ""  # of what was written or believed last
        self._known = False
        self.hold = Hold()

    def open(self) -> None:
        """Read what was remembered; called once, when sharing by itself is chosen.

        Raises:
            KeyError_: The secrets are locked.
        """
        if self._known:
            return
        found = self._read()
        if found is None:
            local = self._world.wall().astimezone(self._world.zone())
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            self.hold = Hold(Days(int((local - midnight).total_seconds())))
        else:
            self.hold, gap = found
            self.hold = Hold(self.hold.days.off(gap), self.hold.held)
        self._awake_us, self._asleep_us = self._clocks()
        self._known = True

    def look(self, sessions: Collection[str], touched: Mapping[str, int], chosen: int) -> None:
        """Count the time since the last look, and hold exactly `sessions`.

        Those of which something was cut out meanwhile (`touched` counts that) are held anew; and all, if `chosen`, the
        entry of the ledger by which the person chose it, is another one.

        Raises:
            KeyError_, StorageError: It cannot be remembered; it is counted all the same.
        """
        self.open()
        awake, asleep = self._clocks()
        days = self.hold.days.run((awake - self._awake_us) // SECOND_US, (asleep - self._asleep_us) // SECOND_US)
        # What is less than a second is counted with the next look.
        self._awake_us += (awake - self._awake_us) // SECOND_US * SECOND_US
        self._asleep_us += (asleep - self._asleep_us) // SECOND_US * SECOND_US
        cut = [one for one, times in touched.items() if times != self._touched.get(one, 0)]
        self._touched = dict(touched)
        again = cut if chosen == self._chosen else sessions
        self._chosen = chosen
        self.hold = Hold(days, self.hold.held).watch(sessions).anew(again)
        self._keep()

    def _keep(self) -> None:
        stored = canonical_json(self._to_json())
        digest = hashlib.sha256(stored).hexdigest()
        # A crash between the two leaves the file of before, which is still believed. What we did not write never is.
        self._secrets.set(NAME, f"{self._digest} {digest}".strip())
        replace_private(self._path, stored)
        self._digest = digest

    def those(self, stage: Stage, hold_days: int) -> tuple[str, ...]:
        """Return the recordings that are there on their way."""
        return tuple(one for one in self.hold.held if self.hold.stage(one, hold_days) is stage)

    def days_left(self, session: str, hold_days: int) -> int | None:
        """Return in how many days of use a recording is shared by itself; None: it is not."""
        one = self.hold.held.get(session)
        return None if one is None or one.kept else one.days_left(self.hold.days.count, hold_days)

    def _clocks(self) -> tuple[int, int]:
        return self._world.now_us(), self._world.presence().slept_us

    def _to_json(self) -> dict[str, object]:
        days = self.hold.days
        return {
            "format": FORMAT,
            "chosen": self._chosen,
            "days": [days.passed, days.ran, days.count],
            "held": {one: [held.since, held.told, held.kept] for one, held in self.hold.held.items()},
            "wall": self._world.wall().isoformat(timespec="seconds"),
            "lived_us": self._awake_us + self._asleep_us,
        }

    def _read(self) -> tuple[Hold, int] | None:
        """Return what was remembered, and how many seconds ago that was; None: nothing that is believed."""
        kept = self._secrets.get(NAME)
        try:
            stored = read_private(self._path)
            digest = hashlib.sha256(stored or b"").hexdigest()
            if kept is None or stored is None or digest not in kept.split():
                return None
            found = json.loads(stored)
            if found["format"] != FORMAT:
                return None
            self._chosen = int(found["chosen"])
            held = {
                str(one): Held(int(since), told, kept is True) for one, (since, told, kept) in found["held"].items()
            }
            gap = int((self._world.wall() - datetime.fromisoformat(found["wall"])) / timedelta(seconds=1))
            lived = (sum(self._clocks()) - int(found["lived_us"])) // SECOND_US
            if lived >= 0:  # the computer was on all the time: a clock that nobody can set knows how long that was
                gap = min(gap, lived)
            self._digest = digest
            return Hold(Days(*map(int, found["days"])), held), max(0, gap)
        except (StorageError, ValueError, KeyError, TypeError, AttributeError):
            return None
