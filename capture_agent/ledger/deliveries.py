"""What of the files that were made to leave this computer still has to go where, and what arrived: a fold. Pure.

Only what the person released by a click goes, and only where the release says. Entries of earlier versions
say no destination: what was shared under them is handed over by the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from capture_agent.ledger.standing import Entry, Kind


@dataclass(frozen=True, slots=True)
class Parcel:
    """One file on its way: a bundle, or a tombstone. `name` is that of the file in the outbox, and at its destination.

    It is 128 random bits, made here, and in the ledger before anything is tried.
    """

    name: str
    destination: str
    study: str
    session: str


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What waits, the oldest first, and where each file that arrived did."""

    waiting: tuple[Parcel, ...]
    arrived: Mapping[str, frozenset[str]]

    @property
    def finished(self) -> frozenset[str]:
        """The names of the files that arrived and wait for no other destination: they may go from the outbox."""
        return frozenset(self.arrived) - {parcel.name for parcel in self.waiting}

    @property
    def late(self) -> frozenset[str]:
        """The sessions of which something waits."""
        return frozenset(parcel.session for parcel in self.waiting)


def deliveries(entries: Iterable[Entry]) -> Deliveries:
    """Return what was and has to be delivered after all of `entries`.

    A recording that is withdrawn is not delivered any more, its tombstones are, to wherever it was meant for: whether
    it arrived there may not be known. Who leaves a study has what is still here kept here.
    """
    waiting: dict[tuple[str, str], Parcel] = {}
    arrived: dict[str, frozenset[str]] = {}
    meant_for: dict[str, dict[str, None]] = {}
    withdrawn: dict[int, str] = {}
    bundles: set[str] = set()
    for entry in entries:
        session = str(entry.body.get("session"))
        match entry.kind:
            case Kind.RELEASED:
                destination = entry.body.get("destination")
                if isinstance(destination, str):
                    parcel = Parcel(str(entry.body.get("bundle")), destination, entry.study, session)
                    waiting[parcel.name, destination] = parcel
                    bundles.add(parcel.name)
                    meant_for.setdefault(session, {})[destination] = None
            case Kind.RELEASE_WITHDRAWN:
                withdrawn[entry.seq] = session
                waiting = {key: one for key, one in waiting.items() if one.session != session}
            case Kind.TOMBSTONED:
                intent, files = entry.body.get("intent"), entry.body.get("files")
                of = withdrawn.get(intent, "") if isinstance(intent, int) else ""
                for destination in meant_for.get(of, {}):
                    for name in files if isinstance(files, list) else []:
                        waiting[str(name), destination] = Parcel(str(name), destination, entry.study, of)
            case Kind.DELIVERED:
                name, where = str(entry.body.get("file")), str(entry.body.get("destination"))
                waiting.pop((name, where), None)
                arrived[name] = arrived.get(name, frozenset()) | {where}
            case Kind.LEFT | Kind.WITHDRAWN if "keys" not in entry.body:
                waiting = {
                    key: one for key, one in waiting.items() if one.study != entry.study or one.name not in bundles
                }
            case _:
                pass
    return Deliveries(tuple(waiting.values()), arrived)
