"""The receipt of a decision, for the person who made it: one JSON object with the fields of ISO/IEC TS 27560.

There is one for every yes, no, withdrawal and expiry. Names of the fields are those of the specification (its sections:
header, processing, party identification, event). `schemas/consent-receipt.schema.json` describes it, published in
docs/schemas. Nobody but the participant gets a receipt; a bundle carries that of the yes it rests on.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from capture_agent.core.consent import State
from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_DEVICE, Policy
from capture_agent.keys import age
from capture_agent.ledger.snapshot import policy_from_json
from capture_agent.ledger.standing import Entry, Key, Kind, Standing, keys_of

SCHEMA = "capture-agent-consent-receipt-2"
CONTROLLER, INDEPENDENT, AUTHORITY = "controller", "independent-contact", "authority"
WITHDRAWAL_METHOD = "Opt out and delete… in the menu of the tray icon, or: capture-agent consent withdraw"
COLLECTION_METHOD = "Recorded on the participant's own computer by Capture Agent, while its icon says so"
PROCESSING_METHOD = "Sealed as it is written; nothing leaves the computer before the participant releases it"

# What each kind of decision is called (DPV consent status); an accepted entry may also be a renewal.
EVENT_STATES: Mapping[Kind, State] = MappingProxyType(
    {
        Kind.ACCEPTED: State.GIVEN,
        Kind.REFUSED: State.REFUSED,
        Kind.WITHDRAWN: State.WITHDRAWN,
        Kind.LEFT: State.WITHDRAWN,
        Kind.EXPIRED: State.EXPIRED,
        Kind.INVALIDATED: State.INVALIDATED,
    }
)
_NOTICE = ("id", "version", "locale", "source_sha256", "sha256", "text")
_METHODS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.ACCEPTED: "click in the consent panel",
        Kind.REFUSED: "click in the consent panel",
        Kind.WITHDRAWN: "opt out",
        Kind.LEFT: "leaving the study",
        Kind.EXPIRED: "time has passed",
        Kind.INVALIDATED: "the study changed",
    }
)


@dataclass(frozen=True, slots=True)
class Decision:
    """An entry of the consent record that has a receipt, and what it was about."""

    entry: Entry
    policy: Policy | None  # what was offered; None in records of versions that did not keep it with a refusal
    notice: Mapping[str, object] | None  # what was shown when it was agreed to
    apps: tuple[str, ...]
    states: Mapping[Key, State]  # of every purpose and category, after the decision


def decisions(entries: Iterable[Entry], study: str) -> tuple[Decision, ...]:
    """Return the decisions about `study`, oldest first.

    Raises:
        VerificationError, ConsentError: The entries are no consent record.
    """
    standing, found = Standing(), []
    policy: Policy | None = None
    notice: Mapping[str, object] | None = None
    apps: tuple[str, ...] = ()
    for entry in entries:
        if entry.study != study:
            continue
        standing = standing.after(entry)
        if entry.kind in {Kind.ACCEPTED, Kind.REFUSED} and "policy" in entry.body:
            policy = policy_from_json(entry.body["policy"])
            notice, apps = (_notice(entry), _apps(entry)) if entry.kind is Kind.ACCEPTED else (None, ())
        if entry.kind in EVENT_STATES:
            found.append(Decision(entry, policy, notice, apps, standing.consent.states))
    return tuple(found)


def accepted(entry: Entry) -> Decision:
    """Return the decision of an `accepted` entry alone, without what was before it: what a bundle rests on.

    Raises:
        ConsentError: The entry is of another kind.
    """
    if entry.kind is not Kind.ACCEPTED:
        raise ConsentError("this is not what was agreed to", hint="Choose an entry that was accepted.")
    states = dict.fromkeys(keys_of(entry.body, "refused"), State.REFUSED)
    states |= dict.fromkeys(keys_of(entry.body, "agreed"), State.GIVEN)
    policy = policy_from_json(entry.body.get("policy"))
    return Decision(entry, policy, _notice(entry), _apps(entry), MappingProxyType(states))


def receipt(decision: Decision, pseudonym: str, public_key: str) -> dict[str, object]:
    """Return the receipt of a decision, ready for JSON.

    The signed entry itself is in it, so that it can be checked against `public_key` with any DSSE library.
    """
    entry, policy, notice = decision.entry, decision.policy, decision.notice
    return {
        "schema_version": SCHEMA,
        "receipt_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{entry.sha256}")),
        "record_id": entry.sha256,
        "pii_principal_id": pseudonym,
        "study": {
            "id": entry.study,
            "title": "" if policy is None else policy.title,
            "policy_version": None if policy is None else policy.version,
        },
        "privacy_notice": None if notice is None else dict(notice),
        "language": None if notice is None else notice.get("locale"),
        "pii_processing": [_processing(decision, purpose) for purpose in _purposes(decision)],
        "party_identification": [] if policy is None else _parties(policy),
        "programs": list(decision.apps),
        "event": _event(decision, pseudonym),
        "signature": {"public_key": public_key, "dsse": entry.line.decode()},
    }


@cache
def schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a receipt."""
    text = (files("capture_agent.ledger") / "schemas" / "consent-receipt.schema.json").read_text("utf-8")
    found: dict[str, object] = json.loads(text)
    return found


def recipient_id(number: int) -> str:
    """Return what a recipient is called within a receipt, counted from 1."""
    return f"recipient-{number}"


def _purposes(decision: Decision) -> list[str]:
    asked = {purpose for purpose, _ in decision.states}
    return sorted(asked | set(() if decision.policy is None else decision.policy.purposes))


def _processing(decision: Decision, purpose: str) -> dict[str, object]:
    policy = decision.policy
    data = [
        {"pii_type": category.value, "pii_optional": True, "consent_state": state.value}
        for category in Category
        if (state := decision.states.get((purpose, category))) is not None
    ]
    if policy is None:
        return {"purpose": purpose, "purpose_text": "", "pii_information": data, "withdrawal_method": WITHDRAWAL_METHOD}
    place = policy.storage or "this computer only"
    return {
        "purpose": purpose,
        "purpose_text": policy.purposes.get(purpose, ""),
        "lawful_basis": policy.legal_basis.value,
        "pii_information": data,
        "pii_controllers": [CONTROLLER],
        "collection_method": COLLECTION_METHOD,
        "processing_method": PROCESSING_METHOD,
        "storage_locations": [place, *([policy.destination] if policy.destination else [])],
        "retention_period": f"P{policy.retention_days}D",
        "processing_locations": [place],
        "jurisdictions": [policy.jurisdiction] if policy.jurisdiction else [],
        "recipient_third_parties": [recipient_id(n) for n, _ in enumerate(policy.recipients, start=1)],
        "withdrawal_method": WITHDRAWAL_METHOD,
        "privacy_rights": [right.value for right in policy.rights],
        "impact_assessment": policy.dpia or None,
        "agreement": policy.agreement or None,
        "authority_party": AUTHORITY if policy.complaint_authority else None,
    }


def _parties(policy: Policy) -> list[dict[str, object]]:
    parties = [
        _party(CONTROLLER, "controller", policy.controller, policy.controller_address, policy.contact),
    ]
    if policy.independent_contact:
        parties.append(_party(INDEPENDENT, "independent-contact", "", "", policy.independent_contact))
    if policy.complaint_authority:
        parties.append(_party(AUTHORITY, "authority", policy.complaint_authority, "", policy.complaint_authority))
    for number, one in enumerate(policy.recipients, start=1):
        party = _party(recipient_id(number), "recipient", one.name, "", "")
        party |= {
            "key": one.key,
            "key_kind": one.kind.value,
            "fingerprint": "" if one.key == OWN_DEVICE else age.fingerprint(one.key),
            "pii_types": [category.value for category in Category if category in one.categories],
        }
        parties.append(party)
    return parties


def _party(party_id: str, role: str, name: str, address: str, contact: str) -> dict[str, object]:
    return {
        "party_id": party_id,
        "party_role": role,
        "party_type": "person" if role == "independent-contact" else "organisation",
        "party_name": name,
        "party_address": address,
        "party_contact": contact,
    }


def _event(decision: Decision, pseudonym: str) -> dict[str, object]:
    entry, policy = decision.entry, decision.policy
    noted = entry.body.get("event")
    event: Mapping[str, object] = noted if isinstance(noted, Mapping) else {}
    agreed = entry.kind is Kind.ACCEPTED
    keys = keys_of(entry.body, "agreed") if agreed else frozenset()
    renewed = any(decision.states.get(key) is State.RENEWED for key in keys)
    return {
        "event_time": entry.time.isoformat(),
        "event_type": "explicit-consent",
        "event_kind": entry.kind.value,
        "event_state": (State.RENEWED if renewed else EVENT_STATES[entry.kind]).value,
        "event_method": str(event.get("method") or _METHODS[entry.kind]),
        "entity_id": str(event.get("entity_id") or pseudonym),
        "validity_duration": f"P{policy.consent_months}M" if agreed and policy is not None else None,
        "valid_until": str(entry.body["until"]) if agreed and entry.body.get("until") else None,
    }


def _notice(entry: Entry) -> Mapping[str, object] | None:
    stored = entry.body.get("notice")
    return {name: stored[name] for name in _NOTICE if name in stored} if isinstance(stored, Mapping) else None


def _apps(entry: Entry) -> tuple[str, ...]:
    stored = entry.body.get("apps")
    return tuple(map(str, stored)) if isinstance(stored, list) else ()
