"""The real user interface over an agent in memory, as a program of its own on a private desktop.

It reads one command a line (Python, run on the main thread with `agent`, `shell`, `policies`) from
the file named first, and writes what it shows to the file named second whenever that changes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "ui"))
sys.path.insert(0, str(Path(__file__).parent.parent / "session"))

import memory_agent
import small_world
import ui_looks as looks
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLineEdit

from capture_agent.core.events import Layout
from capture_agent.core.language import say
from capture_agent.core.recording import State
from capture_agent.desktop.x11_pick import X11Pick
from capture_agent.session.closed import open_agent
from capture_agent.ui import colours
from capture_agent.ui.passphrase import ask_passphrase
from capture_agent.ui.shell import Shell
from capture_agent.ui.tongue import speak_as
from capture_agent.ui.view_state import Command

TICK_MS = 100  # as the controller does


def proved_shown(window_id: int) -> bool:
    """Look at the X server: mapped, on the screen, and at most half covered. The agent's own look is `desktop.x11`."""
    from Xlib import X, error

    try:
        window = _display.create_resource_object("window", window_id)
        if window.get_attributes().map_state != X.IsViewable:
            return False
        box, root = window.get_geometry(), _display.screen().root
        spot = root.translate_coords(window, 0, 0)
        left, top = spot.x, spot.y
        area = box.width * box.height
        if box.width < 2 or box.height < 2 or left < 0 or top < 0:
            return False
        top_level, chain = window, {window.id}
        while (parent := top_level.query_tree().parent) != root:
            top_level = parent
            chain.add(parent.id)
        above = False
        covered = 0
        for other in root.query_tree().children:
            if other.id in chain:
                above = True
            elif above and other.get_attributes().map_state == X.IsViewable:
                o = other.get_geometry()
                width = min(left + box.width, o.x + o.width) - max(left, o.x)
                height = min(top + box.height, o.y + o.height) - max(top, o.y)
                covered += max(0, width) * max(0, height)
        return covered * 2 <= area
    except (error.BadWindow, error.BadDrawable):
        return False


def spied(person: small_world.Person) -> dict[str, object]:
    """Return how many sources were made, what the ledger holds, and the state of each consent."""
    ledger = person.agent._agreement.ledger
    states = {state.value for state in person.agent._agreement.standing.consent.states.values()}
    return {
        "made": person.world.made,
        "kinds": [entry.kind.value for entry in ledger.entries],
        "states": sorted(states),
    }


def main() -> None:
    """Run until the shell leaves."""
    global _display
    from Xlib import display

    commands, told = Path(sys.argv[1]), Path(sys.argv[2])
    _display = display.Display()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("capture-agent")
    colours.follow(app)
    if "--dark" in sys.argv:
        colours.wear(app, dark=True)
    speak_as("de" if "--german" in sys.argv else "")
    # With --spy: the real controller, ledger and table, over sources that tell that they were made.
    person = small_world.Person(told.parent / "person") if "--spy" in sys.argv else None
    agent = memory_agent.MemoryAgent() if person is None else person.agent
    if person is not None and "--closed" in sys.argv:
        # With --closed: what the program shows of a profile whose record lost its end.
        small_world.recording(person).stop()
        lines = person.profile.ledger.read_bytes().splitlines(keepends=True)
        person.profile.ledger.write_bytes(b"".join(lines[:-1]))
        agent = person.agent = open_agent(person.profile, lambda: person.secrets, person.world)
    memory = agent if isinstance(agent, memory_agent.MemoryAgent) else None
    problems: list[str] = []
    shell = Shell(agent, proved_shown, memory_agent.nine_words, app.quit, lambda: X11Pick(None, lambda: Layout(())))
    shell.bridge.failed.connect(lambda error: problems.append(f"{error} | {error.hint}"))
    sys.excepthook = shell.bridge.fault
    announced: list[str] = []

    def announce() -> None:
        shell.announce_recording()
        announced.append(shell.tray.icon.value)

    agent.announce = announce
    state = {"proof": None, "done": 0, "took": 0.0}
    names: dict[str, object] = {
        "agent": agent,
        "shell": shell,
        "m": memory_agent,
        "app": app,
        "ui_command": Command,
        "person": person,
        "looks": looks,
        "QLineEdit": QLineEdit,
        "say": say,
    }

    def later(call: Callable[[], object]) -> None:
        QTimer.singleShot(0, call)

    def ask(*, new: bool) -> None:
        agent.calls.append(f"passphrase {ask_passphrase(new=new, why='It protects your recordings.')}")

    asked: dict[str, object] = {}  # what is looked at only when a test wants it, because it takes long
    names |= {"later": later, "ask": ask, "asked": asked}

    def tick() -> None:
        began = time.perf_counter()
        proof = shell.prove()
        state["took"] = max(state["took"], time.perf_counter() - began)
        state["proof"] = proof and proof.value
        if proof is None and agent.snapshot().state is State.RECORDING:
            agent.hinder("The recording sign cannot be shown.", "Start a panel that shows icons.")
        elif proof is not None and agent.snapshot().state is State.SUSPENDED:
            agent.clear()
        lines = commands.read_text().splitlines()
        for line in lines[state["done"] :]:
            state["done"] += 1
            exec(line, names)
        write()

    def write() -> None:
        sign = shell.indicator.fallback
        seen = {
            "done": state["done"],
            "pid": os.getpid(),
            "state": agent.snapshot().state.value,
            "icon": shell.tray.icon.value,
            "proof": state["proof"],
            "slowest_proof_ms": round(state["took"] * 1000, 1),
            "tray": [n * app.devicePixelRatio() for n in shell.tray.geometry()],
            "fallback": sign.isVisible(),
            "fallback_box": [sign.x(), sign.y(), sign.width(), sign.height()],
            "menu": looks.menu_boxes(app),
            "boxes": looks.window_boxes(app),
            "buttons": looks.button_boxes(app),
            "cut": looks.cut(app),
            "contrasts": looks.contrasts(app),
            "mnemonics": looks.mnemonics(app),
            "focus": looks.name_of(app.focusWidget()),
            "asked": asked,
            "announced": announced,
            "calls": getattr(memory, "calls", []),
            "accepted": [[sorted(c), sorted(a), w, t] for c, a, w, t in getattr(memory, "accepted", [])],
            "spied": None if person is None or "--closed" in sys.argv else spied(person),
            "problems": problems,
            "status": shell.bridge.view.status,
            "windows": sorted(w.objectName() for w in app.topLevelWidgets() if w.isVisible() and w.objectName()),
        }
        text = json.dumps(seen)
        if not told.exists() or told.read_text() != text:
            fresh = told.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(told)

    timer = QTimer(interval=TICK_MS)
    timer.timeout.connect(tick)
    timer.start()
    signal.signal(signal.SIGTERM, lambda *_: app.quit())
    app.exec()
    shell.close()


if __name__ == "__main__":
    main()
