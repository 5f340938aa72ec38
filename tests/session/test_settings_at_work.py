"""Each line of `settings.toml`, flipped while recording, and what becomes of the recording: none is only read."""

import ast
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from small_world import ALL, all_typed, local, look_at_editor, recording, type_text

from capture_agent.core.events import Category
from capture_agent.core.recording import State
from capture_agent.core.splitting import Reason
from capture_agent.settings import read_settings
from capture_agent.settings.own_file import SettingsTable

TESTS = Path(__file__).parents[1]


def observed(person):
    return frozenset().union(*(source.categories for source in person.world.running))


def keeps_text(person):
    kept = len("".join(all_typed(person)))
    look_at_editor(person)
    type_text(person, "x")
    return len("".join(all_typed(person))) > kept


def frames_a_second(person):
    return person.world.plan.max_fps


def lasts_over_a_month(person):
    return (person.agent.snapshot().agreed_until - person.world.wall()).days > 31


def state(person):
    return person.agent.recording_state


def waits_for(person):
    person.world.here = replace(person.world.here, told=frozenset({Reason.SAVER}))
    person.tick()
    return person.agent.snapshot().waiting


def waits_for_room(person):
    with (person.profile.held / "other.held").open("wb") as file:
        file.truncate(60_000_000)
    person.tick(1)
    return person.agent.snapshot().waiting


@dataclass
class Flip:
    """What is looked at, and what it is without the line and with it."""

    line: str
    look: Any
    without: Any
    with_it: Any


FLIPS = [
    Flip('categories = ["windows"]', observed, ALL, {Category.WINDOWS}),
    Flip('never_programs = ["editor"]', keeps_text, True, False),
    Flip('never_titles = ["A LETTER"]', keeps_text, True, False),
    Flip("max_fps = 2", frames_a_second, 10, 2),
    Flip("consent_months = 1", lasts_over_a_month, True, False),
    Flip('schedule = "mon 09:00-12:00"', state, State.RECORDING, State.OFF),  # it is Wednesday
    Flip("max_held_mb = 50", waits_for_room, None, Reason.FULL),
    Flip("pause_on_battery_saver = false", waits_for, Reason.SAVER, None),
]
# What is seen elsewhere, on a real desktop or with a store: the setting, and the test that flips it there.
SEEN_ELSEWHERE = {
    "deliver_on_metered": "session/test_delivering.py::"
    "test_over_a_network_that_costs_nothing_goes_unless_the_person_wants_it",
    "max_delivery_kbit": "session/test_delivering.py::test_with_a_cap_it_takes_as_long_as_the_cap_says",
    "pause_hotkey": "real/test_pause.py::test_the_keys_that_pause_can_be_chosen_and_the_old_ones_are_given_back",
    "task_hotkey": "real/test_settings.py::test_language_and_the_keys_for_a_task_are_those_of_the_settings",
    "locale": "real/test_settings.py::test_language_and_the_keys_for_a_task_are_those_of_the_settings",
}


@pytest.mark.promise("P7")
@pytest.mark.parametrize("flip", FLIPS, ids=lambda flip: flip.line.split()[0])
def test_each_setting_that_is_flipped_while_recording_is_obeyed_within_a_second(person, tmp_path, flip):
    person.world.began += local(10) - person.world.wall()
    agent = recording(person)
    assert flip.look(person) == flip.without
    file = tmp_path / "settings.toml"
    file.write_text(f"{flip.line}\n")
    person.world.chosen = read_settings(file).settings
    agent.reload()
    for _ in range(5):  # hours are looked at once a second
        person.tick()
    assert flip.look(person) == flip.with_it


def test_no_setting_is_without_a_test_that_flips_it():
    flipped = {flip.line.split()[0] for flip in FLIPS} | SEEN_ELSEWHERE.keys()
    assert flipped == set(SettingsTable.model_fields) - {"format"}
    for place in SEEN_ELSEWHERE.values():
        file, name = place.split("::")
        tree = ast.parse((TESTS / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, place
