"""The list of recordings: what is on the disk, and what the consent record still knows of. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from capture_agent.core.errors import StorageError
from capture_agent.core.policy import OWN_RETENTION_DAYS, OWN_STUDY
from capture_agent.held.lifecycle import State
from capture_agent.held.store import HeldInfo
from capture_agent.ledger.deliveries import deliveries
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.releases import ReleasedSession, expired, files_of, released_sessions
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.session.snapshot import HeldSession


def listed(
    infos: Sequence[HeldInfo], known: Collection[str], ledger: Ledger, hidden: Collection[str], now: datetime
) -> tuple[HeldSession, ...]:
    """Return all sessions, the newest first: the files `infos`, of whose keys `known` are there, and what has no file.

    What was shared is listed without a file, too, because it can still be withdrawn; and so is what is over.
    """
    released, delivered, entries = ledger.folded(released_sessions), ledger.folded(deliveries), ledger.entries
    late, ends = delivered.late, ends_of(infos, entries)
    shown = [
        _here(one, _Life.of(released.get(one.id), delivered.arrived, late), known, _began(one) + ends[one.study] - now)
        for one in infos
        if one.id not in hidden
    ]
    here = {info.id for info in infos}
    gone = [_gone(one, _Life.of(one, delivered.arrived, late)) for one in released.values() if one.session not in here]
    over = [
        HeldSession(session, study, began, 0.0, 0, State.EXPIRED.value, complete=True, days_left=0, here=False)
        for session, (study, began) in ledger.folded(expired).items()
        if session not in here and session not in released
    ]
    # What is here is in order already: of two that began at once the later one stays the newer.
    return tuple(sorted([*reversed(shown), *gone, *over], key=lambda one: one.started, reverse=True))


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
    return _Life.of(released, {}, frozenset()).state


@dataclass(frozen=True, slots=True)
class _Life:
    """What became of a session after it was recorded."""

    state: State
    released_to: tuple[str, ...] = ()
    pending: bool = False
    delivered_to: tuple[str, ...] = ()
    waiting: bool = False

    @classmethod
    def of(cls, released: ReleasedSession | None, arrived: Mapping[str, frozenset[str]], late: Collection[str]) -> Self:
        if released is None:
            return cls(State.HELD)
        files = released.bundles if released.told is None else files_of([released.told])
        where = tuple(sorted({place for name in files for place in arrived.get(name, ())})) if arrived else ()
        waiting = released.session in late
        state = State.RELEASED if waiting or not where else State.DELIVERED
        state = state if released.withdrawn is None else State.WITHDRAWN
        return cls(state, released.recipients, released.pending, where, waiting)


def length_s(info: HeldInfo) -> float:
    """Return how long a session seems to be from outside, in seconds."""
    return max(0.0, (info.written - _began(info)).total_seconds())


def retention_days(entries: Iterable[Entry], study: str) -> int:
    """Return for how long sessions of `study` are kept, as it was agreed last."""
    days = OWN_RETENTION_DAYS
    if study == OWN_STUDY:
        return days
    for entry in entries:
        policy = entry.body.get("policy")
        if entry.kind is Kind.ACCEPTED and entry.study == study and isinstance(policy, Mapping):
            days = int(policy["retention_days"])
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


def _here(info: HeldInfo, life: _Life, known: Collection[str], left: timedelta) -> HeldSession:
    state = State.RECORDING if info.recording else life.state
    return HeldSession(
        id=info.id,
        study=info.study,
        started=_began(info),
        seconds=length_s(info),
        size=info.size,
        state="damaged" if info.problem or info.id not in known else state.value,
        complete=info.complete,
        days_left=max(0, math.ceil(left / timedelta(days=1))),
        released_to=life.released_to,
        pending=life.pending,
        delivered_to=life.delivered_to,
        waiting=life.waiting,
    )


def _gone(one: ReleasedSession, life: _Life) -> HeldSession:
    return HeldSession(
        id=one.session,
        study=one.study,
        started=one.started,
        seconds=one.seconds,
        size=0,
        state=life.state.value,
        complete=True,
        days_left=0,
        released_to=life.released_to,
        here=False,
        pending=life.pending,
        delivered_to=life.delivered_to,
        waiting=life.waiting,
    )


def _began(info: HeldInfo) -> datetime:
    return datetime.fromisoformat(info.created) if info.created else info.written
