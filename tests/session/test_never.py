"""What the person keeps out while recording: at once, what waits included; and taken back by their click alone."""

import time
from dataclasses import replace

import pytest
from small_world import EDITOR, STUDY, all_typed, look_at_editor, recording, studying, type_text

from capture_agent.core.errors import StorageError
from capture_agent.core.events import Focus
from capture_agent.core.never import NeverKind, NeverRule
from capture_agent.core.policy import Settings
from capture_agent.core.recording import State
from capture_agent.held import reader

PROGRAM = NeverRule(NeverKind.PROGRAM, "editor")
TITLE = NeverRule(NeverKind.TITLE, "Letter")
OTHER = NeverRule(NeverKind.PROGRAM, "shell")


def written(person):
    """Return everything that is in the recordings, as their owner reads it."""
    paths = [(person.profile.held / f"{one.id}.held", one.id) for one in person.agent.sessions()]
    parts = [part for path, one in paths for part in reader.read(path, person.agent._vault.identity(one))]
    return b"".join(message.data for part in parts for message in part.messages)


def works(person):
    """Whether what is typed into the editor is recorded now."""
    before = "".join(all_typed(person))
    look_at_editor(person)
    type_text(person, "y")
    return "".join(all_typed(person)) != before


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rule", [PROGRAM, TITLE], ids=["program", "title"])
def test_a_rule_holds_at_once_and_a_click_takes_it_back(person, rule):
    agent = recording(person)
    assert works(person)
    agent.never_record(rule)
    assert agent.snapshot().never == (rule,)
    person.tick()
    assert agent.recording_state is State.RECORDING
    assert not works(person)
    agent.allow_again(rule)
    assert agent.snapshot().never == ()
    person.tick()
    assert works(person)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rule", [PROGRAM, TITLE], ids=["program", "title"])
def test_what_still_waits_when_a_rule_is_made_is_not_written(person, rule):
    agent = recording(person)
    look_at_editor(person)
    type_text(person, "x")
    person.world.running[0].sink(Focus(person.world.now_us(), replace(EDITOR, title="a letter to the doctor")))
    pipeline = agent._recorder._running.pipeline
    agent.never_record(rule)
    deadline = time.monotonic() + 10
    while (pipeline._queue or pipeline._waiting) and time.monotonic() < deadline:
        time.sleep(0.01)  # decided at once, before the next stretch begins with the new rules
    person.tick()
    agent.stop()
    assert b"a letter" in written(person)
    assert b"doctor" not in written(person)


@pytest.mark.promise("P7")
@pytest.mark.parametrize(
    "kept_out", [Settings(never_apps=frozenset({"editor"})), Settings(never_titles=frozenset({"letter"}))]
)
def test_a_rule_that_a_file_takes_back_holds_until_the_next_click(person, kept_out):
    agent = recording(person)
    person.world.chosen = kept_out
    agent.reload()
    person.tick()
    person.world.chosen = Settings()
    agent.reload()
    person.tick()
    assert agent.snapshot().never == tuple(kept_out.never)
    assert not works(person)
    agent.stop()
    agent.start()
    person.tick()
    assert works(person)


@pytest.mark.promise("P7")
def test_taking_one_rule_back_gives_back_nothing_else(person):
    """Another one that a file took back holds on, also one that knows the program by another name only."""
    agent = recording(person)
    agent.never_record(OTHER)
    person.world.chosen = replace(person.world.chosen, never_apps=frozenset({"shell", "alias"}))
    agent.reload()
    person.tick()
    person.world.chosen = replace(person.world.chosen, never_apps=frozenset({"shell"}))
    agent.allow_again(OTHER)
    person.tick()
    assert agent.snapshot().never == (NeverRule(NeverKind.PROGRAM, "alias"),)
    assert "alias" in agent._studio.rules().excluded


@pytest.mark.promise("P7")
def test_no_rule_that_is_taken_back_goes_beyond_what_was_agreed(person):
    agent = studying(person)
    agent.never_record(OTHER)
    agent.allow_again(OTHER)
    person.tick()
    assert agent._studio.rules().apps == agent.snapshot().apps == {"editor"}
    person.world.study = replace(STUDY, version=2, apps=frozenset({"shell"}))
    agent.never_record(PROGRAM)
    agent.allow_again(PROGRAM)
    person.tick()
    assert agent._studio.rules().apps == frozenset()


def test_a_rule_that_cannot_be_written_is_said_and_changes_nothing(person):
    agent = recording(person)

    def refuse(rule, *, on):
        raise StorageError("it is read-only")

    person.world.change_never = refuse
    with pytest.raises(StorageError):
        agent.never_record(PROGRAM)
    assert agent.snapshot().never == ()
    assert works(person)
