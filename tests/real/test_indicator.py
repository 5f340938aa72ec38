"""No indicator, no capture, seen from what was recorded: covered, never there, or drawn by a program that has hung."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from agent_driver import AgentDriver, events, typed
from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.encode import video

pytestmark = pytest.mark.real

CANARY = "zymurgy-canary-7"
BACKGROUND = (0x3B, 0x4A, 0x5A)  # of the private desktop
AGAIN_S = 0.05
SUSPENDED_WITHIN_US = 1_000_000  # after the proof is lost


@pytest.fixture
def agent(desktop):
    driver = AgentDriver(desktop)
    yield driver
    driver.close()


@pytest.fixture
def bare():
    """A person on a desktop without any panel."""
    with PrivateDesktop(tray="none") as desktop:
        driver = AgentDriver(desktop)
        yield driver
        driver.close()


def recording(agent):
    agent.set_up()
    agent.record()
    agent.work_in_terminal()
    agent.hands.type("before")
    time.sleep(1.0)
    return agent


def stopped(agent, out):
    """Stop, open the only session there is, and return its gaps as (start, end, reason)."""
    agent.command("stop")
    (held,) = agent.sessions()
    agent.opened(held["id"], out)
    marks = [
        (e["start_us"], t_us, e["reason"]) for topic, t_us, e in events(out) if topic == "marks" and "start_us" in e
    ]
    return [gap for gap in marks if gap[2] != "program"]  # our own window had the keyboard


def epoch_us(agent, opened):
    """Return the input clock at session time 0, by the first key that was typed and kept."""
    first = next(act for act in agent.hands.acts if act.text == "b" and act.down)
    return first.t_us - min(t_us for topic, t_us, e in events(opened) if topic == "keyboard" and e["text"] == "b")


def inside(gaps, opened):
    """Return the times of all events and frames inside gaps; what marks a gap does not count."""
    times = [t_us for topic, t_us, _ in events(opened) if topic != "marks"]
    for path in opened.glob("screen-*.mp4"):
        with path.open("rb") as stream:
            times += video.frame_times(stream)
    return [t for t in times for start, end, _ in gaps if start < t < end]


@contextlib.contextmanager
def lasting(server, act):
    """Do `act` again and again: panels raise themselves, and the agent puts its sign where it last knew it to be."""
    over = threading.Event()

    def again():
        while not over.wait(AGAIN_S):
            act()
            server.sync()

    act()
    server.sync()
    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def covered(display, place):
    """Cover a place with a window that no window manager is asked about."""
    server = Display(display)
    screen = server.screen()
    window = screen.root.create_window(*place, 0, screen.root_depth, override_redirect=1, background_pixel=0xFFFFFF)
    window.map()
    with lasting(server, lambda: window.configure(stack_mode=X.Above)):
        yield
    window.destroy()
    server.sync()
    server.close()


@contextlib.contextmanager
def out_of_sight(display, title):
    """Put the window of that title off the screen; raising it, as the agent does, brings nothing back."""
    server = Display(display)
    window = next(one for one in server.screen().root.query_tree().children if one.get_wm_name() == title)
    place = window.get_geometry()
    with lasting(server, lambda: window.configure(x=-3000)):
        yield
    window.configure(x=place.x)
    server.sync()
    server.close()


@pytest.mark.promise("P6")
def test_an_indicator_that_cannot_be_seen_suspends_within_a_second_and_the_same_session_goes_on(agent, tmp_path):
    recording(agent)
    icon = agent.windows.wait_tray_icon()
    with covered(agent.desktop.display, (icon.x, icon.y, icon.width, icon.height)):
        agent.eyes.wait("Recording sign")
        agent.until("recording")
        began_us = time.monotonic_ns() // 1000
        with out_of_sight(agent.desktop.display, "Capture Agent: recording sign"):
            agent.hands.type(CANARY)
            seen = agent.until("suspended")
            assert "indicator" in seen["problem"]
            agent.hands.type(CANARY)
            time.sleep(1.5)
            assert agent.status()["state"] == "suspended"
            agent.hands.type(CANARY)
            ended_us = time.monotonic_ns() // 1000
        agent.until("recording")
    agent.work_in_terminal()
    agent.hands.type("after")
    time.sleep(0.8)
    gaps = stopped(agent, tmp_path / "opened")
    assert {reason for _, _, reason in gaps} == {"indicator"}
    assert inside(gaps, tmp_path / "opened") == []
    opened_us, due_us = epoch_us(agent, tmp_path / "opened"), began_us + SUSPENDED_WITHIN_US
    assert [
        end + opened_us >= ended_us for start, end, _ in gaps if start + opened_us <= due_us <= end + opened_us
    ] == [True]
    kept = typed(tmp_path / "opened")
    assert kept.startswith("before")
    assert kept.endswith("after")
    # What was typed between the last proof and the look that found none may have been kept, but nothing later.
    times = [t_us + opened_us for topic, t_us, _ in events(tmp_path / "opened") if topic == "keyboard"]
    assert [t_us for t_us in times if due_us < t_us < ended_us] == []


@pytest.mark.promise("P6")
def test_an_icon_that_is_covered_gets_a_small_window_beside_it(agent):
    recording(agent)
    icon = agent.windows.wait_tray_icon()
    with covered(agent.desktop.display, (icon.x, icon.y, icon.width, icon.height)):
        agent.eyes.wait("Recording sign")
        agent.until("recording")
    agent.eyes.wait_gone("Recording sign")
    assert agent.status()["state"] == "recording"


@pytest.mark.promise("P6")
def test_without_a_panel_the_sign_is_on_the_screen_before_the_first_picture_is_taken(bare, tmp_path):
    recording(bare)
    sign = bare.eyes.wait("Recording sign")
    gaps = stopped(bare, tmp_path / "opened")
    assert gaps == []
    with (tmp_path / "opened" / "screen-1.mp4").open("rb") as stream:
        _, first = next(iter(video.decode(stream)))
    x, y = sign.centre
    # Our own windows are painted over: had the sign come later, the desktop's background would be seen there.
    assert max(abs(int(a) - b) for a, b in zip(first[y, x], BACKGROUND, strict=True)) > 20
    assert max(abs(int(a) - b) for a, b in zip(first[700, x], BACKGROUND, strict=True)) <= 12


@pytest.mark.promise("P6")
def test_what_is_typed_while_only_the_window_hangs_is_never_recorded(agent, tmp_path):
    """Another program grabs the X server: keys still reach the recorder, but the thread with the indicator waits.

    It asks the server once a second; until then the server, which tells of changes in a grab too, has told of none.
    """
    recording(agent)
    server = Display(agent.desktop.display)
    codes = [server.keysym_to_keycode(XK.string_to_keysym(letter)) for letter in "zymurgy"]
    server.grab_server()
    server.sync()
    time.sleep(1.3)  # it has asked the server by now, and waits
    began_us = time.monotonic_ns() // 1000
    for _ in range(25):
        for code in codes:
            xtest.fake_input(server, X.KeyPress, code)
            xtest.fake_input(server, X.KeyRelease, code)
        server.sync()
        time.sleep(0.08)
    ended_us = time.monotonic_ns() // 1000
    server.ungrab_server()
    server.sync()
    server.close()
    time.sleep(1.2)  # it has noticed by then that it could not prove its indicator, and begun again
    agent.until("recording")
    agent.work_in_terminal()
    agent.hands.type("after")
    time.sleep(0.8)
    gaps = stopped(agent, tmp_path / "opened")
    assert {reason for _, _, reason in gaps} == {"indicator"}
    assert typed(tmp_path / "opened") == "beforeafter"
    assert inside(gaps, tmp_path / "opened") == []
    opened_us = epoch_us(agent, tmp_path / "opened")
    start, end, _ = gaps[0]
    assert start + opened_us <= began_us
    assert end + opened_us >= ended_us
