"""Programs whose text is not recorded because their fields cannot be seen are named, with what helps."""

import time
from dataclasses import replace

import pytest
from small_world import ALL, EDITOR, look_at_editor, recording

from capture_agent.core.asking import Remedy
from capture_agent.core.events import Category, FieldFocus, Focus, Verdict
from capture_agent.ui.view_state import view


def lines(person):
    return [line for line in person.agent.snapshot().not_recorded if line.startswith("Text in")]


def test_a_ticked_program_whose_fields_cannot_be_seen_is_named_while_it_is_so(person):
    agent = recording(person)
    assert lines(person) == []
    person.world.unseen = {"editor": Remedy.ACCESSIBILITY, "not ticked": Remedy.ACCESSIBILITY}
    (line,) = lines(person)
    assert "editor" in line
    assert "accessibility" in line
    assert agent.snapshot().unseen_text == (line,)
    person.world.unseen = {"editor": Remedy.LONG_TEXT}
    (line,) = lines(person)
    assert "Longer texts are kept" in line
    person.world.unseen = {}
    assert lines(person) == []
    person.world.unseen = {"editor": Remedy.ACCESSIBILITY}
    agent.stop()
    assert lines(person) == []


def test_nothing_is_said_of_text_that_was_not_agreed_to(person):
    recording(person, ALL - {Category.KEYBOARD})
    person.world.unseen = {"editor": Remedy.ACCESSIBILITY}
    assert lines(person) == []


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (Verdict.CLEAR, ""),
        (Verdict.SENSITIVE, "Not recorded just now: the password field in front."),
        (Verdict.UNKNOWN, "Typed text is not recorded just now: the field in front may be a password field."),
    ],
)
def test_what_is_not_recorded_at_this_moment_is_said_at_the_icon(person, verdict, says):
    agent = recording(person)
    look_at_editor(person)
    person.world.running[0].sink(FieldFocus(person.world.now_us(), verdict, EDITOR.id))
    wait_until(person, lambda: agent.snapshot().just_now == says)
    shown = view(agent.snapshot(), person.world.wall()).tooltip.splitlines()
    assert [line for line in shown if line == says] == ([says] if says else [])
    agent.pause(None)
    assert agent.snapshot().just_now == ""


def test_another_program_in_front_is_said_at_the_icon_without_its_name(person):
    agent = recording(person)
    person.world.running[0].sink(Focus(person.world.now_us(), replace(EDITOR, app="bank", title="my account")))
    wait_until(person, lambda: agent.snapshot().just_now == "Not recorded just now: the program in front.")


def wait_until(person, true):
    for _ in range(200):
        person.tick(0.1)
        if true():
            return
        time.sleep(0.01)
    raise AssertionError(person.agent.snapshot().just_now)
