"""The clock around the gate: it changes nothing, and counts once."""

from __future__ import annotations

import time

import pytest

from benchmarks import timed_agent
from capture_agent.core.events import Category, Focus, Key, Rect, Window
from capture_agent.core.intervals import Intervals
from capture_agent.core.privacy import Gate, Rules


def test_the_timed_gate_decides_as_the_gate_does_and_stays_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Rect(0, 0, 10, 10)
    window = Window(1, "editor", "", place, place, 100)
    rules = Rules(frozenset(Category), frozenset({"editor"}))
    intervals = Intervals().open(0).mark(400_000).mark(800_000)
    key = Key(300_000, True, 38, "Return", None, ("Control",), injected=False)
    monkeypatch.setattr(timed_agent, "START_S", 0.0)
    timed_agent.WATCH.begin()
    before = dict(timed_agent.WATCH.seconds)
    made, real = timed_agent.TimedGate(rules).observe(Focus(0, window)), Gate(rules).observe(Focus(0, window))
    after, kept = made.clear(key, intervals)
    assert [one.event for one in kept.cleared] == [one.event for one in real.clear(key, intervals)[1].cleared] != []
    assert type(after) is timed_agent.TimedGate
    assert timed_agent.WATCH.seconds["deciding"] > before["deciding"]


def test_a_call_within_a_call_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_agent, "START_S", 0.0)
    watch = timed_agent.Watch()
    watch.begin()
    began = time.thread_time()
    with watch.on("deciding"), watch.on("deciding"):
        while time.thread_time() - began < 0.02:
            pass
    assert 0.015 < watch.seconds["deciding"] < 0.03


def test_what_is_done_before_the_work_begins_is_not_counted() -> None:
    watch = timed_agent.Watch()
    watch.begin()
    with watch.on("deciding"):
        assert time.monotonic() > 0
    assert watch.seconds["deciding"] == 0
