"""Obeys `core.recording`: carries out the effects of each move, and adds nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from capture_agent.core import recording
from capture_agent.core.errors import CaptureAgentError, FaultError
from capture_agent.core.events import Event, GapReason
from capture_agent.core.privacy import Rules
from capture_agent.core.recording import Effect, Input, State
from capture_agent.session.pipeline import PartWriter, Pipeline
from capture_agent.sources.base import Source

_GAP_REASON = {Input.PAUSE: GapReason.PAUSED, Input.HINDER: GapReason.INDICATOR}
_SEAL_REASON = {Input.STOP: "stopped", Input.FAIL: "fault", Input.LEAVE: "opted-out"}


class Studio(Protocol):
    """What a recorder needs to record: made anew for each session by whoever knows policy and profile."""

    def rules(self) -> Rules:
        """Return what may be recorded now."""

    def open_session(self) -> PartWriter:
        """Make a held session whose key is in the vault already."""

    def session_sealed(self) -> None:
        """The session's file is closed, complete or not."""

    def sources(self) -> Sequence[Source]:
        """Return fresh sources for what `rules` allow, not started."""

    def opening_events(self, now_us: int) -> Sequence[Event]:
        """Return what belongs at the beginning of each stretch, such as the task that is going on."""


@dataclass(slots=True)
class _Running:
    pipeline: Pipeline
    sources: Sequence[Source] = ()
    closed_us: int | None = None
    gap_reason: GapReason = GapReason.INDICATOR


class Recorder:
    """The recorder's machine with hands. Main thread only."""

    def __init__(self, studio: Studio, clock: Callable[[], int], *, paused: bool = False) -> None:
        """Start off, or `paused` if that is how the last run ended."""
        self._studio = studio
        self._clock = clock
        self._running: _Running | None = None
        self.state = State.PAUSED if paused else State.OFF
        self.fault: CaptureAgentError | None = None

    def give(self, given: Input) -> None:
        """Do what the table says. A step that fails leads to FAULT, sealed as far as it got.

        Raises:
            ConsentError: The table has no such move. Nothing changes.
        """
        move = recording.step(self.state, given)
        if given in {Input.START, Input.RESUME}:
            self.fault = None
        self.state = move.state
        for effect in move.effects:
            try:
                self._do(effect, given)
            except CaptureAgentError as error:
                self.fail(error)
                return

    def fail(self, error: CaptureAgentError) -> None:
        """Go to FAULT because of `error`; what was recorded until then is sealed."""
        self.fault = error
        move = recording.step(self.state, Input.FAIL)
        self.state = move.state
        for effect in move.effects:
            try:
                self._do(effect, Input.FAIL)
            except CaptureAgentError:
                # The first error is the one to tell; the session's file says itself that it is incomplete.
                continue
        self._running = None

    def check(self) -> None:
        """Notice a dead source or pipeline. Called with every tick."""
        if self._running is None:
            return
        try:
            self._running.pipeline.check()
            for source in self._running.sources:
                source.check()
        except FaultError as error:
            self.fail(error)

    def mark(self) -> None:
        """Say that everything still permits capture. If marks had stopped for too long, wait for a new proof."""
        if self.state is State.RECORDING and self._running is not None:
            lost_us = self._running.pipeline.mark(self._clock())
            if lost_us is not None:
                self.give(Input.HINDER)
                self._running.closed_us = lost_us

    def apply_rules(self) -> None:
        """Use the studio's rules from now on; for narrowing while a session is open."""
        if self._running is not None:
            self._running.pipeline.set_rules(self._studio.rules())

    def put(self, event: Event) -> bool:
        """Hand the pipeline an event of the agent itself, such as a task; return whether anything is recorded now."""
        if self.state is not State.RECORDING or self._running is None:
            return False
        self._running.pipeline.put(event)
        return True

    def _do(self, effect: Effect, given: Input) -> None:
        match effect:
            case Effect.OPEN_SESSION:
                self._open_session()
            case Effect.OPEN_INTERVAL:
                self._open_interval()
            case Effect.START_SOURCES:
                self._start_sources()
            case Effect.CLOSE_INTERVAL:
                self._close_interval(_GAP_REASON.get(given, GapReason.FAULT))
            case Effect.STOP_SOURCES:
                self._stop_sources()
            case Effect.SEAL_SESSION:
                self._seal(_SEAL_REASON.get(given, given.value))

    def _open_session(self) -> None:
        if self._running is None:
            writer = self._studio.open_session()
            pipeline = Pipeline(writer, self._studio.rules(), epoch_us=self._clock(), clock=self._clock)
            self._running = _Running(pipeline)

    def _open_interval(self) -> None:
        running = self._session()
        now = self._clock()
        running.pipeline.set_rules(self._studio.rules())
        running.pipeline.open_interval(now)
        if running.closed_us is not None:
            running.pipeline.gap(running.closed_us, now, running.gap_reason)

    def _start_sources(self) -> None:
        running = self._session()
        started: list[Source] = []
        running.sources = started
        for source in self._studio.sources():
            source.start(running.pipeline.put)
            started.append(source)
        for event in self._studio.opening_events(self._clock()):
            running.pipeline.put(event)

    def _close_interval(self, reason: GapReason) -> None:
        running = self._session()
        running.closed_us, running.gap_reason = self._clock(), reason
        running.pipeline.close_interval(running.closed_us)

    def _stop_sources(self) -> None:
        running = self._session()
        sources, running.sources = running.sources, ()
        for source in sources:
            source.stop()

    def _seal(self, reason: str) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        try:
            running.pipeline.close(reason)
        finally:
            self._studio.session_sealed()

    def _session(self) -> _Running:
        if self._running is None:
            raise FaultError("there is no open session", hint="Start recording again.")
        return self._running
