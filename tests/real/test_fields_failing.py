"""When what tells of fields does not answer, nothing is known of them, at once; when it is back, it is known again."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from capture_agent.core.events import Verdict
from capture_agent.desktop.accessibility import LOOK_S

spec = importlib.util.spec_from_file_location("typist", Path(__file__).with_name("typist.py"))
typist = importlib.util.module_from_spec(spec)
sys.modules["typist"] = typist
spec.loader.exec_module(typist)
Typist = typist.Typist

pytestmark = pytest.mark.real

FORM = """
from PySide6.QtWidgets import QApplication, QLineEdit
app = QApplication(["form"])
field = QLineEdit()
field.show()
app.exec()
"""
AWAKE = {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
LATE_S = 1.0  # a busy machine with two cores


def until(person, verdict):
    """Wait until the field is this, looking as if keys were typed; return the looks since then."""
    before = len(person.looks)

    def seen():
        person.sources.fields.nudge()
        return len(person.looks) > before and person.looks[-1].verdict is verdict

    person.eventually(seen, f"the field does not become {verdict}")
    return person.looks[before:]


@pytest.mark.promise("P8")
def test_a_program_that_hangs_is_unknown_at_once_and_known_again_when_it_goes_on(desktop):
    with Typist(desktop, {"form"}, seed=7) as person:
        form = desktop.start(sys.executable, "-c", FORM, env=AWAKE)
        person.bring("form")
        until(person, Verdict.CLEAR)
        os.kill(form.pid, signal.SIGSTOP)
        try:
            began = typist.now_us()
            until(person, Verdict.UNKNOWN)
            assert (typist.now_us() - began) / 1e6 < LOOK_S + LATE_S
            person.word()
        finally:
            os.kill(form.pid, signal.SIGCONT)
        person.plain = ""
        until(person, Verdict.CLEAR)
        person.word()
        outcome = person.outcome()
    assert outcome.typed == outcome.plain  # what came to it while it hung was not kept


@pytest.mark.promise("P8")
def test_without_a_message_bus_programs_are_unknown_and_terminals_are_not(desktop):
    bus = desktop.env.pop("DBUS_SESSION_BUS_ADDRESS")
    try:
        with Typist(desktop, {"xterm", "form"}, seed=8) as person:
            terminal = desktop.start("xterm", "-e", "cat")
            person.bring("xterm")
            until(person, Verdict.CLEAR)
            person.word()
            desktop.stop(terminal)
            desktop.start(sys.executable, "-c", FORM, env=AWAKE | {"DBUS_SESSION_BUS_ADDRESS": bus})
            person.bring("form")
            until(person, Verdict.UNKNOWN)
            typed = person.plain
            person.word()
            outcome = person.outcome()
    finally:
        desktop.env["DBUS_SESSION_BUS_ADDRESS"] = bus
    assert outcome.typed == typed


@pytest.mark.promise("P8")
def test_a_bus_that_goes_is_noticed_and_one_that_comes_is_used(desktop):
    with Typist(desktop, {"form"}, seed=9) as person:
        form = desktop.start(sys.executable, "-c", FORM, env=AWAKE)
        person.bring("form")
        until(person, Verdict.CLEAR)
        for pid in bus_processes(desktop):
            os.kill(pid, signal.SIGKILL)
        until(person, Verdict.UNKNOWN)
        desktop.stop(form)
        desktop.start(sys.executable, "-c", FORM, env=AWAKE)
        person.bring("form")
        until(person, Verdict.CLEAR)
        person.word()
        outcome = person.outcome()
    assert outcome.typed == outcome.plain


def bus_processes(desktop):
    """The accessibility bus of this desktop, and who starts it: found by their names and this desktop's mark."""
    found = []
    listed = subprocess.run(("ps", "-eo", "pid=,args="), capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        pid, _, command = line.strip().partition(" ")
        if "at-spi" in command or "accessibility.conf" in command:
            environment = Path(f"/proc/{pid}/environ")
            if str(desktop.folder).encode() in environment.read_bytes():
                found.append(int(pid))
    assert found
    return found


def test_doctor_names_the_ticked_programs_whose_fields_cannot_be_seen(desktop):
    found = importlib.util.spec_from_file_location("agent_driver", Path(__file__).with_name("agent_driver.py"))
    driver = importlib.util.module_from_spec(found)
    found.loader.exec_module(driver)
    agent = driver.AgentDriver(desktop)
    try:
        desktop.start(sys.executable, "-c", FORM)
        agent.windows.wait("form")
        agent.set_up(programs=(re.compile(r"(?i)\bxterm\b"), re.compile(r"(?i)\bform\b")))
        problems = json.loads(agent.run_plain(("doctor", "--json")).stdout)["problems"]
    finally:
        agent.close()
    (problem,) = [one for one in problems if one["name"] == "fields"]
    assert problem["what"] == "text in form is not recorded: its fields cannot be seen"
    assert not problem["blocks"]
