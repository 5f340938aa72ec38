"""Where a session ends by itself, and when nothing is recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.splitting import (
    AWAY,
    HINDERING,
    IDLE_LIMIT_US,
    LEAST_FREE_BYTES,
    SESSION_LIMIT_US,
    SLEEP_LEAST_US,
    Reason,
    Seen,
    Verdict,
    is_scarce,
    judge,
    saves_battery,
)

NOW = 10_000_000_000
HERE = Seen(NOW)


def told(*reasons):
    return frozenset(reasons)


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
        (Seen(NOW, locked_us=NOW - 9, told=told(Reason.ELSEWHERE)), Reason.ELSEWHERE, NOW - 9, Reason.ELSEWHERE),
        (Seen(NOW, locked_us=NOW - 9, told=told(Reason.SHUTDOWN)), Reason.SHUTDOWN, NOW - 9, Reason.SHUTDOWN),
        (Seen(NOW, locked_us=NOW - 9, told=told(Reason.ASLEEP)), Reason.ASLEEP, NOW - 9, Reason.ASLEEP),
        (Seen(NOW, told=told(Reason.REMOTE)), Reason.REMOTE, NOW, Reason.REMOTE),
        (Seen(NOW, told=told(Reason.DISK)), Reason.DISK, NOW, Reason.DISK),
        (Seen(NOW, told=told(Reason.SAVER)), Reason.SAVER, NOW, Reason.SAVER),
        (Seen(NOW, NOW - 9, told=told(Reason.ELSEWHERE, Reason.LOCKED)), Reason.ELSEWHERE, NOW - 9, Reason.ELSEWHERE),
        (Seen(NOW, NOW - 9, told=told(Reason.DISK)), Reason.LOCKED, NOW - 9, Reason.LOCKED),
        (Seen(NOW, slept_us=SLEEP_LEAST_US, told=told(Reason.REMOTE)), Reason.ASLEEP, NOW - 100_000, Reason.REMOTE),
    ],
)
def test_whatever_takes_person_or_computer_away_ends_the_session(seen, ends, from_us, hinders):
    assert judge(Seen(NOW - 100_000), seen, NOW - 1_000_000) == Verdict(ends, from_us, hinders)


def test_a_session_ends_after_one_hour_and_not_before():
    assert judge(HERE, HERE, NOW - SESSION_LIMIT_US) == Verdict(Reason.HOUR, NOW)
    assert judge(HERE, HERE, NOW - SESSION_LIMIT_US + 1) == Verdict()
    assert judge(HERE, HERE, None) == Verdict()


SEEN = st.builds(
    Seen,
    now_us=st.just(NOW),
    locked_us=st.none() | st.integers(0, NOW),
    idle_us=st.integers(0, 2 * IDLE_LIMIT_US),
    slept_us=st.integers(0, 10**10),
    who=st.booleans(),
    told=st.frozensets(st.sampled_from(HINDERING)),
)


@pytest.mark.promise("P1")
@given(SEEN, st.none() | st.integers(0, NOW))
def test_whatever_hinders_also_ends_and_no_end_lies_in_the_future(seen, began_us):
    verdict = judge(Seen(NOW - 100_000), seen, began_us)
    assert verdict.from_us <= NOW
    assert verdict.ends is not None or verdict.hinders is None
    here = seen.locked_us is None and seen.idle_us < IDLE_LIMIT_US
    assert (verdict.hinders is None) == (here and not seen.who and not seen.told)
    if seen.locked_us is not None:
        assert verdict.hinders in AWAY


@pytest.mark.parametrize("size", [2 * 1024 * 1024, 10**12])
def test_a_disk_is_scarce_until_twice_as_much_is_free_again(size):
    least = min(LEAST_FREE_BYTES, size // 10)
    assert not is_scarce(least, size, was=False)
    assert is_scarce(least - 1, size, was=False)
    assert is_scarce(2 * least - 1, size, was=True)
    assert not is_scarce(2 * least, size, was=True)


@pytest.mark.parametrize(
    ("profile", "on_battery", "warning", "saves"),
    [
        ("power-saver", True, 1, True),
        ("power-saver", None, 0, True),  # no UPower
        ("power-saver", False, 1, False),
        ("balanced", True, 1, False),
        ("balanced", True, 3, True),
        ("", True, 4, True),  # no power-profiles-daemon
        ("", True, 2, False),
        ("", False, 5, False),
        ("", None, 0, False),
    ],
)
def test_the_battery_is_saved_by_its_profile_or_when_it_is_low_and_never_on_the_mains(
    profile, on_battery, warning, saves
):
    assert saves_battery(profile, on_battery, warning) is saves
