"""Recordings take no more room than they may: it is said in time, and then nothing is recorded; nothing is deleted."""

import pytest
from small_world import held_one, recording

from capture_agent.core.policy import Settings
from capture_agent.core.recording import State
from capture_agent.core.splitting import Reason
from capture_agent.held import reader
from capture_agent.ui.view_state import Icon, view

MB = 1_000_000


def take(person, megabytes):
    """Let one recording be so large that all of them take this many megabytes; a file with holes takes no time."""
    ballast = person.profile.held / "ballast.held"
    rest = sum(path.stat().st_size for path in person.profile.held.iterdir() if path != ballast)
    with ballast.open("wb") as file:
        file.truncate(int(megabytes * MB) - rest)
    person.tick(1)


@pytest.fixture
def busy(person):
    person.world.chosen = Settings(max_held_mb=100)
    person.agent.reload()
    recording(person).start_task("write a letter")
    return person


def shown(person):
    return view(person.agent.snapshot(), person.world.wall())


def test_at_80_percent_there_is_one_notice_and_a_line_that_stays(busy):
    take(busy, 79)
    assert (busy.world.said, shown(busy).reminder) == ([], "")
    take(busy, 80.5)
    for _ in range(20):
        busy.tick(1)
    assert busy.agent.recording_state is State.RECORDING
    ((title, text),) = busy.world.said
    assert "room" in title and "80 %" in text and "Delete" in text
    assert shown(busy).reminder == "Your recordings take 80.0 MB of 100.0 MB. Delete what you do not need."
    assert shown(busy).reminder in shown(busy).tooltip
    take(busy, 10)
    assert shown(busy).reminder == ""
    take(busy, 90)
    assert len(busy.world.said) == 2


@pytest.mark.promise("P10")
def test_at_100_percent_the_recording_ends_whole_and_goes_on_when_there_is_room(busy):
    agent = busy.agent
    take(busy, 100)
    assert (agent.recording_state, agent.snapshot().waiting) == (State.SUSPENDED, Reason.FULL)
    assert busy.world.running == []
    assert shown(busy).icon is Icon.ATTENTION
    assert "all the room" in shown(busy).problem and "Delete" in shown(busy).hint
    take(busy, 96)
    assert agent.snapshot().waiting is Reason.FULL  # it would be full again in a moment
    take(busy, 90)
    assert agent.recording_state is State.RECORDING
    first = next(one for one in agent.sessions() if one.state == "held")
    *_, last = reader.read(busy.profile.held / f"{first.id}.held", agent._vault.identity(first.id))
    assert (last.end, first.complete) == ("recordings-full", True)


def test_above_the_cap_recording_does_not_begin_and_deleting_makes_room_at_once(person):
    agent = person.agent
    held = held_one(person, recording(person))
    path = person.profile.held / f"{held}.held"
    with path.open("ab") as file:
        file.truncate(60 * MB)
    person.world.chosen = Settings(max_held_mb=50)
    agent.reload()
    made = person.world.made
    agent.start()
    person.tick(1)
    assert (agent.snapshot().waiting, person.world.made) == (Reason.FULL, made)
    for _ in range(3):  # half an hour: nothing is deleted to make room
        person.tick(601)
    assert path.exists()
    agent.delete(held)
    person.tick(1)
    assert agent.recording_state is State.RECORDING


def test_a_study_can_lower_the_cap_and_nobody_can_raise_it(person):
    from small_world import studying

    person.world.chosen = Settings(max_held_mb=80)
    studying(person, max_held_mb=60)
    take(person, 70)
    assert person.agent.snapshot().waiting is Reason.FULL
    assert person.agent.snapshot().room.limit == 60 * MB


def test_no_more_than_a_tenth_of_what_is_free_is_taken(person):
    person.world.free = 2000 * MB
    recording(person)
    take(person, 230)
    assert person.agent.snapshot().waiting is Reason.FULL
    assert person.agent.snapshot().room.limit in {222 * MB, 223 * MB}


def test_a_low_disk_asks_for_attention_and_says_what_to_do(person):
    recording(person)
    person.world.free = 10 * MB
    person.tick(1)
    assert person.agent.snapshot().waiting is Reason.DISK
    assert shown(person).icon is Icon.ATTENTION
    assert "disk is nearly full" in shown(person).problem and shown(person).hint
    person.agent.stop()
    assert shown(person).problem == ""
