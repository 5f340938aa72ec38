"""How long ago something in a session of this run happened, by clocks that nobody sets."""

from __future__ import annotations

from dataclasses import dataclass

from capture_agent.core.errors import CaptureAgentError
from capture_agent.session.world import World


@dataclass(frozen=True, slots=True)
class _Stretch:
    began_us: int
    sealed_us: int | None = None
    slept_us: int = 0  # how long the computer had slept when it was sealed


class Ages:
    """Main thread only. A session never goes on across a sleep: it is split there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, _Stretch] = {}

    def opened(self, session: str) -> None:
        """Take note that a session begins now."""
        self._known[session] = _Stretch(self._world.now_us())

    def sealed(self, session: str) -> None:
        """Take note that it ends now."""
        known = self._known.get(session)
        if known is not None:
            self._known[session] = _Stretch(known.began_us, self._world.now_us(), self._slept_us())

    def now_in(self, session: str) -> int | None:
        """Return what its session time would be now if it had gone on, in µs; None for a session of another run."""
        known = self._known.get(session)
        if known is None:
            return None
        slept_us = 0 if known.sealed_us is None else max(0, self._slept_us() - known.slept_us)
        return self._world.now_us() - known.began_us + slept_us

    def length_us(self, session: str) -> int | None:
        """Return how long it was, in µs; None if it goes on, or is of another run."""
        known = self._known.get(session)
        return None if known is None or known.sealed_us is None else known.sealed_us - known.began_us

    def _slept_us(self) -> int:
        try:
            return self._world.presence().slept_us
        except CaptureAgentError:
            return 0  # then a sleep counts as no time: more is forgotten, not less
