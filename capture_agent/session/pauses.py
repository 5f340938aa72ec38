"""The pause that is on: obeys `core.pausing`, and knows when it ends on the wall clock, for people to read."""

from __future__ import annotations

from datetime import datetime, timedelta

from capture_agent.core.language import noted, say
from capture_agent.core.pausing import ATTENDED_US, Note, Pausing, Phase
from capture_agent.session.profile import Memory
from capture_agent.session.world import World

# The wall clock is only shown. It is worked out anew when it was set or the computer slept, not for every jitter.
CLOCK_SET = timedelta(seconds=2)

NOTES = {
    Note.NOTHING: "",
    Note.NOBODY: noted("The time is over, but nobody was there: the pause goes on until you resume."),
    Note.UNSEEN: noted("The time is over, but you could not be told: the pause goes on until you resume."),
}


class Pauses:
    """Main thread only. It decides nothing: what it permits, the controller does. It remembers that it is on.

    Attributes:
        stands: Whether the person paused and did not end that since, also while nothing is agreed to that could be
            paused, and also if it cannot be written down.
    """

    def __init__(self, world: World, memory: Memory) -> None:
        """Come back paused if that is how the last run ended: until the person resumes, whatever it was then."""
        self._world = world
        self._memory = memory
        self.stands = memory.now.paused
        self._pausing = Pausing().pause(world.now_us(), None) if self.stands else Pausing()
        self._until: datetime | None = None

    def begin(self, minutes: int | None) -> None:
        """Pause from now on, for `minutes` or until resumed.

        Raises:
            StorageError: A restart will not know of it.
        """
        self._pausing = self._pausing.pause(self._world.now_us(), minutes)
        self._until = None
        self.stands = True
        self._memory.change(paused=True)

    def cover(self) -> None:
        """There is nothing to pause now; it still stands."""
        self._pausing = self._pausing.end()
        self._until = None

    def end(self) -> None:
        """There is no pause any more.

        Raises:
            StorageError: The next start comes up paused.
        """
        self.cover()
        self.stands = False
        self._memory.change(paused=False)

    def over(self) -> bool:
        """Return whether the pause has ended by itself just now. Called with every tick while it is paused."""
        now = self._world.now_us()
        if not self._pausing.due(now):
            return False
        here = self._world.presence()
        self._pausing = self._pausing.watch(
            now, attended=not here.locked and here.idle_us < ATTENDED_US, shown=self._world.countdown_shown()
        )
        return self._pausing.phase is Phase.NONE

    @property
    def until(self) -> datetime | None:
        """When its time is over, on the wall clock; None: until I resume, or no pause."""
        ends_us = self._pausing.ends_us
        if ends_us is None:
            return None
        now = self._world.wall() + timedelta(microseconds=ends_us - self._world.now_us())
        if self._until is None or abs(now - self._until) > CLOCK_SET:
            self._until = now
        return self._until

    @property
    def resumes_in(self) -> int | None:
        """For how many seconds the countdown goes on; None: there is no countdown."""
        if self._pausing.phase is not Phase.COUNTING:
            return None
        return -(-self._pausing.left_us(self._world.now_us()) // 1_000_000)

    @property
    def note(self) -> str:
        """What to say of a pause that did not end as announced; else empty."""
        note = NOTES[self._pausing.note]
        return say(note) if note else ""
