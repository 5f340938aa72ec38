"""The end of a timed pause on a real screen: in sight above everything, takes no key, answered by a click."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ui_driver import Driver
from Xlib import display

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

JOIN = "agent.choose_own(); agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')"
SHOWN = "agent.calls.append(f'shown {shell.countdown_shown()}')"


@pytest.fixture
def bare() -> Iterator[PrivateDesktop]:
    """A desktop without any panel."""
    with PrivateDesktop(tray="none", keyring=False) as desktop:
        yield desktop


def counting(ui: Driver) -> None:
    """Record, pause for a quarter of an hour, and let that be over."""
    ui.say(JOIN)
    ui.say("agent.start()")
    ui.until(lambda seen: seen["state"] == "recording")
    ui.say("agent.pause(15)")
    ui.say("agent.count_down(7)")
    ui.until(lambda seen: "countdown" in seen["windows"])


@pytest.mark.promise("P5")
def test_the_countdown_is_in_sight_above_a_full_screen_program_and_takes_no_key(bare: PrivateDesktop) -> None:
    with Driver(bare) as ui:
        bare.start("xterm", "-fullscreen", "-title", "covers everything")
        ui.xdotool("search", "--sync", "--name", "covers everything")
        counting(ui)
        ui.find("Recording resumes in 7 s", "label")
        ui.until(lambda seen: ui.say(SHOWN) is None and ui.seen()["calls"][-1] == "shown True")
        ui.key("space", "Return")
        assert ui.seen()["state"] == "paused"
        assert ui.xdotool("getactivewindow", "getwindowname").strip() == "covers everything"
        ui.find("Ctrl+Shift+F9 keeps it paused.")


@pytest.mark.promise("P5")
def test_a_countdown_that_something_else_covers_is_not_shown_until_it_is_on_top_again(bare: PrivateDesktop) -> None:
    with Driver(bare) as ui:
        counting(ui)
        server = display.Display(bare.display)
        width, height = bare.size
        root = server.screen().root
        cover = root.create_window(0, 0, width, height, 0, server.screen().root_depth, override_redirect=1)
        cover.map()
        server.sync()
        ui.say(SHOWN)  # looks, and raises it
        assert ui.seen()["calls"][-1] == "shown False"
        ui.until(lambda seen: ui.say(SHOWN) is None and ui.seen()["calls"][-1] == "shown True")
        server.close()


@pytest.mark.promise("P5")
@pytest.mark.parametrize(
    ("answer", "call", "state"),
    [
        ("Resume now", "resume", "recording"),
        ("15 more minutes", "pause 15", "paused"),
        ("Stay paused", "pause None", "paused"),
    ],
)
def test_the_countdown_is_answered_by_one_click(desktop: PrivateDesktop, answer: str, call: str, state: str) -> None:
    with Driver(desktop) as ui:
        ui.until(lambda seen: seen["proof"])
        counting(ui)
        time.sleep(0.3)
        ui.click(answer, "push button")
        seen = ui.until(lambda seen: seen["state"] == state and "countdown" not in seen["windows"])
        assert seen["calls"][-1] == call


@pytest.mark.promise("P5")
def test_a_click_on_the_icon_in_the_countdown_stays_paused(desktop: PrivateDesktop) -> None:
    with Driver(desktop) as ui:
        ui.until(lambda seen: seen["proof"])
        counting(ui)
        ui.click_icon()
        seen = ui.until(lambda seen: "countdown" not in seen["windows"])
        assert (seen["state"], seen["calls"][-1]) == ("paused", "pause None")


@pytest.mark.parametrize("options", [(), ("--dark",), ("--german",), ("--german", "--dark")], ids=" ".join)
def test_the_countdown_can_be_read_in_every_language_and_light(
    desktop: PrivateDesktop, options: tuple[str, ...]
) -> None:
    with Driver(desktop, *options) as ui:
        counting(ui)
        title = "Die Aufnahme geht in 7 s weiter" if "--german" in options else "Recording resumes in 7 s"
        seen = ui.until(lambda seen: title in seen["contrasts"])
        assert seen["cut"] == []
        assert {text: ratio for text, ratio in seen["contrasts"].items() if ratio < 4.5} == {}
        # Qt's picture of the text is a moment late.
        time.sleep(0.5)
        folder = Path(os.environ.get("CAPTURE_AGENT_OUT", desktop.folder))
        desktop.screenshot(folder / f"countdown{''.join(options)}.png")
