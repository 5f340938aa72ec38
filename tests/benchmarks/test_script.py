from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import script
from benchmarks.script import Kind

seeds = st.integers(0, 10_000)


@given(seeds)
@settings(max_examples=20)
def test_the_same_seed_makes_the_same_work_and_another_seed_other_work(seed: int) -> None:
    assert script.active(seed, 2) == script.active(seed, 2)
    assert script.active(seed, 2) != script.active(seed + 1, 2)


@given(seeds, st.integers(1, 4))
@settings(max_examples=20)
def test_steps_are_in_order_and_within_the_length(seed: int, cycles: int) -> None:
    work = script.active(seed, cycles)
    times = [step.at_ms for step in work.steps]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < work.length_ms == cycles * script.CYCLE_MS


@given(seeds)
@settings(max_examples=20)
def test_the_canary_is_typed_whole_and_nothing_else_types_it(seed: int) -> None:
    work = script.active(seed, 2)
    typed = "".join(step.text for step in work.steps if step.kind is Kind.KEY)
    assert typed.count(work.canary) == 1
    assert len(work.canary) == script.CANARY_LENGTH


@given(seeds)
@settings(max_examples=20)
def test_nothing_moves_between_a_page_and_its_grab(seed: int) -> None:
    work = script.active(seed, 3)
    for number, lines in work.pages.items():
        (shown,) = (step for step in work.steps if step.kind is Kind.PROBE and step.number == number)
        (grabbed,) = (step for step in work.steps if step.kind is Kind.GRAB and step.number == number)
        between = [step for step in work.steps if shown.at_ms < step.at_ms < grabbed.at_ms + 300]
        assert [step.kind for step in between] == [Kind.GRAB]
        assert any(step.text == "\n".join(lines) for step in work.steps if step.at_ms < shown.at_ms)


@given(seeds)
@settings(max_examples=20)
def test_no_move_goes_where_the_pointer_is(seed: int) -> None:
    moves = [(step.x, step.y) for step in script.active(seed, 2).steps if step.kind is Kind.MOVE]
    assert all(one != other for one, other in pairwise(moves))


def test_the_window_comes_back_to_where_it_was() -> None:
    places = [(step.x, step.y) for step in script.active(1, 1).steps if step.kind is Kind.PLACE]
    assert places[0] == (0, 0) == places[-1]
    assert len(set(places)) > 5


def test_injected_counts_presses_and_releases() -> None:
    work = script.active(1, 1)
    counts = work.injected()
    assert counts["keys"] == 2 * sum(step.kind is Kind.KEY for step in work.steps)
    assert counts["buttons"] == 2
    assert counts["scrolls"] == 8
    assert script.still(1, 10).injected() == {"keys": 0, "moves": 0, "buttons": 0, "scrolls": 0}


@given(seeds, st.integers(1, 500))
@settings(max_examples=50)
def test_a_flood_has_its_events_and_leaves_nothing_pressed(seed: int, count: int) -> None:
    events = list(script.flood(seed, count))
    wheel_up = [event for event in events if event == ("button", script.WHEEL_DOWN_BUTTON, 0)]
    assert len(events) - len(wheel_up) == count
    down: set[tuple[str, int]] = set()
    for kind, what, pressed in events:
        if kind != "move":
            (down.add if pressed else down.discard)((kind, what))
    assert down == set()


@given(seeds)
@settings(max_examples=20)
def test_a_flood_never_moves_to_where_the_pointer_is(seed: int) -> None:
    moves = [(a, b) for kind, a, b in script.flood(seed, 300) if kind == "move"]
    assert all(one != other for one, other in pairwise(moves))


def test_typed_text_needs_no_modifier() -> None:
    text = "".join(step.text for step in script.active(3, 2).steps if step.kind is Kind.KEY)
    assert text.replace("\n", "").replace(" ", "").islower()


@pytest.mark.parametrize("seed", range(5))
def test_canaries_differ(seed: int) -> None:
    assert script.canary(seed) != script.canary(seed + 1)
