"""What the consent record says in the end: a fold of its entries through `core.consent`.

::

    kind         consent              besides
    joined       –                    the study is the current one
    asked        ASK                  the panel was shown
    accepted     ACCEPT, REFUSE       what was agreed to: policy, apps, notice
    refused      REFUSE               not asked again for a while
    withdrawn    WITHDRAW             of the keys that it names; if it names none, nothing is agreed any more
    expired      EXPIRE               of the keys that it names; if it names none, of all
    invalidated  INVALIDATE           what was agreed to has changed
    left         WITHDRAW             no study is the current one
    acknowledged –                    a monitoring notice was read; it permits nothing
    scheduled    –                    recording may begin by itself; no consent is given by it
    waking       –                    accessibility may be switched on; so neither
    sharing-itself –                  recordings may be shared by themselves after a hold, until what is agreed ends

All other kinds note an act of the person, or open and close an intent that a restart must finish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.consent import PERMITTING, Consent, Input, State
from capture_agent.core.errors import VerificationError
from capture_agent.core.events import Category
from capture_agent.core.policy import Policy
from capture_agent.core.schedule import Schedule, parse
from capture_agent.core.validity import ends
from capture_agent.ledger.snapshot import policy_from_json

Key = tuple[str, Category]


class Kind(StrEnum):
    """What an entry of the consent record is about."""

    JOINED = "joined"
    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    LEFT = "left"
    ACKNOWLEDGED = "acknowledged"
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"
    RELEASED = "released"
    RELEASE_WITHDRAWN = "release-withdrawn"  # of one recording: what its readers may not use any more
    TOMBSTONED = "tombstoned"  # the files that tell them are written
    DELIVERED = "delivered"  # one of these files, or of those that were released, arrived at its destination
    DESTROY_INTENDED = "destroy-intended"
    DESTROYED = "destroyed"
    KEPT = "kept"  # the person undid what was going to be destroyed
    FORGET_INTENDED = "forget-intended"
    FORGOTTEN = "forgotten"
    CUT_INTENDED = "cut-intended"
    CUT = "cut"
    CUT_UNDONE = "cut-undone"  # the person wants to keep what was marked to be cut
    SCHEDULED = "scheduled"  # the person wants recording to begin by itself, in these days and hours
    UNSCHEDULED = "unscheduled"
    SHARED = "shared"  # several people use this computer: ask who is there
    UNSHARED = "unshared"
    WAKING = "waking"  # accessibility may be switched on in the session while the program runs
    NOT_WAKING = "not-waking"
    SHARING_ITSELF = "sharing-itself"  # the person wants recordings to be shared by themselves after days of use
    SHARING_BY_HAND = "sharing-by-hand"


# Closing kind → the kind that opens. The body of a closing entry names the opening one: {"intent": seq}.
CLOSES: Mapping[Kind, Kind] = MappingProxyType(
    {
        Kind.DESTROYED: Kind.DESTROY_INTENDED,
        Kind.KEPT: Kind.DESTROY_INTENDED,
        Kind.FORGOTTEN: Kind.FORGET_INTENDED,
        Kind.CUT: Kind.CUT_INTENDED,
        Kind.CUT_UNDONE: Kind.CUT_INTENDED,
        Kind.TOMBSTONED: Kind.RELEASE_WITHDRAWN,
    }
)

_OPENING = frozenset(CLOSES.values())

# These leave less than before. They are written first and the head follows: leaving needs no working keyring.
NARROWING = frozenset(
    {
        Kind.REFUSED,
        Kind.WITHDRAWN,
        Kind.EXPIRED,
        Kind.INVALIDATED,
        Kind.LEFT,
        Kind.PAUSED,
        Kind.STOPPED,
        Kind.UNSCHEDULED,
        Kind.SHARED,
        Kind.NOT_WAKING,
        Kind.SHARING_BY_HAND,
        Kind.KEPT,  # undoing has ten seconds: no time to unlock a keyring
        Kind.TOMBSTONED,
        Kind.DELIVERED,  # it has happened, whatever a keyring says
        *CLOSES.values(),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the record. `sha256` is that of its whole line, `line` the signed envelope itself."""

    seq: int
    study: str
    kind: Kind
    time: datetime  # UTC
    body: Mapping[str, object]
    sha256: str
    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands with one study.

    `policy`, `apps` and `accepted` are what was agreed to last; they permit nothing by themselves,
    `consent` does.
    """

    consent: Consent = field(default_factory=Consent.none)
    joined: bool = False
    policy: Policy | None = None
    apps: frozenset[str] = frozenset()
    accepted: Entry | None = None
    refused: datetime | None = None  # when the person last said no; None after a yes
    schedule: Schedule | None = None  # when recording begins by itself; None: never
    shared: bool = False  # several people use this computer
    waking: bool = False  # accessibility may be switched on
    hold_days: int | None = None  # recordings are shared by themselves after so many days of use; None: by hand alone
    hold_chosen: int = 0  # the entry that says so
    since: Mapping[Key, datetime] = field(default_factory=dict)  # when each consent came into its state
    until: Mapping[Key, datetime] = field(default_factory=dict)  # when each that was given is over at the latest

    @property
    def categories(self) -> frozenset[Category]:
        """The categories that may be captured for any purpose."""
        return frozenset(category for _, category in self.consent.permitting())

    @property
    def consent_hash(self) -> str:
        """SHA-256 of the entry that was accepted last, "" if there is none: what recordings refer to."""
        return "" if self.accepted is None else self.accepted.sha256

    def after(self, entry: Entry) -> Standing:
        """Return where the person stands after `entry`.

        Raises:
            ConsentError: The table of consent has no such move.
            VerificationError: The body of the entry is not what its kind wants.
        """
        match entry.kind:
            case Kind.RELEASED | Kind.DELIVERED:  # nearly all of a long record, so they come first
                return self
            case Kind.JOINED:
                return replace(self, joined=True)
            case Kind.ASKED:
                return self._moved(Input.ASK, keys_of(entry.body, "keys"), entry.time)
            case Kind.ACCEPTED:
                return self._accepted(entry)
            case Kind.REFUSED:
                # Also what was agreed to earlier and is not offered now: it would come back with the offer.
                every = frozenset(keys_of(entry.body, "keys")) | self.consent.permitting()
                refused = self._moved(Input.REFUSE, every, entry.time)
                return replace(refused, refused=entry.time, schedule=None, waking=False, hold_days=None)
            case Kind.WITHDRAWN if "keys" in entry.body:
                return self._moved(Input.WITHDRAW, keys_of(entry.body, "keys"), entry.time)
            case Kind.WITHDRAWN | Kind.LEFT:
                left = self._moved(Input.WITHDRAW, self._in_any_state_but(State.UNKNOWN), entry.time)
                joined = self.joined and entry.kind is not Kind.LEFT
                kept = replace(left, joined=joined, policy=None, apps=frozenset(), accepted=None)
                return replace(kept, schedule=None, waking=False, hold_days=None)
            case Kind.EXPIRED:
                over = keys_of(entry.body, "keys") if "keys" in entry.body else self.consent.permitting()
                return replace(self._moved(Input.EXPIRE, over, entry.time), hold_days=None)
            case Kind.INVALIDATED:
                pending = self._in_state(PERMITTING | {State.REQUESTED})
                return replace(self._moved(Input.INVALIDATE, pending, entry.time), hold_days=None)
            case Kind.SCHEDULED:
                return replace(self, schedule=_schedule(entry))
            case Kind.UNSCHEDULED:
                return replace(self, schedule=None)
            case Kind.SHARED | Kind.UNSHARED:
                return replace(self, shared=entry.kind is Kind.SHARED)
            case Kind.WAKING | Kind.NOT_WAKING:
                return replace(self, waking=entry.kind is Kind.WAKING)
            case Kind.SHARING_ITSELF:
                return replace(self, hold_days=_hold_days(entry), hold_chosen=entry.seq)
            case Kind.SHARING_BY_HAND:
                return replace(self, hold_days=None)
            case _:
                return self

    def _accepted(self, entry: Entry) -> Standing:
        keys = keys_of(entry.body, "agreed")
        agreed = self._moved(Input.ACCEPT, keys, entry.time)
        narrowed = agreed._moved(Input.REFUSE, keys_of(entry.body, "refused"), entry.time)
        until = MappingProxyType({**self.until, **dict.fromkeys(keys, _until(entry))})
        apps = entry.body.get("apps")
        if not isinstance(apps, list):
            raise _unfit(entry.kind)
        policy = policy_from_json(entry.body.get("policy"))
        apps_now = frozenset(map(str, apps))
        return replace(narrowed, policy=policy, apps=apps_now, accepted=entry, refused=None, until=until)

    def _moved(self, given: Input, keys: Iterable[Key], now: datetime) -> Standing:
        moved = tuple(keys)
        consent = self.consent.apply(given, moved)
        # To be shown the panel again changes nothing; to agree again begins a new time.
        fresh = {
            key: now for key in moved if given is not Input.ASK or consent.state(*key) is not self.consent.state(*key)
        }
        return replace(self, consent=consent, since=MappingProxyType({**self.since, **fresh}))

    def _in_state(self, states: Iterable[State]) -> tuple[Key, ...]:
        return tuple(key for key, state in self.consent.states.items() if state in states)

    def _in_any_state_but(self, state: State) -> tuple[Key, ...]:
        return tuple(key for key, found in self.consent.states.items() if found is not state)


def _until(entry: Entry) -> datetime:
    """Return when what was agreed to in `entry` is over at the latest, as it says itself; earlier versions did not."""
    latest = ends(entry.time)
    said = entry.body.get("until")
    if said is None:
        return latest
    try:
        return min(datetime.fromisoformat(str(said)), latest)
    except (ValueError, TypeError):
        raise _unfit(entry.kind) from None


def fold(entries: Iterable[Entry], study: str) -> Standing:
    """Return where the person stands with `study` after all of `entries`.

    Raises:
        ConsentError: An entry makes a move that the table does not have.
        VerificationError: The body of an entry is not what its kind wants.
    """
    standing = Standing()
    for entry in entries:
        if entry.study == study:
            standing = standing.after(entry)
    return standing


def open_intents(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the intents that were not carried out yet, oldest first: a restart finishes them."""
    found: Mapping[int, Entry] = {}
    for entry in entries:
        found = next_intents(found, entry)
    return tuple(found.values())


def next_intents(found: Mapping[int, Entry], entry: Entry) -> Mapping[int, Entry]:
    """Return the open intents, by number, after `entry`; `found` were those before it.

    Raises:
        VerificationError: It closes one that is not open.
    """
    if entry.kind in _OPENING:
        return {**found, entry.seq: entry}
    if entry.kind not in CLOSES:
        return found
    opener = entry.body.get("intent")
    if not isinstance(opener, int) or opener not in found or found[opener].kind is not CLOSES[entry.kind]:
        raise _unfit(entry.kind)
    return {seq: one for seq, one in found.items() if seq != opener}


def keys_to_json(keys: Iterable[Key]) -> list[list[str]]:
    """Return (purpose, category) pairs as they stand in an entry's body."""
    return sorted([purpose, str(category)] for purpose, category in keys)


def keys_of(body: Mapping[str, object], name: str) -> frozenset[Key]:
    """Return the (purpose, category) pairs that `keys_to_json` put under `name`.

    Raises:
        VerificationError: They are not that.
    """
    stored = body.get(name)
    if not isinstance(stored, list):
        raise VerificationError("an entry of the consent record lacks its {name}", hint=_HINT, name=name)
    try:
        return frozenset((str(purpose), Category(category)) for purpose, category in stored)
    except (TypeError, ValueError):
        raise VerificationError(
            "an entry of the consent record has {name} that are not known", hint=_HINT, name=name
        ) from None


def _schedule(entry: Entry) -> Schedule:
    try:
        return parse(str(entry.body.get("schedule")))
    except ValueError:
        raise _unfit(entry.kind) from None


def _hold_days(entry: Entry) -> int:
    days = entry.body.get("days")
    if not isinstance(days, int) or isinstance(days, bool) or days < 1:
        raise _unfit(entry.kind)
    return days


_HINT = "Restore the consent record from a backup, or opt out and join again."


def _unfit(kind: Kind) -> VerificationError:
    return VerificationError("an entry of the consent record is not what {kind!r} wants", hint=_HINT, kind=kind.value)
