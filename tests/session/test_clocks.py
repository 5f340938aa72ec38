"""Clocks that are set while recording, and the two hours of the year that summer time takes or gives."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from small_world import BERLIN, all_typed, look_at_editor, recording, type_text

from capture_agent.core.events import Category
from capture_agent.core.policy import Settings
from capture_agent.core.recording import State
from capture_agent.core.schedule import parse
from capture_agent.encode.event_log import decode
from capture_agent.held import reader

KEYS = frozenset({Category.KEYBOARD, Category.WINDOWS})
HOUR = 3600
EVERY_S = 0.5


def key_times(person):
    """Return the session times of the keys in the one recording that there is, in the order written."""
    (held,) = person.agent.sessions()
    path = person.profile.held / f"{held.id}.held"
    parts = reader.read(path, person.agent._vault.identity(held.id))
    return [m.t_us for part in parts for m in part.messages if decode(m)["kind"] == "key"]


@pytest.mark.parametrize("back", [120, -120, -HOUR, -24 * HOUR], ids=["back-2-min", "on-2-min", "on-1-h", "on-1-day"])
def test_a_clock_that_is_set_while_recording_moves_no_recorded_time(person, back):
    agent = recording(person, KEYS)
    look_at_editor(person)
    type_text(person, "before", EVERY_S)
    paused_us = person.world.now_us()
    person.world.set_back(back)
    type_text(person, "after", EVERY_S)
    assert agent.recording_state is State.RECORDING
    passed_us = person.world.now_us() - paused_us
    agent.stop()
    assert all_typed(person) == ["beforeafter"]
    times = key_times(person)
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert all(step >= EVERY_S * 1e6 for step in steps)
    assert max(steps) < passed_us  # the jump of the wall clock is in none of them


# In 2026 and in Berlin clocks go from 2:00 to 3:00 on 29 March, and from 3:00 back to 2:00 on 25 October.
@pytest.mark.parametrize(
    ("hours", "begins", "lasts"),
    [
        ("sun 01:00-05:00", datetime(2026, 3, 29, 1, tzinfo=BERLIN), 3),
        ("sun 01:00-05:00", datetime(2026, 10, 25, 1, tzinfo=BERLIN), 5),
        ("sun 01:00-05:00", datetime(2026, 6, 28, 1, tzinfo=BERLIN), 4),
        ("sat 22:00-04:00", datetime(2026, 3, 28, 22, tzinfo=BERLIN), 5),
        ("sat 22:00-04:00", datetime(2026, 10, 24, 22, tzinfo=BERLIN), 7),
    ],
)
def test_hours_across_a_change_of_summer_time_are_those_that_the_clock_shows(hours, begins, lasts):
    minutes = [begins.timestamp() + 60 * n for n in range(-60, 10 * 60)]
    open_ = [parse(hours).opening(datetime.fromtimestamp(at, BERLIN)) for at in minutes]
    assert open_ == [None] * 60 + [begins.date()] * (60 * lasts) + [None] * (60 * (10 - lasts))


@pytest.mark.parametrize("day", [datetime(2030, 3, 31, tzinfo=BERLIN), datetime(2030, 10, 27, tzinfo=BERLIN)])
def test_a_change_of_summer_time_while_recording_changes_nothing(person, day):
    change = day.astimezone(UTC) + timedelta(hours=2 if day.month == 3 else 3)
    person.world.began += change - timedelta(seconds=4) - person.world.wall()
    person.world.chosen = Settings(schedule=parse("sun 01:00-05:00"))
    agent = recording(person, KEYS)
    look_at_editor(person)
    type_text(person, "twelve words", EVERY_S)
    assert person.world.wall() > change
    assert (agent.recording_state, agent.snapshot().problem) == (State.RECORDING, "")
    agent.stop()
    assert all_typed(person) == ["twelve words"]
    times = key_times(person)
    assert all(later - earlier >= EVERY_S * 1e6 for earlier, later in pairwise(times))
