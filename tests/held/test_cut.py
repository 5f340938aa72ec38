"""What stays of a session when spans of it are cut out: nothing of them, and everything else."""

import json
from itertools import dropwhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.encode import frames
from capture_agent.encode.event_log import Message, decode
from capture_agent.held.cut import FOREVER_US, Cut, Span, is_whole, merged
from capture_agent.held.spans import all_but
from capture_agent.held.timeline import TaskTime, Timeline

KEY = b"\0\0\0\1\x67sps\0\0\0\1\x68pps\0\0\0\1\x65picture"
DELTA = b"\0\0\0\1\x41change"


def event(t_us, topic="keyboard", n=0):
    return Message(topic, t_us, b'{"kind":"key","n":%d}' % n)


def frame(t_us, monitor=1, *, key=False):
    return Message(f"screen/{monitor}", t_us, frames.pack_video(t_us, monitor, KEY if key else DELTA))


def monitors(t_us, n=1):
    return Message("marks", t_us, json.dumps({"kind": "monitors", "monitors": [n]}).encode())


def stretch(start_us, t_us, kind="gap", reason="paused"):
    return Message("marks", t_us, json.dumps({"kind": kind, "start_us": start_us, "reason": reason}).encode())


def cut_all(parts, spans, topics=None):
    cut = Cut(spans, topics)
    end_us = max((m.t_us for part in parts for m in part), default=0)
    kept = []
    for part in parts:
        times = (min(m.t_us for m in part), max(m.t_us for m in part)) if part else None
        kept += cut.keep(part) if cut.touches(times) else list(part)
    return kept + cut.finish(end_us)


@st.composite
def sessions(draw):
    """Return parts as a recorder makes them, and spans: frames between key frames, marks, late messages."""
    parts, now, begun = [], 0, set()
    for n in range(draw(st.integers(0, 6))):
        part = []
        for k in range(draw(st.integers(0, 6))):
            now += draw(st.integers(1, 5))
            what = draw(st.sampled_from(["key", "move", "screen", "screen", "monitors", "pause", "withheld"]))
            match what:
                case "screen":
                    monitor = draw(st.integers(1, 2))
                    key = monitor not in begun or draw(st.booleans())
                    begun.add(monitor)
                    part.append(frame(now, monitor, key=key))
                case "monitors":
                    part.append(monitors(now, n * 10 + k))
                case "pause":
                    part.append(stretch(now, now := now + draw(st.integers(1, 9))))
                case "withheld":
                    part.append(stretch(max(0, now - draw(st.integers(0, 9))), now, "withheld", "program"))
                case _:
                    topic = {"key": "keyboard", "move": "pointer"}[what]
                    part.append(event(now - draw(st.integers(0, 1)) if part else now, topic, n * 10 + k))
        parts.append(sorted(part, key=lambda message: message.t_us))
    bounds = st.tuples(st.integers(0, 90), st.one_of(st.integers(1, 60), st.just(FOREVER_US)))
    spans = [Span(start, min(FOREVER_US, start + length)) for start, length in draw(st.lists(bounds, max_size=3))]
    return parts, spans


@pytest.mark.promise("P11")
@given(sessions())
def test_nothing_inside_a_span_stays_and_nothing_outside_goes_but_frames_up_to_the_next_key_frame(made):
    parts, spans = made
    kept = cut_all(parts, spans)
    before = [message for part in parts for message in part]

    def gone(t_us):
        return any(span.start_us <= t_us < span.end_us for span in spans)

    content = [message for message in kept if message.topic != "marks"]
    assert not [message for message in content if gone(message.t_us)]
    rest = [m for m in before if m.topic != "marks" and not m.topic.startswith("screen/")]
    events = [message for message in content if not message.topic.startswith("screen/")]
    assert sorted(events) == sorted(message for message in rest if not gone(message.t_us))
    for topic in ("screen/1", "screen/2"):
        stays, refers = [], False
        for message in (message for message in before if message.topic == topic):
            key = message.data == frames.pack_video(message.t_us, int(topic[-1]), KEY)
            if gone(message.t_us):
                refers = False
            elif key or refers:
                refers = True
                stays.append(message)
        assert [message for message in content if message.topic == topic] == stays


@pytest.mark.promise("P11")
@given(sessions())
def test_no_mark_speaks_of_a_time_inside_a_span_but_the_one_of_the_gap(made):
    parts, spans = made
    end_us = max((m.t_us for part in parts for m in part), default=0)
    whole = merged(spans)
    gaps = []
    for message in cut_all(parts, spans):
        if message.topic == "marks":
            fields = decode(message)
            if fields.get("reason") == "forgotten":
                gaps.append((fields["start_us"], message.t_us))
            elif "start_us" in fields:
                assert not any(max(fields["start_us"], s.start_us) < min(message.t_us, s.end_us) for s in whole)
            else:
                assert not any(span.holds(message.t_us) for span in whole)
    assert gaps == [(s.start_us, min(s.end_us, end_us)) for s in whole if s.start_us < end_us]


@pytest.mark.promise("P11")
@given(sessions())
def test_cutting_twice_is_cutting_once(made):
    parts, spans = made
    once = cut_all(parts, spans)
    end_us = max((m.t_us for part in parts for m in part), default=0)
    again = Cut(spans)
    twice = again.keep(once) + again.finish(end_us)
    assert sorted(twice) == sorted(once)


@pytest.mark.promise("P11")
@given(sessions(), st.sets(st.sampled_from(["keyboard", "screen/1"])))
def test_a_cut_of_some_streams_leaves_the_others_and_the_marks_as_they_are(made, topics):
    parts, spans = made
    kept = cut_all(parts, spans, topics)
    before = [message for part in parts for message in part]
    untouched = sorted(message for message in before if message.topic not in topics)
    assert sorted(message for message in kept if message.topic not in topics) == untouched
    inside = [m for m in kept if m.topic in topics and any(span.holds(m.t_us) for span in spans)]
    assert inside == []


@st.composite
def screens(draw):
    """Return the frames of a monitor, and when a task began and ended."""
    times = sorted(draw(st.sets(st.integers(0, 90), max_size=30)))
    shown = [frame(t_us, key=n == 0 or draw(st.integers(0, 4)) == 0) for n, t_us in enumerate(times)]
    return shown, *sorted(draw(st.tuples(st.integers(0, 89), st.integers(0, 89))))


@pytest.mark.promise("P11")
@given(screens())
def test_of_a_task_that_is_kept_alone_the_screen_stays_from_its_first_key_frame_on(made):
    shown, start_us, end_us = made
    task = TaskTime(start_us, end_us + 1, "Read", "done")
    rest = all_but(Timeline(100, tasks=(task,)), task)
    kept = [message for message in Cut(rest.spans).keep(shown) if message.topic == "screen/1"]
    inside = [message for message in shown if start_us <= message.t_us <= end_us + 1]
    assert kept == list(dropwhile(lambda message: message != frame(message.t_us, key=True), inside))


@pytest.mark.promise("P11")
def test_where_the_monitors_are_is_said_again_after_the_span():
    kept = cut_all([[monitors(0, 1)], [monitors(50, 2), event(90)]], [Span(40, 60)])
    assert [(m.t_us, decode(m).get("monitors")) for m in kept if decode(m).get("kind") == "monitors"] == [
        (0, [1]),
        (60, [2]),
    ]


@pytest.mark.promise("P11")
@pytest.mark.parametrize(("span", "stays"), [(Span(10, 20), [9, 40]), (Span(0, 21), [40]), (Span(9, 9), [9, 21, 40])])
def test_a_screen_cut_widens_to_the_next_key_frame_and_never_before_the_span(span, stays):
    parts = [[frame(9, key=True)], [frame(15), frame(21), frame(40, key=True)]]
    if not span.holds(15):
        parts[1] = parts[1][1:]
    assert [m.t_us for m in cut_all(parts, [span]) if m.topic == "screen/1"] == stays


@pytest.mark.promise("P11")
def test_a_part_before_the_span_is_not_looked_at():
    cut = Cut([Span(100)])
    assert not cut.touches((0, 99))
    assert cut.touches((0, 100))
    assert not cut.touches(None)
    assert not Cut([]).touches((0, 1))


@pytest.mark.promise("P11")
def test_spans_that_touch_are_one():
    assert merged([Span(5, 9), Span(0, 5), Span(7, 8), Span(20, 20)]) == (Span(0, 9),)


@pytest.mark.promise("P11")
@pytest.mark.parametrize(
    ("start", "end", "stays"),
    [(0, 11, False), (15, 16, False), (19, 30, False), (20, 30, False), (0, 10, True), (21, 30, True)],
)
def test_a_number_of_keys_goes_with_any_of_its_time(start, end, stays):
    counted = Message("counts", 20, b'{"kind":"count","start_us":10,"keys":7}')
    assert (counted in Cut([Span(start, end)]).keep([counted])) is stays


def test_spans_are_whole_if_together_they_leave_nothing():
    assert is_whole([Span(10), Span(0, 10)])
    assert not is_whole([Span(11), Span(0, 10)])
    assert not is_whole([Span(0, 10)])
    assert not is_whole([])
