"""Recordings are destroyed when their time is over, and never because a clock jumped."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_world import held_one, recording

from capture_agent.session.expiry import DOUBTED_SWEEPS, JUMP_DAYS, doubted

DAY_S = 86_400
SWEEP_S = 601


@pytest.fixture
def held(person):
    """A person who holds one recording, kept for thirty days."""
    held_one(person, recording(person))
    return person


def states(person):
    return [one.state for one in person.agent.sessions()]


def test_a_clock_that_jumps_far_ahead_destroys_nothing_and_the_person_is_told(held):
    held.world.set_back(-400 * DAY_S)
    held.tick(SWEEP_S)
    assert states(held) == ["held"]
    assert "moved far ahead" in held.agent.snapshot().problem
    assert held.agent.snapshot().hint


def test_who_puts_the_clock_right_again_loses_nothing_and_is_told_no_more(held):
    held.world.set_back(-400 * DAY_S)
    held.tick(SWEEP_S)
    held.world.set_back(400 * DAY_S)
    for _ in range(DOUBTED_SWEEPS + 1):
        held.tick(SWEEP_S)
    assert states(held) == ["held"]
    assert "moved far ahead" not in held.agent.snapshot().problem


def test_a_date_under_which_the_computer_has_run_for_hours_is_believed(held):
    held.world.set_back(-400 * DAY_S)
    for _ in range(DOUBTED_SWEEPS):
        held.tick(SWEEP_S)
    assert states(held) == ["held"]
    held.tick(SWEEP_S)
    assert states(held) == ["expired"]
    assert "moved far ahead" not in held.agent.snapshot().problem


def test_starting_again_and_again_brings_no_doubted_date_nearer(held):
    held.world.set_back(-400 * DAY_S)
    for _ in range(2 * DOUBTED_SWEEPS):
        held.start_agent()
    assert states(held) == ["held"]


def test_a_computer_that_slept_for_weeks_knows_it_and_destroys_at_once(held):
    held.world.sleep(40 * DAY_S)
    held.tick(SWEEP_S)
    assert states(held) == ["expired"]


def test_days_that_pass_one_after_the_other_destroy_on_the_last_one(held):
    for _ in range(29):
        held.world.set_back(-DAY_S)
        held.start_agent()
    assert states(held) == ["held"]
    for _ in range(2):
        held.world.set_back(-DAY_S)
        held.start_agent()
    assert states(held) == ["expired"]


days = st.integers(0, 20_000).map(lambda n: date(2000, 1, 1) + timedelta(days=n))


@given(days, days, st.integers(0, DOUBTED_SWEEPS))
def test_no_jump_is_believed_at_a_start(last, today, doubts):
    after = doubted(last, today, doubts, timedelta())
    if (today - last).days > JUMP_DAYS:
        assert after == DOUBTED_SWEEPS
    else:
        assert after == (0 if today < last else doubts)
