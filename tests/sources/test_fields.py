"""The source of looks, driven by systems that are made up: what it says, and what it never takes back too early."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from fake_systems import FIELD, PLACE, FakeMac, FakeWindows
from field_contract import Situation

from capture_agent.core.events import Rect, Verdict
from capture_agent.sources.fields import AWAKE_S, Fields

PATIENCE_S = 20.0
SYSTEMS = pytest.mark.parametrize("system", [FakeWindows, FakeMac], ids=["windows", "macos"])


class Person:
    """Somebody in front of a made-up system, whose fields are looked into."""

    def __init__(self, system):
        self.stage = system()
        self.looks = []
        self.fields = Fields(lambda: self.stage.eyes)

    def __enter__(self):
        self.fields.start(self.looks.append)
        self.fields.focused(self.stage.window)
        return self

    def __exit__(self, *_):
        self.fields.stop()

    def eventually(self, true):
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def until(self, verdict, situation=None):
        """Let it come to a situation, type a key, and return the first look that says `verdict`."""
        if situation is not None:
            self.stage.show(situation)
        before, deadline = len(self.looks), time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.fields.nudge()
            self.fields.check()
            for look in self.looks[before:]:
                if look.verdict is verdict:
                    return look
            time.sleep(0.01)
        raise AssertionError(f"it is never {verdict}")


@SYSTEMS
@pytest.mark.promise("P8")
def test_a_secret_is_said_and_covered_until_it_is_seen_to_be_gone(system):
    with Person(system) as person:
        person.until(Verdict.CLEAR)
        said = person.until(Verdict.SENSITIVE, Situation.SECRET)
        assert said.whole or said.secrets
        hung = person.until(Verdict.UNKNOWN, Situation.HANGS)
        assert (hung.secrets, hung.whole) == (said.secrets, said.whole)
        clear = person.until(Verdict.CLEAR, Situation.PLAIN)
        assert (clear.secrets, clear.whole) == ((), False)
    assert person.stage.closed == 1
    times = [look.t_us for look in person.looks]
    assert times == sorted(times)


def test_a_window_that_only_moves_is_not_looked_into_unless_it_shows_a_secret():
    with Person(FakeWindows) as person:
        person.until(Verdict.CLEAR)
        before = -1
        while before != len(person.looks):  # until it sleeps again
            before = len(person.looks)
            time.sleep(AWAKE_S)
        window = person.stage.window
        moved = replace(window, rect=replace(PLACE, x=PLACE.x + 50), client=replace(PLACE, x=PLACE.x + 50))
        person.fields.focused(moved)
        time.sleep(0.3)
        assert len(person.looks) == before
        person.fields.focused(replace(moved, title="another page"))
        person.eventually(lambda: len(person.looks) > before)
        person.until(Verdict.SENSITIVE, Situation.SECRET)
        person.fields.focused(replace(window, title="another page"))
        corner = Rect(FIELD.x - PLACE.x, FIELD.y - PLACE.y, FIELD.width, FIELD.height)
        person.eventually(lambda: person.looks[-1].secrets == (corner,))


def test_places_are_told_from_the_corner_of_the_window():
    with Person(FakeWindows) as person:
        said = person.until(Verdict.SENSITIVE, Situation.SECRET)
    assert said.secrets == (Rect(FIELD.x - PLACE.x, FIELD.y - PLACE.y, FIELD.width, FIELD.height),)


@SYSTEMS
@pytest.mark.promise("P8")
def test_a_program_that_cannot_be_seen_is_named_until_it_can(system):
    with Person(system) as person:
        person.until(Verdict.UNKNOWN, Situation.FORBIDDEN)
        assert set(person.fields.unseen) == {person.stage.window.app}
        person.until(Verdict.CLEAR, Situation.PLAIN)
        person.until(Verdict.CLEAR)
        assert dict(person.fields.unseen) == {}
