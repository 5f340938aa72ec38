"""What every source promises, and the chooser of sources for this system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

from capture_agent.core.events import Event

Sink: TypeAlias = Callable[[Event], None]
"""Takes one event. Called from the source's thread, in the order of that source's times; returns
within microseconds, never raises, never blocks."""


class Source(Protocol):
    """Something that observes the desktop between `start` and `stop`.

    Constructing one touches nothing: no connection, no thread, no library import with side effects.
    One object is started at most once.
    """

    def start(self, sink: Sink) -> None:
        """Observe from now on.

        Called on the main thread. Returns when events that happen from now on will arrive
        (within 200 ms), or raises `DesktopError` before anything was started.
        """

    def check(self) -> None:
        """Raise `FaultError` if the source has died since `start`. Called every 100 ms; costs microseconds."""

    def stop(self) -> None:
        """Stop, join its thread, and never call the sink again. Safe to call twice, and after a death."""


@runtime_checkable
class Sight(Source, Protocol):
    """A source of frames, which tells of the screen when it changes."""

    def request_full(self) -> None:
        """Make it send a frame of every monitor at the next moment, changed or not. From any thread."""
