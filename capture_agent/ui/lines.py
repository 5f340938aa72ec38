"""How a recording is said in the list: what its columns hold, why it cannot be shared, what several are together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from capture_agent.core.language import noted, say, say_many
from capture_agent.session.snapshot import Delivery, HeldSession
from capture_agent.ui import words
from capture_agent.ui.share import can_be_shared

COLUMNS = (
    noted("Recorded"),
    noted("Length"),
    noted("What was done"),
    noted("Size"),
    noted("State"),
    noted("Destroyed in"),
)
_STATE_WORDS = {
    "recording": noted("Being recorded"),
    "held": noted("Only yours"),
    "released": noted("Shared"),
    "delivered": noted("Delivered"),
    "withdrawn": noted("Withdrawn"),
    "damaged": noted("Damaged"),
}


def state_words(session: HeldSession) -> str:
    """Return how a session's state is said, with whom it was shared."""
    if session.deleted_until is not None:
        return say("Deleted; you can put it back")
    said = say(_STATE_WORDS.get(session.state, session.state))
    if session.released_to:
        names = words.join_words(list(session.released_to))
        said = say("Sealed for {names}", names=names)
        if session.state == "delivered":
            said = say("Delivered to {place}, for {names}", place=", ".join(session.delivered_to), names=names)
        elif session.waiting and not session.pending and session.is_shared:
            said = say("Sealed for {names}; on its way", names=names)
        if session.state == "withdrawn":
            untold = say("Withdrawn; {names} cannot be told yet", names=names)
            said = untold if session.pending else say("Withdrawn from {names}", names=names)
    if session.later_readers:
        later = words.join_words(list(session.later_readers))
        said = say("{what}; {names} can get it, too, if you share it again", what=said, names=later)
    if session.cuts:
        said = say_many(
            "{what}; {count} cut waits until you share it or cut for good",
            "{what}; {count} cuts wait until you share it or cut for good",
            len(session.cuts),
            what=said,
        )
    if session.shares_in is not None:
        when = say_many("{count} day of use", "{count} days of use", session.shares_in)
        said = say("{what}; shared by itself after {when}", what=said, when=when)
    if not session.here:
        said = say("{what}, no longer on this computer", what=said)
    return (
        said
        if session.complete or session.state in {"recording", "damaged"}
        else say("{what}, cut off by a crash", what=said)
    )


def session_row(session: HeldSession) -> tuple[str, ...]:
    """Return the texts of one line; the time is local."""
    return (
        words.moment(session.started),
        words.duration(session.seconds),
        "–",
        words.size(session.size) if session.here else "–",
        state_words(session),
        _left(session),
    )


def _left(session: HeldSession) -> str:
    """Return in how much time it is destroyed: if it was deleted, in hours."""
    if session.deleted_until is None:
        return words.days(session.days_left) if session.here else "–"
    hours = math.ceil((session.deleted_until - datetime.now(UTC)) / timedelta(hours=1))
    return say_many("{count} hour", "{count} hours", max(1, hours))


def undelivered_words(delivery: Delivery | None) -> str:
    """Return what keeps what was shared from arriving; empty if nothing is known to."""
    if delivery is None or not delivery.problem:
        return ""
    return say("Not delivered yet: {problem}. {hint}", problem=delivery.problem, hint=delivery.hint)


def why_not_shared(sessions: Sequence[HeldSession]) -> str:
    """Return why none of the chosen recordings can be shared; empty if one can, or it goes without saying."""
    if any(map(can_be_shared, sessions)):
        return ""
    if len(sessions) > 1:
        return say("None of these can be shared now.")
    if any(one.deleted_until is not None for one in sessions):
        return say("It was deleted; put it back first.")
    if not any(one.is_shared or one.state == "withdrawn" for one in sessions):
        return ""
    (session,) = sessions
    if not session.is_shared:
        return say("What was withdrawn cannot be shared again.")
    return say("All who may read it have it already.") if session.here else say("It is no longer on this computer.")


def sum_words(chosen: Sequence[HeldSession]) -> str:
    """Return how many recordings are chosen, how long they are together, and what they take on this computer."""
    return say(
        "{count} recordings chosen: {length} in all, {size}",
        count=len(chosen),
        length=words.duration(sum(one.seconds for one in chosen)),
        size=words.size(sum(one.size for one in chosen if one.here)),
    )
