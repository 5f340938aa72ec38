"""Where the pointer was at each event of a batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capture_agent.desktop.x11_xi2 import Devices, Kind, Raw
from capture_agent.sources.pointer import positions

XTEST, MOUSE, TABLET = 4, 6, 7
DEVICES = Devices(frozenset({XTEST}), frozenset({TABLET}))
SIZE = (1000, 800)
POINT = st.tuples(st.integers(0, 999), st.integers(0, 799))


def motion(source: int, x: float | None, y: float | None) -> Raw:
    return Raw(Kind.MOTION, 1, 0, source, False, x, y, 1)


def click(source: int) -> Raw:
    return Raw(Kind.BUTTON_DOWN, 1, 1, source, False, None, None, 1)


@given(before=POINT, path=st.lists(st.one_of(POINT, st.none()), min_size=1))
def test_places_that_a_program_sets_are_found_again(
    before: tuple[int, int], path: list[tuple[int, int] | None]
) -> None:
    batch, truth, at = [], [], before
    for place in path:
        at = place or at
        batch.append(motion(XTEST, *place) if place else click(XTEST))
        truth.append(at)
    assert positions(batch, DEVICES, before, at, SIZE) == truth


@given(
    before=st.tuples(st.integers(300, 600), st.integers(300, 500)),
    path=st.lists(st.one_of(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), st.none()), max_size=30),
)
def test_deltas_of_a_mouse_lead_back_from_the_end(before: tuple[int, int], path: list[tuple[int, int] | None]) -> None:
    batch, truth, at = [], [], before
    for delta in path:
        if delta:
            at = (at[0] + delta[0], at[1] + delta[1])
        batch.append(motion(MOUSE, *map(float, delta)) if delta else click(MOUSE))
        truth.append(at)
    assert positions(batch, DEVICES, before, at, SIZE) == truth


def test_a_program_may_send_deltas_too() -> None:
    batch = [motion(XTEST, 10.0, 5.0), click(XTEST), motion(XTEST, 10.0, 5.0)]
    assert positions(batch, DEVICES, (100, 100), (120, 110), SIZE) == [(110, 105), (110, 105), (120, 110)]


def test_a_tablet_s_own_coordinates_are_not_taken_for_pixels() -> None:
    batch = [motion(TABLET, 20000.0, 30000.0), click(TABLET)]
    assert positions(batch, DEVICES, (1, 2), (640, 480), SIZE) == [(640, 480)] * 2


@given(st.lists(st.tuples(st.sampled_from([XTEST, MOUSE, TABLET]), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))))
def test_no_position_lies_off_the_screen(events: list[tuple[int, float, float]]) -> None:
    batch = [motion(*event) for event in events]
    for x, y in positions(batch, DEVICES, (5, 5), (10, 10), SIZE):
        assert 0 <= x < SIZE[0]
        assert 0 <= y < SIZE[1]
