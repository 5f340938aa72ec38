"""The consent table: nothing is given unseen, leaving is always possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.consent import PERMITTING, TABLE, Consent, Input, State, step
from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category

KEY = ("research", Category.KEYBOARD)


def test_every_state_has_a_row():
    assert set(TABLE) == set(State)


@pytest.mark.promise("P1")
@pytest.mark.parametrize("state", State)
def test_only_an_accept_leads_to_a_state_that_permits_capture(state):
    for given_input, target in TABLE[state].items():
        if target in PERMITTING and state not in PERMITTING:
            assert given_input is Input.ACCEPT
            assert state is State.REQUESTED


@pytest.mark.promise("P2")
@pytest.mark.parametrize("state", sorted(PERMITTING))
def test_withdrawing_is_always_allowed(state):
    assert step(state, Input.WITHDRAW) is State.WITHDRAWN


def test_an_illegal_move_raises_and_changes_nothing():
    consent = Consent.none()
    with pytest.raises(ConsentError, match="from Unknown by accept"):
        consent.apply(Input.ACCEPT, [KEY])
    assert consent.state(*KEY) is State.UNKNOWN


@pytest.mark.promise("P1")
@given(st.lists(st.sampled_from(Input)))
def test_nothing_permits_capture_without_an_accept_since_the_last_leaving(inputs):
    consent, agreed = Consent.none(), False
    for given_input in inputs:
        try:
            consent = consent.apply(given_input, [KEY])
        except ConsentError:
            continue
        if given_input is Input.ACCEPT:
            agreed = True
        elif given_input is not Input.ASK:
            agreed = False
        assert (Category.KEYBOARD in consent.permitted("research")) == agreed


def test_one_category_can_be_withdrawn_alone():
    both = [KEY, ("research", Category.SCREEN)]
    consent = Consent.none().apply(Input.ASK, both).apply(Input.ACCEPT, both).apply(Input.WITHDRAW, [KEY])
    assert consent.permitted("research") == {Category.SCREEN}
