"""The running agent on an X server without XInput 2: pynput reads input, and everybody is told what that leaves out."""

from __future__ import annotations

import json
import time

import agent_driver
import pytest
import x_proxy

SECRET = "zymurgy"


@pytest.fixture
def agent(desktop):
    proxy = x_proxy.WithoutXInput(desktop.display)
    driver = agent_driver.AgentDriver(desktop, {"DISPLAY": proxy.display})
    yield driver
    driver.close()
    proxy.close()


@pytest.mark.serial
def test_without_xinput_shortcuts_are_recorded_and_nothing_that_is_typed(agent, tmp_path):
    agent.set_up()
    agent.record()
    agent.until_status(lambda seen: any("shortcuts" in line for line in seen["not_recorded"]))
    agent.work_in_terminal()
    agent.hands.type(SECRET)
    agent.hands.key("s", hold=("Control_L",))
    time.sleep(0.8)
    agent.until_status(lambda seen: any("shortcuts" in line for line in seen["not_recorded"]))
    agent.command("stop")
    report = agent.opened(agent.sessions()[0]["id"], tmp_path / "opened")
    assert report["environment"]["input"] == "pynput"
    keys = [e for topic, _, e in agent_driver.events(tmp_path / "opened") if topic == "keyboard" and e["down"]]
    assert {key["text"] for key in keys} == {None}
    symbols = [key["sym"] for key in keys]
    assert symbols[-2:] == ["Control_L", "s"]
    assert set(symbols[:-2]) == {"printable"}  # how many, decides when the focus was known


def test_doctor_says_which_back_end_reads_input_and_that_recording_goes_on(agent):
    found = json.loads(agent.command("doctor", "--json"))
    (said,) = [one for one in found["problems"] if one["name"] == "input"]
    assert "pynput" in said["what"]
    assert not said["blocks"]
    assert found["input"] == "pynput"
    assert found["ok"]
