"""Keyboard and pointer of a real X server, driven through XTEST."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from capture_agent.core.errors import DesktopError, FaultError
from capture_agent.core.events import Button, Event, Key, Move, PointerShape, Scroll
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.sources.input_x11 import X11Input
from capture_agent.sources.screen import X11Screen
from capture_agent.sources.windows import X11Windows

pytestmark = pytest.mark.real

A, E, Y, Q, B, T = 38, 26, 29, 24, 56, 28
SHIFT, CTRL, ALT, ALT_GR, RETURN, DEAD = 50, 37, 64, 108, 36, 21
TILT_S = 0.3  # how long an event that must not come is waited for


@pytest.fixture(scope="module")
def plain() -> Iterator[PrivateDesktop]:
    """A desktop with nothing but X server, bus and window manager."""
    with PrivateDesktop(tray="none", keyring=False, accessibility=False) as private:
        yield private


class Hand:
    """Types and clicks."""

    def __init__(self, display: str) -> None:
        self.display = Display(display)

    def key(self, *codes: int) -> None:
        for code in codes:
            xtest.fake_input(self.display, X.KeyPress, code)
        for code in reversed(codes):
            xtest.fake_input(self.display, X.KeyRelease, code)
        self.display.sync()

    def down(self, code: int) -> None:
        xtest.fake_input(self.display, X.KeyPress, code)
        self.display.sync()

    def up(self, code: int) -> None:
        xtest.fake_input(self.display, X.KeyRelease, code)
        self.display.sync()

    def click(self, button: int) -> None:
        xtest.fake_input(self.display, X.ButtonPress, button)
        xtest.fake_input(self.display, X.ButtonRelease, button)
        self.display.sync()

    def move(self, x: int, y: int, *, by: bool = False) -> None:
        xtest.fake_input(self.display, X.MotionNotify, detail=by, x=x, y=y)
        self.display.sync()


class Recording:
    """A running source and what it has said."""

    def __init__(self, source: X11Input) -> None:
        self.source = source
        self.events: list[Event] = []
        source.start(self.events.append)

    def wait(self, done: Callable[[list[Event]], bool], seconds: float = 10.0) -> list[Event]:
        deadline = time.monotonic() + seconds
        while not done(self.events) and time.monotonic() < deadline:
            time.sleep(0.002)
        self.source.check()
        return list(self.events)

    def wait_for(self, kind: type[Event], count: int) -> list[Event]:
        return [e for e in self.wait(lambda es: sum(isinstance(e, kind) for e in es) >= count) if isinstance(e, kind)]

    def keys(self, count: int) -> list[Key]:
        return [e for e in self.wait_for(Key, count) if isinstance(e, Key)]


@pytest.fixture
def hand(plain: PrivateDesktop) -> Iterator[Hand]:
    hand = Hand(plain.display)
    subprocess.run(["setxkbmap", "-option", "", "us"], env=plain.env, check=True)
    yield hand
    hand.display.close()


@pytest.fixture
def recording(plain: PrivateDesktop, hand: Hand) -> Iterator[Recording]:
    running = Recording(X11Input(keyboard=True, pointer=True, display=plain.display))
    yield running
    running.source.stop()


def typed(keys: Sequence[Key]) -> list[tuple[str, str | None]]:
    return [(key.sym, key.text) for key in keys if key.down]


def test_what_happens_right_after_the_start_is_complete(plain: PrivateDesktop, hand: Hand) -> None:
    for _ in range(20):
        running = Recording(X11Input(keyboard=True, pointer=True, display=plain.display))
        hand.key(A)
        hand.click(1)
        keys = running.keys(2)
        buttons = running.wait_for(Button, 2)
        running.source.stop()
        assert [(key.sym, key.down) for key in keys] == [("a", True), ("a", False)]
        assert [button.down for button in buttons if isinstance(button, Button)] == [True, False]


def test_keys_have_symbol_text_modifiers_and_who_typed_them(hand: Hand, recording: Recording) -> None:
    hand.key(A)
    hand.key(SHIFT, A)
    hand.key(CTRL, A)
    hand.key(RETURN)
    keys = recording.keys(12)
    assert [(k.sym, k.text, k.mods) for k in keys if k.down] == [
        ("a", "a", ()),
        ("Shift_L", None, ()),
        ("A", "A", ("shift",)),
        ("Control_L", None, ()),
        ("a", None, ("ctrl",)),
        ("Return", None, ()),
    ]
    assert all(key.injected for key in keys)


def test_a_key_comes_up_with_the_symbol_that_went_down(hand: Hand, recording: Recording) -> None:
    hand.down(SHIFT)
    hand.down(A)
    hand.up(SHIFT)
    hand.up(A)
    assert [(k.sym, k.down) for k in recording.keys(4)] == [
        ("Shift_L", True),
        ("A", True),
        ("Shift_L", False),
        ("A", False),
    ]


def test_times_are_those_of_the_server_on_the_input_clock(hand: Hand, recording: Recording) -> None:
    for n in range(1, 21):
        before = time.monotonic_ns() // 1000
        hand.key(A)
        after = time.monotonic_ns() // 1000
        for key in recording.keys(2 * n)[-2:]:
            assert before - 1000 <= key.t_us <= after
            assert key.t_us % 1000 == 0


def test_another_layout_is_followed_while_running(plain: PrivateDesktop, hand: Hand, recording: Recording) -> None:
    subprocess.run(["setxkbmap", "de"], env=plain.env, check=True)
    hand.key(Y)
    hand.key(ALT_GR, Q)
    assert typed(recording.keys(6)) == [("z", "z"), ("ISO_Level3_Shift", None), ("at", "@")]


def test_a_second_group_is_followed(plain: PrivateDesktop, hand: Hand, recording: Recording) -> None:
    subprocess.run(["setxkbmap", "-layout", "us,ru", "-option", "grp:alt_shift_toggle"], env=plain.env, check=True)
    hand.key(A)
    hand.key(ALT, SHIFT)
    hand.key(A)
    keys = recording.keys(8)
    assert typed(keys)[0] == ("a", "a")
    assert typed(keys)[-1] == ("Cyrillic_ef", "ф")


def test_a_dead_key_types_nothing_and_the_next_one_what_both_make(
    plain: PrivateDesktop, hand: Hand, recording: Recording
) -> None:
    subprocess.run(["setxkbmap", "de"], env=plain.env, check=True)
    hand.key(DEAD)
    hand.key(E)
    hand.key(E)
    assert typed(recording.keys(6)) == [("dead_acute", None), ("e", "é"), ("e", "e")]


def test_a_key_that_is_held_goes_down_once(hand: Hand, recording: Recording) -> None:
    hand.down(A)
    time.sleep(1.0)  # repeats begin after 0.5 s
    hand.up(A)
    time.sleep(0.1)
    assert [key.down for key in recording.keys(2)] == [True, False]


def test_keys_are_not_seen_while_another_program_has_grabbed_the_keyboard(
    plain: PrivateDesktop, hand: Hand, recording: Recording
) -> None:
    locker = Display(plain.display)
    root = locker.screen().root
    assert root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime) == X.GrabSuccess
    locker.sync()
    hand.key(A)
    hand.key(SHIFT, B)
    time.sleep(TILT_S)
    locker.ungrab_keyboard(X.CurrentTime)
    locker.sync()
    hand.key(T)
    keys = recording.keys(2)
    assert typed(keys) == [("t", "t")]
    locker.close()


def test_a_release_that_a_grab_has_hidden_is_told_afterwards(
    plain: PrivateDesktop, hand: Hand, recording: Recording
) -> None:
    locker = Display(plain.display)
    hand.down(ALT)
    recording.keys(1)
    locker.screen().root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
    locker.sync()
    hand.up(ALT)
    keys = recording.keys(2)
    locker.close()
    assert [(key.sym, key.down) for key in keys] == [("Alt_L", True), ("Alt_L", False)]


def test_buttons_have_names_and_wheels_turn_once_a_click(hand: Hand, recording: Recording) -> None:
    hand.move(200, 300)
    for button in (1, 2, 3, 8, 9):
        hand.click(button)
    for button in (4, 5, 6, 7):
        hand.click(button)
    scrolls = recording.wait_for(Scroll, 4)
    buttons = [e for e in recording.events if isinstance(e, Button)]
    assert [b.button for b in buttons if b.down] == ["left", "middle", "right", "back", "forward"]
    assert [(b.x, b.y) for b in buttons] == [(200, 300)] * 10
    assert [(s.dx, s.dy) for s in scrolls if isinstance(s, Scroll)] == [(0, -1), (0, 1), (-1, 0), (1, 0)]


def test_each_move_has_its_own_place_also_in_one_batch(hand: Hand, recording: Recording) -> None:
    path = [(n * 7 % 1280, n * 5 % 800) for n in range(1, 300)]
    for x, y in path:
        xtest.fake_input(hand.display, X.MotionNotify, x=x, y=y)
    hand.display.sync()
    assert [(m.x, m.y) for m in recording.wait_for(Move, len(path)) if isinstance(m, Move)] == path


def test_moves_by_a_distance_lead_to_the_place(hand: Hand, recording: Recording) -> None:
    hand.move(100, 100)
    recording.wait_for(Move, 1)
    for _ in range(5):
        xtest.fake_input(hand.display, X.MotionNotify, detail=True, x=10, y=4)
    hand.display.sync()
    assert [(m.x, m.y) for m in recording.wait_for(Move, 6) if isinstance(m, Move)] == [
        (100 + 10 * n, 100 + 4 * n) for n in range(6)
    ]


def test_the_pointer_s_shape_is_told_at_the_start_and_when_it_changes(hand: Hand, recording: Recording) -> None:
    first = recording.wait_for(PointerShape, 1)[0]
    assert isinstance(first, PointerShape)
    assert first.name == "left_ptr"
    assert len(first.bgra) == first.width * first.height * 4
    cursors = hand.display.open_font("cursor")
    assert cursors is not None
    watch = cursors.create_glyph_cursor(cursors, 150, 151, (0, 0, 0), (65535, 65535, 65535))
    window = hand.display.screen().root.create_window(0, 0, 1280, 800, 0, 24, override_redirect=True, cursor=watch)
    window.map()
    hand.display.sync()
    second = recording.wait_for(PointerShape, 2)[-1]
    window.destroy()
    hand.display.sync()
    third = recording.wait_for(PointerShape, 3)[-1]
    assert isinstance(second, PointerShape)
    assert isinstance(third, PointerShape)
    assert second.bgra != first.bgra
    assert third.bgra == first.bgra


@pytest.mark.promise("P1")
def test_only_what_was_asked_for_is_seen(plain: PrivateDesktop, hand: Hand) -> None:
    keys = Recording(X11Input(keyboard=True, pointer=False, display=plain.display))
    pointer = Recording(X11Input(keyboard=False, pointer=True, display=plain.display))
    hand.move(50, 60)
    hand.key(A)
    hand.click(1)
    keys.keys(2)
    pointer.wait_for(Button, 2)
    time.sleep(0.05)
    keys.source.stop()
    pointer.source.stop()
    assert {type(e) for e in keys.events} == {Key}
    assert {type(e) for e in pointer.events} == {Move, Button, PointerShape}


def test_presses_are_told_with_the_time_of_their_event(plain: PrivateDesktop, hand: Hand) -> None:
    pressed: list[int] = []
    running = Recording(X11Input(keyboard=True, pointer=True, pressed=pressed.append, display=plain.display))
    for _ in range(5):
        hand.key(A)
        time.sleep(0.005)
        hand.click(1)
        time.sleep(0.005)
    running.wait_for(Button, 10)
    running.source.stop()
    downs = [e.t_us for e in running.events if isinstance(e, Key | Button) and e.down]
    assert sorted(pressed) == downs
    assert len(downs) == 10


def test_keys_and_pointer_come_in_the_order_of_time(hand: Hand, recording: Recording) -> None:
    sent = []
    for n in range(100):
        if n % 2:
            hand.key(A)
            sent += [Key, Key]
        else:
            hand.move(n, n + 1)
            sent += [Move]
        time.sleep(0.002)  # two ticks of the server's clock
    events = [e for e in recording.wait(lambda es: len(es) >= len(sent) + 1) if not isinstance(e, PointerShape)]
    assert [type(e) for e in events] == sent
    assert [e.t_us for e in events] == sorted(e.t_us for e in events)


def test_nothing_comes_after_the_stop(plain: PrivateDesktop, hand: Hand) -> None:
    for _ in range(10):
        running = Recording(X11Input(keyboard=True, pointer=True, display=plain.display))
        for n in range(200):
            xtest.fake_input(hand.display, X.MotionNotify, x=n, y=n)
        hand.display.flush()
        running.source.stop()
        count = len(running.events)
        hand.key(A)
        time.sleep(0.01)
        assert len(running.events) == count
        running.source.stop()


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_no_event_is_lost_at_1000_a_second(hand: Hand, recording: Recording, count: int) -> None:
    began = time.monotonic()
    for n in range(count):
        xtest.fake_input(hand.display, X.MotionNotify, x=n % 1000, y=n % 700)
        if n % 10 == 0:
            hand.display.flush()
            time.sleep(max(0.0, began + n / 1000 - time.monotonic()))
    hand.display.sync()
    moves = [e for e in recording.wait_for(Move, count) if isinstance(e, Move)]
    assert [(m.x, m.y) for m in moves] == [(n % 1000, n % 700) for n in range(count)]


@pytest.fixture
def doomed() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An X server to kill: its display and its process."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-nolisten", "tcp"], pass_fds=(write,))
    os.close(write)
    with os.fdopen(read) as pipe:
        name = ":" + pipe.readline().strip()
    yield name, server
    server.kill()
    server.wait()


def test_a_display_that_goes_away_is_a_fault(doomed: tuple[str, subprocess.Popen[bytes]]) -> None:
    display, server = doomed
    source = X11Input(keyboard=True, pointer=True, display=display)
    source.start(lambda _event: None)
    source.check()
    server.kill()
    deadline = time.monotonic() + 5
    with pytest.raises(FaultError, match="input source has died"):
        while time.monotonic() < deadline:
            source.check()
            time.sleep(0.005)
    source.stop()


def test_a_server_that_hangs_does_not_hold_up_the_stop(doomed: tuple[str, subprocess.Popen[bytes]]) -> None:
    display, server = doomed
    hand = Hand(display)
    recorded: list[Event] = []
    sources = [
        X11Input(keyboard=True, pointer=True, display=display),
        X11Screen(max_fps=10, display=display),
        X11Windows(display=display),
    ]
    for source in sources:
        source.start(recorded.append)
    hand.key(A)
    os.kill(server.pid, signal.SIGSTOP)
    xtest.fake_input(hand.display, X.KeyPress, A)
    hand.display.flush()
    for source in sources:
        if isinstance(source, X11Screen):
            source.nudge(1)
            source.request_full()
    began = time.monotonic()
    for source in sources:
        source.stop()
    assert time.monotonic() - began < 3 * 2.5
    count = len(recorded)
    os.kill(server.pid, signal.SIGCONT)
    time.sleep(0.3)
    assert len(recorded) == count
    hand.display.close()


def test_a_display_that_is_not_there_is_said_before_anything_starts() -> None:
    source = X11Input(keyboard=True, pointer=True, display=":4242")
    with pytest.raises(DesktopError, match="cannot be reached"):
        source.start(lambda _event: None)
    source.stop()
