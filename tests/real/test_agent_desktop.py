"""The whole agent among other windows, monitors, panels, accounts and versions, on a real display."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import agent_driver
import numpy as np
import pytest
import secretstorage
from agent_driver import AgentDriver, events, typed
from jeepney.io.blocking import open_dbus_connection
from PIL import ImageGrab
from Xlib import X
from Xlib.display import Display

from capture_agent.control.instance import announced_socket
from capture_agent.core.errors import CaptureAgentError
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.search import hits
from capture_agent.encode import video
from capture_agent.keys import dsse
from capture_agent.keys.vault import FORMAT as VAULT_FORMAT

CANARY = "zymurgy-canary-7"
XTERM = re.compile(r"(?i)\bxterm\b")
BACKGROUND = (0x3B, 0x4A, 0x5A)  # of the private desktop
WHITE = (255, 255, 255)  # an empty terminal
PATIENCE_S = 120.0  # for the other account; both set up a desktop on a busy machine
MEETING = Path(os.environ.get("CAPTURE_AGENT_MEETING", "/nonexistent"))
ME = os.environ.get("CAPTURE_AGENT_ACCOUNT", "1")
OTHER = {"1": "2", "2": "1"}[ME]

pytestmark = pytest.mark.real


@pytest.fixture
def agent(desktop):
    driver = AgentDriver(desktop)
    yield driver
    driver.close()


def frames(path):
    with path.open("rb") as stream:
        return list(video.decode(stream))


def near(pixel, colour):
    """Whether a decoded pixel is this colour; video keeps colours only nearly."""
    return all(abs(int(a) - b) <= 12 for a, b in zip(pixel, colour, strict=True))


def clicks(opened):
    found = [e for topic, _, e in events(opened) if topic == "pointer" and e["kind"] == "button" and e["down"]]
    return [(e["x"], e["y"]) for e in found]


def until_pixels(display, colour):
    deadline = time.monotonic() + agent_driver.WAIT_S
    while ImageGrab.grab(xdisplay=display).convert("RGB").tobytes().count(bytes(colour)) < 1000:
        assert time.monotonic() < deadline, f"{colour} is not on the screen"
        time.sleep(0.02)


def test_monitors_are_recorded_side_by_side_and_may_come_and_go(agent, two_monitors, tmp_path):
    agent.set_up()
    agent.record()
    agent.windows.close(agent.windows.wait("capture-agent"))
    agent.work_in_terminal()
    x, y = agent.windows.wait("xterm").centre
    assert x > 640
    for step, change in (("two ", two_monitors.unsplit), ("one ", two_monitors.split), ("two", None)):
        agent.hands.type(step)
        time.sleep(0.4)  # what is typed shortly before the focus moves is withheld
        agent.hands.click(x, y)
        agent.hands.click(300, 600)  # the background, on the left
        agent.work_in_terminal()
        time.sleep(0.6)
        if change is not None:
            change()
            time.sleep(0.5)
            agent.until("recording")
            agent.work_in_terminal()
            time.sleep(0.5)
    agent.command("stop")
    assert len(agent.sessions()) == 1
    opened = tmp_path / "opened"
    report = agent.opened(agent.sessions()[0]["id"], opened)
    assert report["usable"] == "yes", report["reasons"]
    # A panel that makes itself anew for other monitors shows no icon for a moment: nothing is recorded then.
    assert {gap["reason"] for gap in report["gaps"]} <= {"indicator"}
    assert typed(opened) == "two one two"
    assert clicks(opened) == [(x, y), (300, 600)] * 3
    left, right, whole = [0, 0, 640, 800], [640, 0, 640, 800], [0, 0, 1280, 800]
    told = [e["monitors"] for topic, _, e in events(opened) if topic == "marks" and e["kind"] == "monitors"]
    rects = [[one["rect"] for one in monitors] for monitors in told]
    assert [rects[0], rects[-1]] == [[left, right]] * 2
    assert [whole] in rects
    # Monitors are made and removed one by one, so there is a moment with the left one alone.
    assert all(now in ([left, right], [left], [whole]) for now in rects)
    assert all(one["number"] == n for monitors in told for n, one in enumerate(monitors, start=1))
    sizes = {path.name: frames(path)[-1][1].shape[:2] for path in opened.glob("screen-*.mp4")}
    assert sizes == {
        "screen-1.mp4": (800, 640),
        "screen-1-2.mp4": (800, 1280),
        "screen-1-3.mp4": (800, 640),
        "screen-2.mp4": (800, 640),
    }
    # A place in a video is that place of the desktop: the terminal on the right, the background on the left.
    corner = agent.windows.wait("xterm")
    at = (corner.y + corner.height - 20, corner.x + corner.width - 30)
    for name, (row, column), colour in (
        ("screen-1.mp4", (600, 300), BACKGROUND),
        ("screen-2.mp4", (at[0], at[1] - 640), WHITE),
        ("screen-2.mp4", (700, 40), BACKGROUND),
        ("screen-1-2.mp4", at, WHITE),
        ("screen-1-2.mp4", (600, 300), BACKGROUND),
        ("screen-1-3.mp4", (600, 300), BACKGROUND),
    ):
        assert near(frames(opened / name)[-1][1][row, column], colour), (name, row, column)


SECRET = (255, 0, 255)  # no other window here has anything like it
OURS = (0, 255, 255)
SECRET_EXCESS = 100  # of red and blue over green: the secret colour has 255, text on OURS up to 65 where colours mix


def secret_pixels(rgb):
    """Count the pixels with some of the secret colour: red and blue, and clearly less green."""
    red, green, blue = (rgb[:, :, n].astype(np.int16) for n in range(3))
    return int((np.minimum(red, blue) - green > SECRET_EXCESS).sum())


@pytest.mark.promise("P8")
def test_no_pixel_and_no_key_of_another_program_is_recorded_wherever_its_window_is(agent, tmp_path):
    agent.open_terminal("-bg", "#00ffff", "-e", "sh", "-c", "while sleep 0.05; do date +%N; done")
    agent.set_up(programs=(XTERM,))
    agent.record()
    agent.windows.close(agent.windows.wait("capture-agent"))
    agent.work_in_terminal()
    time.sleep(0.5)
    # Beside the terminal, then over it, under it, over it again, dragged across it, and gone.
    shown = ("xmessage", "-bg", "#ff00ff", "-fg", "#ff00ff", "-buttons", "", "-geometry", "500x300+100+100", "secret")
    agent.desktop.start(*shown)
    other = agent.windows.wait("xmessage")
    until_pixels(agent.desktop.display, SECRET)
    agent.hands.click(*other.centre)
    agent.windows.activate(other)
    agent.windows.wait_active("xmessage")
    agent.hands.type(CANARY)
    terminal = agent.windows.wait("xterm")
    agent.windows.place(other, 600, 120, 400, 300)
    time.sleep(0.4)
    agent.windows.activate(terminal)
    time.sleep(0.4)
    agent.windows.activate(other)
    time.sleep(0.4)
    for step in range(80):
        agent.windows.place(other, 300 + step * 9, 40 + step * 4, 400, 300)
        time.sleep(0.01)
    until_pixels(agent.desktop.display, SECRET)
    for _ in range(3):
        agent.windows.place(other, 700, 60, 300, 200)
        time.sleep(0.15)
        agent.windows.place(other, 20, 400, 300, 200)
        time.sleep(0.15)
    agent.windows.place(other, 700, 60, 300, 200)
    time.sleep(0.3)
    agent.windows.close(other)
    agent.eventually(lambda: not [w for w in agent.windows.all() if w.app == "xmessage"], "xmessage stays")
    agent.work_in_terminal()
    agent.hands.type("mine")
    time.sleep(0.8)
    agent.command("stop")
    opened = tmp_path / "opened"
    agent.opened(agent.sessions()[0]["id"], opened)
    seen = frames(opened / "screen-1.mp4")
    assert len(seen) > 20
    assert [secret_pixels(rgb) for _, rgb in seen] == [0] * len(seen)
    ours = [sum(near(pixel, OURS) for pixel in rgb[::16, ::16].reshape(-1, 3)) for _, rgb in seen]
    # Where the window was dragged across it is painted over for a second more, and then shown again.
    assert sum(count > 20 for count in ours) >= 0.75 * len(ours), "a mask that hides everything proves nothing"
    assert ours[-1] > 20
    assert min(ours) < 0.7 * max(ours)  # it was covered, and that was painted over
    assert typed(opened) == "mine"
    assert hits(opened, CANARY) == []
    assert hits(opened, "xmessage") == []
    assert hits(agent.profile, CANARY) == []


@pytest.mark.promise("P8")
def test_what_is_typed_while_a_program_holds_the_keyboard_is_nowhere(agent, tmp_path):
    agent.set_up()
    agent.record()
    agent.work_in_terminal()
    agent.hands.type("before")
    time.sleep(1.0)
    locker = Display(agent.desktop.display)
    root = locker.screen().root
    assert root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime) == X.GrabSuccess
    locker.sync()
    agent.hands.type(CANARY)
    time.sleep(0.4)
    locker.ungrab_keyboard(X.CurrentTime)
    locker.sync()
    locker.close()
    agent.work_in_terminal()
    agent.hands.type("after")
    time.sleep(0.8)
    agent.command("stop")
    agent.opened(agent.sessions()[0]["id"], tmp_path / "opened")
    assert typed(tmp_path / "opened") == "beforeafter"
    keys = [e["sym"] for topic, _, e in events(tmp_path / "opened") if topic == "keyboard" and e["down"]]
    assert "".join(keys) == "beforeafter"
    assert hits(tmp_path / "opened", CANARY) == []


def icon_centre(display):
    """Return where a panel shows the recording icon, found by its colour: it tells nobody the place."""
    image = np.asarray(ImageGrab.grab(xdisplay=display).convert("RGB"))[-32:]
    rows, columns = np.nonzero((image == (224, 40, 60)).all(axis=2))
    assert len(rows), "no recording icon in the panel"
    return int(columns.mean()), 800 - 32 + int(rows.mean())


@pytest.mark.promise("P6")
def test_an_icon_that_the_panel_draws_itself_is_proved_and_pauses_by_a_click(tmp_path):
    with PrivateDesktop(tray="lxqt-panel") as desktop:
        agent = AgentDriver(desktop)
        try:
            agent.set_up()
            agent.record()
            agent.windows.close(agent.windows.wait("capture-agent"))
            agent.work_in_terminal()
            agent.hands.type("before")
            time.sleep(1.0)
            agent.hands.click(*icon_centre(desktop.display))
            agent.until("paused", within=5)
            agent.work_in_terminal()
            agent.hands.type(CANARY)
            time.sleep(0.5)
            agent.front()
            agent.press("Resume")
            agent.until("recording")
            # Without the panel only the small window of our own proves anything; it may come before the next proof.
            desktop.stop_tray()
            agent.windows.wait_popup("capture-agent")
            agent.until("recording")
            agent.command("stop")
            agent.opened(agent.sessions()[0]["id"], tmp_path / "opened")
            assert typed(tmp_path / "opened") == "before"
        finally:
            agent.close()


def digests(folder):
    """Return the hash of every file but the lock, which says who runs."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "agent.lock"
    }


def signing_key(desktop):
    """Return the study's signing key from the desktop's keyring."""
    with open_dbus_connection(bus=desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as bus:
        for collection in secretstorage.get_all_collections(bus):
            for item in collection.get_all_items():
                try:
                    return dsse.SigningKey.parse(item.get_secret().decode())
                except CaptureAgentError:
                    continue
    raise AssertionError("no signing key in the keyring")


def newer_state(profile, _desktop):
    path = profile / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2, "more": "to come"}))


def newer_vault(profile, _desktop):
    (path,) = [path for path in (profile / "vault").iterdir() if path.name == "vault"]
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(json.dumps({**json.loads(first), "format": VAULT_FORMAT + 1}).encode() + b"\n" + rest)


def newer_record(profile, desktop):
    path = profile / "ledger.jsonl"
    last = path.read_bytes().splitlines()[-1]
    payload = json.loads(dsse.unverified_payload(last))
    newer = {**payload, "format": 3, "seq": payload["seq"] + 1, "prev": hashlib.sha256(last).hexdigest()}
    with path.open("ab") as file:
        file.write(signing_key(desktop).sign(dsse.LEDGER_ENTRY, json.dumps(newer).encode()) + b"\n")


def test_an_upgrade_seals_first_and_what_a_newer_version_wrote_is_refused_untouched(agent, tmp_path):
    agent.set_up()
    agent.record()
    agent.work_in_terminal()
    agent.hands.type("last words")
    time.sleep(1.0)
    assert agent.end(signal.SIGTERM) == 0
    (held,) = agent.sessions()
    assert held["complete"]
    agent.opened(held["id"], tmp_path / "opened")
    assert typed(tmp_path / "opened") == "last words"
    for make_newer in (newer_state, newer_vault, newer_record):
        before = {path: path.read_bytes() for path in agent.profile.rglob("*") if path.is_file()}
        make_newer(agent.profile, agent.desktop)
        found = digests(agent.profile)
        done = agent.run_plain()
        assert (make_newer.__name__, done.returncode) == (make_newer.__name__, 7), done.stderr
        assert "newer version (format " in done.stderr
        assert "Traceback" not in done.stderr
        assert digests(agent.profile) == found, make_newer.__name__
        for path, data in before.items():
            path.write_bytes(data)
    agent.start_agent()
    agent.until_status(lambda seen: seen["study"])
    assert agent.sessions()[0]["id"] == held["id"]


def meet(step):
    """Wait until the other account has come to `step` too."""
    (MEETING / f"agent-{ME}-{step}").touch()
    deadline = time.monotonic() + PATIENCE_S
    while not (MEETING / f"agent-{OTHER}-{step}").exists():
        assert time.monotonic() < deadline, f"the other account did not come to {step}"
        time.sleep(0.02)


@pytest.mark.promise("P3")
@pytest.mark.two_accounts
def test_two_accounts_record_at_the_same_time_and_neither_reads_the_other(agent, desktop, tmp_path):
    agent.set_up()
    agent.record()
    meet("recording")
    agent.work_in_terminal()
    agent.hands.type(f"account {ME}")
    time.sleep(1.5)
    # The folders above are opened for all, so that the profile's own modes are what keeps the other one out.
    for folder in (agent.profile, *agent.profile.parents):
        if folder != agent.profile and folder.is_relative_to(desktop.folder):
            folder.chmod(0o755)
    place = announced_socket(agent.profile)
    files = [str(path) for path in agent.profile.rglob("*") if path.is_file()]
    assert any(name.endswith(".held") for name in files)
    told = MEETING / f"agent-told-{ME}.json"
    told.write_text(json.dumps({"profile": str(agent.profile), "socket": str(place), "files": files}))
    told.chmod(0o644)
    meet("told")
    theirs = json.loads((MEETING / f"agent-told-{OTHER}.json").read_text())
    with pytest.raises(PermissionError):
        list(Path(theirs["profile"]).iterdir())
    for name in theirs["files"]:
        with pytest.raises(PermissionError):
            Path(name).read_bytes()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        with pytest.raises(PermissionError):
            connection.connect(theirs["socket"])
    assert agent.run_plain(("status",), env={"XDG_DATA_HOME": str(Path(theirs["profile"]).parent)}).returncode == 7
    meet("tried")
    assert agent.status()["state"] == "recording"
    agent.command("stop")
    agent.opened(agent.sessions()[0]["id"], tmp_path / "opened")
    assert typed(tmp_path / "opened") == f"account {ME}"
    assert len(agent.sessions()) == 1
    meet("done")
