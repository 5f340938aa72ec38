"""Obeys `core.recording`: carries out the effects of each move, and adds nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from capture_agent.core import recording, stretches
from capture_agent.core.errors import CaptureAgentError, FaultError
from capture_agent.core.events import Event, GapReason
from capture_agent.core.recording import Effect, Input, State
from capture_agent.core.rules import Rules
from capture_agent.core.splitting import Reason
from capture_agent.session.pipeline import PartWriter, Pipeline
from capture_agent.sources.base import Sight, Source

_GAP_REASON = {Input.PAUSE: GapReason.PAUSED, Input.HINDER: GapReason.INDICATOR}
_SEAL_REASON = {Input.STOP: "stopped", Input.FAIL: "fault", Input.LEAVE: "opted-out"}


class Studio(Protocol):
    """What a recorder needs to record: made anew for each session by whoever knows policy and profile."""

    def rules(self) -> Rules:
        """Return what may be recorded now."""

    def open_session(self) -> PartWriter:
        """Make a held session whose key is in the vault already."""

    def session_sealed(self, *, complete: bool) -> None:
        """The session's file is closed; `complete`: with its end. Raises no `CaptureAgentError`."""

    def sources(self) -> Sequence[Source]:
        """Return fresh sources for what `rules` allow, not started."""

    def opening_events(self, now_us: int) -> Sequence[Event]:
        """Return what belongs at the beginning of each stretch, such as the task that is going on."""


@dataclass(slots=True)
class _Running:
    pipeline: Pipeline
    epoch_us: int
    rules: Rules
    sources: Sequence[Source] = ()
    closed_us: int | None = None  # since when nothing is recorded and a gap has to say so
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
        self._withheld_us: Mapping[str, int] = {}
        self._splitting: tuple[Reason, int | None] | None = None

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
        if given is Input.PAUSE and self._running is not None:
            # A pause is the person's, whatever hindered recording before it, even from the beginning.
            self._running.gap_reason = GapReason.PAUSED
            if self._running.closed_us is None:
                self._running.closed_us = self._running.epoch_us

    def split(self, reason: Reason, from_us: int | None = None) -> None:
        """End the open session because of `reason`, as of `from_us` (µs, the past; None: now).

        The next one begins with the next `CLEAR`, if the person was recording.
        """
        self._splitting = (reason, from_us)
        try:
            self.give(Input.SPLIT)
        finally:
            self._splitting = None

    def fail(self, error: CaptureAgentError) -> None:
        """Go to FAULT because of `error`; what was recorded until then is sealed.

        Whatever else goes wrong on the way, every effect is carried out, and the first error is the one to tell:
        the session's file says itself that it is incomplete.
        """
        if self.state is not State.FAULT:
            self.fault = error
        move = recording.step(self.state, Input.FAIL)
        self.state = move.state
        with ExitStack() as all_of_them:
            for effect in reversed(move.effects):
                all_of_them.callback(self._try, effect)

    def _try(self, effect: Effect) -> None:
        with suppress(CaptureAgentError):
            self._do(effect, Input.FAIL)

    @property
    def began_us(self) -> int | None:
        """When the session that is open began, on the input clock; None if none is."""
        return None if self._running is None else self._running.epoch_us

    def check(self) -> None:
        """Notice a dead source or pipeline. Called with every tick."""
        if self._running is None:
            return
        try:
            self._running.pipeline.check()
            for source in self._running.sources:
                source.check()
        except CaptureAgentError as error:
            self.fail(error)

    def mark(self) -> None:
        """Say that everything still permits capture. If marks had stopped for too long, wait for a new proof."""
        running = self._running
        if self.state is State.RECORDING and running is not None and not running.pipeline.mark(self._clock()):
            self.give(Input.HINDER)

    @property
    def rests(self) -> bool:
        """Whether nothing waits to be decided: marks may come less often."""
        return self._running is None or self._running.pipeline.rests

    @property
    def withheld_us(self) -> Mapping[str, int]:
        """How much input the gate did not keep since the start, in µs by class of reason."""
        return (
            self._withheld_us if self._running is None else _sum(self._withheld_us, self._running.pipeline.withheld_us)
        )

    @property
    def withholding(self) -> stretches.Reason | None:
        """Why the gate keeps no input at this moment; None: it does, or nothing is recorded."""
        return None if self._running is None else self._running.pipeline.withholding

    def apply_rules(self) -> None:
        """Use the studio's rules from now on; for narrowing while a session is open."""
        if self._running is not None:
            _use(self._running, self._studio.rules())

    def put(self, event: Event) -> bool:
        """Hand the pipeline an event of the agent itself, such as a task; return whether anything is recorded now."""
        if self.state is not State.RECORDING or self._running is None:
            return False
        self._running.pipeline.put(event)
        for source in self._running.sources:
            if isinstance(source, Sight):  # who cuts a task, or all else, cuts here: what is to be seen is seen anew
                source.request_full()
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
                if given in {Input.HINDER, Input.SPLIT}:  # that the person keeps more out may be why
                    _use(self._session(), self._session().rules.keeping_out(self._studio.rules()))
                self._close_interval(_GAP_REASON.get(given, GapReason.FAULT))
            case Effect.STOP_SOURCES:
                self._stop_sources()
            case Effect.SEAL_SESSION:
                reason = _SEAL_REASON.get(given, given.value)
                self._seal(reason if self._splitting is None else self._splitting[0].value)

    def _open_session(self) -> None:
        if self._running is None:
            writer = self._studio.open_session()
            epoch_us = self._clock()
            rules = self._studio.rules()
            pipeline = Pipeline(writer, rules, epoch_us=epoch_us, clock=self._clock)
            self._running = _Running(pipeline, epoch_us, rules)

    def _open_interval(self) -> None:
        running = self._session()
        now = self._clock()
        _use(running, self._studio.rules())
        running.pipeline.open_interval(now)
        if running.closed_us is not None:
            running.pipeline.gap(running.closed_us, now, running.gap_reason)
            running.closed_us = None

    def _start_sources(self) -> None:
        running = self._session()
        began_us = self._clock()  # of a task that goes on, and of the first picture, the task is to be the earlier
        started: list[Source] = []
        running.sources = started
        for source in self._studio.sources():
            source.start(running.pipeline.put)
            started.append(source)
        for event in self._studio.opening_events(began_us):  # nothing was decided yet: that takes a mark
            running.pipeline.put(event)

    def _close_interval(self, reason: GapReason) -> None:
        running = self._session()
        from_us = None if self._splitting is None else self._splitting[1]
        running.closed_us, running.gap_reason = running.pipeline.close_interval(self._clock(), from_us), reason

    def _stop_sources(self) -> None:
        running = self._session()
        sources, running.sources = running.sources, ()
        with ExitStack() as all_of_them:  # if one cannot be stopped, the others are all the same
            for source in reversed(sources):
                all_of_them.callback(source.stop)

    def _seal(self, reason: str) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        complete = False
        try:
            running.pipeline.close(reason)
            complete = True
        finally:
            self._withheld_us = _sum(self._withheld_us, running.pipeline.withheld_us)
            self._studio.session_sealed(complete=complete)

    def _session(self) -> _Running:
        if self._running is None:
            raise FaultError("there is no open session", hint="Start recording again.")
        return self._running


def _use(running: _Running, rules: Rules) -> None:
    """Decide by `rules` from now on, what waits included."""
    running.rules = rules
    running.pipeline.set_rules(rules)


def _sum(some: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    return {name: some.get(name, 0) + more.get(name, 0) for name in {*some, *more}}
