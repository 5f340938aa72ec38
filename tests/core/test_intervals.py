"""Allowed intervals: what lies wholly inside one is kept, whatever thread was late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.intervals import MARK_LOST_US, Intervals, Place


def test_nothing_is_inside_before_the_first_interval():
    assert Intervals().place(0, 0) is Place.OUTSIDE


def test_an_event_waits_until_its_hold_window_is_marked():
    line = Intervals().open(1_000)
    assert line.place(1_000, 1_100) is Place.NOT_YET
    assert line.mark(1_100).place(1_000, 1_100) is Place.INSIDE


@pytest.mark.promise("P5")
def test_a_hold_window_that_reaches_into_a_pause_is_outside():
    line = Intervals().open(0).mark(200_000).close(250_000)
    assert line.place(100_000, 250_000) is Place.INSIDE
    assert line.place(100_000, 250_001) is Place.OUTSIDE
    assert line.open(300_000).mark(350_000).place(240_000, 310_000) is Place.OUTSIDE


@pytest.mark.promise("P6")
def test_a_lost_mark_ends_the_interval_at_the_last_mark():
    line = Intervals().open(0).mark(100_000)
    late = 100_000 + MARK_LOST_US + 1
    assert line.lost(late).place(100_001, 100_001) is Place.OUTSIDE
    marked = line.mark(late)
    assert marked.place(late, late) is Place.OUTSIDE
    assert marked.place(0, 100_000) is Place.INSIDE
    assert marked.open(late).place(late, late) is Place.INSIDE


@pytest.mark.promise("P6")
def test_within_a_second_without_a_mark_nothing_is_kept_any_more():
    line = Intervals().open(0).mark(100_000)
    assert line.lost(1_100_000).place(100_001, 100_001) is Place.OUTSIDE


def test_closing_late_ends_at_the_last_mark():
    line = Intervals().open(0).mark(100_000).close(5_000_000)
    assert line.place(0, 100_000) is Place.INSIDE
    assert line.place(0, 100_001) is Place.OUTSIDE


def test_the_interval_around_a_moment_is_known_with_its_end():
    line = Intervals().open(100).mark(200).close(300).open(500)
    assert line.bounds(100) == line.bounds(300) == (100, 300)
    assert line.bounds(500) == (500, None)
    assert line.bounds(400) == (400, 400)


moves = st.lists(st.tuples(st.sampled_from(["open", "mark", "close", "skip"]), st.integers(1, 800_000)), max_size=60)


@pytest.mark.promise("P5")
@given(moves, st.data())
def test_only_what_lies_between_an_opening_and_its_end_is_ever_inside(script, data):
    line, now, allowed = Intervals(), 0, []
    opened = marked = None
    for move, wait in script:
        now += wait
        if opened is not None and now - marked > MARK_LOST_US:
            allowed.append((opened, marked))
            opened = None
        if move == "open":
            line, opened, marked = line.open(now), now if opened is None else opened, now
        elif move == "mark":
            line = line.mark(now)
            marked = now if opened is not None else marked
        elif move == "close":
            line = line.close(now)
            if opened is not None:
                allowed.append((opened, now))
            opened = None
    if opened is not None:
        allowed.append((opened, marked))
    start = data.draw(st.integers(0, now + 10))
    end = start + data.draw(st.integers(0, 500_000))
    inside = line.lost(now).place(start, end) is Place.INSIDE
    truly = any(a <= start and end <= b for a, b in allowed)
    # Old intervals are forgotten on purpose, so "truly" may be more; never less.
    assert not inside or truly
    if truly and now - end < 60_000_000:
        assert inside
