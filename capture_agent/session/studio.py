"""What a recorder needs to record, from agreement, holdings and world: implements `recorder.Studio`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category, Event
from capture_agent.core.rules import Rules
from capture_agent.held.writer import Writer
from capture_agent.session.ages import Ages
from capture_agent.session.agreement import Agreement
from capture_agent.session.holdings import Holdings
from capture_agent.session.world import Plan, World
from capture_agent.sources.base import Source


class AgreedStudio:
    """Makes rules, sessions and sources for what is agreed in the moment that it is asked. Main thread only.

    `opening_events(now_us)` is what each stretch begins with; `sealed(writer, complete)` is called after a
    session's file was closed, and raises no `CaptureAgentError`.
    """

    def __init__(
        self,
        agreement: Agreement,
        holdings: Holdings,
        world: World,
        opening_events: Callable[[int], Sequence[Event]],
        sealed: Callable[[Writer, bool], None],
    ) -> None:
        self._agreement = agreement
        self._holdings = holdings
        self._world = world
        self._opening_events = opening_events
        self._sealed = sealed
        self.ages = Ages(world)
        self.writer: Writer | None = None  # of the session that is open
        self._began_with = self._terms()

    def outdated(self) -> bool:
        """Return whether the open session began with another consent than that of now."""
        return self.writer is not None and self._began_with != self._terms()

    def _terms(self) -> tuple[frozenset[Category], str]:
        return self._agreement.captured, self._agreement.standing.consent_hash

    def rules(self) -> Rules:
        """Return what may be recorded now."""
        return self._agreement.rules(os.getpid())

    def open_session(self) -> Writer:
        """Make a held session."""
        offer, around = self._agreement.offer, self._world.surroundings()
        if offer is None:
            raise ConsentError("no study was joined", hint="Open the window and choose what to record for.")
        self.writer = self._holdings.create(offer.policy, self._agreement.standing, offer.max_fps, around)
        self.ages.opened(self.writer.path.stem)
        self._began_with = self._terms()
        return self.writer

    def session_sealed(self, *, complete: bool) -> None:
        """Let the owner know."""
        writer, self.writer = self.writer, None
        if writer is not None:
            self.ages.sealed(writer.path.stem)
            self._sealed(writer, complete)

    def sources(self) -> Sequence[Source]:
        """Return fresh sources for what is agreed."""
        offer = self._agreement.offer
        return self._world.sources(Plan(self._agreement.captured, 1 if offer is None else offer.max_fps))

    def opening_events(self, now_us: int) -> Sequence[Event]:
        """Say which task goes on."""
        return self._opening_events(now_us)
