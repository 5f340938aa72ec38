"""What every `FieldEyes` has to do, done by Linux's with a real program on a real bus."""

from __future__ import annotations

import os
import signal
import sys
import time

import field_contract as contract
import pytest
from field_contract import HINDRANCES, Situation

from capture_agent.core.events import Rect, Window
from capture_agent.demo.windows import Windows
from capture_agent.desktop.linux_fields import LinuxFields

pytestmark = pytest.mark.real

# Two fields; a word in a pipe says which of them gets the keyboard.
FORM = """
import os, sys
from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
app = QApplication(["form"])
window = QWidget()
layout = QVBoxLayout(window)
fields = {"plain": QLineEdit(), "secret": QLineEdit()}
fields["secret"].setEchoMode(QLineEdit.EchoMode.Password)
for field in fields.values():
    layout.addWidget(field)
def obey():
    for word in os.read(orders, 100).decode().split():
        for field in fields.values():
            field.clearFocus()
        if word in fields:
            fields[word].setFocus()
orders = os.open(sys.argv[1], os.O_RDWR)
told = QSocketNotifier(orders, QSocketNotifier.Type.Read)
told.activated.connect(obey)
window.resize(300, 120)
window.show()
app.exec()
"""
AWAKE = {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
PATIENCE_S = 20.0
SLACK_S = 0.5  # a busy machine with two cores: what is measured is a wait, not its end


class RealStage:
    """A form of Qt and a terminal on a private desktop."""

    def __init__(self, desktop):
        self._bus = desktop.env["DBUS_SESSION_BUS_ADDRESS"]
        pipe = desktop.folder / "orders"
        os.mkfifo(pipe)
        self._orders = os.open(pipe, os.O_RDWR)
        self._form = desktop.start(sys.executable, "-c", FORM, str(pipe), env=AWAKE)
        self._windows = Windows(desktop.display)
        self._mine = placed = self._windows.wait("form")
        desktop.start("xterm")
        self._other = self._windows.wait("xterm")
        rect = Rect(placed.x, placed.y, placed.width, placed.height)
        self.window = Window(placed.id, "form", "a title", rect, rect, self._form.pid)
        self.eyes = LinuxFields(self._bus)

    def show(self, situation):
        os.kill(self._form.pid, signal.SIGCONT)
        self._windows.activate(self._other if situation is Situation.ELSEWHERE else self._mine)
        self._windows.wait_active("xterm" if situation is Situation.ELSEWHERE else "form")
        word = {Situation.SECRET: "secret", Situation.NOWHERE: "nowhere"}.get(situation, "plain")
        os.write(self._orders, f"{word}\n".encode())
        self.eyes.close()
        self.eyes = LinuxFields("unix:path=/nonexistent" if situation is Situation.FORBIDDEN else self._bus)
        if situation is Situation.HANGS:
            contract.look(self)
            os.kill(self._form.pid, signal.SIGSTOP)

    def now_s(self):
        return time.monotonic()

    def eventually(self, true):
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def close(self):
        os.kill(self._form.pid, signal.SIGCONT)
        self.eyes.close()
        self._windows.__exit__(None, None, None)
        os.close(self._orders)


@pytest.fixture
def stage(desktop):
    stage = RealStage(desktop)
    yield stage
    stage.close()


@pytest.mark.promise("P8")
def test_each_situation_is_seen_as_what_it_is_in_a_real_program(stage):
    for situation in Situation:
        contract.check_verdict(stage, situation)


@pytest.mark.promise("P8")
def test_what_hinders_a_look_into_a_real_program_does_so_no_longer_than_it_lasts(stage):
    for situation in HINDRANCES:
        contract.check_recovery(stage, situation)


@pytest.mark.promise("P8")
def test_a_real_program_keeps_the_rest_of_the_contract(stage):
    contract.check_place(stage)
    contract.check_nothing_shown_is_taken_for_gone(stage)
    contract.check_patience(stage, SLACK_S)
    contract.check_close(stage)
