"""The whole agent on a real desktop: a locker locks, the day goes on, `remove` undoes."""

from __future__ import annotations

import json
from pathlib import Path

import agent_driver
import pytest
import screen_saver

pytestmark = pytest.mark.real


typed = agent_driver.typed


@pytest.mark.promise("P1")
def test_a_lock_ends_the_recording_and_after_it_another_one_goes_on(recording, tmp_path):
    bus = recording.desktop.env["DBUS_SESSION_BUS_ADDRESS"]
    recording.command("task", "start", "write")
    with screen_saver.StandIn(bus, screen_saver.SAVER.bus_name) as saver:
        recording.hands.type("before")
        recording.eventually(lambda: recording.status()["state"] == "recording", "it does not record")
        saver.active(True)
        recording.until_status(lambda status: (status["state"], status["waiting"]) == ("suspended", "locked"))
        recording.hands.type("locked")
        saver.active(False)
        recording.until("recording")
        recording.work_in_terminal()
        recording.hands.type("after")
        recording.eventually(lambda: recording.status()["state"] == "recording", "it does not record")
    recording.command("stop")
    later, earlier = recording.sessions()
    recording.opened(earlier["id"], tmp_path / "earlier")
    recording.opened(later["id"], tmp_path / "later")
    kept = typed(tmp_path / "earlier") + "|" + typed(tmp_path / "later")
    assert "locked" not in kept
    assert "before".startswith(kept.split("|", maxsplit=1)[0])
    assert earlier["complete"]
    assert later["complete"]
    tasks = {
        fields["task"]
        for folder in ("earlier", "later")
        for topic, _, fields in agent_driver.events(tmp_path / folder)
        if topic == "tasks"
    }
    assert len(tasks) == 1


def test_remove_ends_the_running_agent_undoes_and_destroys(recording):
    recording.front()
    recording.press("When it begins", "page tab")
    recording.press("Start Capture Agent when I log in", "check box")
    autostart = Path(recording.desktop.env["XDG_CONFIG_HOME"]) / "autostart" / "capture-agent.desktop"
    recording.eventually(autostart.exists, "it does not start at log-in")
    recording.until_status(lambda status: status["at_login"])
    done = json.loads(recording.command("remove", "--yes", "--delete-recordings", "--json"))
    assert (done["stopped"], done["undone"], done["destroyed"], done["kept"]) == (True, ["start-at-login"], 1, 0)
    assert recording.process.wait(agent_driver.WAIT_S) == 0
    assert not autostart.exists()
    assert Path(done["receipts"]).exists()
    again = json.loads(recording.command("remove", "--yes", "--json"))
    assert (again["stopped"], again["undone"]) == (False, [])
