"""The recorder's table: no capture in a pause, and every way out seals. The table is finite: all of it is walked."""

from typing import NamedTuple

import pytest

from capture_agent.core.recording import TABLE, Effect, Input, State, step

OPENS = {Effect.OPEN_SESSION, Effect.START_SOURCES, Effect.OPEN_INTERVAL}
ENDS = {
    Effect.CLOSE_INTERVAL: Effect.OPEN_INTERVAL,
    Effect.STOP_SOURCES: Effect.START_SOURCES,
    Effect.SEAL_SESSION: Effect.OPEN_SESSION,
}


class Situation(NamedTuple):
    """Where the recorder is, what is open, and whether there was a click since it last paused or ended."""

    state: State = State.OFF
    opened: frozenset = frozenset()
    clicked: bool = False

    def after(self, given):
        move = step(self.state, given)
        opened = set(self.opened)
        for effect in move.effects:
            if effect in OPENS:
                opened.add(effect)
            else:
                opened.discard(ENDS[effect])
        clicked = self.clicked or given in {Input.START, Input.RESUME}
        return Situation(move.state, frozenset(opened), clicked and move.state in {State.RECORDING, State.SUSPENDED})


def reachable():
    """Return every situation that any sequence of inputs leads to."""
    found, new = {Situation()}, {Situation()}
    while new:
        new = {before.after(given) for before in new for given in TABLE[before.state]} - found
        found |= new
    return sorted(found, key=lambda one: (one.state, sorted(one.opened), one.clicked))


def test_every_state_is_reached():
    assert {situation.state for situation in reachable()} == set(State)


@pytest.mark.promise("P1")
@pytest.mark.promise("P5")
@pytest.mark.parametrize("found", reachable(), ids=lambda found: f"{found.state}-{len(found.opened)}-{found.clicked}")
def test_sources_and_interval_are_open_exactly_while_recording(found):
    recording = found.state is State.RECORDING
    assert (Effect.START_SOURCES in found.opened) == recording
    assert (Effect.OPEN_INTERVAL in found.opened) == recording
    if recording:
        assert Effect.OPEN_SESSION in found.opened
    if found.state in {State.OFF, State.FAULT}:
        assert Effect.OPEN_SESSION not in found.opened


@pytest.mark.promise("P5")
def test_only_a_click_ends_a_pause_into_capture():
    """Between a pause, or the end, and the next recording there is always a resume or a start."""
    assert [found for found in reachable() if found.state is State.RECORDING and not found.clicked] == []


@pytest.mark.promise("P5")
@pytest.mark.parametrize("given", [Input.PAUSE, Input.HINDER, Input.CLEAR, Input.SPLIT])
def test_a_pause_is_one_whatever_else_happens(given):
    assert step(State.PAUSED, given).state is State.PAUSED


@pytest.mark.promise("P6")
@pytest.mark.parametrize("state", State)
def test_capture_begins_only_when_the_indicator_is_proved(state):
    for given_input, move in TABLE[state].items():
        if move.state is State.RECORDING and state is not State.RECORDING:
            assert (state, given_input) == (State.SUSPENDED, Input.CLEAR)


@pytest.mark.promise("P5")
@pytest.mark.parametrize("state", [State.RECORDING, State.SUSPENDED])
def test_pausing_is_always_allowed_while_a_session_is_open(state):
    assert step(state, Input.PAUSE).state is State.PAUSED


@pytest.mark.promise("P2")
@pytest.mark.parametrize("state", State)
def test_stopping_and_leaving_always_end_off(state):
    assert step(state, Input.STOP).state is State.OFF
    assert step(state, Input.LEAVE).state is State.OFF


@pytest.mark.parametrize("state", State)
def test_splitting_ends_the_session_and_changes_nothing_else(state):
    move = step(state, Input.SPLIT)
    assert move.state is (State.SUSPENDED if state is State.RECORDING else state)
    assert (Effect.SEAL_SESSION in move.effects) == (state in {State.RECORDING, State.PAUSED, State.SUSPENDED})
    assert Effect.OPEN_SESSION not in move.effects
