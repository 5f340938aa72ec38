"""Whether a recording may still be used: not withdrawn, and within the time that was agreed to. Pure.

Also which withdrawals are missing: each manifest and each tombstone that an agent made says how many there were, so a
number that nothing here carries was lost on the way, or held back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from capture_agent.bundle.manifest import NO_WITHDRAWALS, Manifest, Withdrawals
from capture_agent.bundle.tombstone import Tombstone, Withdrawable, after
from capture_agent.core.errors import ConsentError, VerificationError
from capture_agent.keys.strict_json import strict_object

_RECEIPT = "capture-agent-consent-receipt-"  # any version: the field has been there from the first
_DAYS = re.compile(r"P([1-9][0-9]{0,5})D")
_PURGE = "Delete it, and what was made of it: `capture-agent research purge`."


@dataclass(frozen=True, slots=True)
class Missing:
    """Which withdrawals of one device's study are not here, by number, and whether what is here contradicts itself."""

    claimed: int
    numbers: tuple[int, ...]
    contradiction: bool


def withdrawable(manifest: Manifest) -> Withdrawable:
    """Return what a tombstone of this bundle's recording has to name."""
    return Withdrawable(manifest.study, manifest.device, manifest.withdrawal_sha256)


def is_withdrawn(recording: Withdrawable, tombstones: Iterable[Tombstone]) -> bool:
    """Return whether one of `tombstones` withdraws `recording`."""
    return any(one.withdraws(recording) for one in tombstones)


def check_withdrawn(recording: Withdrawable, tombstones: Iterable[Tombstone]) -> None:
    """Do nothing if `recording` was not withdrawn.

    Raises:
        ConsentError: It was.
    """
    if is_withdrawn(recording, tombstones):
        raise ConsentError("the participant has withdrawn this recording; it may not be used any more", hint=_PURGE)


def kept_until(consent: bytes, started: datetime) -> datetime | None:
    """Return when the agreed time is over of a recording that began at `started`; None: the consent record says none.

    With several purposes the shortest time counts.
    """
    try:
        record = strict_object(consent, "consent.json")
    except VerificationError:
        return None
    purposes = record.get("pii_processing")
    if not str(record.get("schema_version")).startswith(_RECEIPT) or not isinstance(purposes, list):
        return None
    said = [str(one.get("retention_period")) for one in purposes if isinstance(one, dict)]
    days = [int(match[1]) for text in said if (match := _DAYS.fullmatch(text))]
    return started + timedelta(days=min(days)) if days else None


def check_retention(consent: bytes, started: datetime, now: datetime) -> None:
    """Do nothing if the agreed time is not over, or none was agreed to.

    Raises:
        ConsentError: It is over.
    """
    until = kept_until(consent, started)
    if until is not None and until <= now:
        raise ConsentError(
            f"the participant agreed that this recording is kept until {until:%Y-%m-%d}; that is over", hint=_PURGE
        )


def missing(study: str, device: str, claims: Iterable[Withdrawals | None], tombstones: Sequence[Tombstone]) -> Missing:
    """Return which withdrawals of `study`, signed by `device`, are claimed to exist and are not among `tombstones`."""
    mine = [one for one in tombstones if (one.study, one.device) == (study, device)]
    chained = [one.withdrawals for one in mine if one.withdrawals is not None]
    said = [*chained, *(one for one in claims if one is not None)]
    most = max((one.count for one in said), default=0)
    here = {one.count for one in chained}
    return Missing(most, tuple(n for n in range(1, most + 1) if n not in here), _contradicts(said, mine))


def _contradicts(said: Iterable[Withdrawals], mine: Iterable[Tombstone]) -> bool:
    """Return whether two things say different chains: somebody put an older copy of a profile back."""
    chain = {0: NO_WITHDRAWALS}
    if any(chain.setdefault(one.count, one) != one for one in said):
        return True
    return any(
        before is not None and after(before, one.withdrawal_sha256) != one.withdrawals
        for one in mine
        if one.withdrawals is not None
        for before in [chain.get(one.withdrawals.count - 1)]
    )
