"""The event section of an entry (ISO/IEC TS 27560): what happened, when, by which means, and who did it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.consent import State
from capture_agent.core.errors import KeyError_
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind

PROGRAM = "capture-agent"  # who did it, when nobody did


class Method(StrEnum):
    """By which means something came about."""

    PANEL = "click in the consent panel"
    WINDOW = "click in a window"
    WITHDRAW = "withdraw what was shared"
    OPT_OUT = "opt out"
    ONE_CATEGORY = "stop recording one category"
    TIME = "time has passed"
    POLICY = "the study changed"


# The state that each kind of entry leads to, in the words of the W3C Data Privacy Vocabulary.
STATES: Mapping[Kind, State] = MappingProxyType(
    {
        Kind.ASKED: State.REQUESTED,
        Kind.ACCEPTED: State.GIVEN,
        Kind.REFUSED: State.REFUSED,
        Kind.WITHDRAWN: State.WITHDRAWN,
        Kind.EXPIRED: State.EXPIRED,
        Kind.INVALIDATED: State.INVALIDATED,
        Kind.LEFT: State.WITHDRAWN,
    }
)
_BY_THE_PROGRAM = frozenset({Method.TIME, Method.POLICY})


def event_section(
    ledger: Ledger, study: str, kind: Kind, method: Method, now: datetime, *, renewed: bool = False
) -> dict[str, object]:
    """Return what goes under "event" into the entry of `kind`. Leaving needs no keyring, so then nobody is named."""
    state = State.RENEWED if renewed else STATES.get(kind)
    event: dict[str, object] = {
        "event_time": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        "event_type": kind.value,
        "method": method.value,
    }
    if state is not None:
        event["event_state"] = state.value
    try:
        event["entity_id"] = PROGRAM if method in _BY_THE_PROGRAM else ledger.who(study)
    except KeyError_:
        event["entity_id"] = ""  # the signature of the entry tells who it was
    return event
