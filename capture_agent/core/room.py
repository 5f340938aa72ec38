"""How much room recordings may take on their owner's disk, when that is said, and when nothing more is recorded. Pure.

::

    of the room     what happens
    under 80 %      nothing
    from 80 %       one notice, and a line in tray and window, that say what to do
    from 100 %      the recording ends, sealed, and none begins; under 95 % again it goes on

Nothing is ever deleted to make room; but what its owner deleted and could still put back goes before recording ends.
"""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000  # bytes, as file managers count
MAX_HELD_MB = 5000  # four hours of a screen that never rests, weeks of ordinary work; study and person can lower it
LEAST_HELD_MB = 10  # less holds no quarter of an hour
FREE_SHARE = 10  # of the space that would be free without recordings they take a tenth at most
NEARLY_PERCENT = 80
# Once full, so much less before recording goes on: it would else begin and end all the time.
AGAIN_PERCENT = 95


@dataclass(frozen=True, slots=True)
class Room:
    """What recordings take and may take, in bytes. `full`: nothing more is recorded."""

    used: int = 0
    limit: int = MAX_HELD_MB * MB
    full: bool = False

    @property
    def nearly(self) -> bool:
        """Whether it is time to say so."""
        return self.full or self.used * 100 >= self.limit * NEARLY_PERCENT

    def shown(self) -> Room:
        """Return what is worth showing: whole megabytes, and nothing before it is time to say so."""
        return Room(self.used // MB * MB, max(1, self.limit // MB * MB), self.full) if self.nearly else ENOUGH

    @property
    def percent(self) -> int:
        """How much of the room is taken."""
        return self.used * 100 // self.limit


ENOUGH = Room()


def room(used: int, free: int, most_mb: int, *, was_full: bool) -> Room:
    """Return the room there is: recordings take `used` bytes, `free` ones are left, and `most_mb` was chosen."""
    limit = max(1, min(most_mb * MB, (free + used) // FREE_SHARE))
    return Room(used, limit, used * 100 >= limit * (AGAIN_PERCENT if was_full else 100))
