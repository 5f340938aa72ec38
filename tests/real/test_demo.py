from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

STORE = Path(__file__).parents[2] / "scripts" / "demo_store.py"
# Loaded by every Python that the demo starts: notes whatever wants to leave this machine.
SPY = """
import os, sys
NOTES = os.path.join(os.path.dirname(__file__), "notes")
WATCHED = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0}
def watch(event, arguments):
    if event in WATCHED:
        address = arguments[WATCHED[event]]
        if event == "socket.getaddrinfo" or isinstance(address, tuple):
            with open(NOTES, "a") as notes:
                notes.write(f"{os.getpid()} {event} {address}\\n")
sys.addaudithook(watch)
with open(NOTES, "a") as notes:
    notes.write(f"{os.getpid()} watched {sys.orig_argv}\\n")
"""


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH that holds the spy; its notes are in `notes`."""
    folder = tmp_path / "spy"
    folder.mkdir(mode=0o777)
    (folder / "sitecustomize.py").write_text(SPY)
    return folder


def environment(spy: Path) -> dict[str, str]:
    before = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(spy), *([before] if before else [])])}


def wanted_out(spy: Path) -> tuple[list[str], list[str]]:
    """What the programs wanted, then what the one did that plays the store."""
    notes = (spy / "notes").read_text().splitlines()
    store = {
        line.split()[0] for line in notes if " watched " in line and STORE.name in line and "capture_agent" not in line
    }
    out = [line for line in notes if " watched " not in line]
    return [line for line in out if line.split()[0] not in store], [line for line in out if line.split()[0] in store]


@pytest.mark.promise("P14")
def test_the_spy_sees_what_wants_to_leave(spy: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"import socket; socket.create_connection({server.getsockname()!r}).close()"
        subprocess.run([sys.executable, "-c", script], env=environment(spy), check=True)
    ours, the_stores = wanted_out(spy)
    assert [line.split()[1] for line in ours] == ["socket.getaddrinfo", "socket.connect"]
    assert the_stores == []


@pytest.mark.promise("P1")
@pytest.mark.promise("P3")
@pytest.mark.promise("P4")
@pytest.mark.promise("P5")
@pytest.mark.promise("P12")
@pytest.mark.promise("P14")
@pytest.mark.serial
def test_what_is_opened_is_what_was_done_and_nothing_else_is_anywhere(tmp_path: Path, spy: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "capture_agent", "demo", "--store", str(STORE), "--out", str(out), "--json"]
    done = subprocess.run(command, env=environment(spy), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary == json.loads(done.stdout)
    assert summary["differences"] == 0
    assert summary["worst_time_error_us"] <= 5_000
    # Typed in the pause, forgotten, cut out or opted out of, and what opens the store: nowhere. Typed while recording:
    # nowhere but in what was opened.
    assert summary["canary_hits"] == 0
    assert summary["inside_pauses"] == 0
    # Shared over S3 by who can create there and nothing else, opened from there, withdrawn there, and refused.
    delivery = summary["delivery"]
    assert delivery["to"].startswith("s3://study/in?endpoint=http://127.0.0.1:")
    assert delivery["files"] == 2
    assert delivery["answers_to_participants"] == {"get": 403, "head": 403, "list": 403, "delete": 403}
    assert summary["exit_code_once_withdrawn"] == 4
    assert summary["refused_once_withdrawn"] is True
    assert [gap["reason"] for gap in summary["gaps"]] == ["withheld", "withheld"]  # the pause, and what was cut out
    for kind, least in (("key", 150), ("button", 4), ("move", 20), ("scroll", 5)):
        assert summary["events"][kind]["recorded"] >= least, kind
        assert summary["events"][kind]["suppressed"] > 0, kind
    assert summary["frames"] > 10
    assert summary["usable"] == "yes", summary["reasons"]
    shown = {"paused", "forget", "menu-forget", "player", "player-cut", "window-shared", "opt-out", "undo", "opted-out"}
    assert {f"{name}.png" for name in shown} <= set(summary["pictures"])
    for name in summary["pictures"]:
        with Image.open(out / name) as picture:
            assert picture.size == (1280, 800)
    assert {"bundle.capture", "withdrawal.capture", "opened", "summary.json"} <= {path.name for path in out.iterdir()}
    watched = (spy / "notes").read_text().count(" watched ")
    assert watched >= 5  # the demo, the agent, and each command
    ours, the_stores = wanted_out(spy)
    assert ours == []
    assert the_stores
    assert [line for line in the_stores if "127.0.0.1" not in line and "::1" not in line] == []
