"""Accessibility is on in the person's session only by their click, while the program runs, and is then as it was."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from small_world import ALL, Person, recording

from capture_agent.core.events import Category
from capture_agent.session.changes import OFF, ON, Changes
from capture_agent.session.closed import open_agent


def waking(person, categories=ALL):
    agent = recording(person, categories)
    agent.choose_waking(True)
    person.tick()
    return agent


def switch(person):
    return person.world.accessibility.value


@pytest.mark.parametrize("found", [ON, OFF])
@pytest.mark.parametrize("clicked", [True, False])
@pytest.mark.parametrize("text", [True, False])
def test_it_is_switched_on_by_a_click_where_typed_text_is_agreed_to_and_is_as_before_in_the_end(
    person, found, clicked, text
):
    person.world.accessibility.value = found
    agent = recording(person, ALL if text else ALL - {Category.KEYBOARD})
    if clicked:
        agent.choose_waking(True)
    person.tick()
    ours = clicked and text and found == OFF
    assert switch(person) == (ON if ours else found)
    assert (agent.snapshot().waking, agent.snapshot().woken) == (clicked, ours)
    agent.shut_down()
    assert switch(person) == found


@pytest.mark.promise("P1")
@pytest.mark.parametrize(
    "end",
    [
        lambda person, agent: agent.choose_waking(False),
        lambda person, agent: agent.withdraw(destroy=False),
        lambda person, agent: agent.withdraw_category(Category.KEYBOARD),
        lambda person, agent: agent.refuse(),
        lambda person, agent: Changes(person.profile.changes, agent._changes._places).undo_all(lasting=True),
    ],
    ids=["click", "opt out", "keyboard taken back", "refused", "remove"],
)
def test_whatever_ends_it_puts_it_back(person, end):
    agent = waking(person)
    assert switch(person) == ON
    end(person, agent)
    person.tick()
    assert switch(person) == OFF


def test_after_opting_out_and_agreeing_again_it_is_not_on_without_a_new_click(person):
    agent = waking(person)
    agent.withdraw(destroy=False)
    person.tick()
    agent.choose_own()
    person.agree(ALL)
    person.tick()
    assert switch(person) == OFF
    assert not agent.snapshot().waking


def test_after_a_crash_the_next_start_puts_it_back_and_goes_on_as_the_person_wanted(person):
    waking(person)
    person.crash()
    assert switch(person) == OFF  # whoever only looks at the profile switches nothing on
    person.tick()
    assert switch(person) == ON
    person.agent.shut_down()
    assert switch(person) == OFF


def test_after_a_crash_in_a_profile_that_does_not_fit_together_it_is_put_back_all_the_same(person):
    waking(person).stop()
    person.profile.ledger.write_bytes(b"{}\n")
    agent = open_agent(person.profile, lambda: person.secrets, person.world, person.agent._changes._places)
    assert agent.snapshot().broken
    assert switch(person) == OFF


def test_without_a_bus_it_is_said_once_and_what_cannot_be_put_back_stays_noted(person):
    person.world.accessibility.gone = True
    agent = waking(person)
    assert agent.snapshot().problem == "no bus"
    assert not agent.snapshot().woken
    person.world.accessibility.gone = False
    agent.choose_waking(False)
    person.tick()
    agent.choose_waking(True)
    person.tick()
    assert switch(person) == ON
    person.world.accessibility.gone = True
    agent.shut_down()
    person.world.accessibility.gone = False
    assert switch(person) == ON
    person.start_agent()
    assert switch(person) == OFF


def test_what_somebody_switched_meanwhile_is_theirs(person):
    agent = waking(person)
    person.world.accessibility.value = OFF
    for _ in range(3):
        person.tick()
    assert switch(person) == OFF
    agent.shut_down()
    assert switch(person) == OFF


class Days(RuleBasedStateMachine):
    """Clicks, ends and crashes in any order: on only after a click that was not taken back, and only with text."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.person = Person(Path(self.folder.name))
        self.clicked = False

    @rule(categories=st.sets(st.sampled_from(sorted(Category)), min_size=1))
    def agree(self, categories):
        self.person.agent.choose_own()
        self.person.agree(categories)

    @rule(on=st.booleans())
    def choose(self, on):
        if self.person.agent.snapshot().joined is not None:
            self.person.agent.choose_waking(on)
            self.clicked = on

    @rule()
    def opt_out(self):
        if self.person.agent.snapshot().joined is not None:
            self.person.agent.withdraw(destroy=False)
            self.clicked = False

    @rule()
    def crash(self):
        self.person.crash()

    @rule()
    def quit(self):
        self.person.agent.shut_down()
        assert self.person.world.accessibility.value == OFF
        self.person.start_agent()

    @invariant()
    def on_only_if_wanted(self):
        self.person.tick()
        wanted = self.clicked and Category.KEYBOARD in self.person.agent.snapshot().consented
        assert self.person.world.accessibility.value == (ON if wanted else OFF)

    def teardown(self):
        self.person.agent.shut_down()
        self.folder.cleanup()


Days.TestCase.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
TestDays = pytest.mark.promise("P1")(Days.TestCase)
