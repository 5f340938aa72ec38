"""One notification at the end of a day, once, over restarts, and the same sums for commands."""

import json
from datetime import timedelta

import pytest
from small_world import ALL, WEDNESDAY, local, recording

from capture_agent.control.commands import describe
from capture_agent.core.schedule import parse
from capture_agent.core.splitting import IDLE_LIMIT_US
from capture_agent.desktop.base import Presence

NOON = local(12)  # in Berlin


def at(person, moment):
    person.world.began += moment - person.world.wall()


def minutes(person, count):
    for _ in range(count * 240):
        person.tick(0.25)


@pytest.fixture
def worked(person):
    """Three minutes were recorded, one was a pause and two were locked."""
    at(person, NOON)
    agent = recording(person)
    agent.start_task("write a letter")
    minutes(person, 3)
    agent.pause(None)
    minutes(person, 1)
    agent.resume()
    person.world.here = Presence(locked_us=person.world.now_us())
    minutes(person, 2)
    person.tick()
    person.world.here = Presence()
    person.tick()
    return person


def test_commands_tell_the_sums_of_today(worked):
    today = describe(worked.agent.snapshot())["today"]
    assert (today["day"], today["recorded"], today["paused"], today["told"]) == (str(WEDNESDAY), 180, 60, False)
    assert today["not_recorded"] == {"locked": 120}
    assert worked.world.said == []


def test_quitting_after_five_tells_once(worked):
    worked.agent.stop()
    assert not worked.agent.quitting()
    at(worked, NOON + timedelta(hours=5, minutes=30))
    assert worked.agent.quitting()
    ((title, text),) = worked.world.said
    assert title == "Your day with Capture Agent"
    assert text.splitlines() == [
        "Recorded: 3 min",
        "Paused: 1 min",
        "Not recorded: 2 min while the screen was locked",
        "2 recordings wait for you.",
    ]
    assert not worked.agent.quitting()
    worked.agent.shut_down()
    worked.start_agent()
    assert not worked.agent.quitting()
    worked.tick()
    assert len(worked.world.said) == 1


def test_going_away_in_the_evening_tells(worked):
    worked.world.here = Presence(idle_us=IDLE_LIMIT_US)
    worked.tick()
    assert worked.world.said == []
    at(worked, NOON + timedelta(hours=6))
    worked.tick()
    minutes(worked, 5)
    assert len(worked.world.said) == 1


def test_the_end_of_the_chosen_hours_tells(person):
    at(person, local(10, 57))
    agent = recording(person)
    agent.choose_schedule(parse("wed 09:00-11:00"))
    minutes(person, 5)
    assert [title for title, _ in person.world.said] == ["Your day with Capture Agent"]
    at(person, NOON + timedelta(hours=7))
    assert not agent.quitting()


def test_midnight_tells_and_a_new_day_begins_at_nothing(worked):
    at(worked, local(23, 59, 50))
    minutes(worked, 1)
    assert len(worked.world.said) == 1
    assert worked.agent.snapshot().today.day.isoformat() == str(WEDNESDAY + timedelta(days=1))
    assert worked.agent.snapshot().today.recorded_us == 0


def test_a_day_that_was_not_told_of_is_told_at_the_next_start_with_its_date(worked):
    worked.crash()
    at(worked, NOON + timedelta(days=2))
    worked.tick()
    assert [title for title, _ in worked.world.said] == [f"Your {WEDNESDAY} with Capture Agent"]


def test_a_day_without_any_recording_says_nothing(person):
    at(person, NOON)
    person.agent.choose_own()
    person.agree(ALL)
    person.tick()
    at(person, NOON + timedelta(hours=40))
    person.tick()
    assert person.world.said == []


def test_only_sums_are_kept_and_a_damaged_file_begins_a_new_day(worked):
    worked.agent.shut_down()
    stored = json.loads(worked.profile.day.read_text())
    assert set(stored) == {"format", "day", "recorded_us", "paused_us", "withheld", "told"}
    worked.profile.day.write_text("{")
    worked.start_agent()
    assert worked.agent.snapshot().today.recorded_us == 0
