"""What is written down when a person agrees, and the receipt of it that the person keeps.

Fields follow ISO/IEC TS 27560 (consent record information structure): record, notice, processing,
party and event sections. Nobody but the participant gets a receipt.
"""

from __future__ import annotations

from collections.abc import Iterable

from capture_agent.core.errors import ConsentError
from capture_agent.core.policy import Policy
from capture_agent.core.privacy import DESKTOP_APP
from capture_agent.ledger.snapshot import notice_id, policy_from_json, policy_to_json, text_hash
from capture_agent.ledger.standing import Entry, Key, Kind, keys_of, keys_to_json

SCHEMA = "capture-agent-consent-receipt-1"


def offered_keys(policy: Policy) -> frozenset[Key]:
    """Return every (purpose, category) that a policy asks for."""
    return frozenset((purpose, category) for purpose in policy.purposes for category in policy.categories)


def asked_body(policy: Policy) -> dict[str, object]:
    """Return the body of an `asked` or `refused` entry: everything that the policy offers."""
    return {"keys": keys_to_json(offered_keys(policy)), "policy_version": policy.version}


def accepted_body(
    policy: Policy, agreed: Iterable[Key], apps: Iterable[str], locale: str, shown_text: str
) -> dict[str, object]:
    """Return the body of an `accepted` entry.

    What is offered and not in `agreed` is refused. `shown_text` is the notice as the window
    rendered it: what the person saw is kept itself, beside the text of the policy.

    Raises:
        ConsentError: `agreed` holds what the policy does not offer, or apps are outside of its list.
    """
    offered, ticked, programs = offered_keys(policy), frozenset(agreed), frozenset(apps)
    # The background is no program: it may be ticked whatever the study lists, and the list still narrows it.
    if not ticked <= offered or (policy.apps is not None and not programs <= {*policy.apps, DESKTOP_APP}):
        raise ConsentError("more was ticked than this study asks for", hint="Open the panel again.")
    notice = policy.notice(locale)
    return {
        "policy": policy_to_json(policy),
        "agreed": keys_to_json(ticked),
        "refused": keys_to_json(offered - ticked),
        "apps": sorted(programs),
        "notice": {
            "id": notice_id(policy.study, notice),
            "version": notice.version,
            "locale": notice.locale,
            "source_sha256": text_hash(notice.text),
            "sha256": text_hash(shown_text),
            "text": shown_text,
        },
    }


def receipt(entry: Entry, pseudonym: str, public_key: str) -> dict[str, object]:
    """Return the receipt of an `accepted` entry, ready for JSON.

    The signed entry itself is in it, so that it can be checked against `public_key` with any DSSE library.

    Raises:
        ConsentError: The entry is of another kind.
    """
    if entry.kind is not Kind.ACCEPTED:
        raise ConsentError("there is a receipt only for what was agreed to", hint="Choose an entry that was accepted.")
    policy = policy_from_json(entry.body.get("policy"))
    stored = policy_to_json(policy)
    return {
        "schema_version": SCHEMA,
        "record_id": entry.sha256,
        "pii_principal_id": pseudonym,
        "pii_controllers": [stored["controller"]],
        "notice": entry.body.get("notice"),
        "processing": [
            {
                "purpose": purpose,
                "purpose_text": policy.purposes[purpose],
                "lawful_basis": "consent",
                "pii_categories": sorted(c for p, c in keys_of(entry.body, "agreed") if p == purpose),
                "pii_categories_refused": sorted(c for p, c in keys_of(entry.body, "refused") if p == purpose),
                "retention_period": f"P{policy.retention_days}D",
                "recipients": stored["recipients"],
                "storage_location": policy.destination or "this computer only",
                "withdrawal_method": "Opt out and delete… in the menu of the tray icon",
            }
            for purpose in sorted(policy.purposes)
        ],
        "programs": entry.body.get("apps"),
        "event": {"event_time": entry.time.isoformat(), "event_type": "given", "entity_id": pseudonym},
        "signature": {"public_key": public_key, "dsse": entry.line.decode()},
    }
