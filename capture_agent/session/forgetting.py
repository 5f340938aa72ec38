"""Forget the last minutes: which sessions, from where on, and what cannot be forgotten any more because it was shared.

Sessions know their own time; when that was depends on clocks. For sessions of this run clocks count that nobody can
set. For older ones there are two guesses, from when the session began and from when its file was last written; if
somebody set the clock they differ, and the one that forgets more is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from capture_agent.core.errors import CaptureAgentError
from capture_agent.held import reader
from capture_agent.held.cut import Span
from capture_agent.held.store import HeldInfo
from capture_agent.ledger.releases import released_sessions
from capture_agent.ledger.standing import Kind
from capture_agent.session.ages import Ages
from capture_agent.session.intents import Intents
from capture_agent.session.shelf import Shelf
from capture_agent.session.snapshot import Forgotten, Shared

_US = timedelta(microseconds=1)
# Clocks are read one after the other, and files have their date after their last part: a little more is forgotten.
MARGIN_US = 2_000_000
LOOK_BACK_US = 4 * 3_600_000_000  # a session that began this long before the span is opened to see how long it is


class Forgetting:
    """Main thread only."""

    def __init__(self, shelf: Shelf, intents: Intents, ages: Ages) -> None:
        self._shelf = shelf
        self._intents = intents
        self._ages = ages

    def would(self, back: timedelta, tasks: Sequence[str] = ()) -> Forgotten:
        """Return what forgetting everything since `back` ago would take, and what it could not. Changes nothing."""
        with self._shelf.lock:
            return self._told(back, self._spans(back), tasks)

    def forget(self, back: timedelta, seal: Callable[[], None], tasks: Sequence[str] = ()) -> Forgotten:
        """Forget everything since `back` ago, and return what goes and what does not; `seal` closes the open session.

        Nobody has it from now on; `Finishing` takes it out.
        """
        with self._shelf.lock:
            spans = self._spans(back)
            told = self._told(back, spans, tasks)
            if spans:
                studies = {one.id: one.study for one in self._shelf.store.sessions()}
                study = next((studies[one] for one in spans if studies.get(one)), "")
                self._intents.forget(study, spans, seal)
        return told

    def _spans(self, back: timedelta) -> dict[str, list[Span]]:
        known, hidden = self._shelf.vault.sessions(), self._intents.hidden
        found = {}
        for info in self._shelf.store.sessions():
            if info.id in known and info.id not in hidden:
                start_us = self._start_us(info, back // _US + MARGIN_US)
                if start_us is not None:
                    found[info.id] = [Span(max(0, start_us))]
        return found

    def _start_us(self, info: HeldInfo, back_us: int) -> int | None:
        """Return the session time from which on everything happened less than `back_us` ago; None: nothing did."""
        here_us = self._ages.now_in(info.id)
        if here_us is not None:
            length_us = self._ages.length_us(info.id)
            start_us = here_us - back_us
            return start_us if length_us is None or start_us < length_us else None
        now = self._shelf.now()
        began = datetime.fromisoformat(info.created) if info.created else info.written
        since_begin_us, since_end_us = (now - began) // _US, (now - info.written) // _US
        guess_us = max(0, since_begin_us - since_end_us)
        if min(since_end_us, since_begin_us - max(guess_us, LOOK_BACK_US)) > back_us:
            return None
        length_us = self._length_us(info.id, guess_us)
        start_us = min(since_begin_us, length_us + since_end_us) - back_us
        return start_us if start_us < length_us or info.recording else None

    def _length_us(self, session: str, guess_us: int) -> int:
        try:
            found = reader.length_us(self._shelf.store.path(session), self._shelf.vault.identity(session))
        except CaptureAgentError:
            return guess_us  # locked, or damaged: what can be seen from outside has to do
        return guess_us if found is None else found

    def _told(self, back: timedelta, spans: Mapping[str, Sequence[Span]], tasks: Sequence[str]) -> Forgotten:
        now = self._shelf.now()
        here = {info.id for info in self._shelf.store.sessions()}
        released = released_sessions(self._shelf.ledger.entries)
        shared = [
            Shared(
                str(entry.body.get("session")),
                entry.time,
                tuple(map(str, _listed(entry.body.get("recipients")))),
                released[str(entry.body.get("session"))].withdrawn is not None,
            )
            for entry in self._shelf.ledger.entries
            if entry.kind is Kind.RELEASED
            # Of what was deleted since nobody knows any more when it was recorded; shared just now is reason to say so.
            and (entry.body.get("session") in spans or (entry.time >= now - back and entry.body["session"] not in here))
        ]
        whole = sum(1 for cut in spans.values() if cut[0].start_us <= 0)
        return Forgotten(now - back, now, len(spans), whole, tuple(tasks), tuple(shared))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
