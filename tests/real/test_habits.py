"""When recording begins, who is there, the end of a day: the windows for it, used by clicks and keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from ui_driver import Driver
from ui_windows import SESSIONS, STUDY

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

OWN = "agent.choose_own()"
AGREE = "agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')"


@pytest.fixture
def ui(desktop: PrivateDesktop) -> Iterator[Driver]:
    with Driver(desktop) as driver:
        driver.until(lambda seen: seen["proof"])
        driver.say(OWN)
        driver.say(AGREE)
        yield driver


def open_page(ui: Driver) -> None:
    ui.say("later(lambda: shell.open(ui_command.HABITS))")
    ui.find("Begin by itself in these hours", "push button")


def test_nothing_is_chosen_beforehand_and_hours_are_chosen_by_a_click(ui: Driver) -> None:
    open_page(ui)
    ui.find("Now: never. Recording begins by your click alone.")
    assert [node.name for node in ui.nodes() if node.role == "check box" and node.showing and node.checked] == []
    for day in ("Monday", "Wednesday"):
        ui.click(day, "check box")
    assert not any("choose_schedule" in call for call in ui.seen()["calls"])
    ui.click("Begin by itself in these hours", "push button")
    ui.until(lambda seen: "choose_schedule mon,wed 09:00-17:00" in seen["calls"])
    ui.find("Now: Mon, Wed, 09:00 to 17:00")
    ui.click("Never by itself", "push button")
    ui.until(lambda seen: "choose_schedule None" in seen["calls"])
    ui.find("Now: never. Recording begins by your click alone.")


def test_log_in_and_shared_computer_are_a_switch_each(ui: Driver) -> None:
    open_page(ui)
    for name, call in (
        ("Start Capture Agent when I log in", "choose_start_at_login"),
        ("Several people use this computer", "choose_shared"),
    ):
        for on in (True, False):
            ui.click(name, "check box")
            ui.until(lambda seen, wanted=f"{call} {on}": seen["calls"][-1] == wanted)


@pytest.mark.promise("P4")
def test_sharing_by_itself_is_a_click_and_told_of_in_a_window_with_ways_out(desktop: PrivateDesktop) -> None:
    with Driver(desktop) as ui:
        ui.until(lambda seen: seen["proof"])
        for line in (STUDY, AGREE, SESSIONS, "shell.open(ui_command.HABITS)"):
            ui.say(line)
        ui.say("from capture_agent.ui.habits import HabitsPage; hold = shell.window.findChild(HabitsPage)._hold")
        ui.say("hold._use.click()")
        ui.until(lambda seen: "choose_hold 3" in seen["calls"])
        ui.find("Now: after 3 days of use")
        ui.say("hold._never.click()")
        ui.until(lambda seen: "choose_hold None" in seen["calls"])
        ui.say("agent._now = m.replace(agent._now, soon=('0' * 12,)); shell.bridge.refresh()")
        ui.until(lambda seen: "told 1" in seen["calls"] and "sharedSoon" in seen["windows"])
        ui.say("shell.window.hide()")
        ui.click("Keep for myself", "push button")
        ui.until(lambda seen: "keep 000000000000" in seen["calls"] and "sharedSoon" not in seen["windows"])
        assert not [call for call in ui.seen()["calls"] if call.startswith("release")]
        ui.say("agent._now = m.replace(agent._now, due=('0' * 12,)); shell.bridge.refresh()")
        ui.until(lambda seen: seen["calls"].count("release 000000000000") == 1)


@pytest.mark.parametrize("options", [(), ("--german",)])
def test_mnemonics_of_the_page_do_not_collide_in_any_language(
    desktop: PrivateDesktop, options: tuple[str, ...]
) -> None:
    with Driver(desktop, *options) as ui:
        ui.until(lambda seen: seen["proof"])
        for line in (OWN, AGREE, "agent.choose_shared(True); agent.start()"):
            ui.say(line)
        ui.say("later(lambda: shell.open(ui_command.HABITS))")
        seen = ui.until(lambda seen: seen["state"] == "recording" and "neverButton" in seen["buttons"])
        letters = sorted(seen["mnemonics"]["mainWindow"])
        assert not [one for one, other in pairwise(letters) if one == other], letters
        assert seen["cut"] == []
        assert min(seen["contrasts"].values()) >= 4.5


def test_it_is_me_and_not_me_look_alike_and_no_key_presses_either_by_accident(ui: Driver) -> None:
    ui.say("agent.choose_shared(True); agent.start()")
    ui.say("agent.ask_who()")
    ui.until(lambda seen: "whoDialog" in seen["windows"])
    me, not_me = ui.find("It is me", "push button"), ui.find("Not me", "push button")
    assert me.box[2:] == not_me.box[2:]
    assert not me.focused
    assert not not_me.focused
    ui.key("Return", "space")
    assert not {"it_is_me", "not_me"} & set(ui.seen()["calls"])
    ui.click("It is me", "push button")
    seen = ui.until(lambda seen: "it_is_me" in seen["calls"])
    ui.until(lambda seen: "whoDialog" not in seen["windows"])
    assert "not_me" not in seen["calls"]


def test_a_question_that_was_closed_is_asked_again_by_a_click_on_the_icon(ui: Driver) -> None:
    ui.say("agent.choose_shared(True); agent.start()")
    ui.say("agent.ask_who()")
    ui.until(lambda seen: "whoDialog" in seen["windows"])
    ui.key("Escape")
    ui.until(lambda seen: "whoDialog" not in seen["windows"])
    ui.say("later(shell.open)")
    ui.until(lambda seen: "whoDialog" in seen["windows"])


def test_not_me_is_in_the_menu_of_a_shared_computer(ui: Driver) -> None:
    ui.say("agent.choose_shared(True); agent.start()")
    ui.until(lambda seen: seen["state"] == "recording")
    ui.choose("Not me: pause and forget")
    ui.until(lambda seen: "not_me" in seen["calls"])


def test_not_me_is_not_in_the_menu_of_a_computer_of_ones_own(ui: Driver) -> None:
    ui.say("agent.start()")
    ui.until(lambda seen: seen["state"] == "recording")
    ui.click_icon(3)
    menu = ui.until(lambda seen: seen["menu"])["menu"]
    assert "Not me: pause and forget" not in {name for name, (_, _, width, height) in menu.items() if width and height}


def test_recording_that_begins_by_itself_is_counted_down_in_sight_and_can_be_waved_away(ui: Driver) -> None:
    ui.say("agent.count(7)")
    ui.until(lambda seen: "beginning" in seen["windows"])
    ui.find("Recording begins in 7 seconds")
    ui.say("agent.shown_beginning = shell.countdown_shown()")
    ui.click("Not now", "push button")
    ui.until(lambda seen: seen["calls"][-1] == "stop")
    ui.say("agent.count(None)")
    ui.until(lambda seen: "beginning" not in seen["windows"])
    ui.say("agent.count(3)")
    ui.click("Start now", "push button")
    ui.until(lambda seen: "start" in seen["calls"])


def test_without_a_panel_the_day_is_told_in_a_window() -> None:
    with PrivateDesktop(tray="none") as bare, Driver(bare) as ui:
        ui.say("later(lambda: shell.notify('Your day', 'Recorded: 3 min'))")
        ui.until(lambda seen: "dayDialog" in seen["windows"])
        ui.find("Recorded: 3 min")
        ui.click("Close", "push button")
        ui.until(lambda seen: "dayDialog" not in seen["windows"])
