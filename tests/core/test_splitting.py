"""Where a session ends by itself, and when nothing is recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.splitting import (
    IDLE_LIMIT_US,
    SESSION_LIMIT_US,
    SLEEP_LEAST_US,
    Reason,
    Seen,
    Verdict,
    judge,
)

NOW = 10_000_000_000
HERE = Seen(NOW)


def test_somebody_at_an_unlocked_screen_is_recorded_on():
    assert judge(HERE, Seen(NOW + 100_000), NOW - 1_000_000) == Verdict()


@pytest.mark.parametrize(
    ("seen", "ends", "from_us", "hinders"),
    [
        (Seen(NOW, locked_us=NOW - 50_000), Reason.LOCKED, NOW - 50_000, Reason.LOCKED),
        (Seen(NOW, idle_us=IDLE_LIMIT_US), Reason.IDLE, NOW, Reason.IDLE),
        (Seen(NOW, idle_us=IDLE_LIMIT_US - 1), None, 0, None),
        (Seen(NOW, who=True), Reason.WHO, NOW, Reason.WHO),
        (Seen(NOW, slept_us=SLEEP_LEAST_US), Reason.ASLEEP, NOW - 100_000, None),
        (Seen(NOW, slept_us=SLEEP_LEAST_US - 1), None, 0, None),
        (Seen(NOW, slept_us=SLEEP_LEAST_US, locked_us=NOW), Reason.ASLEEP, NOW - 100_000, Reason.LOCKED),
        (Seen(NOW, locked_us=NOW, idle_us=IDLE_LIMIT_US, who=True), Reason.LOCKED, NOW, Reason.LOCKED),
    ],
)
def test_lock_idle_sleep_and_an_open_question_end_the_session(seen, ends, from_us, hinders):
    assert judge(Seen(NOW - 100_000), seen, NOW - 1_000_000) == Verdict(ends, from_us, hinders)


def test_a_session_ends_after_one_hour_and_not_before():
    assert judge(HERE, HERE, NOW - SESSION_LIMIT_US) == Verdict(Reason.HOUR, NOW)
    assert judge(HERE, HERE, NOW - SESSION_LIMIT_US + 1) == Verdict()
    assert judge(HERE, HERE, None) == Verdict()


@pytest.mark.promise("P1")
@given(
    st.none() | st.integers(0, NOW),
    st.integers(0, 2 * IDLE_LIMIT_US),
    st.integers(0, 10**10),
    st.booleans(),
    st.none() | st.integers(0, NOW),
)
def test_whatever_hinders_also_ends_and_no_end_lies_in_the_future(locked_us, idle_us, slept_us, who, began_us):
    verdict = judge(Seen(NOW - 100_000), Seen(NOW, locked_us, idle_us, slept_us, who), began_us)
    assert verdict.from_us <= NOW
    assert verdict.ends is not None or verdict.hinders is None
    assert (verdict.hinders is None) == (locked_us is None and idle_us < IDLE_LIMIT_US and not who)
