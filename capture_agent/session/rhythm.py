"""When recording goes on, waits, or begins a new session, by itself: `core.splitting` held against the world.

The controller asks with every tick, before anything is marked: what happened since the last mark is then not
kept if it turns out that the screen was locked.
"""

from __future__ import annotations

from collections.abc import Callable

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.recording import State
from capture_agent.core.splitting import Reason, Seen, is_scarce, judge
from capture_agent.desktop.base import Presence
from capture_agent.session.agreement import Agreement
from capture_agent.session.held_room import HeldRoom
from capture_agent.session.holdings import Holdings
from capture_agent.session.recorder import Recorder
from capture_agent.session.world import World

DISK_EVERY_US = 1_000_000  # in a second a busy screen takes a third of a MiB: far less than what stays free
_OPEN = frozenset({State.RECORDING, State.SUSPENDED, State.PAUSED})


class Rhythm:
    """Main thread only.

    Attributes:
        hinders: Why nothing may be recorded now, or None.
        shared: Whether several people use this computer.
        room: What recordings take on the disk, and may take.
        who: Whether it has to be said first who is there.
        since_us: Since when it may be somebody else who is there: the last lock, else when this was made. On the
            clock that goes on while the computer sleeps.
    """

    def __init__(self, recorder: Recorder, world: World, agreement: Agreement, holdings: Holdings) -> None:
        self._recorder = recorder
        self._world = world
        self._agreement = agreement
        self.room = HeldRoom(holdings, world, agreement)
        self._seen: Seen | None = None
        self.hinders: Reason | None = None
        self.shared = False
        self.who = False
        self.locked_anew: Callable[[], None] = lambda: None  # the screen has just been locked
        self.since_us = world.now_us() + world.presence().slept_us
        self._locked = False
        self._scarce = False
        self._disk_us: int | None = None

    def back_us(self) -> int:
        """Return how long ago that was, in µs."""
        return self._world.now_us() + self._world.presence().slept_us - self.since_us

    def ask_who(self) -> None:
        """Record nothing on a shared computer until it is said who is there."""
        self.who = self.shared

    def look(self) -> bool:
        """End the session and hinder capture as it has to be; return whether a session was split off."""
        if self._recorder.state not in _OPEN:
            self._seen = self.hinders = self._disk_us = None
            self._scarce = False
            return False
        try:
            here = self._world.presence()
            told = self._told(here)
        except CaptureAgentError as error:
            self._recorder.fail(error)
            return False
        seen = Seen(self._world.now_us(), here.locked_us, here.idle_us, here.slept_us, self.who, told)
        if here.locked_us is not None:
            self.ask_who()
            if not self._locked:
                self.since_us = here.locked_us + here.slept_us
                self.locked_anew()
        self._locked = here.locked
        verdict = judge(self._seen or seen, seen, self._recorder.began_us)
        self._seen, self.hinders = seen, verdict.hinders
        if verdict.ends is None or self._recorder.began_us is None:
            return False
        self._recorder.split(verdict.ends, verdict.from_us)
        return True

    def _told(self, here: Presence) -> frozenset[Reason]:
        """Return what tells of itself that nothing may be recorded now, as far as the person minds."""
        now = self._world.now_us()
        if self._disk_us is None or now - self._disk_us >= DISK_EVERY_US:
            self._disk_us = now
            self._scarce = is_scarce(*self._world.disk(), was=self._scarce)
            self.room.look()
        told = here.told | {Reason.DISK} if self._scarce else here.told
        if self.room.now.full:
            told |= {Reason.FULL}
        if self.room.elsewhere is not None:
            told |= {Reason.NETWORK}
        return told if self._agreement.settings.pause_on_battery_saver else told - {Reason.SAVER}
