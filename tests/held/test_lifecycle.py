from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import ConsentError
from capture_agent.held.lifecycle import TABLE, Input, State, step

GONE = {State.DESTROYED, State.EXPIRED}
inputs = st.lists(st.sampled_from(Input), max_size=12)


def live(given_inputs):
    """Yield the states of a session to which all this happens; moves that are not allowed change nothing."""
    state = State.RECORDING
    yield state
    for one in given_inputs:
        try:
            state = step(state, one)
        except ConsentError:
            continue
        yield state


@given(inputs)
def test_what_is_gone_never_comes_back(given_inputs):
    states = list(live(given_inputs))
    assert all(after in GONE for before, after in pairwise(states) if before in GONE)


@pytest.mark.promise("P4")
@given(inputs)
def test_nothing_is_released_without_the_owners_click(given_inputs):
    without = set(live(one for one in given_inputs if one is not Input.RELEASE))
    assert without.isdisjoint({State.RELEASED, State.DELIVERED, State.WITHDRAWN})


@pytest.mark.parametrize("state", sorted(set(State) - {State.RECORDING}))
def test_destroying_is_always_allowed_once_it_is_sealed(state):
    assert step(state, Input.DESTROY) in GONE


@pytest.mark.parametrize("given_input", [Input.RELEASE, Input.DESTROY])
def test_what_is_being_recorded_is_sealed_before_anything_else(given_input):
    with pytest.raises(ConsentError, match="being recorded cannot be"):
        step(State.RECORDING, given_input)


def test_the_table_has_a_row_for_every_state():
    assert set(TABLE) == set(State)
