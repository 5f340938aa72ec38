"""A policy as it was agreed to, as JSON in the consent record, and back.

Names of the fields follow ISO/IEC TS 27560 where it has one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict, TypeGuard

from capture_agent.core.errors import VerificationError
from capture_agent.core.events import Category
from capture_agent.core.policy import (
    MAX_CONSENT_MONTHS,
    OWN_DEVICE,
    LegalBasis,
    Monitoring,
    MonitoringLaw,
    Notice,
    Policy,
    Recipient,
    RecipientKind,
    Right,
)
from capture_agent.core.room import MAX_HELD_MB
from capture_agent.core.schedule import Schedule, parse
from capture_agent.keys import age

Json = Mapping[str, object]


def policy_to_json(policy: Policy) -> dict[str, object]:
    """Return everything in `policy` that `core.policy.widenings` compares, and what a receipt shows."""
    return {
        "study": policy.study,
        "version": policy.version,
        "title": policy.title,
        "controller": {"name": policy.controller, "address": policy.controller_address, "contact": policy.contact},
        "independent_contact": policy.independent_contact,
        "complaint_authority": policy.complaint_authority,
        "jurisdiction": policy.jurisdiction,
        "legal_basis": policy.legal_basis,
        "rights": list(policy.rights),
        "storage": policy.storage,
        "consent_months": policy.consent_months,
        "dpia": policy.dpia,
        "agreement": policy.agreement,
        "monitoring": None if policy.monitoring is None else _monitoring_to_json(policy.study, policy.monitoring),
        "purposes": dict(policy.purposes),
        "categories": sorted(policy.categories),
        "recipients": [_recipient_to_json(recipient) for recipient in policy.recipients],
        "retention_days": policy.retention_days,
        "notices": [_notice_to_json(policy.study, notice) for notice in policy.notices],
        "apps": None if policy.apps is None else sorted(policy.apps),
        "tasks": list(policy.tasks),
        "destination": policy.destination,
        "max_fps": policy.max_fps,
        "expires": None if policy.expires is None else policy.expires.isoformat(),
        "enabled": policy.enabled,
        "schedule": None if policy.schedule is None else str(policy.schedule),
        "max_held_mb": policy.max_held_mb,
        "min_hold_days": policy.min_hold_days,
    }


def policy_from_json(stored: object) -> Policy:
    """Return the policy that `policy_to_json` stored.

    Raises:
        VerificationError: It is not one.
    """
    try:
        return _policy(stored)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise VerificationError(
            "the policy in the consent record cannot be read ({kind})",
            hint="Restore the consent record from a backup, or opt out and join again.",
            kind=type(error).__name__,
        ) from None


def notice_id(study: str, notice: Notice) -> str:
    """Return what names a notice in one language and version."""
    return f"{study}/{notice.locale}/{notice.version}"


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _policy(stored: object) -> Policy:
    found = _mapping(stored)
    controller = _mapping(found["controller"])
    apps, expires = found["apps"], found["expires"]
    destination = found["destination"]
    return Policy(
        study=_text(found["study"]),
        version=_number(found["version"]),
        title=_text(found["title"]),
        controller=_text(controller["name"]),
        contact=_text(controller["contact"]),
        purposes={key: _text(value) for key, value in _mapping(found["purposes"]).items()},
        categories=_categories(found["categories"]),
        recipients=tuple(_recipient(_mapping(one)) for one in _items(found["recipients"])),
        retention_days=_number(found["retention_days"]),
        notices=tuple(_notice(_mapping(one)) for one in _items(found["notices"])),
        apps=None if apps is None else frozenset(map(_text, _items(apps))),
        tasks=tuple(map(_text, _items(found["tasks"]))),
        destination=None if destination is None else _text(destination),
        max_fps=_number(found["max_fps"]),
        expires=None if expires is None else datetime.fromisoformat(_text(expires)),
        enabled=found["enabled"] is True,
        **_particulars(found, controller),
    )


class _Particulars(TypedDict):
    controller_address: str
    independent_contact: str
    complaint_authority: str
    jurisdiction: str
    storage: str
    legal_basis: LegalBasis
    rights: tuple[Right, ...]
    consent_months: int
    dpia: str
    agreement: str
    monitoring: Monitoring | None
    schedule: Schedule | None
    max_held_mb: int
    min_hold_days: int


def _particulars(found: Json, controller: Json) -> _Particulars:
    """Return the fields that a record of before they existed does not have: it then says what held without them."""
    monitoring, schedule = found.get("monitoring"), found.get("schedule")
    return _Particulars(
        controller_address=_text(controller.get("address", "")),
        independent_contact=_text(found.get("independent_contact", "")),
        complaint_authority=_text(found.get("complaint_authority", "")),
        jurisdiction=_text(found.get("jurisdiction", "")),
        storage=_text(found.get("storage", "")),
        legal_basis=LegalBasis(_text(found.get("legal_basis", LegalBasis.CONSENT))),
        rights=tuple(Right(_text(one)) for one in _items(found.get("rights", list(Right)))),
        consent_months=_number(found.get("consent_months", MAX_CONSENT_MONTHS)),
        dpia=_text(found.get("dpia", "")),
        agreement=_text(found.get("agreement", "")),
        monitoring=None if monitoring is None else _monitoring(_mapping(monitoring)),
        schedule=None if schedule is None else parse(_text(schedule)),
        max_held_mb=_number(found.get("max_held_mb", MAX_HELD_MB)),
        min_hold_days=_number(found.get("min_hold_days", 1)),
    )


def _notice_to_json(study: str, notice: Notice) -> dict[str, object]:
    return {
        "id": notice_id(study, notice),
        "locale": notice.locale,
        "version": notice.version,
        "sha256": text_hash(notice.text),
        "text": notice.text,
        "parts": sorted(notice.parts),
    }


def _monitoring_to_json(study: str, monitoring: Monitoring) -> dict[str, object]:
    return {
        "laws": list(monitoring.laws),
        "notices": [_notice_to_json(study, notice) for notice in monitoring.notices],
        "daily": monitoring.daily,
    }


def _monitoring(stored: Json) -> Monitoring:
    return Monitoring(
        laws=tuple(MonitoringLaw(_text(one)) for one in _items(stored["laws"])),
        notices=tuple(_notice(_mapping(one)) for one in _items(stored["notices"])),
        daily=stored["daily"] is True,
    )


def _recipient_to_json(recipient: Recipient) -> dict[str, object]:
    return {
        "name": recipient.name,
        "key": recipient.key,
        "fingerprint": "" if recipient.key == OWN_DEVICE else age.fingerprint(recipient.key),
        "kind": recipient.kind,
        "categories": sorted(recipient.categories),
        "is_example": recipient.is_example,
    }


def _recipient(stored: Json) -> Recipient:
    return Recipient(
        name=_text(stored["name"]),
        key=_text(stored["key"]),
        kind=RecipientKind(_text(stored["kind"])),
        categories=_categories(stored["categories"]),
        is_example=stored["is_example"] is True,
    )


def _notice(stored: Json) -> Notice:
    parts = frozenset(map(_text, _items(stored.get("parts", []))))
    return Notice(_text(stored["locale"]), _number(stored["version"]), _text(stored["text"]), parts)


def _categories(stored: object) -> frozenset[Category]:
    return frozenset(Category(_text(one)) for one in _items(stored))


def _mapping(value: object) -> Json:
    if not isinstance(value, Mapping):
        raise TypeError("an object was expected")
    return value


def _items(value: object) -> list[object]:
    if not _is_list(value):
        raise TypeError("a list was expected")
    return value


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number was expected")
    return value
