"""The list of recordings: what is on the disk, and what the consent record still knows of."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple, Self

from capture_agent.core.consent import Consent
from capture_agent.core.errors import StorageError
from capture_agent.core.policy import OWN_RETENTION_DAYS, OWN_STUDY, Policy, Recipient
from capture_agent.held.lifecycle import State
from capture_agent.held.store import HeldInfo
from capture_agent.ledger.deliveries import deliveries
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.releases import (
    ReleasedSession,
    changed_recipients,
    expired,
    files_of,
    recipients_of,
    released_sessions,
)
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.outbox.release import recipient_groups
from capture_agent.session.snapshot import HeldSession, WaitingCut

_DAY = timedelta(days=1)


class Lines:
    """The lines of the list of one profile, for one thread at a time.

    Whenever anything happens somebody asks for all of them, and of 10,000 nearly none is another one than before: a
    line is made anew when something that it is made of changes, and kept until then.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: dict[str, tuple[_Source, HeldSession]] = {}
        self._lives: tuple[object, object, Mapping[str, _Life]] = (None, None, {})

    def listed(
        self,
        infos: Sequence[HeldInfo],
        known: Collection[str],
        hidden: Collection[str],
        marked: Mapping[str, tuple[WaitingCut, ...]],
        now: datetime,
        *,
        deleted: Mapping[str, datetime] = MappingProxyType({}),
    ) -> tuple[HeldSession, ...]:
        """Return all sessions, newest first: the files `infos`, of whose keys `known` are there, and what has no file.

        What is `deleted` can be put back until then.
        What was shared is listed without a file, too, because it can still be withdrawn; and so is what is over.
        """
        lives, ends, here = self._what_became(), ends_of(infos, self._ledger.entries), {info.id for info in infos}
        sources: dict[str, _Source] = {}
        for info in reversed(infos):  # of two that began at once the later one stays the newer
            if info.id not in hidden:
                left = math.ceil((_began(info) + ends[info.study] - now) / _DAY)
                life, cuts = lives.get(info.id, _HELD), marked.get(info.id, ())
                until = deleted.get(info.id) if deleted else None
                sources[info.id] = _Source(info, life, info.id in known, max(0, left), cuts, until)
        for session, released in self._ledger.folded(released_sessions).items():
            if session not in here:
                sources[session] = _Source(released, lives[session])
        for session, over in self._ledger.folded(expired).items():
            if session not in here:
                sources.setdefault(session, _Source(over, _OVER))
        self._kept = {session: self._made(session, source) for session, source in sources.items()}
        return tuple(sorted((line for _, line in self._kept.values()), key=attrgetter("started"), reverse=True))

    def _made(self, session: str, source: _Source) -> tuple[_Source, HeldSession]:
        kept = self._kept.get(session)
        return kept if kept is not None and kept[0] == source else (source, _line(session, source))

    def _what_became(self) -> Mapping[str, _Life]:
        """Return what became of each session that was shared; made once for each state of the record."""
        released, delivered = self._ledger.folded(released_sessions), self._ledger.folded(deliveries)
        if self._lives[0] is not released or self._lives[1] is not delivered:
            late = delivered.late
            lives = {session: _Life.of(one, delivered.arrived, late) for session, one in released.items()}
            self._lives = released, delivered, lives
        return self._lives[2]


def with_later_readers(
    lines: tuple[HeldSession, ...],
    study: str,
    readers: Sequence[Recipient],
    got: Mapping[str, Sequence[Recipient]] | None = None,
) -> tuple[HeldSession, ...]:
    """Return `lines`, with the names of those of `readers` who have not got what was shared with others. Pure.

    `readers` get what is shared with `study` now. Who `got` what has to be given if one of them had another key or name
    before: a new key opens no older file. Else names say enough, and that costs nothing a line.
    """
    told, missing = list(lines), dict[tuple[str, ...], tuple[str, ...]]()
    for place, one in enumerate(lines):
        may = one.released_to and one.here and one.study == study and one.deleted_until is None
        if may and one.state in {"released", "delivered"}:
            have = one.released_to
            if got is not None:
                keys = {reader.key for reader in got.get(one.id, ())}
                have = tuple(reader.name for reader in readers if reader.key in keys)
            if have not in missing:
                missing[have] = tuple(reader.name for reader in readers if reader.name not in have)
            if missing[have]:
                told[place] = replace(one, later_readers=missing[have])
    return tuple(told)


def with_agreed_readers(
    lines: tuple[HeldSession, ...], policy: Policy, consent: Consent, ledger: Ledger
) -> tuple[HeldSession, ...]:
    """Return `lines`, with who may get what was shared with others before, as `policy` was agreed to.

    Raises:
        CaptureAgentError: As `recipient_groups`: nobody gets anything.
    """
    readers = [one for group in recipient_groups(policy, consent) for one in group.recipients]
    changed = any((policy.study, one.name) in ledger.folded(changed_recipients) for one in readers)
    return with_later_readers(lines, policy.study, readers, ledger.folded(recipients_of) if changed else None)


def ends_of(infos: Iterable[HeldInfo], entries: Sequence[Entry]) -> Mapping[str, timedelta]:
    """Return for how long the sessions of each study are kept."""
    return {study: timedelta(days=retention_days(entries, study)) for study in {info.study for info in infos}}


def any_over(infos: Sequence[HeldInfo], entries: Sequence[Entry], now: datetime) -> bool:
    """Return whether the time of any of them is over: what a list would tell by no days left, but in no time."""
    ends = ends_of(infos, entries)
    return any(_began(one) + ends[one.study] <= now for one in infos)


def state_of(info: HeldInfo, released: ReleasedSession | None) -> State:
    """Return where a session on the disk is in its life."""
    if info.recording:
        return State.RECORDING
    return State.HELD if released is None else _Life.of(released, {}, frozenset()).state


class _Life(NamedTuple):
    """What became of a session after it was recorded."""

    state: State
    released_to: tuple[str, ...] = ()
    pending: bool = False
    delivered_to: tuple[str, ...] = ()
    waiting: bool = False

    @classmethod
    def of(cls, released: ReleasedSession, arrived: Mapping[str, frozenset[str]], late: Collection[str]) -> Self:
        where: tuple[str, ...] = ()
        if arrived:
            files = released.bundles if released.told is None else files_of([released.told])
            where = tuple(sorted({place for name in files for place in arrived.get(name, ())}))
        waiting = released.session in late
        state = State.RELEASED if waiting or not where else State.DELIVERED
        state = state if released.withdrawn is None else State.WITHDRAWN
        return cls(state, released.recipients, released.pending, where, waiting)


_HELD, _OVER = _Life(State.HELD), _Life(State.EXPIRED)


class _Source(NamedTuple):
    """All that a line is made of: what its file tells, what was released, or, of what is over, study and beginning."""

    of: HeldInfo | ReleasedSession | tuple[str, datetime]
    life: _Life
    has_key: bool = True
    days_left: int = 0
    cuts: tuple[WaitingCut, ...] = ()
    deleted_until: datetime | None = None


def length_s(info: HeldInfo) -> float:
    """Return how long a session seems to be from outside, in seconds."""
    return _length_s(info, _began(info))


def retention_days(entries: Iterable[Entry], study: str) -> int:
    """Return for how long sessions of `study` are kept, as it was agreed last."""
    days = OWN_RETENTION_DAYS
    if study == OWN_STUDY:
        return days
    for entry in entries:
        if entry.kind is Kind.ACCEPTED and entry.study == study:
            policy = entry.body.get("policy")
            days = int(policy["retention_days"]) if isinstance(policy, Mapping) else days
    return days


def only(start: str, ids: Iterable[str]) -> str:
    """Return the one of `ids` that begins with `start`.

    Raises:
        StorageError: There is none, or more than one.
    """
    found = [one for one in ids if start and one.startswith(start)]
    if len(found) == 1:
        return found[0]
    raise StorageError(
        "more than one recording begins with {start}" if found else "no recording begins with {start}",
        hint="See `capture-agent sessions`.",
        start=start,
    )


def folder_name(session: HeldSession) -> str:
    """Return what the folder of an opened session is called."""
    return f"recording-{session.started.astimezone():%Y-%m-%d-%H%M}-{session.id[:8]}"


def _line(session: str, source: _Source) -> HeldSession:
    of, life = source.of, source.life
    state, size, complete = life.state.value, 0, True
    if isinstance(of, HeldInfo):
        study, started, size, complete = of.study, _began(of), of.size, of.complete
        seconds = _length_s(of, started)
        state = State.RECORDING.value if of.recording else state
        state = "damaged" if of.problem or not source.has_key else state
    elif isinstance(of, ReleasedSession):
        study, started, seconds = of.study, of.started, of.seconds
    else:
        (study, started), seconds = of, 0.0
    return HeldSession(
        id=session,
        study=study,
        started=started,
        seconds=seconds,
        size=size,
        state=state,
        complete=complete,
        days_left=source.days_left,
        released_to=life.released_to,
        here=isinstance(of, HeldInfo),
        pending=life.pending,
        delivered_to=life.delivered_to,
        waiting=life.waiting,
        cuts=source.cuts,
        deleted_until=source.deleted_until,
    )


def _length_s(info: HeldInfo, began: datetime) -> float:
    return max(0.0, (info.written - began).total_seconds())


def _began(info: HeldInfo) -> datetime:
    return datetime.fromisoformat(info.created) if info.created else info.written
