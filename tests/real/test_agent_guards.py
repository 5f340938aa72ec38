"""The whole agent on a real desktop whose services say that nothing may be recorded now, and later that it may."""

from __future__ import annotations

import json

import agent_driver
import pytest
from screen_saver import MANAGER, logind

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real


@pytest.fixture
def system(desktop):
    with logind(desktop.env["DBUS_SYSTEM_BUS_ADDRESS"]) as service:
        yield service


@pytest.fixture
def recording(desktop, system):
    driver = agent_driver.AgentDriver(desktop)
    driver.set_up()
    driver.record()
    driver.work_in_terminal()
    yield driver
    driver.close()


def hindered(driver, reason):
    driver.until_status(lambda status: (status["state"], status["waiting"]) == ("suspended", reason))


def opened(driver, tmp_path):
    """Return what was typed in each recording, oldest first; all of them are complete and their times only grow."""
    texts = []
    for number, session in enumerate(reversed(driver.sessions())):
        assert session["complete"]
        driver.opened(session["id"], tmp_path / str(number))
        times = [t_us for _, t_us, _ in agent_driver.events(tmp_path / str(number))]
        assert times == sorted(times)
        texts.append(agent_driver.typed(tmp_path / str(number)))
    return texts


@pytest.mark.promise("P1")
def test_nothing_is_recorded_while_another_user_has_the_screen(recording, system, tmp_path):
    recording.hands.type("before")
    recording.eventually(lambda: recording.status()["state"] == "recording", "it does not record")
    system.changed("Active", False)
    hindered(recording, "other-user")
    recording.hands.type("elsewhere")
    system.changed("Active", True)
    recording.until("recording")
    recording.work_in_terminal()
    recording.hands.type("after")
    recording.until("recording")
    recording.command("stop")
    first, second = opened(recording, tmp_path)
    assert "before".startswith(first)
    assert "elsewhere" not in first + second
    assert second == "after"


@pytest.mark.promise("P1")
@pytest.mark.promise("P10")
def test_a_shutdown_saves_at_once_and_one_that_is_called_off_lets_recording_go_on(recording, system, tmp_path):
    recording.hands.type("before")
    system.say(MANAGER, "PrepareForShutdown", "b", (True,))
    hindered(recording, "shutdown")
    assert [one["complete"] for one in recording.sessions()] == [True]
    system.say(MANAGER, "PrepareForShutdown", "b", (False,))
    recording.until("recording")
    recording.work_in_terminal()
    recording.hands.type("after")
    recording.until("recording")
    system.say(MANAGER, "PrepareForShutdown", "b", (True,))
    hindered(recording, "shutdown")
    assert recording.end() == 0
    assert opened(recording, tmp_path)[-1] == "after"


@pytest.mark.promise("P1")
def test_nothing_is_recorded_under_a_vnc_server(tmp_path):
    with PrivateDesktop(server="Xtigervnc") as afar:
        driver = agent_driver.AgentDriver(afar)
        try:
            driver.set_up()
            driver.press("Start recording")
            hindered(driver, "remote")
            connections = driver.connections()
            driver.work_in_terminal()
            driver.hands.type("from afar")
            assert driver.status()["waiting"] == "remote"
            assert driver.connections() == connections  # no source has one of its own
            assert driver.sessions() == []
            problems = json.loads(driver.command("doctor", "--json"))["problems"]
            assert "remote" in [one["name"] for one in problems]
        finally:
            driver.close()
