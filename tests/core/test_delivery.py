from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.delivery import (
    FIRST_S,
    LEAST_RATE,
    LONGEST_S,
    Pace,
    Trouble,
    as_error,
    delay_s,
    patience_s,
)
from capture_agent.core.errors import CaptureAgentError

LUCK = st.floats(0, 1)


@given(st.integers(0, 10**9), LUCK)
def test_the_wait_is_never_longer_than_the_longest_and_never_negative(failures: int, luck: float) -> None:
    assert 0 <= delay_s(failures, luck) <= LONGEST_S


@given(st.integers(1, 40), LUCK, LUCK)
def test_the_wait_is_spread_over_the_whole_span_by_luck_alone(failures: int, luck: float, other: float) -> None:
    assert delay_s(failures, 0.0) == 0
    assert (delay_s(failures, luck) <= delay_s(failures, other)) or luck > other
    assert delay_s(failures, luck) == luck * delay_s(failures, 1.0)


@given(st.integers(1, 40), LUCK)
def test_the_span_doubles_with_each_failure_until_it_is_the_longest(failures: int, luck: float) -> None:
    assert delay_s(1, 1.0) == FIRST_S
    assert delay_s(failures + 1, luck) == min(LONGEST_S * luck, 2 * delay_s(failures, luck))


@given(st.integers(0, 10**12))
def test_a_request_may_take_as_long_as_a_slow_line_needs(size: int) -> None:
    assert patience_s(size) > size / LEAST_RATE


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_with_a_cap_it_may_take_as_long_as_the_cap_wants_and_as_the_line_needs_besides(size: int, rate: int) -> None:
    assert patience_s(size, rate) > size / LEAST_RATE + size / rate


RATE = st.integers(8, 10**9)
TURNS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 5)), min_size=1, max_size=50)
"""What somebody sends who has a cap: how much of a step each time, and how many seconds later than it could go."""


def sent(rate: int, turns: list[tuple[float, float]]) -> list[tuple[float, int]]:
    """Return when how many bytes went."""
    pace, now, gone = Pace(rate), 0.0, []
    for share, late in turns:
        now = max(now, pace.free) + late
        gone.append((now, int(share * pace.step)))
        pace = pace.after(gone[-1][1], now)
    return gone


@given(RATE, TURNS)
def test_in_no_stretch_of_time_goes_more_than_the_cap_lets_and_one_step(
    rate: int, turns: list[tuple[float, float]]
) -> None:
    gone = sent(rate, turns)
    for first, (begin, _) in enumerate(gone):
        for last in range(first, len(gone)):
            amount = sum(size for _, size in gone[first : last + 1])
            assert amount <= rate * (gone[last][0] - begin) * 1.000001 + Pace(rate).step


@given(RATE, st.integers(1, 200))
def test_who_always_has_something_to_send_gets_all_that_the_cap_lets(rate: int, steps: int) -> None:
    pace = Pace(rate)
    for _ in range(steps):
        pace = pace.after(pace.step, max(0.0, pace.free))
    assert abs(pace.free - steps * pace.step / rate) < 1e-6 * steps


@given(RATE)
def test_a_step_is_short_enough_that_nobody_takes_the_wait_for_the_end(rate: int) -> None:
    assert 0 < Pace(rate).step / rate <= 1 / 8


def test_each_trouble_is_said_with_its_place_and_what_to_do() -> None:
    for trouble in Trouble:
        error = as_error(trouble, "s3://study")
        assert isinstance(error, CaptureAgentError)
        assert error.exit_code in {1, 2, 3, 5, 6, 7}
        assert error.hint
        assert "{" not in str(error) + error.hint
