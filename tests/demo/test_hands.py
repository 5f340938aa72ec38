from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capture_agent.demo.hands import apart_us

WRAP_MS = 1 << 32


@given(st.integers(10**6, 10**16), st.integers(0, 10**6), st.data())
def test_a_time_from_within_the_round_trip_is_no_disagreement(
    before_us: int, took_us: int, data: st.DataObject
) -> None:
    moment_us = data.draw(st.integers(before_us, before_us + took_us))
    assert apart_us(before_us, moment_us // 1000 % WRAP_MS or WRAP_MS, before_us + took_us) == 0


@given(st.integers(10**7, 10**16), st.integers(0, 10**6), st.integers(2, 1000))
def test_clocks_are_as_far_apart_as_the_time_lies_outside(before_us: int, took_us: int, off_ms: int) -> None:
    after_us = before_us + took_us
    early = apart_us(before_us, (before_us // 1000 - off_ms) % WRAP_MS or WRAP_MS, after_us)
    late = apart_us(before_us, (after_us // 1000 + off_ms) % WRAP_MS or WRAP_MS, after_us)
    assert early == off_ms * 1000
    assert (off_ms - 1) * 1000 < late <= off_ms * 1000
