"""What a session's events say of each moment of it: exactly what was recorded then, and nothing that was not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import VerificationError
from capture_agent.core.events import (
    Button,
    Focus,
    Gap,
    GapReason,
    Key,
    KeyCount,
    Monitor,
    Monitors,
    Move,
    Outcome,
    Rect,
    Shortcut,
    TaskFinished,
    TaskStarted,
    Window,
    Withheld,
)
from capture_agent.core.privacy import Cleared
from capture_agent.encode.event_log import Message, encode
from capture_agent.held.timeline import Hole, Screen, build

SECOND = 1_000_000
EDITOR = Window(7, "editor", "a letter", Rect(0, 0, 800, 600), Rect(0, 20, 800, 580))
MAIL = Window(8, "mail", "Inbox", Rect(800, 0, 400, 600), Rect(800, 20, 400, 580))


def timeline(*events, duration_us=60 * SECOND):
    made = sorted((encode(Cleared(event), 0) for event in events), key=lambda message: message.t_us)
    return build(made, duration_us)


def key(t_us, sym, text=None, *mods):
    return Key(t_us, True, 38, sym, text, mods, False)


def typed(start_us, text, every_us=200_000):
    return [key(start_us + n * every_us, letter, letter) for n, letter in enumerate(text)]


def test_what_is_typed_appears_letter_by_letter_and_stays_for_a_moment():
    times = timeline(Focus(0, EDITOR), *typed(SECOND, "Hello"))
    shown = [times.typing_at(t) for t in (SECOND - 1, SECOND, SECOND + 400_000, 4 * SECOND, 5 * SECOND)]
    assert [
        run and run.until(t) for run, t in zip(shown, (0, SECOND, SECOND + 400_000, 4 * SECOND, 0), strict=True)
    ] == [
        None,
        "H",
        "Hel",
        "Hello",
        None,
    ]


def test_what_was_erased_is_still_to_be_seen_because_it_is_in_the_recording():
    erased = [key(SECOND + n, "BackSpace") for n in (900_000, 950_000)]
    times = timeline(Focus(0, EDITOR), *typed(SECOND, "abc"), *erased, key(2 * SECOND, "Return", "\r"))
    assert [run.text for run in times.runs] == ["abc⌫⌫⏎"]


def test_chords_and_named_keys_are_shown_by_name_and_modifiers_alone_not_at_all():
    times = timeline(
        Focus(0, EDITOR),
        key(1, "Control_L"),
        key(2, "s", None, "ctrl"),
        key(3, "F5"),
        Shortcut(4, True, 0, "Tab", (), False),
    )
    assert "".join(run.text for run in times.runs).split() == ["Ctrl+s", "F5", "⇥"]


def test_a_pause_of_two_seconds_a_click_and_another_window_each_begin_another_run():
    times = timeline(
        Focus(0, EDITOR),
        *typed(SECOND, "one"),
        *typed(5 * SECOND, "two"),
        Button(6 * SECOND, True, "left", 100, 300, False),
        *typed(6 * SECOND + 1, "three"),
        Focus(8 * SECOND, MAIL),
        *typed(8 * SECOND + 1, "four"),
    )
    assert [(run.text, run.place) for run in times.runs] == [
        ("one", (0, 600)),
        ("two", (0, 600)),
        ("three", (100, 300)),
        ("four", (800, 600)),
    ]


def test_of_keys_that_were_only_counted_the_number_is_shown():
    (run,) = timeline(KeyCount(20 * SECOND, 10 * SECOND, 38)).runs
    assert (run.start_us, run.end_us, run.keys) == (10 * SECOND, 20 * SECOND, 38)


def test_clicks_are_shown_where_they_were_for_a_second_and_the_pointer_where_it_was_last():
    times = timeline(
        Move(5, 1, 2, False),
        Button(SECOND, True, "right", 40, 50, False),
        Button(SECOND + 9, False, "right", 1, 1, False),
    )
    assert [(one.button, one.x, one.y) for one in times.clicks_at(2 * SECOND - 1)] == [("right", 40, 50)]
    assert times.clicks_at(2 * SECOND) == times.clicks_at(SECOND - 1) == ()
    assert [times.pointer_at(t) for t in (4, 5, SECOND)] == [None, (1, 2), (40, 50)]


def test_a_window_is_in_front_until_the_next_and_not_in_a_gap():
    gap = Gap(30 * SECOND, 20 * SECOND, GapReason.PAUSED)
    times = timeline(Focus(0, EDITOR), Focus(10 * SECOND, MAIL), Focus(40 * SECOND, None), gap)
    at = {t: times.window_at(t * SECOND) for t in (0, 9, 10, 25, 35, 45)}
    assert {t: one and one.title for t, one in at.items()} == {
        0: "a letter", 9: "a letter", 10: "Inbox", 25: None, 35: "Inbox", 45: None,
    }  # fmt: skip
    assert times.apps == ("mail", "editor")


def test_each_gap_says_why_and_one_that_the_person_made_hides_the_others():
    times = timeline(
        Gap(30, 10, GapReason.PAUSED), Gap(25, 20, GapReason.FORGOTTEN), Withheld(9 * SECOND, 4 * SECOND, "program")
    )
    assert [times.gap_at(t) and times.gap_at(t).reason for t in (9, 10, 22, 29, 30)] == [
        None, "paused", "forgotten", "paused", None,
    ]  # fmt: skip
    assert times.withheld_at(5 * SECOND) == Hole(4 * SECOND, 9 * SECOND, "program")
    assert times.withheld_us == 5 * SECOND


def test_a_task_lasts_until_it_is_finished_and_goes_on_when_it_is_said_again():
    times = timeline(
        TaskStarted(SECOND, "t", "Write"),
        TaskStarted(9 * SECOND, "t", "Write", again=True),
        TaskFinished(20 * SECOND, "t", Outcome.DONE, 2, ""),
        TaskStarted(30 * SECOND, "u", "Read"),
    )
    assert [(one.start_us, one.end_us, one.text, one.outcome) for one in times.tasks] == [
        (SECOND, 20 * SECOND, "Write", "done"),
        (30 * SECOND, 60 * SECOND, "Read", ""),
    ]
    assert times.task_at(10 * SECOND).text == "Write"
    assert times.task_at(25 * SECOND) is None


def test_monitors_are_those_that_were_told_of_last():
    one, two = Monitor(1, Rect(0, 0, 800, 600)), Monitor(2, Rect(800, 0, 400, 600))
    times = timeline(Monitors(5, (one,)), Monitors(SECOND, (one, two)))
    assert times.screens_at(0) == times.screens_at(9) == (Screen(1, one.rect),)
    assert [screen.number for screen in times.screens_at(SECOND)] == [1, 2]


holes = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 40), st.sampled_from(GapReason)), max_size=6)


@given(holes, st.integers(0, 140))
def test_a_moment_is_in_a_gap_if_and_only_if_a_mark_says_so(told, t):
    times = timeline(*[Gap(start + length, start, reason) for start, length, reason in told])
    inside = {str(reason) for start, length, reason in told if start <= t < start + length}
    found = times.gap_at(t)
    assert (found is None) == (not inside)
    assert found is None or found.reason in inside
    assert found is None or "forgotten" not in inside or found.reason == "forgotten"


@given(st.lists(st.tuples(st.integers(1, 3 * SECOND), st.sampled_from("ab")), max_size=60))
def test_every_key_is_in_one_run_in_its_order_and_shown_from_its_time_on(keys):
    now, events = 0, [Focus(0, EDITOR)]
    for wait_us, letter in keys:
        now += wait_us
        events.append(key(now, letter, letter))
    runs = timeline(*events, duration_us=now).runs
    assert "".join(run.text for run in runs) == "".join(letter for _, letter in keys)
    assert [t for run in runs for t in run.ends] == [event.t_us for event in events[1:]]
    assert all(run.until(run.end_us) == run.text and run.until(run.start_us - 1) == "" for run in runs)


@pytest.mark.parametrize("said", [{"kind": "gap"}, {"kind": "monitors", "monitors": [{"number": 1, "rect": [1]}]}])
def test_an_event_that_no_version_writes_is_an_error_and_shows_nothing_of_it(said):
    with pytest.raises(VerificationError, match=r"an event of the recording is damaged \((KeyError|TypeError)\)"):
        build([Message("marks", 5, json.dumps(said).encode())], SECOND)
