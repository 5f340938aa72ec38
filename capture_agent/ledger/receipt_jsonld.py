"""A receipt in the W3C Data Privacy Vocabulary, as JSON-LD. Pure.

Follows DPV's guide to ISO/IEC TS 27560 (https://w3id.org/dpv/guides/consent-27560). The context stands in the document
itself: nothing has to be loaded to read it. Whatever can be more than one is an array, and no key stands twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
_STATES: Mapping[str, str] = MappingProxyType(
    {
        "Unknown": "dpv:ConsentUnknown",
        "Requested": "dpv:ConsentRequested",
        "Given": "dpv:ConsentGiven",
        "Refused": "dpv:ConsentRefused",
        "Withdrawn": "dpv:ConsentWithdrawn",
        "Expired": "dpv:ConsentExpired",
        "RenewedGiven": "dpv:RenewedConsentGiven",
        "Invalidated": "dpv:ConsentInvalidated",
    }
)
_BASES: Mapping[str, str] = MappingProxyType(
    {
        "consent": "eu-gdpr:A6-1-a",
        "contract": "eu-gdpr:A6-1-b",
        "legal-obligation": "eu-gdpr:A6-1-c",
        "vital-interests": "eu-gdpr:A6-1-d",
        "public-task": "eu-gdpr:A6-1-e",
        "legitimate-interests": "eu-gdpr:A6-1-f",
    }
)
_RIGHTS: Mapping[str, str] = MappingProxyType(
    {
        "withdraw": "eu-gdpr:A7-3",
        "access": "eu-gdpr:A15",
        "rectification": "eu-gdpr:A16",
        "erasure": "eu-gdpr:A17",
        "restriction": "eu-gdpr:A18",
        "portability": "eu-gdpr:A20",
        "objection": "eu-gdpr:A21",
    }
)
_CLASSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "controller": ("hasDataController", "DataController"),
        "independent-contact": ("hasDataProtectionOfficer", "DataProtectionOfficer"),
        "authority": ("hasAuthority", "Authority"),
        "recipient": ("hasRecipient", "Recipient"),
    }
)


@cache
def context() -> dict[str, Any]:
    """Return the context that every document carries."""
    text = (files("capture_agent.ledger") / "schemas" / "receipt.context.jsonld").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)["@context"]
    return found


def jsonld(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Return a receipt (`receipt_json.receipt`) as JSON-LD."""
    record, event = receipt["record_id"], receipt["event"]
    me = f"urn:capture-agent:participant:{receipt['pii_principal_id']}"
    document: dict[str, Any] = {
        "@context": context(),
        "@id": f"urn:uuid:{receipt['receipt_id']}",
        "@type": ["ConsentReceipt"],
        "conformsTo": [PROFILE],
        "identifier": [receipt["receipt_id"]],
        "source": [f"urn:sha256:{record}"],
        "title": [receipt["study"]["title"] or receipt["study"]["id"]],
        "date": [event["event_time"]],
        "hasConsentStatus": [_STATES[event["event_state"]]],
        "hasLegalBasis": ["dpv:ExplicitlyExpressedConsent"],
        "hasDataSubject": [{"@id": me, "@type": ["DataSubject"], "identifier": [receipt["pii_principal_id"]]}],
        # Only the participant or time itself decides; a name other than the pseudonym is that of the program.
        "isIndicatedBy": [me if event["entity_id"] == receipt["pii_principal_id"] else f"ca:{event['entity_id']}"],
        "isIndicatedAtTime": [event["event_time"]],
        "hasIndicationMethod": [event["event_method"]],
        "hasProcess": _processes(receipt),
        "publicKey": [receipt["signature"]["public_key"]],
        "signedEntry": [receipt["signature"]["dsse"]],
    }
    for name in ("validity_duration", "valid_until"):
        if event[name] is not None:
            document.setdefault("valid", []).append(event[name])
    if receipt["privacy_notice"] is not None:
        document |= {"language": [receipt["language"]], "hasNotice": [_notice(receipt["privacy_notice"])]}
    for party in receipt["party_identification"]:
        relation, kind = _CLASSES[party["party_role"]]
        document.setdefault(relation, []).append(_party(record, kind, party))
    return document


def _notice(notice: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@id": f"urn:sha256:{notice['sha256']}",
        "@type": ["ConsentNotice"],
        "identifier": [f"{notice['id']}"],
        "language": [notice["locale"]],
        "sha256": [notice["sha256"]],
        "description": [{"@value": notice["text"], "@language": notice["locale"].replace("_", "-")}],
    }


def _party(record: str, kind: str, party: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@id": _party_id(record, party["party_id"]),
        "@type": [kind],
        "identifier": [party["party_id"]],
    }
    for name, given in (("hasName", "party_name"), ("hasAddress", "party_address"), ("hasContact", "party_contact")):
        if party[given]:
            found[name] = [party[given]]
    if "key" in party:
        found |= {"publicKey": [party["key"]], "hasIdentifier": [party["fingerprint"] or party["key"]]}
    return found


def _party_id(record: str, name: str) -> str:
    return f"urn:capture-agent:record:{record}:{name}"


def _processes(receipt: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one process for each purpose and state: within one, every kind of data has the same consent status."""
    found = []
    for processing in receipt["pii_processing"]:
        for state in sorted({data["consent_state"] for data in processing["pii_information"]}):
            data = [one["pii_type"] for one in processing["pii_information"] if one["consent_state"] == state]
            found.append(_process(receipt["record_id"], processing, state, data))
    return found


def _process(record: str, processing: Mapping[str, Any], state: str, data: list[str]) -> dict[str, Any]:
    purpose = processing["purpose"]
    found: dict[str, Any] = {
        "@id": f"urn:capture-agent:record:{record}:process:{purpose}:{state}",
        "@type": ["Process"],
        "hasConsentStatus": [_STATES[state]],
        "hasPurpose": [
            {
                "@id": f"urn:capture-agent:purpose:{purpose}",
                "@type": ["Purpose"],
                "identifier": [purpose],
                "description": [processing["purpose_text"]],
            }
        ],
        "hasPersonalData": [
            {
                "@id": f"urn:capture-agent:category:{name}",
                "@type": ["PersonalData"],
                "identifier": [name],
                "hasNecessity": ["dpv:Optional"],
            }
            for name in data
        ],
        "hasConsentControl": [{"@type": ["WithdrawConsent"], "description": [processing["withdrawal_method"]]}],
    }
    if "lawful_basis" not in processing:
        return found
    found |= {
        "hasLegalBasis": [_BASES[processing["lawful_basis"]]],
        "hasProcessing": ["dpv:Collect", "dpv:Store"],
        "description": [processing["collection_method"], processing["processing_method"]],
        "hasStorageCondition": [
            *({"@type": ["StorageLocation"], "hasLocation": [place]} for place in processing["storage_locations"]),
            {"@type": ["StorageDuration"], "hasDuration": [processing["retention_period"]]},
        ],
        "hasJurisdiction": processing["jurisdictions"],
        "hasRight": [_RIGHTS[right] for right in processing["privacy_rights"]],
        "hasDataController": [{"@id": _party_id(record, name)} for name in processing["pii_controllers"]],
        "hasRecipient": [{"@id": _party_id(record, name)} for name in processing["recipient_third_parties"]],
    }
    if processing["impact_assessment"]:
        found["hasImpactAssessment"] = [{"@type": ["DPIA"], "identifier": [processing["impact_assessment"]]}]
    if processing["agreement"]:
        found["hasOrganisationalMeasure"] = [{"identifier": [processing["agreement"]]}]
    return found
