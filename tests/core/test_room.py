"""How much room recordings may take: 5 GB, a tenth of what is free, or less if study or person say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.room import MAX_HELD_MB, MB, Room, room

GB = 1000 * MB


@pytest.mark.parametrize(
    ("used", "free", "most_mb", "limit"),
    [
        (0, 1000 * GB, MAX_HELD_MB, 5 * GB),
        (0, 20 * GB, MAX_HELD_MB, 2 * GB),
        (2 * GB, 18 * GB, MAX_HELD_MB, 2 * GB),  # what they take already counts as if it were free
        (0, 1000 * GB, 50, 50 * MB),
        (0, 0, MAX_HELD_MB, 1),
    ],
)
def test_the_least_of_what_is_allowed_holds(used, free, most_mb, limit):
    assert room(used, free, most_mb, was_full=False).limit == limit


@pytest.mark.parametrize(
    ("used", "was_full", "nearly", "full"),
    [
        (79, False, False, False),
        (80, False, True, False),
        (99, False, True, False),
        (100, False, True, True),
        (99, True, True, True),
        (95, True, True, True),
        (94, True, True, False),
        (79, True, False, False),
    ],
)
def test_it_is_said_at_80_percent_and_over_at_100_until_it_is_less_than_95(used, was_full, nearly, full):
    found = room(used * MB, 1000 * GB, 100, was_full=was_full)
    assert (found.nearly, found.full, found.percent) == (nearly, full, used)


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(10, MAX_HELD_MB), st.booleans())
def test_above_the_cap_it_is_always_full_and_the_cap_is_never_more_than_was_allowed(used, free, most_mb, was_full):
    found = room(used, free, most_mb, was_full=was_full)
    assert found.limit <= max(1, most_mb * MB) and found.limit <= max(1, (used + free) // 10)
    assert found.full or found.used < found.limit
    assert found.nearly or not found.full


def test_what_is_shown_changes_seldom_and_is_nothing_as_long_as_there_is_room():
    assert Room(79 * MB + 5, 100 * MB).shown() == Room(1, 100 * MB).shown() == Room()
    assert Room(81 * MB + 5, 100 * MB + 7).shown() == Room(81 * MB, 100 * MB)


def test_before_it_was_looked_at_nothing_is_said():
    assert not Room().nearly
