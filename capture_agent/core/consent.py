"""Consent, one state per purpose and category; names of the W3C Data Privacy Vocabulary (DPV 2, consent status).

Only `GIVEN` and `RENEWED` permit capture. Only a click of the participant in a window causes
`ACCEPT`; everything else can only narrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category


class State(StrEnum):
    """Consent status of one (purpose, category)."""

    UNKNOWN = "Unknown"
    REQUESTED = "Requested"
    GIVEN = "Given"
    REFUSED = "Refused"
    WITHDRAWN = "Withdrawn"
    EXPIRED = "Expired"
    RENEWED = "RenewedGiven"
    INVALIDATED = "Invalidated"


class Input(StrEnum):
    """What can happen to a consent."""

    ASK = "ask"  # the panel is shown
    ACCEPT = "accept"  # the participant ticked it and clicked Accept
    REFUSE = "refuse"  # the participant clicked Refuse, or Accept with this one unticked
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    INVALIDATE = "invalidate"  # what was agreed to has changed


PERMITTING = frozenset({State.GIVEN, State.RENEWED})

_ASKABLE = {Input.ASK: State.REQUESTED, Input.REFUSE: State.REFUSED}
_AGREED = {
    Input.ACCEPT: State.RENEWED,
    Input.REFUSE: State.WITHDRAWN,
    Input.WITHDRAW: State.WITHDRAWN,
    Input.EXPIRE: State.EXPIRED,
    Input.INVALIDATE: State.INVALIDATED,
}

# Leaving is in every row that permits capture; ACCEPT only follows ASK, so nothing is given unseen.
TABLE: Mapping[State, Mapping[Input, State]] = MappingProxyType(
    {
        State.UNKNOWN: {**_ASKABLE},
        State.REQUESTED: {
            Input.ASK: State.REQUESTED,
            Input.ACCEPT: State.GIVEN,
            Input.REFUSE: State.REFUSED,
            Input.WITHDRAW: State.WITHDRAWN,
            Input.INVALIDATE: State.INVALIDATED,
        },
        State.GIVEN: {**_AGREED, Input.ASK: State.GIVEN},
        State.RENEWED: {**_AGREED, Input.ASK: State.RENEWED},
        State.REFUSED: {**_ASKABLE, Input.WITHDRAW: State.WITHDRAWN},
        State.WITHDRAWN: {**_ASKABLE, Input.WITHDRAW: State.WITHDRAWN},
        State.EXPIRED: {**_ASKABLE, Input.WITHDRAW: State.WITHDRAWN},
        State.INVALIDATED: {**_ASKABLE, Input.WITHDRAW: State.WITHDRAWN},
    }
)


def step(state: State, given: Input) -> State:
    """Return the state that `given` leads to.

    Raises:
        ConsentError: The table has no such move. Nothing changes.
    """
    try:
        return TABLE[state][given]
    except KeyError:
        raise ConsentError("consent cannot go from {state} by {move}", state=state.value, move=given.value) from None


@dataclass(frozen=True, slots=True)
class Consent:
    """The state of every (purpose, category) that was ever asked for; all others are `UNKNOWN`."""

    states: Mapping[tuple[str, Category], State]

    @classmethod
    def none(cls) -> Consent:
        """Return the consent of a person who was never asked."""
        return cls(MappingProxyType({}))

    def state(self, purpose: str, category: Category) -> State:
        """Return the state of one consent."""
        return self.states.get((purpose, category), State.UNKNOWN)

    def apply(self, given: Input, keys: Iterable[tuple[str, Category]]) -> Consent:
        """Return the consent after `given` happened to each of `keys`.

        Raises:
            ConsentError: One of the moves is not in the table. Nothing changes.
        """
        changed = {key: step(self.state(*key), given) for key in keys}
        return Consent(MappingProxyType({**self.states, **changed}))

    def permitted(self, purpose: str) -> frozenset[Category]:
        """Return the categories that may be captured for `purpose`."""
        return frozenset(c for (p, c), state in self.states.items() if p == purpose and state in PERMITTING)

    def permitting(self) -> frozenset[tuple[str, Category]]:
        """Return every (purpose, category) that permits capture."""
        return frozenset(key for key, state in self.states.items() if state in PERMITTING)
