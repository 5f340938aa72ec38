"""A pause is never shorter than it was meant to be, and never ends unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import ConsentError
from capture_agent.core.pausing import (
    COUNTDOWN_US,
    LOOK_LOST_US,
    MINUTE_US,
    TABLE,
    UNSEEN_US,
    Input,
    Note,
    Pausing,
    Phase,
    step,
)

TICK_US = 100_000


def watched(pausing: Pausing, start_us: int, length_us: int, *, attended: bool = True, shown: bool = True) -> Pausing:
    """Let time pass in ticks."""
    for now_us in range(start_us, start_us + length_us + 1, TICK_US):
        pausing = pausing.watch(now_us, attended=attended, shown=shown)
    return pausing


def test_a_timed_pause_counts_down_in_sight_and_then_ends() -> None:
    pausing = Pausing().pause(0, 15)
    assert watched(pausing, 0, 15 * MINUTE_US - TICK_US) == pausing
    counting = watched(pausing, 0, 15 * MINUTE_US)
    assert (counting.phase, counting.left_us(15 * MINUTE_US)) == (Phase.COUNTING, COUNTDOWN_US)
    assert watched(counting, 15 * MINUTE_US, COUNTDOWN_US - TICK_US).phase is Phase.COUNTING
    assert watched(counting, 15 * MINUTE_US, COUNTDOWN_US) == Pausing()


@pytest.mark.promise("P5")
def test_with_nobody_there_the_pause_goes_on_until_somebody_resumes() -> None:
    pausing = Pausing().pause(0, 15)
    alone = watched(pausing, 0, 16 * MINUTE_US, attended=False)
    assert alone == Pausing(Phase.OPEN, note=Note.NOBODY)
    counting = watched(pausing, 0, 15 * MINUTE_US + COUNTDOWN_US // 2)
    assert watched(counting, 16 * MINUTE_US, 0, attended=False) == alone
    assert watched(alone, 16 * MINUTE_US, 60 * MINUTE_US) == alone


@pytest.mark.promise("P5")
def test_a_countdown_that_is_covered_begins_anew_and_in_the_end_gives_up() -> None:
    end = 15 * MINUTE_US
    counting = watched(Pausing().pause(0, 15), end, 0)
    covered = watched(watched(counting, end, COUNTDOWN_US - TICK_US), end + COUNTDOWN_US, 0, shown=False)
    assert covered.left_us(end + COUNTDOWN_US) == COUNTDOWN_US
    assert watched(covered, end + COUNTDOWN_US, COUNTDOWN_US - TICK_US).phase is Phase.COUNTING
    never_seen = watched(counting, end, UNSEEN_US + TICK_US, shown=False)
    assert never_seen == Pausing(Phase.OPEN, note=Note.UNSEEN)


@pytest.mark.promise("P5")
def test_a_program_that_hung_through_the_countdown_counts_again() -> None:
    end = 15 * MINUTE_US
    counting = watched(Pausing().pause(0, 15), end, 0)
    woken = counting.watch(end + 2 * COUNTDOWN_US, attended=True, shown=True)
    assert (woken.phase, woken.left_us(end + 2 * COUNTDOWN_US)) == (Phase.COUNTING, COUNTDOWN_US)


@pytest.mark.promise("P5")
def test_the_countdown_can_be_extended_and_cancelled() -> None:
    end = 15 * MINUTE_US
    counting = watched(Pausing().pause(0, 15), end, MINUTE_US // 20)
    assert counting.pause(end, 15) == Pausing(Phase.TIMED, ends_us=end + 15 * MINUTE_US)
    assert counting.pause(end, None) == Pausing(Phase.OPEN)
    assert counting.end() == Pausing()


facts = st.lists(
    st.tuples(
        st.one_of(st.just(LOOK_LOST_US), st.integers(0, 20 * MINUTE_US)),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, 0, 15, 60]),
    ),
    max_size=60,
)


@pytest.mark.promise("P5")
@given(st.one_of(st.none(), st.integers(1, 60)), facts)
def test_whatever_happens_no_pause_ends_before_its_time_and_a_countdown_in_sight(
    minutes: int | None, things: list[tuple[int, bool, bool, int | None]]
) -> None:
    now_us = 0
    pausing = Pausing().pause(now_us, minutes)
    wanted_us = None if minutes is None else minutes * MINUTE_US
    in_sight_us: int | None = None
    for passed_us, attended, shown, again in things:
        now_us += passed_us
        before = pausing.phase
        pausing = pausing.watch(now_us, attended=attended, shown=shown)
        if before is not Phase.COUNTING or not (attended and shown) or passed_us > LOOK_LOST_US:
            in_sight_us = None
        if pausing.phase is Phase.COUNTING and in_sight_us is None:
            in_sight_us = now_us
        if pausing.phase is Phase.NONE:
            assert wanted_us is not None
            assert attended
            assert shown
            assert in_sight_us is not None
            assert now_us - in_sight_us >= COUNTDOWN_US
            assert in_sight_us >= wanted_us
            return
        if again == 0:
            pausing, wanted_us = pausing.pause(now_us, None), None
        elif again is not None:
            pausing, wanted_us = pausing.pause(now_us, again), now_us + again * MINUTE_US


def test_only_a_countdown_or_the_person_ends_a_pause() -> None:
    ways = {(phase, given) for phase, row in TABLE.items() for given, after in row.items() if after is Phase.NONE}
    assert ways == {(phase, Input.END) for phase in Phase} | {
        (Phase.COUNTING, Input.SEEN_OUT),
    }
    with pytest.raises(ConsentError):
        step(Phase.OPEN, Input.SEEN_OUT)
