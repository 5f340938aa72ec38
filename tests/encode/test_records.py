import base64
import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import FaultError, VerificationError
from capture_agent.core.events import (
    Button,
    Event,
    Focus,
    Frame,
    Gap,
    GapReason,
    Key,
    Layout,
    Monitor,
    Monitors,
    Move,
    Outcome,
    PointerShape,
    Rect,
    Scroll,
    TaskFinished,
    TaskStarted,
    Window,
    Withheld,
)
from capture_agent.core.privacy import Cleared
from capture_agent.encode.event_log import Message, decode, encode
from capture_agent.encode.records import EVENT_TOPICS
from capture_agent.encode.schemas import schema

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
VALIDATORS = {topic: jsonschema.Draft202012Validator(schema(topic)) for topic in EVENT_TOPICS}

EPOCH_US = 1_000_000
times = st.integers(EPOCH_US, EPOCH_US + 10**12)
earlier = st.integers(0, EPOCH_US + 10**12)
numbers = st.integers(-(2**31), 2**31)
texts = st.text(max_size=40)
truths = st.booleans()
rects = st.builds(Rect, numbers, numbers, numbers, numbers)
windows = st.builds(Window, st.integers(0, 2**63), texts, texts, rects, rects, st.integers(1, 2**22), st.tuples(texts))
monitors = st.builds(Monitor, st.integers(1, 16), rects, st.floats(0.5, 4, allow_nan=False))
keys = st.builds(Key, times, truths, numbers, texts, st.none() | texts, st.lists(texts, max_size=3).map(tuple), truths)
events: st.SearchStrategy[Event] = st.one_of(
    keys,
    st.builds(Move, times, numbers, numbers, truths),
    st.builds(Button, times, truths, texts, numbers, numbers, truths),
    st.builds(Scroll, times, numbers, numbers, numbers, numbers, truths),
    st.builds(
        PointerShape, times, texts, st.integers(0, 64), st.integers(0, 64), numbers, numbers, st.binary(max_size=64)
    ),
    st.builds(Focus, times, st.none() | windows),
    st.builds(Monitors, times, st.lists(monitors, max_size=3).map(tuple)),
    st.builds(TaskStarted, times, texts, texts, truths),
    st.builds(TaskFinished, times, texts, st.sampled_from(Outcome), st.none() | st.integers(1, 5), texts),
    st.builds(Gap, times, earlier, st.sampled_from(GapReason)),
    st.builds(Withheld, times, earlier, st.sampled_from(["program", "focus-unknown"])),
)


@given(events)
def test_every_event_obeys_the_published_schema_of_its_topic(event):
    message = encode(Cleared(event), EPOCH_US)
    VALIDATORS[message.topic].validate(json.loads(message.data))
    assert message.t_us == event.t_us - EPOCH_US


@given(events)
def test_decoding_gives_back_every_field(event):
    fields = decode(encode(Cleared(event), EPOCH_US))
    assert fields["t_us"] == event.t_us - EPOCH_US
    match event:
        case Key(_, down, code, sym, text, mods, injected):
            told = (fields["down"], fields["code"], fields["sym"], fields["text"], fields["mods"], fields["injected"])
            assert told == (down, code, sym, text, list(mods), injected)
        case Move(_, x, y, injected):
            assert (fields["x"], fields["y"], fields["injected"]) == (x, y, injected)
        case Button(_, down, button, x, y, injected):
            told = (fields["down"], fields["button"], fields["x"], fields["y"], fields["injected"])
            assert told == (down, button, x, y, injected)
        case Scroll(_, dx, dy, x, y, injected):
            told = (fields["dx"], fields["dy"], fields["x"], fields["y"], fields["injected"])
            assert told == (dx, dy, x, y, injected)
        case PointerShape():
            assert base64.b64decode(fields["bgra"]) == event.bgra
            assert fields["hot"] == [event.hot_x, event.hot_y]
        case Focus(_, window):
            assert (fields["window"] is None) == (window is None)
            if window is not None:
                assert (fields["window"]["app"], fields["window"]["title"]) == (window.app, window.title)
        case Monitors():
            assert [m["scale"] for m in fields["monitors"]] == [m.scale for m in event.monitors]
        case TaskStarted():
            assert (fields["task"], fields["text"], fields["again"]) == (event.task_id, event.text, event.again)
        case TaskFinished():
            assert (fields["outcome"], fields["difficulty"]) == (event.outcome, event.difficulty)
        case Gap() | Withheld():
            assert fields["start_us"] == max(0, event.start_us - EPOCH_US)
            assert fields["reason"] == event.reason


@given(events)
def test_equal_events_make_equal_bytes(event):
    assert encode(Cleared(event), EPOCH_US) == encode(Cleared(event), EPOCH_US)


# Of `ledger`, compared there.
RECEIPTS = {"consent-receipt.schema.json", "release-receipt.schema.json", "my-data.schema.json"}


def test_the_published_schemas_are_the_embedded_ones():
    published = {
        path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json") if path.name not in RECEIPTS
    }
    assert published == {f"{topic}.schema.json": schema(topic) for topic in EVENT_TOPICS}
    for text in published.values():
        jsonschema.Draft202012Validator.check_schema(text)


def test_a_schema_refuses_a_field_that_it_does_not_know():
    with pytest.raises(jsonschema.ValidationError):
        VALIDATORS["pointer"].validate({"kind": "move", "x": 1, "y": 2, "injected": False, "z": 3})


def test_what_identifies_a_process_is_not_stored():
    window = Window(7, "editor", "notes", Rect(0, 0, 9, 9), Rect(1, 1, 7, 7), pid=4711, aliases=("secret-alias",))
    data = encode(Cleared(Focus(EPOCH_US, window)), EPOCH_US).data
    assert b"4711" not in data and b"secret-alias" not in data


def test_a_lone_surrogate_in_a_title_does_not_stop_the_recording():
    window = Window(7, "editor", "a\udc80b", Rect(0, 0, 9, 9), Rect(1, 1, 7, 7))
    assert decode(encode(Cleared(Focus(EPOCH_US, window)), EPOCH_US))["window"]["title"] == "a?b"


def test_an_event_from_before_the_session_is_a_fault():
    with pytest.raises(FaultError):
        encode(Cleared(Move(EPOCH_US - 1, 0, 0, False)), EPOCH_US)


def test_a_frame_is_not_encoded_as_an_event():
    frame = Frame(EPOCH_US, Monitor(1, Rect(0, 0, 2, 2)), None, Layout(()))
    with pytest.raises(FaultError):
        encode(Cleared(frame), EPOCH_US)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"t_us":1}', b"\xff", b'{"secret-text"', b'"x"']
)
def test_what_is_not_an_event_is_refused_without_being_quoted(data):
    with pytest.raises(VerificationError) as caught:
        decode(Message("keyboard", 0, data))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_message_of_the_screen_is_not_decoded_as_an_event():
    with pytest.raises(VerificationError):
        decode(Message("screen/1", 0, b"{}"))
