"""The recorder's own machine: off, recording, paused, suspended, fault.

`session.controller` obeys this table and adds nothing: it carries out the effects in order.
What the tray shows is derived from the state and holds none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.errors import ConsentError


class State(StrEnum):
    """What the recorder does."""

    OFF = "off"
    RECORDING = "recording"
    PAUSED = "paused"
    SUSPENDED = "suspended"  # the person wants to record, but indicator or a guard forbids capture now
    FAULT = "fault"  # sealed as far as it got; waits for the person


class Input(StrEnum):
    """What can happen to the recorder."""

    START = "start"  # a click in a window
    PAUSE = "pause"
    RESUME = "resume"  # a click in a window, tray or countdown
    STOP = "stop"
    HINDER = "hinder"  # indicator not proved, or a guard
    CLEAR = "clear"  # indicator proved and no guard
    FAIL = "fail"
    SPLIT = "split"  # this session is over, and the next begins as soon as nothing hinders: see core.splitting
    LEAVE = "leave"  # consent gone: withdrawn, expired, invalidated
    RETURN = "return"  # consent there again, and the person had paused and clicked nothing since


class Effect(StrEnum):
    """What the controller does, in this order of the alphabet of data: session, sources, interval."""

    OPEN_SESSION = "open-session"
    START_SOURCES = "start-sources"
    OPEN_INTERVAL = "open-interval"
    CLOSE_INTERVAL = "close-interval"
    STOP_SOURCES = "stop-sources"
    SEAL_SESSION = "seal-session"


@dataclass(frozen=True, slots=True)
class Step:
    """Where a move leads, and what has to be done on the way."""

    state: State
    effects: tuple[Effect, ...] = ()


# A session that was split off begins here, and one that is open goes on. The interval opens before the sources,
# so that what they say at their start lies inside it.
_GO = (Effect.OPEN_SESSION, Effect.OPEN_INTERVAL, Effect.START_SOURCES)
_HALT = (Effect.CLOSE_INTERVAL, Effect.STOP_SOURCES)
_SEAL = (*_HALT, Effect.SEAL_SESSION)

TABLE: Mapping[State, Mapping[Input, Step]] = MappingProxyType(
    {
        State.OFF: {
            # A session starts suspended: capture begins only when the indicator is proved.
            Input.START: Step(State.SUSPENDED, (Effect.OPEN_SESSION,)),
            Input.PAUSE: Step(State.OFF),
            Input.STOP: Step(State.OFF),
            Input.HINDER: Step(State.OFF),
            Input.CLEAR: Step(State.OFF),
            Input.FAIL: Step(State.FAULT),
            Input.SPLIT: Step(State.OFF),
            Input.LEAVE: Step(State.OFF),
            Input.RETURN: Step(State.PAUSED),
        },
        State.RECORDING: {
            Input.PAUSE: Step(State.PAUSED, _HALT),
            Input.STOP: Step(State.OFF, _SEAL),
            Input.HINDER: Step(State.SUSPENDED, _HALT),
            Input.CLEAR: Step(State.RECORDING),
            Input.FAIL: Step(State.FAULT, _SEAL),
            Input.SPLIT: Step(State.SUSPENDED, _SEAL),
            Input.LEAVE: Step(State.OFF, _SEAL),
        },
        State.PAUSED: {
            Input.PAUSE: Step(State.PAUSED),
            Input.RESUME: Step(State.SUSPENDED, (Effect.OPEN_SESSION,)),
            Input.STOP: Step(State.OFF, (Effect.SEAL_SESSION,)),
            Input.HINDER: Step(State.PAUSED),
            Input.CLEAR: Step(State.PAUSED),
            Input.FAIL: Step(State.FAULT, (Effect.SEAL_SESSION,)),
            Input.SPLIT: Step(State.PAUSED, (Effect.SEAL_SESSION,)),
            Input.LEAVE: Step(State.OFF, (Effect.SEAL_SESSION,)),
        },
        State.SUSPENDED: {
            Input.PAUSE: Step(State.PAUSED),
            Input.STOP: Step(State.OFF, (Effect.SEAL_SESSION,)),
            Input.HINDER: Step(State.SUSPENDED),
            Input.CLEAR: Step(State.RECORDING, _GO),
            Input.FAIL: Step(State.FAULT, (Effect.SEAL_SESSION,)),
            Input.SPLIT: Step(State.SUSPENDED, (Effect.SEAL_SESSION,)),
            Input.LEAVE: Step(State.OFF, (Effect.SEAL_SESSION,)),
        },
        State.FAULT: {
            Input.START: Step(State.SUSPENDED, (Effect.OPEN_SESSION,)),
            Input.PAUSE: Step(State.PAUSED),
            Input.STOP: Step(State.OFF),
            Input.LEAVE: Step(State.OFF),
            Input.FAIL: Step(State.FAULT),
            Input.HINDER: Step(State.FAULT),
            Input.CLEAR: Step(State.FAULT),
            Input.SPLIT: Step(State.FAULT),
        },
    }
)


def step(state: State, given: Input) -> Step:
    """Return the step `given` causes in `state`.

    Raises:
        ConsentError: The table has no such move. Nothing changes.
    """
    try:
        return TABLE[state][given]
    except KeyError:
        raise ConsentError(
            "the recorder cannot go from {state} by {move}", state=state.value, move=given.value
        ) from None
