from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.delivery import FIRST_S, LEAST_RATE, LONGEST_S, Trouble, as_error, delay_s, patience_s
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


def test_each_trouble_is_said_with_its_place_and_what_to_do() -> None:
    for trouble in Trouble:
        error = as_error(trouble, "s3://study")
        assert isinstance(error, CaptureAgentError)
        assert error.exit_code in {1, 2, 3, 5, 6, 7}
        assert error.hint
        assert "{" not in str(error) + error.hint
