from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jeepney import DBusAddress, message_bus, new_method_call
from jeepney.io.blocking import open_dbus_connection
from PIL import Image

from capture_agent.core.errors import DesktopError
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.eyes import Eyes
from capture_agent.demo.hands import Hands
from capture_agent.demo.programs import Programs, marked
from capture_agent.demo.windows import Windows


def processes_in(folder: str) -> list[str]:
    """The command lines of all processes whose HOME lies in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"HOME={folder}/home".encode() in environment and command:
                found.append(command.replace(b"\0", b" ").decode())
    return found


def wait_until(ready: object, within_s: float = 10.0) -> bool:
    assert callable(ready)
    deadline = time.monotonic() + within_s
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_what_is_typed_arrives_in_the_program_that_has_the_keyboard(desktop: PrivateDesktop) -> None:
    written = desktop.folder / "written"
    with Hands(desktop.display) as hands, Windows(desktop.display) as windows:
        desktop.start("xterm", "-e", "sh", "-c", f"head -n 1 > {written}")
        windows.wait_active("xterm")
        hands.type("Hello, World: ~`@#$%^&*()_+{}|\\ 'x' <y>?\n")
        assert wait_until(lambda: written.exists() and written.read_text().endswith("\n"))
    assert written.read_text() == "Hello, World: ~`@#$%^&*()_+{}|\\ 'x' <y>?\n"


def test_hands_log_what_they_did_in_order(desktop: PrivateDesktop) -> None:
    before = time.monotonic_ns() // 1000
    with Hands(desktop.display) as hands:
        hands.click(300, 200)
        hands.scroll(0, 1)
        hands.key("a", hold=("Control_L",))
        hands.type("B")
        acts = hands.acts
    times = [act.t_us for act in acts]
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] <= time.monotonic_ns() // 1000
    said = [(str(act.kind), act.what, act.down, act.text) for act in acts if act.what]
    assert said == [
        ("button", "left", True, None),
        ("button", "left", False, None),
        ("scroll", "0,1", True, None),
        ("key", "Control_L", True, None),
        ("key", "a", True, None),
        ("key", "a", False, None),
        ("key", "Control_L", False, None),
        ("key", "Shift_L", True, None),
        ("key", "B", True, "B"),
        ("key", "B", False, None),
        ("key", "Shift_L", False, None),
    ]
    assert (acts[-8].x, acts[-8].y) == (0, 0)
    assert {(act.x, act.y) for act in acts if str(act.kind) == "button"} == {(300, 200)}


def test_eyes_find_a_widget_by_its_name_and_hands_can_click_it(desktop: PrivateDesktop) -> None:
    answer = desktop.folder / "answer"
    with Eyes(desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as eyes, Hands(desktop.display) as hands:
        command = f"zenity --question --text 'Is it?' --ok-label Indeed --cancel-label Never; echo $? > {answer}"
        desktop.start("sh", "-c", command)
        hands.click(*eyes.wait("Never", "push button").centre)
        assert wait_until(answer.exists)
        eyes.wait_gone("Never")
    assert answer.read_text().strip() == "1"


def test_who_looks_for_what_is_not_there_is_told_what_is_there_instead(desktop: PrivateDesktop) -> None:
    with Eyes(desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as eyes:
        with pytest.raises(DesktopError) as alone:
            eyes.wait("Perhaps", "push button", within_s=0.0)
        desktop.start("zenity", "--question", "--text", "Is it?", "--ok-label", "Indeed", "--cancel-label", "Never")
        eyes.wait("Never", "push button")
        with pytest.raises(DesktopError, match="no push button named 'Perhaps'") as beside:
            eyes.wait("Perhaps", "push button", within_s=0.0)
    assert alone.value.hint == "On screen of no program: nothing."
    assert beside.value.hint.startswith("On screen of zenity: ")
    assert "push button 'Indeed', push button 'Never'" in beside.value.hint


def test_the_registry_of_accessibility_runs_before_any_program_tells_it_of_itself(desktop: PrivateDesktop) -> None:
    ask = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
    with open_dbus_connection(bus=desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as session:
        (address,) = session.send_and_get_reply(ask).body
    with open_dbus_connection(bus=address) as bus:
        there = message_bus.NameHasOwner("org.a11y.atspi.Registry")  # unlike any call to it, this does not start it
        assert bus.send_and_get_reply(there).body == (True,)


def test_two_monitors_can_be_plugged_and_unplugged(two_monitors: PrivateDesktop) -> None:
    import mss

    with mss.MSS(display=two_monitors.display) as grabber:
        assert [(m["left"], m["width"]) for m in grabber.monitors[1:]] == [(0, 640), (640, 640)]
    two_monitors.unsplit()
    with mss.MSS(display=two_monitors.display) as grabber:
        assert [(m["left"], m["width"]) for m in grabber.monitors[1:]] == [(0, 1280)]


def test_a_screenshot_shows_the_desktop(desktop: PrivateDesktop, tmp_path: Path) -> None:
    with Image.open(desktop.screenshot(tmp_path / "shot.png")) as picture:
        assert picture.size == (1280, 800)
        assert picture.getpixel((5, 5)) == (0x3B, 0x4A, 0x5A)


@pytest.mark.parametrize("tray", ["tint2", "lxqt-panel", "none"])
def test_nothing_is_left_of_a_desktop_that_was_closed(tray: str) -> None:
    with PrivateDesktop(tray=tray) as desktop:
        folder = desktop.folder
        desktop.start("sh", "-c", "setsid sleep 1000 & exec xterm")
        assert wait_until(lambda: sum("sleep" in line for line in processes_in(str(folder))) > 0)
    assert wait_until(lambda: processes_in(str(folder)) == [])
    assert not folder.exists()


def test_nothing_runs_on_after_the_one_who_started_it_was_killed(tmp_path: Path) -> None:
    script = """
import sys, time
from capture_agent.demo.desktop import PrivateDesktop
with PrivateDesktop() as desktop:
    desktop.start("xterm")
    print(desktop.folder, flush=True)
    time.sleep(1000)
"""
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    folder = starter.stdout.readline().strip()
    try:
        assert len(processes_in(folder)) >= 6
    finally:
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait()
        starter.stdout.close()
    assert wait_until(lambda: processes_in(folder) == [])
    subprocess.run(["rm", "-rf", folder], check=True)


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DesktopError, match="no-such-program"):
        Programs(tmp_path, {"PATH": "/usr/bin"}).start_server("no-such-program", option="--fd")


def test_marks_are_found_in_processes_of_this_user(tmp_path: Path) -> None:
    programs = Programs(tmp_path, {"PATH": "/usr/bin:/bin"})
    program = programs.start("sleep", "1000")
    mark = programs.env["CAPTURE_AGENT_DESKTOP"]
    assert wait_until(lambda: list(marked(mark)) == [program.pid])
    programs.close()
    assert list(marked(mark)) == []
