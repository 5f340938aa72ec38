"""What the window says of an agreement that ends, one that is taken back in part, and a profile that does not fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_driver import AgentDriver
from ui_driver import Driver

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real


@pytest.fixture
def agent(desktop: PrivateDesktop) -> Iterator[Any]:
    driver = AgentDriver(desktop)
    yield driver
    driver.close()


AGREED = "person.agent.choose_own(); person.agree(m.ALL)"


@pytest.mark.promise("P2")
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


@pytest.mark.promise("P1")
def test_an_agreement_that_ends_soon_is_told_quietly_in_the_window(desktop: PrivateDesktop) -> None:
    with Driver(desktop) as ui:
        ui.say("agent.choose_own()")
        ui.say("agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')")
        ui.say("shell.open()")
        ui.until_showing(5)
        assert not [node for node in ui.nodes() if "ends on" in node.name]
        ui.say("ends = m.datetime.now(m.UTC) + m.timedelta(days=10)")
        ui.say("agent._now = m.replace(agent._now, agreed_until=ends); shell.bridge.refresh()")
        ui.until(lambda _seen: [one for one in ui.nodes() if "agreed to ends on" in one.name and one.showing])
        assert ui.seen()["icon"] == "off", "nothing asks for attention"


@pytest.mark.promise("P1")
@pytest.mark.promise("P2")
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


@pytest.mark.promise("P1")
@pytest.mark.promise("P2")
def test_an_older_copy_of_a_profile_is_found_out_by_the_program_and_can_be_left(agent: Any, tmp_path: Path) -> None:
    agent.set_up()
    copy = tmp_path / "copy"
    shutil.copytree(agent.profile, copy, ignore=shutil.ignore_patterns("*.sock", "agent.lock"))
    told = json.loads(agent.command("consent", "withdraw", "--category", "screen", "--json"))
    assert "screen" not in told["recorded"]
    assert len(told["recorded"]) == 4
    agent.end()
    shutil.rmtree(agent.profile)
    shutil.copytree(copy, agent.profile)
    agent.profile.chmod(0o700)
    doctor = json.loads(agent.command("doctor", "--json", code=3))
    assert [one["name"] for one in doctor["problems"] if one["blocks"]] == ["record"]
    agent.start_agent()
    seen = agent.until_status(lambda seen: seen["broken"])
    assert (seen["state"], seen["consented"]) == ("off", [])
    assert "older copy" in seen["problem"]
    assert (agent.profile / "ledger.jsonl").read_bytes() == (copy / "ledger.jsonl").read_bytes()
    doctor = json.loads(agent.command("doctor", "--json", code=3))
    assert seen["problem"] in [one["what"] for one in doctor["problems"] if one["blocks"]]
    agent.press("Opt out and delete…")
    agent.press("Opt out and delete")
    agent.until_status(lambda seen: "opted out" in seen["problem"])
    agent.end()
    agent.start_agent()
    agent.until_status(lambda seen: (seen["broken"], seen["study"], seen["problem"]) == (False, None, ""))
