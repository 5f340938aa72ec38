"""The contract of every source of input, on a real X server for each back end."""

from __future__ import annotations

import gc
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from capture_agent.core.events import Button, Event, Key, Move, Scroll
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.sources.base import Source
from capture_agent.sources.input_pynput import PRINTABLE, PynputInput
from capture_agent.sources.input_x11 import X11Input

pytestmark = pytest.mark.real

A, CTRL, RETURN = 38, 37, 36
Make = Callable[..., Source]


@pytest.fixture(scope="module")
def plain() -> Iterator[PrivateDesktop]:
    """A desktop with nothing but X server, bus and window manager."""
    with PrivateDesktop(tray="none", keyring=False, accessibility=False) as private:
        yield private


@pytest.fixture
def hand(plain: PrivateDesktop) -> Iterator[Display]:
    display = Display(plain.display)
    subprocess.run(["setxkbmap", "us"], env=plain.env, check=True)
    yield display
    # A pynput listener that was stopped ends with the next event, and closes its connections then.
    for kind, x in ((X.MotionNotify, 1), (X.MotionNotify, 2)):
        xtest.fake_input(display, kind, x=x, y=x)
    for kind in (X.KeyPress, X.KeyRelease):
        xtest.fake_input(display, kind, CTRL)
    display.sync()
    display.close()
    time.sleep(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # pynput's own connections
        gc.collect()


@pytest.fixture(params=["x11", "pynput"])
def make(request: pytest.FixtureRequest, plain: PrivateDesktop, monkeypatch: pytest.MonkeyPatch) -> Make:
    if request.param == "x11":
        return lambda **wanted: X11Input(display=plain.display, **wanted)
    monkeypatch.setenv("DISPLAY", plain.display)  # pynput knows no other way
    return PynputInput


def of(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def wait_for(events: list[Event], kind: type[Event], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(of(events, kind)) < count and time.monotonic() < deadline:
        time.sleep(0.005)


def press(display: Display, *codes: int) -> None:
    for code in codes:
        xtest.fake_input(display, X.KeyPress, code)
    for code in reversed(codes):
        xtest.fake_input(display, X.KeyRelease, code)
    display.sync()


def test_what_happens_after_the_start_is_complete_and_in_order(make: Make, hand: Display) -> None:
    for _ in range(3):
        events: list[Event] = []
        source = make(keyboard=True, pointer=True)
        source.start(events.append)
        for n in range(50):
            press(hand, A)
            xtest.fake_input(hand, X.MotionNotify, x=10 + n, y=20 + n)
        for button in (1, 5):
            xtest.fake_input(hand, X.ButtonPress, button)
            xtest.fake_input(hand, X.ButtonRelease, button)
        hand.sync()
        for kind, count in ((Key, 100), (Move, 50), (Button, 2), (Scroll, 1)):
            wait_for(events, kind, count)
        source.check()
        source.stop()
        assert [e.down for e in of(events, Key) if isinstance(e, Key)] == [True, False] * 50
        assert [(e.x, e.y) for e in of(events, Move) if isinstance(e, Move)] == [(10 + n, 20 + n) for n in range(50)]
        assert [(e.down, e.button) for e in of(events, Button) if isinstance(e, Button)] == [
            (True, "left"),
            (False, "left"),
        ]
        assert [(e.dx, e.dy) for e in of(events, Scroll) if isinstance(e, Scroll)] == [(0, 1)]
        assert [e.t_us for e in events] == sorted(e.t_us for e in events)


def test_named_keys_and_chords_are_the_same_on_both(make: Make, hand: Display) -> None:
    events: list[Event] = []
    source = make(keyboard=True, pointer=False)
    source.start(events.append)
    press(hand, RETURN)
    press(hand, CTRL, A)
    wait_for(events, Key, 6)
    source.stop()
    assert [(e.sym, e.text, e.mods) for e in events if isinstance(e, Key) and e.down] == [
        ("Return", None, ()),
        ("Control_L", None, ()),
        ("a", None, ("ctrl",)),
    ]


def test_nothing_comes_after_the_stop_and_stopping_is_quick(make: Make, hand: Display) -> None:
    events: list[Event] = []
    source = make(keyboard=True, pointer=True)
    source.start(events.append)
    press(hand, A)
    began = time.monotonic()
    source.stop()
    assert time.monotonic() - began < 0.25
    count = len(events)
    press(hand, A)
    time.sleep(0.1)
    assert len(events) == count
    source.stop()


def test_only_what_was_asked_for_is_seen(make: Make, hand: Display) -> None:
    events: list[Event] = []
    source = make(keyboard=False, pointer=True)
    source.start(events.append)
    press(hand, A)
    xtest.fake_input(hand, X.MotionNotify, x=77, y=88)
    hand.sync()
    wait_for(events, Move, 1)
    source.stop()
    assert of(events, Move)
    assert not of(events, Key)


def test_pynput_on_x11_tells_of_a_printable_key_only_that_it_was_one(
    plain: PrivateDesktop, hand: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", plain.display)
    events: list[Event] = []
    source = PynputInput(keyboard=True, pointer=False)
    source.start(events.append)
    press(hand, A)
    press(hand, 65)
    wait_for(events, Key, 4)
    source.stop()
    assert {(e.sym, e.text, e.code) for e in events if isinstance(e, Key)} == {(PRINTABLE, None, 0)}
