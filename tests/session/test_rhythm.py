"""Sessions that end by themselves: at a lock, when nobody is there, after sleep, an hour, a change of consent."""

from dataclasses import replace

import pytest
from small_world import ALL, STUDY, recording

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Category, Key
from capture_agent.core.policy import Settings
from capture_agent.core.recording import State
from capture_agent.core.splitting import LEAST_FREE_BYTES, Reason
from capture_agent.desktop.base import Presence
from capture_agent.encode.event_log import decode
from capture_agent.held import reader


def parts(person):
    """Return the parts of every session on the disk, oldest session first."""
    vault = person.agent._vault
    return [
        list(reader.read(person.profile.held / f"{one.id}.held", vault.identity(one.id)))
        for one in reversed(person.agent.sessions())
    ]


def endings(person):
    """Return how each session ended, oldest first."""
    return [session[-1].end for session in parts(person)]


def lock(person):
    person.world.here = Presence(locked_us=person.world.now_us())
    person.tick()


@pytest.mark.promise("P1")
@pytest.mark.parametrize(
    ("away", "ending"),
    [
        (lambda now: Presence(locked_us=now), "locked"),
        (lambda now: Presence(idle_us=600_000_000), "idle"),
        (lambda now: Presence(locked_us=now, told=frozenset({Reason.ELSEWHERE})), "other-user"),
        (lambda now: Presence(locked_us=now, told=frozenset({Reason.SHUTDOWN})), "shutdown"),
        (lambda now: Presence(locked_us=now, told=frozenset({Reason.ASLEEP})), "asleep"),
        (lambda now: Presence(told=frozenset({Reason.REMOTE})), "remote"),
    ],
)
def test_away_ends_the_session_and_the_next_begins_when_the_person_is_back(person, away, ending):
    agent = recording(person)
    agent.start_task("write a letter")
    person.world.here = away(person.world.now_us())
    person.tick()
    assert (agent.recording_state, agent.snapshot().waiting) == (State.SUSPENDED, Reason(ending))
    assert person.world.running == []
    person.tick(3 * 3600)
    assert person.world.running == []
    assert len(agent.sessions()) == 1  # no empty session waits through the night
    person.world.here = Presence(idle_us=1000)
    person.tick()
    assert (agent.recording_state, agent.snapshot().waiting) == (State.RECORDING, None)
    agent.start_task("read")
    agent.stop()
    assert endings(person) == [ending, "stopped"]


def test_the_same_task_goes_on_in_the_next_session(person):
    agent = recording(person)
    task = agent.start_task("write a letter")
    lock(person)
    person.world.here = Presence()
    person.tick()
    agent.stop()
    told = [[decode(message) for part in session for message in part.messages] for session in parts(person)]
    assert [[(one["kind"], one["task"], one.get("again", False)) for one in session] for session in told] == [
        [("started", task.id, False)],
        [("started", task.id, True)],
    ]


@pytest.mark.promise("P1")
def test_a_lock_does_not_begin_what_the_person_stopped_or_paused(person):
    agent = recording(person)
    agent.pause(None)
    lock(person)
    person.world.here = Presence()
    person.tick()
    assert agent.recording_state is State.PAUSED
    agent.stop()
    lock(person)
    person.world.here = Presence()
    person.tick()
    assert (agent.recording_state, person.world.running) == (State.OFF, [])


@pytest.mark.promise("P5")
def test_a_pause_while_the_screen_is_locked_stays_one(person):
    agent = recording(person)
    lock(person)
    agent.pause(None)
    person.world.here = Presence()
    person.tick()
    assert (agent.recording_state, person.world.running) == (State.PAUSED, [])
    agent.resume()
    person.tick()
    assert agent.recording_state is State.RECORDING


@pytest.mark.promise("P1")
def test_nothing_typed_between_the_lock_and_its_notice_is_kept(person):
    agent = recording(person, {Category.KEYBOARD, Category.TASKS})
    agent.start_task("write a letter")
    person.tick(0.1)
    locked_us = person.world.now_us() + 20_000
    person.world.here = Presence(locked_us=locked_us)
    (source,) = person.world.running
    for at_us in (locked_us - 200_000, locked_us + 30_000):
        source.sink(Key(at_us, True, 38, "a", "a", (), False))
    pipeline = agent._recorder._running.pipeline
    person.tick(0.1)
    assert pipeline._intervals.ended[-1][1] == locked_us
    (session,) = parts(person)
    assert {message.topic for part in session for message in part.messages} == {"tasks"}


@pytest.mark.promise("P1")
def test_sleep_ends_the_session_at_the_last_mark_before_it(person):
    agent = recording(person)
    agent.start_task("write a letter")
    person.tick(0.1)
    marked = person.agent._recorder._running.pipeline._intervals.marked_us
    pipeline = person.agent._recorder._running.pipeline
    person.world.here = Presence(slept_us=3_600_000_000)
    person.tick(0.05)
    assert pipeline._intervals.ended[-1][1] == marked
    person.tick()
    assert agent.recording_state is State.RECORDING
    agent.start_task("read")
    agent.stop()
    assert endings(person) == ["asleep", "stopped"]


def test_sleep_before_recording_began_splits_nothing(person):
    person.world.here = Presence(slept_us=7_200_000_000)
    agent = recording(person)
    agent.start_task("write a letter")
    person.tick()
    agent.stop()
    assert endings(person) == ["stopped"]


@pytest.mark.promise("P1")
def test_a_session_is_split_after_an_hour_and_recording_goes_on(person):
    agent = recording(person)
    for _ in range(3):
        agent.start_task("write a letter")
        for _ in range(3602):
            person.tick(1 / 2)
            person.tick(1 / 2)
    agent.stop()
    assert endings(person) == ["one-hour", "one-hour", "one-hour", "stopped"]


@pytest.mark.parametrize(
    "change",
    [
        lambda person: person.agree({Category.TASKS, Category.POINTER}),
        lambda person: (
            setattr(person.world, "chosen", Settings(categories=frozenset({Category.TASKS}))),
            person.agent.reload(),
        ),
    ],
)
def test_a_change_of_what_is_agreed_ends_the_session(person, change):
    agent = recording(person)
    agent.start_task("write a letter")
    change(person)
    person.tick()
    assert agent.recording_state is State.RECORDING
    agent.start_task("read")
    agent.stop()
    assert endings(person) == ["consent-changed", "stopped"]


def test_reading_the_same_files_again_splits_nothing(person):
    agent = recording(person)
    agent.start_task("write a letter")
    agent.reload()
    person.tick()
    agent.stop()
    assert endings(person) == ["stopped"]


@pytest.mark.promise("P1")
def test_a_policy_that_widens_while_locked_is_not_recorded_under_afterwards(person):
    person.world.study = STUDY
    person.agent.join("study.toml")
    person.agree(ALL)
    person.agent.start()
    person.tick()
    lock(person)
    person.world.study = replace(STUDY, version=2, retention_days=90)
    person.agent.reload()
    person.world.here = Presence()
    person.tick()
    assert (person.agent.recording_state, person.world.running) == (State.OFF, [])


@pytest.mark.promise("P6")
def test_a_display_that_has_gone_is_a_fault_and_seals(person):
    agent = recording(person)

    def gone():
        raise DesktopError("the display has gone", hint="Log in again.")

    person.world.presence = gone
    person.tick()
    assert (agent.recording_state, agent.snapshot().problem) == (State.FAULT, "the display has gone")
    assert person.world.running == []


@pytest.mark.promise("P1")
def test_after_a_crash_while_locked_nothing_goes_on_by_itself(person):
    recording(person)
    lock(person)
    agent = person.crash()
    person.world.here = Presence()
    person.tick()
    assert (agent.recording_state, person.world.running) == (State.OFF, [])


@pytest.mark.promise("P10")
def test_a_disk_that_fills_ends_the_recording_whole_and_it_goes_on_when_there_is_space(person):
    agent = recording(person)
    agent.start_task("write a letter")
    person.world.free = LEAST_FREE_BYTES - 1
    person.tick(1)
    assert (agent.recording_state, agent.snapshot().waiting) == (State.SUSPENDED, Reason.DISK)
    assert person.world.running == []
    person.world.free = LEAST_FREE_BYTES
    person.tick(1)
    assert agent.snapshot().waiting is Reason.DISK  # it would be full again in a moment
    person.world.free = 2 * LEAST_FREE_BYTES
    person.tick(1)
    assert agent.recording_state is State.RECORDING
    agent.start_task("read")
    agent.stop()
    assert endings(person) == ["low-disk", "stopped"]
    assert [one.complete for one in agent.sessions()] == [True, True]


def test_the_battery_saver_hinders_unless_the_person_does_not_mind(person):
    agent = recording(person)
    agent.start_task("write a letter")
    person.world.here = Presence(told=frozenset({Reason.SAVER}))
    person.tick()
    assert (agent.recording_state, agent.snapshot().waiting) == (State.SUSPENDED, Reason.SAVER)
    person.world.chosen = Settings(pause_on_battery_saver=False)
    agent.reload()
    person.tick()
    assert (agent.recording_state, agent.snapshot().waiting) == (State.RECORDING, None)
    agent.start_task("read")
    person.world.chosen = Settings()
    agent.reload()
    person.tick()
    assert agent.recording_state is State.SUSPENDED
    assert endings(person) == ["battery-saver", "battery-saver"]
