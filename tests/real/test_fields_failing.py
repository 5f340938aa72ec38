"""When what tells of fields does not answer, nothing is known of them, at once; when it is back, it is known again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import agent_driver as driver
import pytest
from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_call, new_method_return, new_signal
from jeepney.io.blocking import open_dbus_connection
from typist import Typist

from capture_agent.core.events import Verdict
from capture_agent.desktop.accessibility import LOOK_S, Accessibility, AnswerError
from capture_agent.desktop.clock import now_us
from capture_agent.sources.fields import SINCE_US

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
SLACK_S = 0.03  # between the end of a wait and what is said of it


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
            began = now_us()
            until(person, Verdict.UNKNOWN)
            assert (now_us() - began) / 1e6 < LOOK_S + LATE_S
            person.word()
            assert quickest(person, Verdict.UNKNOWN) <= LOOK_S + SLACK_S
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
def test_a_bus_that_hangs_is_unknown_at_once_holds_up_nothing_and_is_used_when_it_goes_on(desktop):
    with Typist(desktop, {"form"}, seed=13) as person:
        desktop.start(sys.executable, "-c", FORM, env=AWAKE)
        person.bring("form")
        until(person, Verdict.CLEAR)
        buses = bus_processes(desktop)
        for pid in buses:
            os.kill(pid, signal.SIGSTOP)
        try:
            until(person, Verdict.UNKNOWN)
            person.word()
            assert quickest(person, Verdict.UNKNOWN) <= LOOK_S + SLACK_S
            person.eventually(lambda: not person.pipeline._waiting, "keys wait for a bus that hangs")
        finally:
            for pid in buses:
                os.kill(pid, signal.SIGCONT)
        person.plain = ""
        until(person, Verdict.CLEAR)
        person.word()
        outcome = person.outcome()
    assert outcome.typed == outcome.plain


@pytest.mark.promise("P8")
@pytest.mark.parametrize("answer", ["error", "nothing", "another type", "text instead of widgets"])
def test_a_program_that_answers_oddly_is_not_known(desktop, answer):
    with OddProgram(desktop, answer), closing(Accessibility(desktop.env["DBUS_SESSION_BUS_ADDRESS"])) as bus:
        with pytest.raises(AnswerError):
            bus.look(os.getpid())


@pytest.mark.promise("P8")
@pytest.mark.parametrize(("answer", "verdict"), [("secret", Verdict.SENSITIVE), ("error", Verdict.UNKNOWN)])
def test_a_field_that_had_the_keyboard_for_a_moment_counts_from_the_look_before(desktop, answer, verdict):
    """Also if it does not say any more what it was: between two looks a password can be typed and sent."""
    with Typist(desktop, {"form"}, seed=14) as person, OddProgram(desktop, answer) as passing:
        desktop.start(sys.executable, "-c", FORM, env=AWAKE)
        person.bring("form")
        until(person, Verdict.CLEAR)
        time.sleep(1.0)  # nothing is typed, so nobody looks
        before = len(person.looks)
        passing.focus()
        person.eventually(lambda: verdict in {look.verdict for look in person.looks[before:]}, "it is not said")
        said = next(n for n, look in enumerate(person.looks) if n >= before and look.verdict is verdict)
        assert person.took_us[said] >= SINCE_US


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


def quickest(person, verdict):
    """How long the quickest look took that said this, in s: the others may have waited for the processor."""
    return min(took for look, took in zip(person.looks, person.took_us, strict=True) if look.verdict is verdict) / 1e6


# What it answers to everything but what its toolkit is called: D-Bus type and value.
ODD = {
    "secret": ("u", (40,)),
    "nothing": (None, ()),
    "another type": ("i", (7,)),
    "text instead of widgets": ("as", (["secret"],)),
}


class OddProgram:
    """This process on the accessibility bus: it registers as programs do, and answers whatever it is asked oddly."""

    def __init__(self, desktop, answer):
        self._answer = answer
        with open_dbus_connection(bus=desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as session:
            ask = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
            (address,) = session.send_and_get_reply(ask).body
        self._bus = open_dbus_connection(bus=address)
        registry = DBusAddress("/org/a11y/atspi/accessible/root", "org.a11y.atspi.Registry", "org.a11y.atspi.Socket")
        own = (self._bus.unique_name, "/org/a11y/atspi/accessible/root")
        self._bus.send(new_method_call(registry, "Embed", "(so)", (own,)))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def focus(self):
        """Say that a widget has got the keyboard."""
        emitter = DBusAddress("/widget", interface="org.a11y.atspi.Event.Object")
        self._bus.send(new_signal(emitter, "StateChanged", "siiva{sv}", ("focused", 1, 0, ("i", 0), {})))

    def __enter__(self):
        self._thread.start()
        time.sleep(0.5)  # until it is registered
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._bus.close()

    def _serve(self):
        while not self._over.is_set():
            try:
                message = self._bus.receive(timeout=0.1)
            except TimeoutError:
                continue
            if message.header.message_type is MessageType.method_call:
                asked = message.header.fields.get(HeaderFields.member)
                if self._answer == "error":
                    self._bus.send(new_error(message, "org.example.No"))
                elif asked == "Get":
                    self._bus.send(new_method_return(message, "v", (("s", "Qt"),)))
                else:
                    self._bus.send(new_method_return(message, *ODD[self._answer]))


def bus_processes(desktop):
    """The accessibility bus of this desktop, and who starts it: found by their names and this desktop's mark."""
    found = []
    listed = subprocess.run(("ps", "-eo", "pid=,args="), capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        pid, _, command = line.strip().partition(" ")
        if "at-spi" in command or "accessibility.conf" in command:
            with suppress(OSError):  # another desktop's, which has ended meanwhile
                if str(desktop.folder).encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    found.append(int(pid))
    assert found
    return found


def test_doctor_names_the_ticked_programs_whose_fields_cannot_be_seen(desktop):
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
