"""Focus, windows and monitors of a real X server with a real window manager."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.xobject.drawable import Window as XWindow

from capture_agent.core.events import Event, Focus, Monitors, Rect, Window
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.desktop.x11 import X11Desktop
from capture_agent.sources.windows import X11Windows

pytestmark = pytest.mark.real

# On a busy machine a program may wait 5 s (Xt's wmTimeout) for a window manager that is late.
PATIENCE_S = 30.0


@pytest.fixture
def plain() -> Iterator[PrivateDesktop]:
    """A desktop with nothing but X server, bus and window manager."""
    with PrivateDesktop(tray="none", keyring=False, accessibility=False) as private:
        wait_until(lambda: manages(private.display))
        yield private


def manages(name: str) -> bool:
    """Whether a new window appears: openbox loses those that are opened while it starts."""
    display = Display(name)
    window = display.screen().root.create_window(0, 0, 10, 10, 0, X.CopyFromParent)
    window.map()
    display.sync()
    deadline = time.monotonic() + 0.5
    while window.get_attributes().map_state != X.IsViewable and time.monotonic() < deadline:
        time.sleep(0.01)
    shown = window.get_attributes().map_state == X.IsViewable
    window.destroy()
    display.sync()
    display.close()
    return shown


@pytest.fixture
def known(plain: PrivateDesktop) -> Iterator[X11Desktop]:
    desktop = X11Desktop(plain.display)
    yield desktop
    desktop.close()


class Watch:
    """A running source and what it has said."""

    def __init__(self, display: str) -> None:
        self.source = X11Windows(display=display)
        self.events: list[Event] = []
        self.source.start(self.events.append)

    @property
    def focus(self) -> list[Focus]:
        return [e for e in self.events if isinstance(e, Focus)]

    def wait(self, done: Callable[[Window | None], bool], seconds: float = PATIENCE_S) -> Window | None:
        """Wait until the window that has the focus is as wanted."""
        wait_until(lambda: bool(self.focus) and done(self.focus[-1].window), seconds)
        self.source.check()
        return self.focus[-1].window


def wait_until(done: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@pytest.fixture
def watch(plain: PrivateDesktop) -> Iterator[Watch]:
    running = Watch(plain.display)
    yield running
    running.source.stop()


def is_app(name: str) -> Callable[[Window | None], bool]:
    return lambda window: window is not None and window.app == name


def test_the_start_tells_monitors_and_focus(watch: Watch) -> None:
    wait_until(lambda: len(watch.events) >= 2)
    assert isinstance(watch.events[0], Monitors)
    assert [m.rect for m in watch.events[0].monitors] == [Rect(0, 0, 1280, 800)]
    assert isinstance(watch.events[1], Focus)
    assert watch.events[1].window is None


def test_focus_follows_windows_and_is_unknown_in_between(plain: PrivateDesktop, watch: Watch) -> None:
    plain.start("xterm", "-title", "one é", "-e", "sleep", "60")
    terminal = watch.wait(is_app("xterm"))
    assert terminal is not None
    assert terminal.title == "one é"
    assert terminal.pid is not None
    dialog = plain.start("zenity", "--info", "--text", "hello", "--title", "A question")
    box = watch.wait(lambda w: w is not None and w.app == "zenity" and w.title == "A question")
    assert box is not None
    assert "zenity" not in box.aliases  # a name stands in one place
    plain.stop(dialog)
    assert watch.wait(is_app("xterm")) is not None
    apps = [focus.window.app if focus.window else None for focus in watch.focus]
    assert apps[0] is None
    assert apps.index("xterm") < apps.index("zenity")
    assert [f.t_us for f in watch.focus] == sorted(f.t_us for f in watch.focus)


def test_a_new_title_and_a_new_place_are_told(plain: PrivateDesktop, watch: Watch) -> None:
    plain.start(
        "xterm",
        "-title",
        "before",
        "-geometry",
        "+50+60",
        "-e",
        "sh",
        "-c",
        "sleep 1; printf '\\033]0;after\\007'; sleep 60",
    )
    first = watch.wait(is_app("xterm"))
    assert first is not None
    assert first.rect.x == 50
    assert first.client.y > first.rect.y  # the frame has a title bar
    assert watch.wait(lambda w: w is not None and w.title == "after") is not None
    subprocess.run(["xdotool", "getactivewindow", "windowmove", "300", "200"], env=plain.env, check=True)
    moved = watch.wait(lambda w: w is not None and w.rect.x >= 290)
    assert moved is not None
    assert moved.rect.width == first.rect.width


def test_focus_is_unknown_while_a_program_holds_it_without_the_window_manager(
    plain: PrivateDesktop, watch: Watch
) -> None:
    plain.start("xterm", "-e", "sleep", "60")
    watch.wait(is_app("xterm"))
    thief = Display(plain.display)
    window = thief.screen().root.create_window(0, 0, 50, 50, 0, X.CopyFromParent, override_redirect=True)
    window.map()
    window.set_input_focus(X.RevertToPointerRoot, X.CurrentTime)
    thief.sync()
    watch.wait(lambda w: w is None)
    thief.close()


def test_the_time_of_a_focus_change_is_the_server_s(plain: PrivateDesktop, watch: Watch) -> None:
    before = time.monotonic_ns() // 1000
    plain.start("xterm", "-e", "sleep", "60")
    watch.wait(is_app("xterm"))
    after = time.monotonic_ns() // 1000
    assert before - 1000 <= watch.focus[-1].t_us <= after


def test_monitors_that_come_and_go_are_told_and_end_nothing(plain: PrivateDesktop, watch: Watch) -> None:
    def now() -> list[Rect]:
        told = [e for e in watch.events if isinstance(e, Monitors)]
        return [m.rect for m in told[-1].monitors] if told else []

    plain.split()
    wait_until(lambda: now() == [Rect(0, 0, 640, 800), Rect(640, 0, 640, 800)])
    plain.unsplit()
    wait_until(lambda: now() == [Rect(0, 0, 1280, 800)])
    plain.start("xterm", "-e", "sleep", "60")
    assert watch.wait(is_app("xterm")) is not None


def test_nothing_comes_after_the_stop(plain: PrivateDesktop, watch: Watch) -> None:
    wait_until(lambda: len(watch.events) >= 2)
    watch.source.stop()
    count = len(watch.events)
    plain.split()
    time.sleep(0.2)
    assert len(watch.events) == count


def test_the_layout_has_all_windows_bottom_to_top_with_their_programs(plain: PrivateDesktop, known: X11Desktop) -> None:
    def apps() -> list[str]:
        return [w.app for w in known.layout().windows if w.app]

    plain.start("xterm", "-geometry", "+100+100", "-e", "sleep", "60")
    wait_until(lambda: apps() == ["xterm"])
    plain.start("zenity", "--info", "--text", "hello")
    wait_until(lambda: apps() == ["xterm", "zenity"])
    subprocess.run(["xdotool", "search", "--class", "xterm", "windowraise"], env=plain.env, check=True)
    wait_until(lambda: apps() == ["zenity", "xterm"])
    subprocess.run(["xdotool", "search", "--class", "xterm", "windowminimize"], env=plain.env, check=True)
    wait_until(lambda: apps() == ["zenity"])


def test_the_cached_layout_is_what_a_fresh_look_finds(plain: PrivateDesktop, known: X11Desktop) -> None:
    for n in range(4):
        plain.start("xterm", "-geometry", f"+{50 * n}+{40 * n}", "-e", "sleep", "60")
    wait_until(lambda: sum(w.app == "xterm" for w in known.layout().windows) == 4)
    ids = subprocess.run(
        ["xdotool", "search", "--class", "xterm"], env=plain.env, check=True, capture_output=True, text=True
    ).stdout.split()
    for n in range(12):
        subprocess.run(
            [
                "xdotool",
                "windowmove",
                ids[n % 4],
                str(20 * n),
                str(30 * n),
                "windowsize",
                ids[n % 4],
                "300",
                str(200 + n),
            ]
            + (["windowraise", ids[(n + 1) % 4]] if n % 3 else ["windowminimize", ids[(n + 2) % 4]]),
            env=plain.env,
            check=True,
        )
    time.sleep(0.3)
    fresh = X11Desktop(plain.display)
    assert known.layout().windows == fresh.layout().windows
    fresh.close()


@pytest.mark.promise("P8")
def test_whatever_came_and_went_unseen_the_order_is_the_one_of_the_server(
    plain: PrivateDesktop, known: X11Desktop
) -> None:
    """Windows are put above others that are gone before anybody can ask who they are."""
    program, chance = Display(plain.display), random.Random(7)
    screen = program.screen()
    windows: list[XWindow] = []
    for n in range(600):
        if len(windows) < 4 or (len(windows) < 20 and chance.random() < 0.3):
            place = (n, n // 2, 30 + n % 7, 20)  # each has a place of its own, by which it is known
            windows.append(screen.root.create_window(*place, 0, screen.root_depth, override_redirect=True))
            if chance.random() < 0.7:
                windows[-1].map()
        if len(windows) < 2:
            continue
        moved, other = chance.sample(windows, 2)
        moved.configure(sibling=other, stack_mode=chance.choice((X.Above, X.Below)))
        if chance.random() < 0.3:
            windows.remove(other)
            other.destroy()
        if n % 20 == 19:
            program.sync()
            ours = [one for one in screen.root.query_tree().children if one in windows]
            ours = [one for one in ours if one.get_attributes().map_state == X.IsViewable]
            expected = [(one.x, one.y) for one in (window.get_geometry() for window in ours)]
            found = [(one.rect.x, one.rect.y) for one in known.layout().windows]
            assert [place for place in found if place in expected] == expected
    program.close()


def test_a_menu_without_a_class_belongs_to_its_program(plain: PrivateDesktop, known: X11Desktop) -> None:
    program = Display(plain.display)
    screen = program.screen()
    window = screen.root.create_window(100, 100, 200, 100, 0, screen.root_depth)
    window.set_wm_class("tool", "Tool")
    window.map()
    program.sync()
    wait_until(lambda: any(w.app == "tool" for w in known.layout().windows))
    menu = screen.root.create_window(150, 150, 50, 90, 0, screen.root_depth, override_redirect=True)
    menu.map()
    program.sync()
    top = known.layout().windows[-1]
    assert (top.app, top.rect) == ("tool", Rect(150, 150, 50, 90))
    stranger = Display(plain.display)
    other = stranger.screen().root.create_window(10, 10, 50, 90, 0, screen.root_depth, override_redirect=True)
    other.map()
    stranger.sync()
    assert known.layout().windows[-1].app == ""
    program.close()
    stranger.close()


def test_focused_and_layout_name_the_same_window(plain: PrivateDesktop, known: X11Desktop) -> None:
    plain.start("xterm", "-e", "sleep", "60")
    wait_until(lambda: known.focused() is not None)
    focused = known.focused()
    assert focused is not None
    assert focused in known.layout().windows
