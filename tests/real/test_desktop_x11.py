"""What the desktop says of itself: proof that a window is seen, hotkeys, idle time, layouts, what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest
from Xlib.xobject.drawable import Window

from capture_agent.core.errors import ConfigError, DesktopError
from capture_agent.core.events import Rect
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.desktop import choose, x11_check
from capture_agent.desktop.base import Pick, Picked
from capture_agent.desktop.x11 import X11Desktop
from capture_agent.desktop.x11_connection import Connection
from capture_agent.desktop.x11_hotkeys import X11Hotkeys

pytestmark = pytest.mark.real

CTRL, SHIFT, F9, A, CAPS, NUM, ESCAPE = 37, 50, 75, 38, 66, 77, 9


@pytest.fixture(scope="module")
def plain() -> Iterator[PrivateDesktop]:
    """A desktop with nothing but X server, bus and window manager."""
    with PrivateDesktop(tray="none", keyring=False, accessibility=False) as private:
        yield private


@pytest.fixture
def known(plain: PrivateDesktop) -> Iterator[X11Desktop]:
    desktop = X11Desktop(plain.display)
    yield desktop
    desktop.close()


@pytest.fixture
def program(plain: PrivateDesktop) -> Iterator[Display]:
    display = Display(plain.display)
    yield display
    display.close()


def open_window(display: Display, place: tuple[int, int, int, int], parent: Window | None = None) -> Window:
    screen = display.screen()
    window = (parent or screen.root).create_window(
        *place, 0, screen.root_depth, override_redirect=True, background_pixel=0xFFFFFF
    )
    window.map()
    display.sync()
    return window


def wait_until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@pytest.mark.promise("P6")
def test_a_window_is_proved_shown_only_while_half_of_it_can_be_seen(known: X11Desktop, program: Display) -> None:
    icon = open_window(program, (100, 100, 22, 22))
    assert known.proved_shown(icon.id)
    assert known.proved_shown(icon.id)
    cover = open_window(program, (90, 90, 20, 60))
    assert known.proved_shown(icon.id)  # 10 of 22 columns are covered
    cover.configure(width=24)
    program.sync()
    assert not known.proved_shown(icon.id)
    icon.raise_window()
    program.sync()
    assert known.proved_shown(icon.id)
    icon.configure(x=1270)
    program.sync()
    assert not known.proved_shown(icon.id)  # 10 of 22 columns are on the monitor
    icon.configure(x=100)
    program.sync()
    assert known.proved_shown(icon.id)
    icon.unmap()
    program.sync()
    assert not known.proved_shown(icon.id)
    icon.map()
    program.sync()
    assert known.proved_shown(icon.id)
    icon.destroy()
    program.sync()
    assert not known.proved_shown(icon.id)


@pytest.mark.promise("P6")
def test_an_icon_inside_a_panel_is_shown_only_with_its_panel(known: X11Desktop, program: Display) -> None:
    panel = open_window(program, (0, 700, 400, 30))
    icon = open_window(program, (10, 4, 22, 22), parent=panel)
    assert known.proved_shown(icon.id)
    sibling = open_window(program, (8, 0, 30, 30), parent=panel)
    assert not known.proved_shown(icon.id)  # covered by another icon
    sibling.destroy()
    program.sync()
    assert known.proved_shown(icon.id)
    icon.configure(x=390)
    program.sync()
    assert not known.proved_shown(icon.id)  # the panel's edge cuts it off
    icon.configure(x=10)
    panel.configure(y=795)
    program.sync()
    assert not known.proved_shown(icon.id)  # the panel hides below the screen
    panel.configure(y=700)
    program.sync()
    assert known.proved_shown(icon.id)
    panel.unmap()
    program.sync()
    assert not known.proved_shown(icon.id)
    panel.destroy()
    program.sync()


def test_a_window_that_never_was_is_not_shown(known: X11Desktop) -> None:
    assert not known.proved_shown(0)
    assert not known.proved_shown(0x7654321)


@pytest.mark.promise("P6")
def test_a_display_that_is_gone_shows_nothing() -> None:
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-nolisten", "tcp"], pass_fds=(write,))
    os.close(write)
    with os.fdopen(read) as pipe:
        name = ":" + pipe.readline().strip()
    desktop = X11Desktop(name)
    server.kill()
    server.wait()
    assert not desktop.proved_shown(1)
    with pytest.raises(DesktopError, match="does not answer"):
        desktop.monitors()
    desktop.close()


def test_idle_time_ends_with_a_key(known: X11Desktop, program: Display) -> None:
    time.sleep(0.3)
    assert known.attendance().idle_us >= 250_000
    xtest.fake_input(program, X.MotionNotify, x=5, y=6)
    program.sync()
    assert known.attendance().idle_us < 250_000


def test_layouts_are_named_the_active_one_first(plain: PrivateDesktop, known: X11Desktop, program: Display) -> None:
    subprocess.run(
        ["setxkbmap", "-layout", "us,de", "-variant", ",nodeadkeys", "-option", "grp:alt_shift_toggle"],
        env=plain.env,
        check=True,
    )
    assert known.keyboard_layouts() == ("us", "de(nodeadkeys)")
    for kind, code in ((X.KeyPress, 64), (X.KeyPress, 50), (X.KeyRelease, 50), (X.KeyRelease, 64)):
        xtest.fake_input(program, kind, code)
    program.sync()
    assert known.keyboard_layouts() == ("de(nodeadkeys)", "us")
    subprocess.run(["setxkbmap", "-layout", "us", "-variant", "", "-option", ""], env=plain.env, check=True)


def test_monitors_have_the_scale_of_the_desktop(plain: PrivateDesktop, known: X11Desktop, program: Display) -> None:
    assert [m.scale for m in known.monitors()] == [1.0]
    resources = program.intern_atom("RESOURCE_MANAGER")
    program.screen().root.change_property(resources, X.NONE + 31, 8, b"Xft.dpi:\t192\n")
    program.sync()
    assert [m.scale for m in known.monitors()] == [2.0]
    program.screen().root.delete_property(resources)
    program.sync()
    assert [m.scale for m in known.monitors()] == [1.0]


@pytest.fixture
def hotkeys(plain: PrivateDesktop) -> Iterator[X11Hotkeys]:
    keys = X11Hotkeys(plain.display)
    yield keys
    keys.close()


def press(display: Display, *codes: int) -> None:
    for code in codes:
        xtest.fake_input(display, X.KeyPress, code)
    for code in reversed(codes):
        xtest.fake_input(display, X.KeyRelease, code)
    display.sync()


def test_a_hotkey_fires_once_whatever_the_locks(hotkeys: X11Hotkeys, program: Display) -> None:
    fired: list[float] = []
    hotkeys.grab("ctrl+shift+f9", lambda: fired.append(time.monotonic()))
    for n, lock in enumerate((None, CAPS, NUM), 1):
        if lock is not None:
            press(program, lock)
        press(program, CTRL, SHIFT, F9)
        wait_until(lambda n=n: len(fired) == n)
        time.sleep(0.02)  # a release and a press in the same ms are what a held key looks like
        if lock is not None:
            press(program, lock)
    press(program, CTRL, F9)
    press(program, F9)
    time.sleep(0.1)
    assert len(fired) == 3


def test_a_hotkey_that_is_held_fires_once(hotkeys: X11Hotkeys, program: Display) -> None:
    fired = threading.Semaphore(0)
    hotkeys.grab("ctrl+shift+f9", fired.release)
    for code in (CTRL, SHIFT, F9):
        xtest.fake_input(program, X.KeyPress, code)
    program.sync()
    time.sleep(1.2)
    for code in (F9, SHIFT, CTRL):
        xtest.fake_input(program, X.KeyRelease, code)
    program.sync()
    assert fired.acquire(timeout=1)
    assert not fired.acquire(timeout=0.2)


def test_a_hotkey_survives_a_change_of_layout(plain: PrivateDesktop, hotkeys: X11Hotkeys, program: Display) -> None:
    fired = threading.Semaphore(0)
    hotkeys.grab("ctrl+alt+y", fired.release)
    subprocess.run(["setxkbmap", "de"], env=plain.env, check=True)
    time.sleep(0.2)
    press(program, CTRL, 64, 52)  # where y is on a German keyboard
    assert fired.acquire(timeout=2)
    subprocess.run(["setxkbmap", "us"], env=plain.env, check=True)


def test_a_combination_that_is_taken_or_unreadable_is_said(plain: PrivateDesktop, hotkeys: X11Hotkeys) -> None:
    other = X11Hotkeys(plain.display)
    other.grab("ctrl+shift+f8", lambda: None)
    with pytest.raises(DesktopError, match="taken ctrl\\+shift\\+f8"):
        hotkeys.grab("ctrl+shift+f8", lambda: None)
    other.close()
    Connection(plain.display).close()  # the server answers after it has read what the other one sent
    hotkeys.grab("ctrl+shift+f8", lambda: None)
    for wrong in ("f9", "hyper+f9", "ctrl+", "ctrl+nosuchkey", ""):
        with pytest.raises(ConfigError):
            hotkeys.grab(wrong, lambda: None)


# --- picking a window


def click(display: Display, x: int, y: int, button: int = 1) -> None:
    xtest.fake_input(display, X.MotionNotify, x=x, y=y)
    for kind in (X.ButtonPress, X.ButtonRelease):
        xtest.fake_input(display, kind, button)
    display.sync()


def outcome(pick: Pick) -> Picked:
    told: list[Picked | None] = []
    wait_until(lambda: (told.append(pick.poll()), told[-1])[1] is not None)
    pick.close()
    assert told[-1] is not None
    return told[-1]


def test_a_click_picks_the_topmost_window_and_no_program_gets_it(known: X11Desktop, program: Display) -> None:
    for place in ((100, 100, 200, 150), (150, 150, 200, 150)):
        open_window(program, place).change_attributes(event_mask=X.ButtonPressMask | X.ButtonReleaseMask)
    click(program, 160, 160)
    wait_until(lambda: program.pending_events() == 2)  # so it gets clicks, else
    for _ in range(2):
        program.next_event()
    pick = known.pick()
    xtest.fake_input(program, X.ButtonPress, 1)
    program.sync()
    assert pick.poll() is None  # what comes up belongs to it, too
    xtest.fake_input(program, X.ButtonRelease, 1)
    program.sync()
    window = outcome(pick).window
    assert window is not None
    assert window.rect == Rect(150, 150, 200, 150)
    pick = known.pick()
    click(program, 110, 110)
    window = outcome(pick).window
    assert window is not None
    assert window.rect == Rect(100, 100, 200, 150)
    program.sync()
    assert program.pending_events() == 0
    pick = known.pick()
    click(program, 600, 600)
    assert outcome(pick) == Picked(None)


def test_escape_and_the_other_buttons_cancel_picking(known: X11Desktop, program: Display) -> None:
    for cancel in (lambda: click(program, 5, 5, button=3), lambda: press(program, ESCAPE)):
        pick = known.pick()
        cancel()
        assert outcome(pick) == Picked(None, cancelled=True)


@pytest.mark.parametrize("what", ["grab_pointer", "grab_keyboard"])
def test_a_pointer_or_keyboard_that_another_program_holds_is_said(
    known: X11Desktop, program: Display, what: str
) -> None:
    root = program.screen().root
    how = (False, X.ButtonPressMask, X.GrabModeAsync, X.GrabModeAsync, X.NONE, X.NONE, X.CurrentTime)
    keys = (False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
    assert getattr(root, what)(*(how if what == "grab_pointer" else keys)) == X.GrabSuccess
    with pytest.raises(DesktopError, match="holds the pointer or the keyboard"):
        known.pick()
    # Neither is left in our hands.
    wait_until(lambda: root.grab_pointer(*how) == root.grab_keyboard(*keys) == X.GrabSuccess)
    program.ungrab_pointer(X.CurrentTime)
    program.ungrab_keyboard(X.CurrentTime)
    program.sync()
    known.pick().close()


def test_a_good_desktop_has_no_problem(plain: PrivateDesktop) -> None:
    assert choose.check(plain.env) == ()


def test_no_display_and_a_dead_one_are_named(plain: PrivateDesktop) -> None:
    without = {name: value for name, value in plain.env.items() if name != "DISPLAY"}
    assert [p.name for p in x11_check.check(without)] == ["display"]
    assert [p.name for p in x11_check.check({**without, "DISPLAY": ":4242"})] == ["display"]


def test_wayland_is_refused_before_anything_is_connected(plain: PrivateDesktop) -> None:
    for more in ({"XDG_SESSION_TYPE": "wayland"}, {"XDG_SESSION_TYPE": "", "WAYLAND_DISPLAY": "wayland-0"}):
        problems = x11_check.check({**plain.env, **more})
        assert [p.name for p in problems] == ["wayland"]
        assert "X11" in problems[0].hint


def test_a_missing_window_manager_is_named() -> None:
    with PrivateDesktop(tray="none", keyring=False, accessibility=False, window_manager=False) as bare:
        assert [p.name for p in choose.check(bare.env)] == ["window-manager"]


def test_a_missing_extension_is_named() -> None:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-nolisten", "tcp", "-extension", "DAMAGE"], pass_fds=(write,)
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        name = ":" + pipe.readline().strip()
    problems = choose.check({"DISPLAY": name})
    server.kill()
    server.wait()
    assert problems[0].name == "extension"
    assert "DAMAGE" in problems[0].what


def test_importing_everything_needs_no_display() -> None:
    code = (
        "import importlib, pkgutil, capture_agent.desktop as d, capture_agent.sources as s\n"
        "for p in (d, s):\n"
        "    for m in pkgutil.iter_modules(p.__path__, p.__name__ + '.'):\n"
        "        importlib.import_module(m.name)\n"
    )
    env = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, check=True)
