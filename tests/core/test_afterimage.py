"""What the screen may still show: pixels that stay behind, windows that fade."""

import random
from dataclasses import replace

import pytest

from capture_agent.core.afterimage import LASTS_US, MAX_PIECES, AfterImages, Pane
from capture_agent.core.events import Rect, Window

T = 5_000_000


def pane(number, rect, app="editor"):
    return Pane(number, Window(number, app, "", rect, rect))


def shown(images, t_us=T):
    return {(one.number, one.window.rect) for one in images.since(t_us)[0]}


LOW, HIGH = pane(1, Rect(0, 0, 100, 100)), pane(2, Rect(50, 50, 100, 100))


def test_a_window_that_goes_is_still_seen_where_it_was():
    images = AfterImages().change(T, (LOW, HIGH), HIGH, [HIGH.window.rect], moved=True)
    assert shown(images) == {(2, HIGH.window.rect)}
    assert [one.number for one in images.since(T)[1]] == [2]


def test_of_a_window_that_is_covered_now_only_what_was_seen_before_counts():
    over_both = Rect(90, 0, 100, 60)
    images = AfterImages().change(T, (LOW, HIGH), pane(3, over_both), [over_both], moved=True)
    assert shown(images) == {(1, Rect(90, 0, 10, 50)), (2, Rect(90, 50, 60, 10))}


def test_a_window_that_is_raised_has_not_moved_and_what_it_covers_now_was_seen():
    images = AfterImages().change(T, (LOW, HIGH), LOW, [LOW.window.rect], moved=False)
    assert (2, Rect(50, 50, 50, 50)) in shown(images)
    assert images.since(T)[1] == ()


def test_it_is_over_after_a_while():
    images = AfterImages().change(T, (LOW,), LOW, [LOW.window.rect], moved=True)
    assert images.since(T + 1) == ((), ())
    later = images.change(T + LASTS_US + 1, (), HIGH, [], moved=False)
    assert later.seen == later.moved == ()


def test_a_long_drag_leaves_the_rectangle_around_it():
    images, at = AfterImages(), LOW
    for n in range(2 * MAX_PIECES):
        there = replace(at.window.rect, x=7 * n)
        images = images.change(T + n, (at,), at, [at.window.rect, there], moved=True)
        at = pane(1, there)
    assert shown(images) == {(1, Rect(0, 0, 7 * (2 * MAX_PIECES - 2) + 100, 100))}


@pytest.mark.promise("P8")
@pytest.mark.parametrize("seed", range(30))
def test_whatever_happened_to_windows_every_pixel_remembers_who_was_there(seed):
    """Windows come, go, move and change their order at random; a grid of pixels is followed beside it."""
    chance = random.Random(seed)
    images, panes, history = AfterImages(), [], []

    def on_top(x, y):
        met = [one.number for one in panes if one.window.rect.intersect(Rect(x, y, 1, 1)).area]
        return met[-1] if met else None

    points = [(x, y) for x in range(0, 60, 4) for y in range(0, 60, 4)]
    for n in range(12):
        history.append({at: on_top(*at) for at in points})
        rect = Rect(*(chance.randrange(40) for _ in range(2)), *(chance.randrange(1, 40) for _ in range(2)))
        act = chance.choice(("come", "go", "move", "raise")) if panes else "come"
        if act == "come":
            new = pane(n, rect)
            images = images.change(T + n, panes, new, [rect], moved=True)
            panes.append(new)
            continue
        old = chance.choice(panes)
        others = [one for one in panes if one is not old]
        was = old.window.rect
        if act == "go":
            images = images.change(T + n, panes, old, [was], moved=True)
            panes = others
        else:
            there = rect if act == "move" else was
            images = images.change(T + n, panes, old, [was, there], moved=act == "move")
            panes = [*others, pane(old.number, there)]
    now = {at: on_top(*at) for at in points}
    still, _ = images.since(T)
    for before in history:
        for at, number in before.items():
            if number is not None and number != now[at]:
                here = Rect(*at, 1, 1)
                assert any(one.number == number and one.window.rect.intersect(here).area for one in still)
