"""When recording begins and ends by itself: the hours that the person chose, within those that are allowed.

::

    the hours begin ── somebody is there ──▶ countdown, 10 s in sight ── nobody says no ──▶ recording begins
                                                     └── "Not now" ──▶ nothing, until the next hours
    the hours end ──▶ recording stops and is saved

The countdown is the one that ends a pause (`core.pausing`). What the person stopped or waved away does not begin
again in the same hours, and a pause is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum, auto

from capture_agent.core.pausing import ATTENDED_US, Pausing, Phase
from capture_agent.core.recording import State
from capture_agent.core.schedule import Schedule
from capture_agent.session.agreement import Agreement
from capture_agent.session.profile import Memory
from capture_agent.session.world import World

LOOK_EVERY_US = 1_000_000  # hours are whole minutes: a second is early enough, but for a countdown
_GOING = frozenset({State.RECORDING, State.SUSPENDED})


class Move(Enum):
    """What is to be done now."""

    NOTHING = auto()
    BEGIN = auto()
    END = auto()


class Hours:
    """Main thread only. It decides and remembers; the controller does."""

    def __init__(self, agreement: Agreement, world: World, memory: Memory, ready: Callable[[], bool]) -> None:
        """Look at the hours in `agreement`; `ready` says whether anything was agreed to that could be recorded."""
        self._agreement = agreement
        self._world = world
        self._memory = memory
        self._ready = ready
        self._opening: date | None = None  # on which day the hours began in which we are, if we are
        self._for: Schedule | None = None
        self._looked_us: int | None = None
        self._countdown = Pausing()
        self.over = False  # the hours have ended, and that is why nothing is recorded

    @property
    def schedule(self) -> Schedule | None:
        """The days and hours that the person chose; None: recording never begins by itself."""
        return self._agreement.standing.schedule

    @property
    def allowed(self) -> bool:
        """Whether study and settings allow recording at this time of the day."""
        offer = self._agreement.offer
        return offer is None or offer.allows(self._local())

    @property
    def starts_in(self) -> int | None:
        """In how many seconds recording begins by itself; None: no countdown is to be seen."""
        if self._countdown.phase is not Phase.COUNTING:
            return None
        return -(-self._countdown.left_us(self._world.now_us()) // 1_000_000)

    def tick(self, state: State) -> Move:
        """Return what the hours want now; `state` is the recorder's. Called with every tick."""
        now = self._world.now_us()
        counting = self._countdown.phase is not Phase.NONE
        if not counting and self._looked_us is not None and now - self._looked_us < LOOK_EVERY_US:
            return Move.NOTHING
        self._looked_us = now
        opening, allowed = self._now(), self.allowed
        # Hours that the person just changed have not ended by the clock.
        ended = self._opening is not None and opening is None and self.schedule == self._for
        self._opening, self._for = opening, self.schedule
        if opening is not None or state in _GOING:
            self.over = False
        if state in _GOING and (ended or not allowed):
            self.over = True
            return Move.END
        if opening is None or state is not State.OFF or self._skipped(opening) or not self._ready():
            self._countdown = Pausing()
            return Move.NOTHING
        return self._count(now)

    def _count(self, now: int) -> Move:
        here = self._world.presence()
        attended = not here.locked and here.idle_us < ATTENDED_US
        if self._countdown.phase is Phase.NONE:
            if attended:
                self._countdown = Pausing().pause(now, 0)
            return Move.NOTHING
        self._countdown = self._countdown.watch(now, attended=attended, shown=self._world.countdown_shown())
        if self._countdown.phase is Phase.NONE:
            return Move.BEGIN
        if self._countdown.phase is Phase.OPEN:
            self._countdown = Pausing()  # nobody was there to see it: it begins anew when somebody is
        return Move.NOTHING

    def skip(self) -> None:
        """Do not begin by itself any more in the hours that are now.

        Raises:
            StorageError: That cannot be written down; it holds until the agent ends.
        """
        self._countdown = Pausing()
        opening = self._now()
        if opening is not None:
            self._memory.change(not_again=opening.isoformat())

    def _skipped(self, opening: date) -> bool:
        return self._memory.now.not_again == opening.isoformat()

    def _now(self) -> date | None:
        schedule = self.schedule
        if schedule is None or not self.allowed:
            return None
        return schedule.opening(self._local())

    def _local(self) -> datetime:
        return self._world.wall().astimezone(self._world.zone())
