"""The recorder's table: no capture in a pause, and every way out seals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.recording import TABLE, Effect, Input, State, step


def play(inputs, state=State.OFF):
    """Carry out the table's effects on the simplest possible world."""
    world = {Effect.OPEN_SESSION: False, Effect.START_SOURCES: False, Effect.OPEN_INTERVAL: False}
    ends = {
        Effect.CLOSE_INTERVAL: Effect.OPEN_INTERVAL,
        Effect.STOP_SOURCES: Effect.START_SOURCES,
        Effect.SEAL_SESSION: Effect.OPEN_SESSION,
    }
    for given_input in inputs:
        if given_input not in TABLE[state]:
            continue
        move = step(state, given_input)
        for effect in move.effects:
            if effect in ends:
                world[ends[effect]] = False
            else:
                world[effect] = True
        state = move.state
        yield given_input, state, world


@pytest.mark.promise("P1")
@pytest.mark.promise("P5")
@given(st.lists(st.sampled_from(Input)))
def test_sources_and_interval_are_open_exactly_while_recording(inputs):
    for _, state, world in play(inputs):
        recording = state is State.RECORDING
        assert world[Effect.START_SOURCES] == recording
        assert world[Effect.OPEN_INTERVAL] == recording
        if recording:
            assert world[Effect.OPEN_SESSION]
        if state in {State.OFF, State.FAULT}:
            assert not world[Effect.OPEN_SESSION]


@pytest.mark.promise("P5")
@given(st.lists(st.sampled_from(Input)))
def test_only_a_click_ends_a_pause_into_capture(inputs):
    """Between a pause and the next recording there is always a resume or a start."""
    clicked = False
    was = State.OFF
    for given_input, state, _ in play(inputs):
        if state is State.PAUSED and was is not State.PAUSED:
            clicked = False
        clicked = clicked or given_input in {Input.RESUME, Input.START}
        if state is State.RECORDING:
            assert clicked
        if state in {State.OFF, State.FAULT} and was not in {State.OFF, State.FAULT}:
            clicked = False
        was = state


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
