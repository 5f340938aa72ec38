"""The whole agent on a real desktop whose services say that nothing may be recorded now, and later that it may."""

from __future__ import annotations

import json
import shutil
import time

import agent_driver
import pytest
from screen_saver import MANAGER, PROFILES, logind, profiles
from Xlib import protocol

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real


@pytest.fixture
def system(desktop):
    with logind(desktop.env["DBUS_SYSTEM_BUS_ADDRESS"]) as service:
        yield service


@pytest.fixture
def recording(system, recording):
    """As everywhere, with logind there before it."""
    return recording


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
    time.sleep(0.8)  # what is typed in the last moment before an end is not kept
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
    time.sleep(0.8)  # what is typed in the last moment before an end is not kept
    system.say(MANAGER, "PrepareForShutdown", "b", (True,))
    hindered(recording, "shutdown")
    assert recording.end() == 0
    assert opened(recording, tmp_path)[-1] == "after"


@pytest.fixture
def another_server(monkeypatch):
    """Let this process meet a second kind of X server: python-xlib has one table of event numbers for all of them."""
    monkeypatch.setattr(protocol.display.Display, "event_classes", protocol.event.event_class.copy())


@pytest.mark.promise("P1")
@pytest.mark.usefixtures("another_server")
def test_nothing_is_recorded_under_a_vnc_server():
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


@pytest.mark.promise("P10")
def test_a_disk_that_fills_ends_the_recording_whole_and_with_space_it_goes_on(desktop, small_disk, tmp_path):
    driver = agent_driver.AgentDriver(desktop, {"XDG_DATA_HOME": str(small_disk)})
    try:
        driver.set_up(categories=("Keyboard", "Windows", "Tasks"))
        driver.record()
        driver.work_in_terminal()
        driver.hands.type("before")
        time.sleep(2)  # it is written by then
        filler = small_disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 150_000))  # of 8 MiB, a tenth has to be free
        hindered(driver, "low-disk")
        driver.hands.type("full")
        filler.unlink()
        driver.until("recording")
        driver.work_in_terminal()
        driver.hands.type("after")
        time.sleep(1)
        driver.command("stop")
        assert opened(driver, tmp_path) == ["before", "after"]
    finally:
        driver.close()


def test_the_battery_saver_stops_recording_until_it_is_off_or_the_settings_say_not_to_mind(recording):
    (name, where), *_ = PROFILES.items()
    with profiles(recording.desktop.env["DBUS_SYSTEM_BUS_ADDRESS"], name, "power-saver") as daemon:
        hindered(recording, "battery-saver")
        daemon.changed("ActiveProfile", "balanced", where)
        recording.until("recording")
        daemon.changed("ActiveProfile", "power-saver", where)
        hindered(recording, "battery-saver")
        agent_driver.replace(recording.settings, "pause_on_battery_saver = false\n")
        recording.until("recording")
