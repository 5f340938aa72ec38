"""A recording deleted by keys in the real program: put back after a kill, and destroyed at a word."""

from __future__ import annotations

import re
import time

import pytest
from agent_driver import AgentDriver

pytestmark = pytest.mark.real


@pytest.fixture
def agent(desktop):
    driver = AgentDriver(desktop)
    yield driver
    driver.close()


def ask_to_delete(agent, line):
    """Choose the one recording by a click, and press the Delete key."""
    agent.press(re.compile(line), None)
    agent.hands.key("Delete")
    agent.eyes.wait("Delete for good", "push button")


def show_recordings(agent):
    agent.front()
    agent.press("My recordings", "page tab")


@pytest.mark.promise("P11")
def test_what_was_deleted_is_put_back_after_a_kill_and_deleted_for_good_is_gone(agent, tmp_path):
    agent.set_up()
    agent.record()
    agent.work_in_terminal()
    agent.hands.type("kept")
    time.sleep(1.5)
    agent.command("stop")
    (before,) = agent.sessions()
    show_recordings(agent)
    ask_to_delete(agent, "Only yours")
    agent.press("Delete")
    agent.eyes.wait("Put back", "push button")
    (deleted,) = agent.sessions()
    assert deleted["deleted_until"] and agent.status()["held"] == 0
    assert "deleted" in agent.run_plain(("open", before["id"], "--out", str(tmp_path / "out"))).stderr
    agent.kill()
    agent.start_agent()
    agent.until("off")
    show_recordings(agent)
    agent.press(re.compile("^Deleted"), None)
    agent.press("Put back")
    agent.eventually(lambda: agent.sessions() == [before], "it is not put back as it was")
    agent.opened(before["id"], tmp_path / "opened")
    ask_to_delete(agent, "Only yours")
    agent.press("Delete for good")
    agent.eventually(lambda: not list((agent.profile / "held").iterdir()), "the recording is still there")
    assert agent.sessions() == []
    agent.end()
