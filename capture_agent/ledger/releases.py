"""What was released of this profile, to whom, and what of it was withdrawn: a fold of the consent record. Pure.

The record outlives the recordings: what was deleted or is over on this disk can still be withdrawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from capture_agent.core.policy import Recipient
from capture_agent.ledger.snapshot import policy_from_json
from capture_agent.ledger.standing import CLOSES, Entry, Kind


@dataclass(frozen=True, slots=True)
class ReleasedSession:
    """A session that was released, once or more often. `entries` are its releases, the oldest first."""

    session: str
    study: str
    entries: tuple[Entry, ...]
    withdrawn: Entry | None = None
    told: Entry | None = None  # the tombstones are written

    @property
    def pending(self) -> bool:
        """Whether it is withdrawn and its readers cannot know of it yet."""
        return self.withdrawn is not None and self.told is None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Return who got it, in the order in which they did."""
        return tuple(dict.fromkeys(name for entry in self.entries for name in _texts(entry.body.get("recipients"))))

    @property
    def bundles(self) -> tuple[str, ...]:
        """Return the names of its files."""
        return tuple(str(entry.body.get("bundle")) for entry in self.entries)

    @property
    def revision(self) -> int:
        """Return which release the last one was; earlier versions did not say, and mostly made one file in each."""
        found = self.entries[-1].body.get("revision")
        return found if isinstance(found, int) else len(self.entries)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return where they are delivered by themselves."""
        return tuple(dict.fromkeys(str(one.body["destination"]) for one in self.entries if "destination" in one.body))

    @property
    def started(self) -> datetime:
        """Return when it was recorded; of releases of earlier versions, when it was released."""
        return moment(self.entries[0].body.get("started")) or self.entries[0].time

    @property
    def seconds(self) -> float:
        """Return how long it is; 0 if that is not known."""
        found = self.entries[0].body.get("seconds")
        return float(found) if isinstance(found, int | float) else 0.0


def released_sessions(entries: Iterable[Entry]) -> Mapping[str, ReleasedSession]:
    """Return what was released, by session, the oldest release first."""
    releases: dict[str, list[Entry]] = {}
    withdrawn: dict[str, Entry] = {}
    told: dict[str, Entry] = {}
    by_intent: dict[int, str] = {}
    for entry in entries:
        match entry.kind:
            case Kind.RELEASED:
                releases.setdefault(str(entry.body.get("session")), []).append(entry)
            case Kind.RELEASE_WITHDRAWN if (session := str(entry.body.get("session"))) in releases:
                withdrawn[session] = entry
                by_intent[entry.seq] = session
            case Kind.TOMBSTONED:
                named = entry.body.get("intent")
                if isinstance(named, int) and named in by_intent:
                    told[by_intent[named]] = entry
            case _:
                pass
    return MappingProxyType(
        {
            session: ReleasedSession(session, those[0].study, tuple(those), withdrawn.get(session), told.get(session))
            for session, those in releases.items()
        }
    )


def withdrawn_hashes(entries: Iterable[Entry], study: str) -> tuple[str, ...]:
    """Return the hash of the code of each recording of `study` that was withdrawn, in that order."""
    mine = [one for one in entries if one.study == study and one.kind is Kind.RELEASE_WITHDRAWN]
    return tuple(str(one.body.get("withdrawal_sha256")) for one in mine)


def recipients_of(entries: Iterable[Entry]) -> Mapping[str, tuple[Recipient, ...]]:
    """Return who got each session that was released, with the keys that stood in the study agreed to at each release.

    Who got it twice, with other streams, is there twice.
    """
    agreed: dict[str, tuple[Recipient, ...]] = {}
    found: dict[str, dict[Recipient, None]] = {}
    for entry in entries:
        if entry.kind is Kind.ACCEPTED:
            agreed[entry.study] = policy_from_json(entry.body.get("policy")).recipients
        elif entry.kind is Kind.RELEASED:
            names = set(_texts(entry.body.get("recipients")))
            those = dict.fromkeys(one for one in agreed.get(entry.study, ()) if one.name in names)
            found.setdefault(str(entry.body.get("session")), {}).update(those)
    return MappingProxyType({session: tuple(those) for session, those in found.items()})


def changed_recipients(entries: Iterable[Entry]) -> frozenset[tuple[str, str]]:
    """Return study and name of each recipient who was agreed to with several keys, or under several names."""
    agreed = {
        (entry.study, one.name, one.key)
        for entry in entries
        if entry.kind is Kind.ACCEPTED
        for one in policy_from_json(entry.body.get("policy")).recipients
    }
    keys = Counter((study, name) for study, name, _ in agreed)
    names = Counter((study, key) for study, _, key in agreed)
    return frozenset((study, name) for study, name, key in agreed if keys[study, name] > 1 or names[study, key] > 1)


def files_of(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the names of all files that were made to leave this computer: bundles and tombstones."""
    named: set[str] = set()
    for entry in entries:
        if entry.kind is Kind.RELEASED:
            named.add(str(entry.body.get("bundle")))
        elif entry.kind is Kind.TOMBSTONED:
            named |= set(_texts(entry.body.get("files")))
    return frozenset(named)


def expired(entries: Iterable[Entry]) -> Mapping[str, tuple[str, datetime]]:
    """Return study and beginning of each session that was destroyed because its time was over."""
    found: dict[str, tuple[str, datetime]] = {}
    for entry in entries:
        over = entry.body.get("expired")
        if entry.kind is CLOSES[Kind.DESTROYED] and isinstance(over, Mapping):
            found |= {str(session): (entry.study, moment(began) or entry.time) for session, began in over.items()}
    return MappingProxyType(found)


def moment(stored: object) -> datetime | None:
    """Return a stored time; None if it is none."""
    try:
        return datetime.fromisoformat(str(stored))
    except ValueError:
        return None


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
