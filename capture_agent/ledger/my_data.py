"""What others have of a person: every file that was ever shared, to whom, and what became of it.

A fold of the consent record, and pure: it asks nothing else, so it also knows of what is long gone from this disk.
`schemas/my-data.schema.json` describes it as JSON, published in docs/schemas.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from capture_agent.core.language import noted
from capture_agent.core.policy import Policy
from capture_agent.keys import age
from capture_agent.ledger.releases import moment
from capture_agent.ledger.snapshot import policy_from_json
from capture_agent.ledger.standing import Entry, Kind

SCHEMA = "capture-agent-my-data-1"

# What can become of a shared file: the kind of entry that says so, what that is called, and how people read it. An
# entry is about the files that it names, by file, recording or an earlier entry; a further state is one more line.
STATES: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        Kind.RELEASED: ("released", noted("Shared")),
        Kind.DELIVERED: ("delivered", noted("Delivered")),
        Kind.RELEASE_WITHDRAWN: ("withdrawn", noted("Withdrawn")),
        Kind.TOMBSTONED: ("told", noted("Withdrawn; the file that tells its readers is made")),
    }
)
STATE_WORDS: Mapping[str, str] = MappingProxyType(dict(STATES.values()))


@dataclass(frozen=True, slots=True)
class Reader:
    """Who can open a file. `fingerprint`: nine words, empty if the key is not known."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The yes that a release rests on: SHA-256 of its entry (the `record_id` of its receipt), and when it was given."""

    record: str
    agreed: datetime


@dataclass(frozen=True, slots=True)
class Became:
    """One thing that happened to a file: which of `STATES`, when (UTC), where if that is told, and which entry says so.

    `record` is the SHA-256 of that entry.
    """

    state: str
    when: datetime
    place: str
    record: str


@dataclass(frozen=True, slots=True)
class SharedFile:
    """One bundle that was released. Times are UTC; `seconds` is 0 if it is not known; `history` begins with it."""

    file: str
    session: str
    recorded: datetime
    seconds: float
    study: str
    title: str
    readers: tuple[Reader, ...]
    categories: tuple[str, ...]
    consent: Consent | None
    history: tuple[Became, ...]

    @property
    def shared(self) -> datetime:
        """Return when it was released."""
        return self.history[0].when


def shared_files(entries: Iterable[Entry]) -> tuple[SharedFile, ...]:
    """Return every file that was ever shared, the newest first."""
    found: dict[str, SharedFile] = {}
    of_session: defaultdict[str, list[str]] = defaultdict(list)
    of_entry: dict[str, Sequence[str]] = {}
    agreed: dict[str, tuple[Entry, Policy]] = {}
    for entry in entries:
        if entry.kind is Kind.ACCEPTED:
            agreed[entry.study] = entry, policy_from_json(entry.body.get("policy"))
        if entry.kind not in STATES:
            continue
        if entry.kind is Kind.RELEASED:
            one = _released(entry, agreed.get(entry.study))
            found[one.file] = one
            of_session[one.session].append(one.file)
        body = entry.body
        if (file := str(body.get("bundle", body.get("file")))) in found:
            about: Sequence[str] = (file,)
        elif "session" in body:
            about = tuple(of_session[str(body["session"])])
        else:
            about = of_entry.get(str(body.get("intent")), ())
        of_entry[str(entry.seq)] = about
        became = Became(STATES[entry.kind][0], entry.time, str(body.get("destination") or ""), entry.sha256)
        for name in about:
            found[name] = replace(found[name], history=(*found[name].history, became))
    return tuple(reversed(found.values()))


def _released(entry: Entry, agreed: tuple[Entry, Policy] | None) -> SharedFile:
    yes, policy = agreed if agreed is not None else (None, None)
    keys = {} if policy is None else {one.name: one.key for one in policy.recipients}
    seconds = entry.body.get("seconds")
    return SharedFile(
        file=str(entry.body.get("bundle")),
        session=str(entry.body.get("session")),
        recorded=moment(entry.body.get("started")) or entry.time,  # earlier versions did not say
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        study=entry.study,
        title="" if policy is None else policy.title,
        readers=tuple(Reader(name, _fingerprint(keys.get(name))) for name in _texts(entry.body.get("recipients"))),
        categories=tuple(_texts(entry.body.get("categories"))),
        consent=None if yes is None else Consent(yes.sha256, yes.time),
        history=(),
    )


@cache
def _fingerprint(key: str | None) -> str:
    return "" if key is None else age.fingerprint(key)


def my_data(shared: Iterable[SharedFile], made: datetime) -> dict[str, Any]:
    """Return what `shared_files` found, ready for JSON, as it was at `made`."""
    return {"schema_version": SCHEMA, "made": _time(made), "shared": [_as_json(one) for one in shared]}


@cache
def schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of `my_data`, and of the index of a folder with all of it."""
    text = (files("capture_agent.ledger") / "schemas" / "my-data.schema.json").read_text("utf-8")
    found: dict[str, object] = json.loads(text)
    return found


def _as_json(one: SharedFile) -> dict[str, Any]:
    return {
        "file": one.file,
        "shared": _time(one.shared),
        "session": one.session,
        "recorded": _time(one.recorded),
        "seconds": one.seconds,
        "study": {"id": one.study, "title": one.title},
        "readers": [{"name": reader.name, "fingerprint": reader.fingerprint} for reader in one.readers],
        "categories": list(one.categories),
        "consent": None
        if one.consent is None
        else {"record_id": one.consent.record, "agreed": _time(one.consent.agreed)},
        "state": one.history[-1].state,
        "history": [
            {"state": became.state, "time": _time(became.when), "place": became.place, "record_id": became.record}
            for became in one.history
        ],
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
