"""No recording is shared by itself before its days are over, whatever happens to clocks, computer and policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.hold import DAY_S, RAN_LEAST_S, Days, Held, Hold, Stage

HOUR = 3600


def day(days, hours=8):
    """Let a day with so many hours of use pass."""
    return days.run(hours * HOUR).off(DAY_S - hours * HOUR)


def test_a_day_counts_when_it_is_over_and_the_program_ran_for_an_hour_of_it():
    assert Days().run(8 * HOUR).count == 0
    assert day(Days()).count == 1
    assert day(day(Days())).count == 2
    assert day(Days(), hours=1).count == 1
    assert Days().run(RAN_LEAST_S - 1).off(DAY_S).count == 0
    assert Days().run(60, asleep=12 * HOUR).run(30 * 60).off(DAY_S).count == 0


def test_a_program_that_runs_through_counts_each_day_once():
    days = Days()
    for _ in range(7 * 24 * 6):
        days = days.run(600)
    assert days.count == 7


def test_weeks_without_the_program_count_nothing():
    assert day(Days()).off(40 * DAY_S).count == 1
    assert day(Days()).off(40 * DAY_S) == day(Days()).off(DAY_S)
    assert Days().off(-5 * DAY_S) == Days()


@pytest.mark.parametrize(
    ("count", "told", "hold_days", "stage"),
    [
        (0, None, 3, Stage.WAITING),  # the day on which it began
        (1, None, 3, Stage.WAITING),
        (2, None, 3, Stage.SOON),
        (2, 3, 3, Stage.TOLD),
        (3, 3, 3, Stage.TOLD),
        (4, 3, 3, Stage.DUE),
        (9, None, 3, Stage.SOON),  # nobody saw it: then not
        (9, 10, 3, Stage.TOLD),
        (11, 10, 3, Stage.DUE),
        (4, 3, 6, Stage.WAITING),  # the study made it longer: told too early
        (0, None, 1, Stage.SOON),
        (1, 1, 1, Stage.TOLD),
        (2, 1, 1, Stage.DUE),
    ],
)
def test_the_way_of_a_recording(count, told, hold_days, stage):
    assert Held(1, told).stage(count, hold_days) is stage
    assert Held(1, told, kept=True).stage(count, hold_days) is Stage.KEPT


def test_a_hold_of_three_days_is_three_whole_days_of_use_after_the_day_it_began():
    hold = Hold(Days().run(9 * HOUR)).watch(["a"])
    shared = None
    for number in range(1, 9):
        hold = Hold(day(hold.days.off(15 * HOUR) if number == 1 else hold.days), hold.held)
        if hold.stage("a", 3) is Stage.SOON:
            hold = hold.told(["a"])
        if hold.stage("a", 3) is Stage.DUE and shared is None:
            shared = number
    assert shared == 3
    assert Hold().watch(["a"]).held["a"].days_left(0, 3) == 4  # three, and the day that is going on


def test_what_was_looked_at_or_cut_is_held_anew_and_what_is_kept_stays_so():
    hold = Hold(Days(count=7), {"a": Held(1, told=7), "b": Held(1, kept=True)})
    again = hold.anew(["a", "b", "gone"])
    assert again.held == {"a": Held(8), "b": Held(8, kept=True)}
    assert again.watch(["b", "c"]).held == {"b": Held(8, kept=True), "c": Held(8)}


# What can happen, with how much time really passes: (what, seconds). A clock that is set passes no time at all.
_HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(60, 30 * HOUR)),
        st.tuples(st.just("sleep"), st.integers(60, 3 * DAY_S)),
        st.tuples(st.just("off"), st.integers(0, 5 * DAY_S)),
        st.tuples(st.just("restart"), st.integers(0, 600)),
        st.tuples(st.just("set the clock"), st.integers(-400 * DAY_S, 400 * DAY_S)),
        st.tuples(st.just("look at it"), st.just(0)),
        st.tuples(st.just("see the notice"), st.just(0)),
        st.tuples(st.just("the study wants"), st.integers(0, 20)),
    ),
    max_size=60,
)


@pytest.mark.promise("P4")
@given(st.integers(1, 6), st.integers(0, 2 * DAY_S), _HAPPENINGS)
def test_nothing_is_due_before_its_days_have_really_passed(chosen, before, happenings):
    """Against real time, day by day of 24 h, of which the program knows nothing but its clocks."""
    hold = Hold(Days().run(before)).watch(["a"])
    now, ran = 0, {}  # real time, and by real day for how long the program ran
    wanted, told_at = 0, None

    def passed(seconds, *, runs):
        nonlocal now
        while seconds > 0:
            step = min(seconds, DAY_S - now % DAY_S)
            if runs:
                ran[now // DAY_S] = ran.get(now // DAY_S, 0) + step
            now, seconds = now + step, seconds - step

    passed(before, runs=True)
    began = now
    for what, amount in happenings:
        days = hold.days
        match what:
            case "run":
                passed(amount, runs=True)
                days = days.run(amount)
            case "sleep":
                passed(amount, runs=False)
                days = days.run(0, amount)
            case "off":
                passed(amount, runs=False)
                days = days.off(amount)  # the wall clock was set before, and shows how long it was all the same
            case "restart":
                passed(amount, runs=False)
                days = days.off(amount)
            case "set the clock":
                pass  # the days are not asked: no clock that can be set is read while the computer runs
            case "look at it":
                hold, began, told_at = hold.anew(["a"]), now, None
            case "see the notice":
                if hold.stage("a", max(chosen, wanted)) is Stage.SOON:
                    hold, told_at = hold.told(["a"]), now
            case "the study wants":
                wanted = amount
        hold = Hold(days, hold.held)
        whole = [one for one, seconds in ran.items() if one > began // DAY_S and one < now // DAY_S]
        used = sum(ran[one] >= RAN_LEAST_S for one in whole)
        if hold.stage("a", max(chosen, wanted)) is Stage.DUE:
            assert used >= max(chosen, wanted)
            assert told_at is not None and now // DAY_S - told_at // DAY_S >= 2
        assert hold.days.count <= len(ran)


@pytest.mark.promise("P4")
@given(st.lists(st.tuples(st.integers(0, 20 * HOUR), st.integers(-1000 * DAY_S, 1000 * DAY_S)), max_size=30))
def test_a_clock_that_is_set_while_the_computer_is_off_adds_no_more_than_one_day_for_an_hour_of_use(starts):
    """A night and a clock that was set cannot be told apart then; so each adds a day at most, and only with use."""
    days, ran = Days(), 0
    for seconds, off in starts:
        days, ran = days.off(off).run(seconds), ran + seconds
    assert days.count <= ran // RAN_LEAST_S
