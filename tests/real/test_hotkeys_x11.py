"""The keys that pause work in every keyboard layout, also in those without Latin letters."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from capture_agent.core.errors import FaultError
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.desktop.x11_hotkeys import X11Hotkeys

pytestmark = pytest.mark.real

CTRL, SHIFT, ALT, F9, P_KEY = 37, 50, 64, 75, 33  # P_KEY: where p is on a US keyboard
TOGGLE = ("-option", "", "-option", "grp:alt_shift_toggle")
WAIT_S = 5.0


@pytest.fixture(scope="module")
def plain() -> Iterator[PrivateDesktop]:
    with PrivateDesktop(tray="none", keyring=False, accessibility=False) as desktop:
        yield desktop


@pytest.fixture
def program(plain: PrivateDesktop) -> Iterator[Display]:
    display = Display(plain.display)
    yield display
    display.close()


def press(display: Display, *codes: int) -> None:
    for code in codes:
        xtest.fake_input(display, X.KeyPress, code)
    for code in reversed(codes):
        xtest.fake_input(display, X.KeyRelease, code)
    display.sync()
    time.sleep(0.05)  # a release and a press in the same ms are what a held key looks like


def use(plain: PrivateDesktop, layouts: str) -> None:
    subprocess.run(["setxkbmap", "-layout", layouts, *TOGGLE], env=plain.env, check=True)
    time.sleep(0.3)


@pytest.mark.promise("P5")
@pytest.mark.parametrize("layouts", ["us", "ru", "us,ru", "ru,us", "de", "gr"])
@pytest.mark.parametrize("before", [True, False], ids=["set-before", "changed-after"])
def test_a_hotkey_works_in_every_layout_and_in_each_of_two(
    plain: PrivateDesktop, program: Display, layouts: str, before: bool
) -> None:
    function, letter = threading.Semaphore(0), threading.Semaphore(0)
    use(plain, layouts if before else "us")
    hotkeys = X11Hotkeys(plain.display)
    try:
        hotkeys.grab("ctrl+shift+f9", function.release)
        hotkeys.grab("ctrl+alt+p", letter.release)
        if not before:
            use(plain, layouts)
        for _ in layouts.split(","):
            press(program, CTRL, SHIFT, F9)
            assert function.acquire(timeout=WAIT_S)
            press(program, CTRL, ALT, P_KEY)
            assert letter.acquire(timeout=WAIT_S)
            press(program, ALT, SHIFT)  # the other one
    finally:
        hotkeys.close()
        use(plain, "us")


@pytest.mark.promise("P5")
def test_hotkeys_that_have_died_say_so_and_can_still_be_given_back(plain: PrivateDesktop, program: Display) -> None:
    hotkeys = X11Hotkeys(plain.display)
    hotkeys.grab("ctrl+shift+f9", lambda: None)
    hotkeys.check()
    theirs = hotkeys._connection.root.create_pixmap(1, 1, 1)
    hotkeys._connection.flush()
    time.sleep(0.1)
    program.create_resource_object("pixmap", theirs.id).kill_client()
    program.sync()
    deadline = time.monotonic() + WAIT_S
    with pytest.raises(FaultError, match="hotkeys have died"):
        while time.monotonic() < deadline:
            hotkeys.check()
            time.sleep(0.02)
    hotkeys.close()
