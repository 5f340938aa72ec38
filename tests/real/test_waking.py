"""Accessibility in the session of a real desktop: on by a click in the panel alone, seen by programs, and put back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import agent_driver as driver
import pytest

from capture_agent.core.errors import DesktopError
from capture_agent.desktop import awake

pytestmark = pytest.mark.real

SWITCH = "Switch accessibility on"
FORM = """
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
app = QApplication(["form"])
window = QWidget()
layout = QVBoxLayout(window)
plain, secret = QLineEdit(), QLineEdit()
secret.setEchoMode(QLineEdit.EchoMode.Password)
for field in (plain, secret):
    layout.addWidget(field)
window.setGeometry(700, 500, 300, 120)
window.show()
app.exec()
"""


@pytest.fixture
def session(desktop, monkeypatch):
    """The desktop's session bus as this process's own."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.env["DBUS_SESSION_BUS_ADDRESS"])
    return desktop


@pytest.fixture
def agent(session):
    one = driver.AgentDriver(session)
    yield one
    one.close()


def kept_setting(desktop):
    """What outlasts the session."""
    command = ("gsettings", "get", "org.gnome.desktop.interface", "toolkit-accessibility")
    return subprocess.run(command, env=desktop.env, capture_output=True, text=True, check=True).stdout.strip()


def test_the_switch_is_the_sessions_own_and_a_screen_reader_keeps_it_on(session):
    assert not awake.is_awake()
    awake.wake(True)
    assert awake.is_awake()
    assert kept_setting(session) == "true"
    awake.wake(False)
    assert not awake.is_awake()
    assert kept_setting(session) == "false"
    awake.wake(True)
    awake._call("Set", "ssv", ("org.a11y.Status", "ScreenReaderEnabled", ("b", True)))
    awake.wake(False)
    assert awake.is_awake()


def test_without_a_bus_that_is_said(monkeypatch):
    for address in ("unix:path=/nonexistent", "nonsense", None):
        if address is None:
            monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
        else:
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        with pytest.raises(DesktopError, match="does not answer"):
            awake.is_awake()


@pytest.mark.promise("P1")
def test_without_the_click_it_stays_off(agent):
    agent.set_up()
    agent.record()
    time.sleep(0.5)
    assert not awake.is_awake()
    assert (agent.status()["waking"], agent.status()["woken"]) == (False, False)


@pytest.mark.promise("P8")
def test_by_a_click_text_of_a_running_qt_program_is_kept_and_its_passwords_are_not(agent, tmp_path):
    agent.desktop.start(sys.executable, "-c", FORM, cwd=tmp_path)
    agent.windows.wait("form")
    agent.open_terminal()
    agent.start_agent()
    agent.press("Record for myself")
    agent.agree(*driver.CATEGORIES, re.compile(r"(?i)\bform\b"), SWITCH)
    agent.until_status(lambda status: status["woken"])
    assert awake.is_awake()
    agent.record()
    agent.windows.activate(agent.windows.wait("form"))
    agent.windows.wait_active("form")
    time.sleep(1.0)
    agent.hands.type("words")
    time.sleep(0.6)
    agent.hands.type("\t0123456789")
    time.sleep(1.0)
    agent.command("stop")
    agent.opened(agent.sessions()[0]["id"], tmp_path / "opened")
    assert driver.typed(tmp_path / "opened") == "words"
    agent.command("quit")
    agent.process.wait(driver.WAIT_S)
    assert not awake.is_awake()
    assert kept_setting(agent.desktop) == "false"


@pytest.mark.promise("P1")
def test_after_a_crash_doctor_says_that_it_was_left_on_and_remove_puts_it_back(agent):
    agent.set_up(programs=(re.compile(r"(?i)\bxterm\b"), SWITCH))
    agent.until_status(lambda status: status["woken"])
    agent.kill()
    found = json.loads(agent.run_plain(("doctor", "--json")).stdout)
    assert found["accessibility"] == "on"
    assert "accessibility" in {problem["name"] for problem in found["problems"]}
    agent.start_agent()
    agent.until_status(lambda status: status["woken"])
    os.kill(agent.process.pid, 15)
    agent.process.wait(driver.WAIT_S)
    assert not awake.is_awake()
    agent.start_agent()
    agent.until_status(lambda status: status["woken"])
    agent.kill()
    done = json.loads(agent.command("remove", "--yes", "--json"))
    assert done["undone"] == ["accessibility"]
    assert not awake.is_awake()
    assert json.loads(agent.run_plain(("doctor", "--json")).stdout)["accessibility"] == "off"
