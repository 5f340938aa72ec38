"""What the window says of an agreement that ends, one that is taken back in part, and a profile that does not fit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ui_driver import Driver

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

AGREED = "person.agent.choose_own(); person.agree(m.ALL)"


# promise: P2
def test_one_click_takes_one_kind_of_data_back_and_only_the_panel_gives_it_again(desktop: PrivateDesktop) -> None:
    with Driver(desktop, "--spy") as ui:
        ui.say(AGREED)
        ui.say("shell.open(ui_command('recorded'))")
        ui.until_showing(5)
        ui.click("Stop recording this: Screen", "push button")
        seen = ui.until(lambda seen: "withdrawn" in seen["spied"]["kinds"])
        assert seen["spied"]["states"] == ["Given", "Withdrawn"]
        ui.until(lambda _seen: not [node for node in ui.nodes() if node.name == "Stop recording this: Screen"])
        names = {node.name for node in ui.nodes() if node.role == "push button"}
        assert "Stop recording this: Keyboard" in names
        assert "Change what is recorded…" in names


def test_an_agreement_that_ends_soon_is_told_quietly_in_the_window(desktop: PrivateDesktop) -> None:
    with Driver(desktop) as ui:
        ui.say("agent.choose_own()")
        ui.say("agent.asked(); agent.accept(m.ALL, frozenset({'xterm'}), 'en', 'read')")
        ui.say("shell.open()")
        ui.until_showing(5)
        assert not [node for node in ui.nodes() if "ends on" in node.name]
        ui.say("ends = m.datetime.now(m.UTC) + m.timedelta(days=10)")
        ui.say("agent._now = m.replace(agent._now, agreed_until=ends); shell.bridge.refresh()")
        ui.until(lambda _seen: [one for one in ui.nodes() if "agreed to ends on" in one.name and one.showing])
        assert ui.seen()["icon"] == "off", "nothing asks for attention"


# promise: P1
# promise: P2
def test_a_profile_that_does_not_fit_is_told_with_a_way_out_and_nothing_else_to_click(desktop: PrivateDesktop) -> None:
    with Driver(desktop, "--spy", "--closed") as ui:
        ui.until(lambda seen: seen["icon"] == "attention")
        ui.say("shell.open()")
        ui.until_showing(5)
        said = " ".join(node.name for node in ui.nodes() if node.showing)
        assert "older copy" in said
        assert "Start recording" not in said
        ui.click("Opt out and delete…", "push button")
        ui.click("Opt out and delete", "push button")
        ui.until(lambda _seen: any("You have opted out" in node.name for node in ui.nodes()))
