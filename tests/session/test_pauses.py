"""The whole agent in a pause: it ends as the person was told, or it stays; no policy has a say in it."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from small_world import ALL, STUDY, Person, in_the_way, recording

from capture_agent.core.errors import FaultError, StorageError
from capture_agent.core.events import Category
from capture_agent.core.pausing import ATTENDED_US
from capture_agent.core.policy import Notice, Policy, Settings
from capture_agent.core.recording import State
from capture_agent.core.schedule import parse
from capture_agent.desktop.base import Presence
from capture_agent.settings.policy_file import PolicyTable

QUARTER_S = 15 * 60


def counted_down(person, seconds=10):
    """Let the countdown run, tick by tick."""
    for _ in range(seconds * 4):
        person.tick()


@pytest.mark.promise("P5")
def test_a_timed_pause_ends_by_a_countdown_and_goes_on_in_the_same_session(person):
    agent = recording(person)
    agent.start_task("x")
    agent.pause(15)
    assert agent.snapshot().paused_until == person.world.wall() + timedelta(seconds=QUARTER_S)
    person.tick(QUARTER_S - 0.25)
    assert agent.snapshot().resumes_in is None
    person.tick()
    assert agent.snapshot().resumes_in == 10
    counted_down(person, 9)
    assert (agent.snapshot().resumes_in, agent.recording_state, person.world.running) == (1, State.PAUSED, [])
    counted_down(person, 2)
    assert agent.recording_state is State.RECORDING
    assert [one.state for one in agent.sessions()] == ["recording"]
    assert agent.snapshot().paused_until is None


@pytest.mark.promise("P5")
@pytest.mark.parametrize(
    "away", [Presence(locked_us=1), Presence(idle_us=ATTENDED_US)], ids=["locked", "nobody at the keyboard"]
)
@pytest.mark.parametrize("when", ["before", "during"])
def test_with_nobody_there_a_timed_pause_becomes_until_i_resume_and_says_so(person, away, when):
    agent = recording(person)
    agent.pause(15)
    if when == "during":
        person.tick(QUARTER_S)
        counted_down(person, 5)
    person.world.here = away
    person.tick(QUARTER_S)
    person.world.here = Presence()
    for _ in range(100):
        person.tick(60)
    seen = agent.snapshot()
    assert (seen.state, seen.paused_until, seen.resumes_in, person.world.running) == (State.PAUSED, None, None, [])
    assert "nobody was there" in seen.pause_note
    agent.resume()
    person.tick()
    assert (agent.recording_state, agent.snapshot().pause_note) == (State.RECORDING, "")


@pytest.mark.promise("P5")
def test_a_countdown_that_nobody_could_see_does_not_end_a_pause(person):
    person.world.counted = False
    agent = recording(person)
    agent.pause(15)
    person.tick(QUARTER_S)
    counted_down(person, 60)
    assert (agent.recording_state, agent.snapshot().resumes_in) == (State.PAUSED, None)
    assert "could not be told" in agent.snapshot().pause_note


@pytest.mark.promise("P5")
def test_the_countdown_can_be_answered_three_ways(person):
    agent = recording(person)
    for answer in (lambda: agent.pause(15), lambda: agent.pause(None), agent.resume):
        agent.pause(15)
        person.tick(QUARTER_S)
        counted_down(person, 5)
        answer()
        state = agent.snapshot()
        counted_down(person, 20)
        if answer == agent.resume:
            assert agent.recording_state is State.RECORDING
        else:
            assert agent.recording_state is State.PAUSED
            assert agent.snapshot().paused_until == state.paused_until


@pytest.mark.promise("P5")
def test_a_timed_pause_is_until_i_resume_after_a_crash_also_in_the_countdown(person):
    for passed_s in (60, QUARTER_S):
        recording(person).pause(15)
        person.tick(passed_s)
        agent = person.crash()
        assert (agent.recording_state, agent.snapshot().paused_until) == (State.PAUSED, None)
        for _ in range(100):
            person.tick(60)
        assert (agent.recording_state, person.world.running) == (State.PAUSED, [])
        agent.resume()


@pytest.mark.promise("P5")
def test_a_wall_clock_that_is_set_neither_ends_nor_stretches_a_pause(person):
    agent = recording(person)
    agent.pause(15)
    person.world.began += timedelta(days=1)
    person.tick(60)
    seen = agent.snapshot()
    assert (seen.state, seen.resumes_in) == (State.PAUSED, None)
    assert seen.paused_until == person.world.wall() + timedelta(minutes=14)
    person.world.began -= timedelta(days=9)
    person.tick(14 * 60)
    assert agent.snapshot().resumes_in == 10


@pytest.mark.promise("P5")
def test_what_had_ended_in_a_fault_never_begins_again_by_itself(person):
    agent = recording(person)
    agent.fail(FaultError("the disk is full"))
    agent.pause(15)
    assert agent.snapshot().paused_until is None
    for _ in range(100):
        person.tick(60)
    assert (agent.recording_state, person.world.running) == (State.PAUSED, [])


@pytest.mark.promise("P1")
@pytest.mark.promise("P5")
def test_the_end_of_a_pause_is_no_click_and_gives_nothing_back_that_files_took(person):
    agent = recording(person)
    person.world.chosen = Settings(categories=frozenset({Category.POINTER}))
    agent.reload()
    person.tick()
    agent.pause(15)
    person.world.chosen = Settings()
    agent.reload()
    person.tick(QUARTER_S)
    counted_down(person, 12)
    assert [source.categories for source in person.world.running] == [{Category.POINTER}]


policies = st.builds(
    lambda version, enabled, categories, days, fps, text: replace(
        STUDY,
        version=version,
        enabled=enabled,
        categories=categories,
        retention_days=days,
        max_fps=fps,
        notices=(Notice("en", version, text),),
    ),
    version=st.integers(1, 9),
    enabled=st.booleans(),
    categories=st.frozensets(st.sampled_from(Category), min_size=1),
    days=st.integers(1, 90),
    fps=st.integers(1, 30),
    text=st.sampled_from(["The notice.", "Another notice."]),
)


@pytest.mark.promise("P5")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(policies, max_size=6), st.sampled_from([None, 15]))
def test_no_policy_forbids_shortens_or_ends_a_pause(tmp_path_factory, changes, minutes):
    person = Person(tmp_path_factory.mktemp("person"))
    person.world.study = STUDY
    person.agent.join("study.toml")
    person.agree(ALL)
    person.agent.start()
    person.tick()
    person.agent.pause(minutes)
    assert person.agent.recording_state is State.PAUSED
    started = len(person.world.started)
    ends = person.agent.snapshot().paused_until
    step_s = QUARTER_S // (len(changes) + 1)
    for policy in changes:
        person.world.study = policy
        person.agent.reload()
        person.tick(step_s)
        seen = person.agent.snapshot()
        # A policy may take away all that is recorded, so that nothing is left to resume. What it gives back then
        # waits for a click, as everything that files give back: the pause that is there again does not end by itself.
        assert seen.state in {State.PAUSED, State.OFF}
        if seen.state is State.OFF:
            ends = None
        assert seen.paused_until == ends
        assert (len(person.world.started), person.world.running) == (started, [])
    person.agent.shut_down()


def enabled(person, on):
    person.world.study = replace(person.world.study, enabled=on)
    person.agent.reload()


@pytest.mark.promise("P1")
@pytest.mark.promise("P5")
@pytest.mark.parametrize("restart", ["no", "with consent", "without"])
@pytest.mark.parametrize("by", ["joining", "policy", "settings"])
def test_a_pause_outlives_that_there_is_nothing_to_pause_and_no_hours_begin_in_it(person, by, restart):
    person.world.study = STUDY
    agent = person.agent
    agent.join("study.toml")
    person.agree(ALL)
    agent.start()
    person.tick()
    agent.choose_schedule(parse("mon-sun 00:00-00:00"))
    agent.pause(15)
    match by:
        case "joining":
            agent.join("study.toml")
        case "policy":
            enabled(person, False)
        case "settings":
            person.world.chosen = Settings(categories=frozenset())
            agent.reload()
    if by != "joining":
        assert (agent.recording_state, agent.snapshot().paused_until) == (State.OFF, None)
    if restart == "without":
        agent = person.crash()
    person.world.chosen = Settings()
    enabled(person, True)
    if restart == "with consent":
        agent = person.crash()
    person.tick(QUARTER_S)
    counted_down(person, 30)
    assert (agent.recording_state, person.world.running) == (State.PAUSED, [])
    assert (agent.snapshot().paused_until, agent.snapshot().resumes_in) == (None, None)
    agent.resume()
    person.tick()
    assert agent.recording_state is State.RECORDING


@pytest.mark.promise("P5")
def test_a_pause_that_cannot_be_written_down_stands_all_the_same(person):
    person.world.study = STUDY
    agent = person.agent
    agent.join("study.toml")
    person.agree(ALL)
    agent.choose_schedule(parse("mon-sun 00:00-00:00"))
    agent.start()
    person.tick()
    state = person.profile.state
    in_the_way(state)
    with pytest.raises(StorageError):
        agent.pause(None)
    enabled(person, False)
    enabled(person, True)
    counted_down(person, 30)
    assert (agent.recording_state, person.world.running) == (State.PAUSED, [])
    state.rmdir()
    agent.shut_down()
    assert person.start_agent().recording_state is State.PAUSED


@pytest.mark.promise("P5")
def test_opting_out_ends_a_pause_and_a_new_yes_is_not_paused(person):
    agent = recording(person)
    agent.pause(None)
    agent.withdraw(destroy=False)
    agent.choose_own()
    person.agree(ALL)
    assert agent.recording_state is State.OFF
    assert person.crash().recording_state is State.OFF


@pytest.mark.promise("P5")
def test_a_policy_has_no_word_for_pauses_at_all():
    found = {field.name for field in fields(Policy)}
    tables: list[type[BaseModel]] = [PolicyTable]
    while tables:
        table = tables.pop()
        for name, field in table.model_fields.items():
            found.add(field.alias or name)
            tables += _tables_in(field.annotation)
    assert len(found) > 20
    words = ("pause", "resume", "countdown", "hotkey", "idle", "attend")
    assert [name for name in found for word in words if word in name] == []


def _tables_in(kind):
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [table for part in getattr(kind, "__args__", ()) for table in _tables_in(part)]
