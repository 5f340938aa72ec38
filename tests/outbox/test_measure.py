"""Numbers about a session, against plain definitions of them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.bundle.manifest import Clock, Described, Environment, Hole, Recorder, Screen, Screens, Stream
from capture_agent.core.events import Category, GapReason
from capture_agent.outbox import measure
from capture_agent.outbox.measure import Desk, FrameIndex, Joined, Observed
from capture_agent.outbox.report import report, why_not

SECOND = 1_000_000
SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted).map(tuple))


def described(duration_us: int = 10 * SECOND, **changes: object) -> Described:
    fields: dict[str, object] = {
        "session": "s",
        "study": "study",
        "complete": True,
        "clock": Clock(started=datetime(2026, 11, 23, tzinfo=UTC), duration_us=duration_us),
        "streams": (
            Stream(topic="keyboard", member="events.mcap", count=100, first_us=0, last_us=duration_us),
            Stream(topic="screen/1", member="screen-1.mp4", count=95, first_us=0, last_us=duration_us),
        ),
        "gaps": (),
        "screens": (),
        "environment": Environment(),
        "recorder": Recorder(frames_dropped=0),
    }
    return Described.model_validate({**fields, **changes})


@given(SPANS, st.integers(0, 60))
def test_covered_time_counts_every_moment_once(spans: list[tuple[int, int]], end: int) -> None:
    moments = {t for start, stop in spans for t in range(start, min(stop, end))}
    assert measure.covered_us(spans, end) == len(moments)


@given(st.lists(st.integers(0, 1000), min_size=1), st.sampled_from([0.01, 0.5, 0.99, 1.0]))
def test_percentiles_are_by_nearest_rank(values: list[int], share: float) -> None:
    found = measure.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= math.ceil(share * len(values))
    assert sum(value < found for value in values) < math.ceil(share * len(values))


def test_the_percentile_of_nothing_is_nothing() -> None:
    assert measure.percentile([], 0.5) is None


@given(st.lists(st.integers(0, 5 * SECOND), min_size=1, max_size=60, unique=True).map(sorted))
def test_the_best_second_holds_the_most_frames(times: list[int]) -> None:
    assert measure.best_second(times) == max(sum(t - SECOND < other <= t for other in times) for t in times)


@given(
    st.lists(st.integers(0, 100), max_size=20, unique=True).map(sorted),
    st.lists(st.integers(101, 200), max_size=20, unique=True).map(sorted),
    st.integers(0, 220),
)
def test_an_event_joins_to_the_last_frame_before_it(first: list[int], second: list[int], t_us: int) -> None:
    index = FrameIndex({"screen-1.mp4": first, "screen-1-2.mp4": second, "screen-2.mp4": [0]})
    before = [(t, "screen-1.mp4") for t in first if t <= t_us] + [(t, "screen-1-2.mp4") for t in second if t <= t_us]
    wanted = Joined(max(before)[1], max(before)[0]) if before else None
    assert index.shown(1, t_us) == wanted
    after = [t for t in (*first, *second) if t >= t_us]
    assert index.lag(1, t_us) == (min(after) - t_us if after else None)
    assert index.shown(3, t_us) is None


def test_a_frame_much_later_has_another_cause() -> None:
    index = FrameIndex({"screen-1.mp4": [0, 3 * SECOND]})
    assert index.lag(1, SECOND) is None
    assert index.lag(1, 2 * SECOND + 1) == SECOND - 1


def test_keys_happen_where_the_pointer_was_last() -> None:
    screens = Screens(
        from_us=0,
        monitors=(
            Screen(number=1, x=0, y=0, width=100, height=100, scale=1.0),
            Screen(number=2, x=100, y=0, width=50, height=50, scale=2.0),
        ),
    )
    desk = Desk([screens], (1, 2))
    assert desk.monitor({"t_us": 0}) == 1
    assert desk.monitor({"t_us": 1, "x": 120, "y": 10}) == 2
    assert desk.monitor({"t_us": 2}) == 2
    assert desk.monitor({"t_us": 3, "x": 120, "y": 90}) == 2  # between monitors: the last one known
    assert desk.monitor({"t_us": 4, "x": 99, "y": 99}) == 1
    assert Desk([], ()).monitor({"t_us": 0}) is None


def test_a_whole_session_is_usable() -> None:
    made = report(
        described(), frozenset(Category), Observed(), FrameIndex({"screen-1.mp4": [0]}), verification={"verified": True}
    )
    assert (made["usable"], made["reasons"]) == ("yes", [])
    assert made["videos"]["screen-1.mp4"] == {"frames": 1, "fps_mean": 0.1, "fps_reached": 1}


SCREEN, KEYS = frozenset({Category.SCREEN}), frozenset({Category.KEYBOARD})


@pytest.mark.parametrize(
    "changes, categories, lag, withheld, said",
    [
        ({"streams": ()}, KEYS, None, None, "nothing but marks"),
        ({"duration_us": SECOND - 1}, KEYS, None, None, "Less than a second"),
        ({"gaps": (Hole(start_us=0, end_us=10 * SECOND, reason=GapReason.WITHHELD),)}, KEYS, None, None, "Less than"),
        ({"streams": (described().streams[0],)}, SCREEN, None, None, "no frame"),
        ({"recorder": Recorder(frames_dropped=6)}, SCREEN, None, None, "6% of the frames"),
        ({}, SCREEN, 500_001, None, "too late"),
        ({}, KEYS, None, 0.91, "91% of the time"),
    ],
)
def test_a_session_that_is_not_usable_says_why(
    changes: dict[str, object], categories: frozenset[Category], lag: int | None, withheld: float | None, said: str
) -> None:
    found = described(int(changes.pop("duration_us", 10 * SECOND)), **changes)  # type: ignore[call-overload]
    (reason,) = why_not(found, categories, lag, withheld, measure.recorded_us(found))
    assert said in reason


def test_at_its_limits_a_session_is_usable() -> None:
    found = described(recorder=Recorder(frames_dropped=5))
    assert why_not(found, frozenset(Category), 500_000, 0.9, SECOND) == []


def test_a_few_slow_presses_say_nothing() -> None:
    frames = FrameIndex({"screen-1.mp4": [900_000]})
    press = {"topic": "keyboard", "kind": "key", "down": True, "t_us": 0}
    for count, usable in ((19, "yes"), (20, "no")):
        seen = Observed()
        for _ in range(count):
            seen.add(press, 1, frames)
        assert report(described(), SCREEN, seen, frames, verification={})["usable"] == usable


def test_withheld_text_is_a_share_of_the_recorded_time() -> None:
    seen = Observed()
    frames = FrameIndex({})
    for start, end in ((0, 2), (1, 3), (6, 8)):
        fields = {"topic": "marks", "kind": "withheld", "start_us": start * SECOND, "t_us": end * SECOND}
        seen.add({**fields, "reason": "program"}, None, frames)
    gap = Hole(start_us=8 * SECOND, end_us=10 * SECOND, reason=GapReason.GUARD)
    made = report(described(gaps=(gap,)), frozenset(Category), seen, frames, verification={})
    assert made["text_withheld_share"] == round(5 / 8, 4)
    assert made["withheld_us"] == {"program": 5 * SECOND}
    without = report(described(), SCREEN, seen, frames, verification={})
    assert without["text_withheld_share"] is None


def test_text_that_was_not_kept_because_fields_cannot_be_seen_is_told_and_makes_nothing_useless() -> None:
    said = "text was not kept"
    for reason, usable in (("program", "no"), ("secret-field", "no"), ("field-unknown", "yes")):
        seen = Observed()
        seen.add(
            {"topic": "marks", "kind": "withheld", "start_us": 0, "t_us": 10 * SECOND, "reason": reason},
            None,
            FrameIndex({}),
        )
        made = report(described(), frozenset({Category.KEYBOARD}), seen, FrameIndex({}), verification={})
        assert made["usable"] == usable
        assert made["withheld_us"] == {reason: 10 * SECOND}
        assert any(said in remark for remark in made["remarks"]) is (reason == "field-unknown")
