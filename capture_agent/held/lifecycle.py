"""The life of a session on its owner's disk, as a table.

Destroying is one routine of the vault, whatever the reason: the key goes first, then the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.errors import ConsentError
from capture_agent.core.language import noted


class State(StrEnum):
    """Where a session is."""

    RECORDING = "recording"
    HELD = "held"  # its owner can open it, nobody else
    RELEASED = "released"  # a bundle was made of it; the owner's own copy is still here
    DELIVERED = "delivered"  # … and has arrived where it was meant to go
    WITHDRAWN = (
        "withdrawn"  # it was released, and its readers are told to delete it; the owner's own copy is still here
    )
    DESTROYED = "destroyed"  # by its owner; no key opens it
    EXPIRED = "expired"  # by its retention; no key opens it


class Input(StrEnum):
    """What can happen to a session."""

    SEAL = "seal"  # stopped, or recovered after a crash
    CUT = "cut"  # a stretch was taken out of it
    RETELL = "retell"  # its owner says anew which tasks are in it
    RELEASE = "release"  # the owner's click
    DELIVER = "deliver"  # all that was released of it has arrived
    WITHDRAW = "withdraw"
    DESTROY = "destroy"  # deleted, or opted out
    EXPIRE = "expire"


_ENDING = {Input.DESTROY: State.DESTROYED, Input.EXPIRE: State.EXPIRED}

# What people read of both, in one sentence.
_SAID = {
    State.RECORDING: noted("being recorded"),
    State.HELD: noted("held"),
    State.RELEASED: noted("released"),
    State.DELIVERED: noted("delivered"),
    State.WITHDRAWN: noted("withdrawn"),
    State.DESTROYED: noted("destroyed"),
    State.EXPIRED: noted("expired"),
}
_DONE = {
    Input.SEAL: noted("sealed"),
    Input.CUT: noted("cut"),
    Input.RETELL: noted("changed"),
    Input.RELEASE: noted("released"),
    Input.DELIVER: noted("delivered"),
    Input.WITHDRAW: noted("withdrawn"),
    Input.DESTROY: noted("deleted"),
    Input.EXPIRE: noted("expired"),
}

# What is being recorded is sealed first, whatever comes then; what is gone never comes back.
TABLE: Mapping[State, Mapping[Input, State]] = MappingProxyType(
    {
        State.RECORDING: {Input.SEAL: State.HELD},
        State.HELD: {
            **_ENDING,
            Input.SEAL: State.HELD,
            Input.CUT: State.HELD,
            Input.RETELL: State.HELD,
            Input.RELEASE: State.RELEASED,
        },
        State.RELEASED: {
            **_ENDING,
            Input.SEAL: State.RELEASED,
            Input.CUT: State.RELEASED,
            Input.RETELL: State.RELEASED,
            Input.RELEASE: State.RELEASED,
            Input.DELIVER: State.DELIVERED,
            Input.WITHDRAW: State.WITHDRAWN,
        },
        State.DELIVERED: {
            **_ENDING,
            Input.SEAL: State.DELIVERED,
            Input.CUT: State.DELIVERED,
            Input.RETELL: State.DELIVERED,
            Input.RELEASE: State.RELEASED,
            Input.DELIVER: State.DELIVERED,
            Input.WITHDRAW: State.WITHDRAWN,
        },
        # What is released again would be withdrawn already: the code is that of the session.
        State.WITHDRAWN: {
            **_ENDING,
            Input.SEAL: State.WITHDRAWN,
            Input.CUT: State.WITHDRAWN,
            Input.RETELL: State.WITHDRAWN,
            Input.DELIVER: State.WITHDRAWN,
            Input.WITHDRAW: State.WITHDRAWN,
        },
        State.DESTROYED: {Input.DESTROY: State.DESTROYED, Input.EXPIRE: State.DESTROYED},
        State.EXPIRED: {Input.DESTROY: State.EXPIRED, Input.EXPIRE: State.EXPIRED},
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
        raise ConsentError(
            "a session that is {state} cannot be {done}",
            hint="Stop recording first." if state is State.RECORDING else "Look at it in My recordings.",
            state=_SAID[state],
            done=_DONE[given],
        ) from None
