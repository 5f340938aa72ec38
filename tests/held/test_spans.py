"""What a person means by a program, a task, or what was typed: all of it goes, and of the keyboard nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.events import (
    Button,
    Focus,
    Key,
    KeyCount,
    Outcome,
    Rect,
    TaskFinished,
    TaskStarted,
    Window,
)
from capture_agent.core.privacy import Cleared
from capture_agent.encode.event_log import encode
from capture_agent.held.cut import FOREVER_US, Cut, Span
from capture_agent.held.spans import What, all_but, choices, programs, tasks, typed
from capture_agent.held.timeline import build

SECOND = 1_000_000
FULL = Rect(0, 0, 800, 600)
WINDOWS = {name: Window(n, app, name, FULL, FULL) for n, (name, app) in enumerate(
    {"letter": "editor", "other letter": "editor", "inbox": "mail", "shell": "terminal"}.items()
)}  # fmt: skip
LETTERS = "abcd"


def messages(events):
    return [encode(Cleared(event), 0) for event in events]


@st.composite
def sessions(draw):
    """Return events a moment apart: windows of one size that come and go, keys that are held across, clicks, tasks."""
    now, down, task, found = 0, {}, None, []
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.integers(1, SECOND))
        match draw(st.sampled_from(["focus", "press", "press", "press", "let go", "let go", "click", "task", "shift"])):
            case "focus":
                name = draw(st.sampled_from([*WINDOWS, None]))
                found.append(Focus(now, None if name is None else WINDOWS[name]))
            case "press":
                letter = draw(st.sampled_from(LETTERS))
                down[letter] = True
                found.append(Key(now, True, ord(letter), letter, letter, (), False))
            case "let go" if down:
                letter = draw(st.sampled_from(sorted(down)))
                del down[letter]
                found.append(Key(now, False, ord(letter), letter, letter, (), False))
            case "shift":
                found.append(Key(now, draw(st.booleans()), 50, "Shift_L", None, (), False))
            case "click":
                found.append(Button(now, True, "left", draw(st.integers(0, 3)) * 100, 9, False))
            case "task" if task is None:
                task = f"t{now}"
                found.append(TaskStarted(now, task, draw(st.sampled_from(["Write", "Read"]))))
            case "task":
                found.append(TaskFinished(now, task, Outcome.DONE, 1, "well"))
                task = None
    return found, now + draw(st.integers(0, 1))


def cut(events, duration_us, spans):
    whole = Cut(spans)
    kept = whole.keep(messages(events)) + whole.finish(duration_us)
    return [message for message in kept if message.topic != "marks"]


def releases(events, gone):
    """Return the releases of those keys whose last press is in `gone`."""
    last, found = {}, []
    for event in events:
        if isinstance(event, Key):
            if not event.down and last.get(event.code) in gone:
                found.append(event)
            last[event.code] = event if event.down else None
    return found


def check(events, duration_us, spans, meant):
    """Hold a cut to it: all that is meant goes, and of the keyboard nothing else but the releases of those keys."""
    kept = cut(events, duration_us, spans)
    assert not [message for message in messages(meant) if message in kept]
    keys = [event for event in events if isinstance(event, Key)]
    gone = [event for event in keys if event in meant]
    stays = [event for event in keys if event not in gone and event not in releases(events, gone)]
    assert [message for message in kept if message.topic == "keyboard"] == messages(stays)


def in_front(events):
    """Yield each event and the program that has the keyboard with it."""
    app = None
    for event in events:
        if isinstance(event, Focus):
            app = event.window and event.window.app
        yield event, app


@pytest.mark.promise("P11")
@given(sessions())
def test_all_of_a_program_goes_and_no_key_of_another_one(made):
    events, duration_us = made
    timeline = build(messages(events), duration_us)
    for choice in programs(timeline):
        meant = [event for event, app in in_front(events) if app == choice.name]
        check(events, duration_us, choice.spans, meant)
    assert {choice.name for choice in programs(timeline)} == {app for _, app in in_front(events) if app}


@pytest.mark.promise("P11")
@given(sessions())
def test_all_of_a_task_goes_from_its_start_to_what_was_said_at_its_end(made):
    events, duration_us = made
    timeline = build(messages(events), duration_us)
    begun = [event for event in events if isinstance(event, TaskStarted)]
    assert len(tasks(timeline)) == len(begun)
    for choice, start in zip(tasks(timeline), begun, strict=True):
        ends = [event.t_us for event in events if isinstance(event, TaskFinished) and event.task_id == start.task_id]
        last_us = ends[0] if ends else duration_us
        check(events, duration_us, choice.spans, [one for one in events if start.t_us <= one.t_us <= last_us])


@pytest.mark.promise("P11")
@given(sessions())
def test_all_that_was_typed_in_a_field_goes_and_every_key_is_in_one_field(made):
    events, duration_us = made
    timeline = build(messages(events), duration_us)
    pieces = typed(timeline)
    assert "".join(piece.name for piece in pieces) == "".join(run.text for run in timeline.runs)
    apps = {id(event): app for event, app in in_front(events)}
    for number, piece in enumerate(pieces):
        (span,) = piece.spans
        inside = [e for e in events if span.holds(e.t_us)]
        assert len({apps[id(event)] for event in inside if isinstance(event, Key) and event.sym != "Shift_L"}) == 1
        assert "".join(e.sym for e in inside if isinstance(e, Key) and e.down and e.text) == piece.name
        check(events, duration_us, piece.spans, inside)
        left = build(cut(events, duration_us, piece.spans), duration_us)
        others = [other.name for other in pieces[:number] + pieces[number + 1 :]]
        assert "".join(run.text for run in left.runs) == "".join(others)


stretches = st.builds(lambda at, length: Span(at, at + length), st.integers(0, 20 * SECOND), st.integers(1, SECOND))


@pytest.mark.promise("P11")
@given(sessions(), st.lists(stretches, max_size=3))
def test_all_of_a_task_stays_and_nothing_else_whatever_was_marked_in_it_before(made, marked):
    events, duration_us = made
    timeline = build(messages(events), duration_us)
    for task in timeline.tasks:
        rest = all_but(timeline, task)
        if rest is None:
            assert task.start_us == task.end_us  # it began with the last event of all
            continue
        assert (rest.what, rest.name) == (What.ALL_BUT_TASK, task.text)
        last_us = task.end_us if task.outcome else duration_us
        outside = [event for event in events if not task.start_us <= event.t_us <= last_us]
        kept = cut(events, duration_us, rest.spans)
        gone = [*outside, *releases(events, outside)]
        assert kept == messages([event for event in events if event not in gone])
        assert build(kept, duration_us).tasks == (task,)
        gone = [event for event in events if event in outside or any(span.holds(event.t_us) for span in marked)]
        gone += releases(events, gone)
        left = cut(events, duration_us, [*marked, *rest.spans])
        assert left == messages([event for event in events if event not in gone])


def of(*events, duration_us=60 * SECOND):
    return build(messages(sorted(events, key=lambda event: event.t_us)), duration_us)


def keys(start_us, text):
    return [Key(start_us + n * 100_000, True, ord(one), one, one, (), False) for n, one in enumerate(text)]


def test_what_was_typed_ends_with_a_click_elsewhere_and_another_program_and_not_with_a_title_or_a_pause():
    timeline = of(
        Focus(0, WINDOWS["letter"]),
        *keys(SECOND, "Dear"),
        Focus(2 * SECOND, WINDOWS["other letter"]),  # the title says now that it was changed
        *keys(9 * SECOND, " Ann"),
        Button(11 * SECOND, True, "left", 5, 5, False),
        *keys(12 * SECOND, "PS"),
        Focus(13 * SECOND, WINDOWS["inbox"]),
        Focus(14 * SECOND, WINDOWS["letter"]),
        *keys(15 * SECOND, "!"),
    )
    assert [(one.name, one.spans) for one in typed(timeline)] == [
        ("Dear Ann", (Span(SECOND, 9_300_001),)),
        ("PS", (Span(12 * SECOND, 12_100_001),)),
        ("!", (Span(15 * SECOND, 15_000_001),)),
    ]


def test_of_keys_that_were_only_counted_the_whole_time_goes():
    (piece,) = typed(of(KeyCount(20 * SECOND, 10 * SECOND, 38)))
    assert piece == (What.TYPED, (Span(10 * SECOND, 20 * SECOND + 1),), "", 38)


def test_programs_come_first_the_longest_of_them_before_and_what_lasts_to_the_end_leaves_nothing_after_it():
    timeline = of(
        Focus(0, WINDOWS["inbox"]),
        Focus(5 * SECOND, WINDOWS["letter"]),
        TaskStarted(6 * SECOND, "t", "Write"),
        *keys(7 * SECOND, "x"),
    )
    assert [(one.what, one.name, one.spans) for one in choices(timeline)] == [
        (What.PROGRAM, "editor", (Span(5 * SECOND, FOREVER_US),)),
        (What.PROGRAM, "mail", (Span(0, 5 * SECOND),)),
        (What.TASK, "Write", (Span(6 * SECOND, FOREVER_US),)),
        (What.TYPED, "x", (Span(7 * SECOND, 7 * SECOND + 1),)),
    ]


def test_a_key_that_was_pressed_inside_does_not_tell_by_its_release_which_it_was():
    events = [*keys(SECOND, "a"), Key(2 * SECOND, False, ord("a"), "a", None, (), False), *keys(3 * SECOND, "a")]
    kept = cut(events, 4 * SECOND, [Span(SECOND, SECOND + 1)])
    assert [(one.t_us, json.loads(one.data)["down"]) for one in kept] == [(3 * SECOND, True)]


def test_a_task_is_kept_alone_from_its_first_word_to_the_next_one_or_to_the_end():
    read, write = TaskStarted(10 * SECOND, "r", "Read"), TaskStarted(20 * SECOND, "w", "Write")
    timeline = of(Focus(0, WINDOWS["inbox"]), read, write)
    first, second = (all_but(timeline, task) for task in timeline.tasks)
    assert first == (What.ALL_BUT_TASK, (Span(0, 10 * SECOND), Span(20 * SECOND)), "Read", 0)
    assert second == (What.ALL_BUT_TASK, (Span(0, 20 * SECOND),), "Write", 0)
    (whole,) = of(TaskStarted(0, "r", "Read")).tasks
    assert all_but(of(TaskStarted(0, "r", "Read")), whole).spans == ()


@pytest.mark.parametrize(
    "events",
    [
        [TaskFinished(9, "a", Outcome.DONE, 1, "private"), TaskStarted(9, "b", "Read")],
        [TaskStarted(9, "b", "Read"), TaskFinished(19, "b", Outcome.DONE, 1, ""), TaskStarted(19, "c", "Private")],
        [TaskStarted(9, "b", ""), TaskFinished(19, "b", Outcome.DONE, 1, "")],
        [TaskStarted(9, "b", "Read"), TaskFinished(9, "b", Outcome.DONE, 1, "")],
    ],
)
def test_a_task_that_no_cut_could_tell_from_another_or_that_has_no_words_or_time_is_not_kept_alone(events):
    timeline = of(*events)
    assert all_but(timeline, next(task for task in timeline.tasks if task.id == "b")) is None
