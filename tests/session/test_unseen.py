"""Programs whose text is not recorded because their fields cannot be seen are named, with what helps."""

from small_world import ALL, recording

from capture_agent.core.events import Category


def lines(person):
    return [line for line in person.agent.snapshot().not_recorded if line.startswith("Text in")]


def test_a_ticked_program_whose_fields_cannot_be_seen_is_named_while_it_is_so(person):
    agent = recording(person)
    assert lines(person) == []
    person.world.unseen = {"editor", "not ticked"}
    (line,) = lines(person)
    assert "editor" in line
    assert "accessibility" in line
    person.world.unseen = set()
    assert lines(person) == []
    person.world.unseen = {"editor"}
    agent.stop()
    assert lines(person) == []


def test_nothing_is_said_of_text_that_was_not_agreed_to(person):
    recording(person, ALL - {Category.KEYBOARD})
    person.world.unseen = {"editor"}
    assert lines(person) == []
