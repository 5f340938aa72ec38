"""When recording goes on, waits, or begins a new session, by itself: `core.splitting` held against the world.

The controller asks with every tick, before anything is marked: what happened since the last mark is then not
kept if it turns out that the screen was locked.
"""

from __future__ import annotations

from collections.abc import Callable

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.recording import State
from capture_agent.core.splitting import Reason, Seen, judge
from capture_agent.session.recorder import Recorder
from capture_agent.session.world import World

_OPEN = frozenset({State.RECORDING, State.SUSPENDED, State.PAUSED})


class Rhythm:
    """Main thread only.

    Attributes:
        hinders: Why nothing may be recorded now, or None.
        shared: Whether several people use this computer.
        who: Whether it has to be said first who is there.
        since_us: Since when it may be somebody else who is there: the last lock, else when this was made. On the
            clock that goes on while the computer sleeps.
    """

    def __init__(self, recorder: Recorder, world: World) -> None:
        self._recorder = recorder
        self._world = world
        self._seen: Seen | None = None
        self.hinders: Reason | None = None
        self.shared = False
        self.who = False
        self.locked_anew: Callable[[], None] = lambda: None  # the screen has just been locked
        self.since_us = world.now_us() + world.presence().slept_us
        self._locked = False

    def back_us(self) -> int:
        """Return how long ago that was, in µs."""
        return self._world.now_us() + self._world.presence().slept_us - self.since_us

    def ask_who(self) -> None:
        """Record nothing on a shared computer until it is said who is there."""
        self.who = self.shared

    def look(self) -> bool:
        """End the session and hinder capture as it has to be; return whether a session was split off."""
        if self._recorder.state not in _OPEN:
            self._seen = self.hinders = None
            return False
        try:
            here = self._world.presence()
        except CaptureAgentError as error:
            self._recorder.fail(error)
            return False
        seen = Seen(self._world.now_us(), here.locked_us, here.idle_us, here.slept_us, self.who, here.told)
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
