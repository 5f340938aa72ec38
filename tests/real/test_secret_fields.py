"""Secrets typed into real programs: no letter, length or rhythm of them is kept, and the words beside are."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import pytest

from capture_agent.core.events import Verdict
from capture_agent.demo.search import hits
from capture_agent.desktop.terminals import ptys_below

spec = importlib.util.spec_from_file_location("typist", Path(__file__).with_name("typist.py"))
typist = importlib.util.module_from_spec(spec)
sys.modules["typist"] = typist  # dataclasses look their module up
spec.loader.exec_module(typist)
Typist, is_mask = typist.Typist, typist.is_mask

pytestmark = pytest.mark.real

ROUNDS = [pytest.param(20, id="20"), pytest.param(200, id="200", marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
LEAST_KEPT = 0.99
AWAKE = {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}  # as after `org.a11y.Status.IsEnabled` was set

# One plain field above one secret field; Tab goes from either to the other.
QT_FORM = """
import sys
import time
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
app = QApplication(["form"])
window = QWidget()
layout = QVBoxLayout(window)
plain, secret = QLineEdit(), QLineEdit()
secret.setEchoMode(getattr(QLineEdit.EchoMode, sys.argv[1]))
for field in (plain, secret):
    layout.addWidget(field)
window.resize(300, 120)
window.show()
app.exec()
"""


def check(outcome, *, kept=True, reason="secret-field"):
    """Nothing of the secrets is there; plain text is, where the field's kind is known."""
    assert outcome.leaked() == []
    assert {mark["reason"] for mark in outcome.marks} <= {"secret-field", "field-unknown", "focus-unknown"}
    assert all(set(mark) == {"kind", "start_us", "t_us", "reason"} for mark in outcome.marks)
    assert reason in {mark["reason"] for mark in outcome.marks}
    share = outcome.kept_share()
    if kept:
        assert share >= LEAST_KEPT, f"{share:.1%} of the plain text was kept: {outcome.typed!r} of {outcome.plain!r}"
    else:
        assert outcome.typed == ""


def fill_form(person, rounds):
    for _ in range(rounds):
        person.word()
        person.press("Tab")
        person.secret()
        person.press("Tab")
    person.word()
    return person.outcome()


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("mode", ["Password", "NoEcho"])
def test_a_secret_field_of_qt_is_not_recorded(desktop, mode, rounds):
    with Typist(desktop, {"form"}, seed=1, screen=True) as person:
        desktop.start(sys.executable, "-c", QT_FORM, mode, env=AWAKE)
        person.bring("form")
        outcome = fill_form(person, rounds)
        corner = person.window.rect
    check(outcome)
    field = next(look for look in outcome.looks if look.secrets)
    place = field.secrets[0]
    x, y = corner.x + place.x + place.width // 2, corner.y + place.y + place.height // 2
    shown = [rgb[y, x] for t_us, rgb in outcome.pictures() if t_us > outcome.secrets[0][0]]
    assert len(shown) > rounds
    assert all(is_mask(pixel) for pixel in shown)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_program_of_qt_whose_fields_cannot_be_seen_is_recorded_without_text(desktop, rounds):
    with Typist(desktop, {"form"}, seed=2) as person:
        desktop.start(sys.executable, "-c", QT_FORM, "Password")
        person.bring("form")
        outcome = fill_form(person, rounds)
    check(outcome, kept=False, reason="field-unknown")


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_password_entry_of_gtk_3_is_not_recorded(desktop, rounds):
    with Typist(desktop, {"zenity"}, seed=3) as person:
        desktop.start("zenity", "--forms", "--add-entry=Name", "--add-password=Secret")
        person.bring("zenity")
        for _ in range(rounds):
            person.word()
            person.press("Tab")
            person.secret()
            person.press("Tab", hold=("Shift_L",))
        person.word()
        outcome = person.outcome()
    check(outcome)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_password_dialog_of_gtk_3_is_not_recorded_from_its_first_letter(desktop, rounds):
    """A window that comes with the keyboard in its secret field."""
    with Typist(desktop, {"zenity", "xterm"}, seed=4) as person:
        desktop.start("xterm", "-e", "bash", "--norc")
        person.bring("xterm")
        for round_ in range(max(2, rounds // 4)):
            person.word()
            dialog = desktop.start("zenity", "--password")
            person.windows.wait_active("zenity")
            person.secret()
            time.sleep(
                0.6 * (round_ % 2)
            )  # some are gone before anybody could see more of them than a moment without focus
            desktop.stop(dialog)
            person.windows.wait_active("xterm")
        person.word()
        outcome = person.outcome()
    check(outcome)


# What the command "ask" does in bash, and how its prompt is left: a wrong password of su's costs seconds, Ctrl+C none.
PROMPTS = {
    "read": ("read -s x", ()),
    "getpass": (f"{sys.executable} -c 'import getpass; getpass.getpass()'", ()),
    "su": ("su root", ("Control_L",)),
}


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_password_prompt_in_a_terminal_is_not_recorded(desktop, prompt, rounds):
    command, leave_with = PROMPTS[prompt]
    start = desktop.folder / "bashrc"
    start.write_text(f"ask() {{ {command}; }}")
    with Typist(desktop, {"xterm"}, seed=5) as person:
        terminal = desktop.start("xterm", "-e", "bash", "--rcfile", str(start))
        person.bring("xterm")

        def asks():
            return any(not pty.echo and pty.canonical for pty in ptys_below(terminal.pid))

        for _ in range(rounds):
            person.word()
            person.press("u", hold=("Control_L",))
            person.hands.type("ask\n")
            person.eventually(asks, "no prompt")
            person.secret()
            person.press("c" if leave_with else "Return", hold=leave_with)
            person.eventually(lambda: not asks(), "the prompt does not end")
        person.word()
        outcome = person.outcome()
    check(outcome)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_what_is_typed_inside_tmux_is_not_recorded(desktop, rounds):
    with Typist(desktop, {"xterm"}, seed=6) as person:
        desktop.start(
            "xterm", "-e", "tmux", "-f", "/dev/null", "new-session", "bash --norc", env={"SHELL": "/bin/bash"}
        )
        person.bring("xterm")
        for _ in range(rounds):
            person.word()
            person.secret()
        outcome = person.outcome()
    check(outcome, kept=False, reason="field-unknown")
    assert {look.verdict for look in outcome.looks} == {Verdict.UNKNOWN}


@pytest.mark.promise("P8")
def test_a_password_typed_while_the_agent_records_is_not_in_what_is_opened(desktop, tmp_path):
    """The whole way, by clicks: consent, recording, seal, open."""
    spec = importlib.util.spec_from_file_location("agent_driver", Path(__file__).with_name("agent_driver.py"))
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    agent = driver.AgentDriver(desktop)
    try:
        agent.open_terminal("-e", "bash", "--norc", "-c", "read word; sleep 1; read -s secret; read word; read word")
        agent.set_up()
        agent.record()
        agent.work_in_terminal()
        agent.hands.type("before\n")
        time.sleep(1.6)  # the prompt comes after a second: what is typed right before one is withheld, too
        agent.hands.type("0123456789\n")
        time.sleep(0.6)
        agent.hands.type("after")
        time.sleep(1.5)
        agent.command("stop")
        opened = tmp_path / "opened"
        report = agent.opened(agent.sessions()[0]["id"], opened)
    finally:
        agent.close()
    keys = [e for topic, _, e in driver.events(opened) if topic == "keyboard"]
    assert driver.typed(opened) == "beforeafter"
    assert not [e for e in keys if e["sym"].isdecimal()]
    assert report["withheld_us"]["secret-field"] > 0
    assert report["usable"] == "yes"


@pytest.mark.promise("P8")
def test_a_card_number_in_ordinary_text_is_not_in_what_is_opened_and_the_text_around_it_is(desktop, tmp_path):
    """Typed with real keys into a shell, with a slip that Backspace takes away."""
    spec = importlib.util.spec_from_file_location("agent_driver", Path(__file__).with_name("agent_driver.py"))
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    agent = driver.AgentDriver(desktop)
    try:
        agent.set_up(categories=("Keyboard", "Mouse", "Windows", "Tasks"))  # pictures show what the terminal shows
        agent.record()
        agent.work_in_terminal()
        agent.hands.type("echo pay 4111 1111 12")
        agent.hands.key("BackSpace")
        agent.hands.type("111 1111 today please\n")
        agent.hands.type("export API_KEY=")
        agent.hands.type("hunter2secret9 and more")
        time.sleep(1.5)
        agent.command("stop")
        opened = tmp_path / "opened"
        report = agent.opened(agent.sessions()[0]["id"], opened)
    finally:
        agent.close()
    keys = [e for topic, _, e in driver.events(opened) if topic == "keyboard"]
    assert driver.typed(opened) == "echo pay  today pleaseexport API_KEY= and more"
    assert not [e for e in keys if e["sym"].isdecimal() or e["sym"] == "BackSpace"]
    assert sorted(e["code"] for e in keys if e["down"]) == sorted(e["code"] for e in keys if not e["down"])
    marks = [(e["start_us"], t) for topic, t, e in driver.events(opened) if e.get("reason") == "secret-text"]
    assert len(marks) == 2
    began = min(t for topic, t, _ in driver.events(opened) if topic == "keyboard")  # recording had begun by then
    assert all(start % 1_000_000 == 0 or start < began for start, _ in marks)
    assert report["withheld_us"]["secret-text"] > 0
    assert hits(opened, "4111 1111") == [] and hits(opened, "hunter2") == []
