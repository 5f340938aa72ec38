"""How long stretches cover together: whole seconds that two of them share count once."""

from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.stretches import Covered

SECOND = 1_000_000


@given(st.lists(st.tuples(st.integers(1, 3_000_000), st.integers(1, 3_000_000), st.sampled_from("ab")), max_size=20))
def test_marks_of_one_reason_cover_what_their_seconds_cover(stretches):
    covered, now, seconds = Covered(), 0, {"a": set(), "b": set()}
    for pause, length, reason in stretches:
        start, now = now + pause, now + pause + length
        first, last = start // SECOND, -(-now // SECOND)
        covered = covered.add(reason, first * SECOND, last * SECOND)
        seconds[reason] |= set(range(first, last))
    assert dict(covered.us) == {reason: len(found) * SECOND for reason, found in seconds.items() if found}
