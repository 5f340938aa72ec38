"""Messages come in the order of time, and of them what was agreed to."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import StorageError
from capture_agent.core.events import Category
from capture_agent.core.keyboard import implied
from capture_agent.encode.event_log import Message
from capture_agent.outbox.order import LATE_US, agreed, everything, in_order

PART = 1_200_000
TOPICS = ("keyboard", "shortcuts", "counts", "pointer", "windows", "tasks", "screen/1", "screen/12")


def mark(t_us: int, **fields: object) -> Message:
    return Message("marks", t_us, json.dumps(fields).encode())


@st.composite
def nearly_sorted(draw: st.DrawFn) -> list[list[Message]]:
    """Frames that waited for less than a part lasts: in part n or, late, in part n + 1; events that waited longer."""
    times = draw(st.lists(st.integers(0, 60 * PART), max_size=60, unique=True))
    parts: dict[int, list[Message]] = {}
    for t_us in times:
        topic = draw(st.sampled_from(["counts", "screen/1"]))
        late = draw(st.integers(0, 1 if topic == "screen/1" else LATE_US // PART - 1))
        parts.setdefault(t_us // PART + late, []).append(Message(topic, t_us, b""))
    return [parts[number] for number in sorted(parts)]


@given(nearly_sorted())
def test_late_messages_come_out_in_the_order_of_time(parts: list[list[Message]]) -> None:
    found = list(in_order(parts))
    for topic in ("counts", "screen/1"):
        times = [message.t_us for message in found if message.topic == topic]
        assert times == sorted(message.t_us for part in parts for message in part if message.topic == topic)


@given(st.lists(st.lists(st.integers(0, 1000))))
def test_no_message_is_lost_whatever_their_order(parts: list[list[int]]) -> None:
    found = [m.t_us for m in in_order([Message("pointer", t, b"") for t in part] for part in parts)]
    assert sorted(found) == sorted(t for part in parts for t in part)


def test_messages_of_one_time_stay_as_they_were_written() -> None:
    parts = [[Message("pointer", 5, b"1"), Message("keyboard", 5, b"2")], [Message("tasks", 5, b"3")]]
    assert [message.data for message in in_order(parts)] == [b"1", b"2", b"3"]


def test_at_most_two_parts_of_frames_wait() -> None:
    taken = []

    def parts() -> object:
        for number in range(10):
            taken.append(number)
            yield [Message("screen/1", number * PART + n, b"") for n in range(3)]

    for message in in_order(parts()):  # type: ignore[arg-type]
        assert taken[-1] <= message.t_us // PART + 2


@given(st.frozensets(st.sampled_from(Category)))
@pytest.mark.promise("P4")
def test_only_what_was_agreed_to_goes_on(categories: frozenset[Category]) -> None:
    messages = [Message(topic, n, b"{}") for n, topic in enumerate(TOPICS)]
    found = {message.topic for message in agreed(messages, categories)}
    wanted = {topic for topic in TOPICS if topic.split("/")[0] in implied(categories)}
    assert found == wanted


def test_marks_go_on_whatever_was_agreed_to() -> None:
    marks = [mark(3, kind="withheld", start_us=0, reason="program"), mark(4, kind="monitors", monitors=[])]
    assert list(agreed(marks, frozenset())) == marks


@pytest.mark.parametrize("reason, told", [("paused", "withheld"), ("forgotten", "withheld"), ("guard", "guard")])
def test_others_are_not_told_which_gaps_the_person_made(reason: str, told: str) -> None:
    gap = mark(9, kind="gap", start_us=4, reason=reason)
    (found,) = agreed([gap], frozenset())
    assert json.loads(found.data) == {"kind": "gap", "start_us": 4, "reason": told}
    assert found.t_us == 9
    assert list(everything([gap])) == [gap]


def test_a_mark_of_an_unknown_kind_stays_here() -> None:
    assert list(agreed([mark(1, kind="title", text="secret")], frozenset(Category))) == []


def test_a_topic_that_nobody_can_have_agreed_to_is_an_error() -> None:
    with pytest.raises(StorageError, match="does not know"):
        list(agreed([Message("microphone", 1, b"")], frozenset(Category)))
