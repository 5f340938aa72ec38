"""Secrets typed at prompts in terminals, and into dialogs that grab the keyboard: nothing of them is kept."""

from __future__ import annotations

import subprocess
import sys
import time

import agent_driver as driver
import pytest
from typist import ROUNDS, Typist, check

from capture_agent.core.events import Verdict
from capture_agent.demo.search import hits
from capture_agent.desktop.terminals import ptys_below

pytestmark = [pytest.mark.real, pytest.mark.long]

PORT = 2222  # on the loopback of the tests' own network
# sudo itself cannot run here: tests run with `no_new_privs`, which takes the setuid bit away from it. This has its name
# and does to the terminal what its tgetpass.c does with `pwfeedback`: no echo, no lines, a star for each letter.
SUDO = """#!/usr/bin/python3
import os, termios
was = termios.tcgetattr(0)
now = termios.tcgetattr(0)
now[3] &= ~(termios.ECHO | termios.ICANON)
termios.tcsetattr(0, termios.TCSAFLUSH, now)
os.write(1, b"[sudo] password: ")
while os.read(0, 1) not in b"\\r\\n":
    os.write(1, b"*")
termios.tcsetattr(0, termios.TCSAFLUSH, was)
os.write(1, b"\\n")
"""
SSH = (
    "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "
    f"-o PreferredAuthentications=password -o NumberOfPasswordPrompts=1 -p {PORT} somebody@127.0.0.1"
)
# What the command "ask" does in bash, and how its prompt is left: a wrong password costs some seconds, Ctrl+C none.
PROMPTS = {
    "read -s": ("read -s x", ()),
    "getpass": (f"{sys.executable} -c 'import getpass; getpass.getpass()'", ()),
    "su": ("su root", ("Control_L",)),
    "ssh": (SSH, ("Control_L",)),
    "sudo": ("./sudo", ()),
}


def serve_ssh(desktop):
    """Start a real server that asks everybody for a password, and lets nobody in."""
    key = desktop.folder / "host_key"
    subprocess.run(("dropbearkey", "-t", "ed25519", "-f", str(key)), capture_output=True, check=True)
    options = ("-F", "-E", "-r", str(key), "-p", f"127.0.0.1:{PORT}", "-P", str(desktop.folder / "pid"))
    desktop.start("/usr/sbin/dropbear", *options)


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_password_prompt_in_a_terminal_is_not_recorded(desktop, prompt, rounds):
    command, leave_with = PROMPTS[prompt]
    start = desktop.folder / "bashrc"
    start.write_text(f"cd {desktop.folder}; ask() {{ {command}; }}")
    sudo = desktop.folder / "sudo"
    sudo.write_text(SUDO)
    sudo.chmod(0o700)
    if prompt == "ssh":
        serve_ssh(desktop)
    with Typist(desktop, {"xterm"}, seed=5) as person:
        terminal = desktop.start("xterm", "-e", "bash", "--rcfile", str(start))
        person.bring("xterm")

        def asks():
            return any(not pty.echo and (pty.canonical or "sudo" in pty.foreground) for pty in ptys_below(terminal.pid))

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
    said = "`sudo` with `pwfeedback` (a stand-in: see below)" if prompt == "sudo" else f"`{prompt}`"
    check(outcome, f"xterm, {said}")


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
    check(outcome, "xterm with tmux", kept=False, reasons=frozenset({"field-unknown"}))
    assert {look.verdict for look in outcome.looks} == {Verdict.UNKNOWN}


@pytest.mark.promise("P8")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_pin_dialog_that_grabs_the_keyboard_is_not_recorded(desktop, rounds):
    """Ticked here, though its name is on the list of what never is: none of its keys reach the recorder."""
    with Typist(desktop, {"xterm", "pinentry-gtk-2"}, seed=12) as person:
        desktop.start("xterm", "-e", "bash", "--norc")
        person.bring("xterm")
        for _ in range(max(2, rounds // 4)):
            person.word()
            dialog = desktop.start("sh", "-c", "(echo GETPIN; sleep 60) | pinentry-gtk-2")
            person.windows.wait_active("pinentry-gtk-2")
            person.secret()
            time.sleep(0.3)
            desktop.stop(dialog)
            person.windows.wait_active("xterm")
        person.word()
        outcome = person.outcome()
    check(outcome, "PIN dialog (pinentry-gtk-2) over a terminal", reasons=frozenset())


@pytest.mark.promise("P8")
def test_a_password_typed_while_the_agent_records_is_not_in_what_is_opened(desktop, tmp_path):
    """The whole way, by clicks: consent, recording, seal, open."""
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
        (listed,) = agent.sessions()
        report = agent.opened(listed["id"], opened)
    finally:
        agent.close()
    keys = [e for topic, _, e in driver.events(opened) if topic == "keyboard"]
    assert listed["withheld_us"] == report["withheld_us"]  # the list says what the report does
    assert driver.typed(opened) == "beforeafter"
    assert not [e for e in keys if e["sym"].isdecimal()]
    assert report["withheld_us"]["secret-field"] > 0
    assert report["usable"] == "yes"


@pytest.mark.promise("P8")
def test_a_card_number_in_ordinary_text_is_not_in_what_is_opened_and_the_text_around_it_is(desktop, tmp_path):
    """Typed with real keys into a shell, with a slip that Backspace takes away."""
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
