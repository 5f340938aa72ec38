"""Keep a program out by picking its window with the pointer, while it is recorded; a new program in the tray's menu."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from agent_driver import AgentDriver, events, typed
from ui_driver import Driver

from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.search import hits
from capture_agent.encode import video

pytestmark = pytest.mark.real

CANARY = "zymurgy-canary-7"
TITLE = "Plans for autumn"
MAGENTA = ("#ff00ff", 100)  # no other window here has anything like it: red and blue that far above green


@pytest.fixture
def agent(desktop: PrivateDesktop) -> Iterator[AgentDriver]:
    driver = AgentDriver(desktop)
    yield driver
    driver.close()


def magenta(rgb: np.ndarray) -> int:
    red, green, blue = (rgb[:, :, n].astype(np.int16) for n in range(3))
    return int((np.minimum(red, blue) - green > MAGENTA[1]).sum())


@pytest.mark.promise("P8")
def test_a_window_that_is_picked_while_it_is_recorded_is_nowhere_from_then_on(
    agent: AgentDriver, tmp_path: Path
) -> None:
    """Escape cancels; neither key nor click of picking reaches the program; afterwards it has both again."""
    heard = tmp_path / "heard"
    told = f"printf '\\033[?1000h'; stty raw -echo; exec cat > {heard}"  # clicks are told to the program
    agent.open_terminal("-bg", MAGENTA[0], "-fg", MAGENTA[0], "-T", TITLE, "-e", "sh", "-c", told)
    agent.set_up()
    agent.record()
    agent.work_in_terminal()
    agent.hands.type("before")
    agent.eventually(lambda: heard.exists() and heard.read_bytes() == b"before", "the terminal hears nothing")
    time.sleep(0.8)  # what is typed in the last moment before the focus goes elsewhere is not kept
    agent.windows.close(agent.windows.wait("capture-agent"))
    agent.hands.click(*agent.windows.wait_tray_icon().centre, button=3)
    agent.windows.wait_popup("capture-agent")
    agent.hands.key("n")  # Never record…

    agent.press("Pick a window…")
    agent.eyes.wait_gone("Pick a window…", "push button")
    agent.hands.key("Escape")
    agent.eyes.wait("Pick a window…", "push button")
    agent.press("Pick a window…")
    agent.eyes.wait_gone("Pick a window…", "push button")
    agent.hands.click(*agent.terminal.centre)
    agent.eyes.wait("Picked: xterm. Choose: the whole program, or a text in its title.")
    assert heard.read_bytes() == b"before"
    assert agent.status()["never"] == []
    agent.press("Never record: A program by its name, also one that you never opened")
    seen = agent.until_status(lambda seen: seen["never"] == [["program", "xterm"]])
    assert seen["programs"] == ["desktop"]
    assert 'never_programs = ["xterm"]' in agent.settings.read_text()
    agent.until("recording")
    agent.command("task", "start", "something else")  # says in the recording when that was

    agent.work_in_terminal()
    agent.hands.click(*agent.terminal.centre)
    agent.hands.type(CANARY)
    agent.eventually(lambda: heard.read_bytes().endswith(CANARY.encode()), "the terminal hears nothing any more")
    assert b"\x1b[M" in heard.read_bytes()  # the click
    agent.command("stop")
    opened = tmp_path / "opened"
    agent.opened(agent.sessions()[0]["id"], opened)

    happened = events(opened)
    by = next(t for topic, t, _ in happened if topic == "tasks")
    ended = max(t for _, t, e in happened if e.get("kind") == "gap" and t <= by)  # what began with the new rule
    with (opened / "screen-1.mp4").open("rb") as stream:
        seen_then = [(t_us, magenta(rgb)) for t_us, rgb in video.decode(stream)]
    assert max(count for t_us, count in seen_then if t_us <= ended) > 10_000, "it was not seen before"
    after = [count for t_us, count in seen_then if t_us >= ended]
    assert after and set(after) == {0}
    assert typed(opened) == "before"
    assert [t for _, t, e in happened if TITLE in json.dumps(e) and t > ended] == []
    assert any(TITLE in json.dumps(e) for _, t, e in happened if t <= ended)
    assert hits(opened, CANARY) == []


@pytest.mark.promise("P7")
def test_a_rule_is_typed_removed_by_a_click_and_put_back_by_another(desktop: PrivateDesktop) -> None:
    with Driver(desktop) as ui:
        ui.say("agent.choose_own(); agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')")
        ui.say("shell.open(ui_command('never'))")
        ui.click("A program by its name, also one that you never opened", "text")
        ui.type("signal")
        ui.key("Return")
        ui.until(lambda seen: seen["calls"][-1] == "never_record program signal")
        ui.click("Remove: The program signal", "push button")
        ui.until(lambda seen: seen["calls"][-1] == "allow_again program signal")
        ui.click("Undo: never record it", "push button")
        ui.until(lambda seen: seen["calls"][-1] == "never_record program signal")
        ui.find("Remove: The program signal", "push button")
        ui.click("A text in the titles of windows, whatever their program is", "text")
        ui.type("ab")
        ui.key("Return")
        seen = ui.until(lambda seen: seen["problems"])
        assert seen["problems"] == ["This text is too short. | Take at least 3 characters of the title."]
