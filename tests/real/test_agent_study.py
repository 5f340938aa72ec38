"""A study from joining to the opened bundle, and every way in which it can change or end, with the real program."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
from io import BytesIO

import agent_driver
import numpy as np
import pytest
import secretstorage
from agent_driver import AgentDriver, StudyFile, events, typed
from jeepney.io.blocking import open_dbus_connection
from PIL import Image

from capture_agent.core.errors import CaptureAgentError
from capture_agent.demo.search import hits
from capture_agent.encode import video
from capture_agent.keys import age
from capture_agent.research import keyfile

CANARY = "zymurgy-canary-7"
WORD = "zymurgy-7"
XTERM = re.compile(r"(?i)\bxterm\b")
AGE_MAGIC = b"age-encryption.org/v1"

pytestmark = [pytest.mark.real, pytest.mark.long]


@pytest.fixture
def agent(desktop):
    driver = AgentDriver(desktop)
    yield driver
    driver.close()


@pytest.fixture
def researcher(agent, tmp_path):
    """A researcher's key, made as they make it; the public half as it goes into a policy."""
    path = tmp_path / "researcher.key"
    made = json.loads(agent.research("keygen", str(path), "--json"))
    assert made["post_quantum"]
    return path, made["recipient"]


@pytest.fixture
def study(researcher, tmp_path):
    """A study file in a folder that others may change."""
    return StudyFile(tmp_path / "study.toml", researcher[1])


def sealed(folder):
    """Yield every age file there is below `folder`, those inside of tapes and vault included."""
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        if data.startswith(AGE_MAGIC):
            yield data
        elif path.suffix == ".held":
            with tarfile.open(fileobj=BytesIO(data)) as tape:
                for member in tape:
                    file = tape.extractfile(member)
                    part = b"" if file is None else file.read()
                    if part.startswith(AGE_MAGIC):
                        yield part
        elif path.name == "vault":
            for line in data.splitlines():
                texts = [text for text in json.loads(line).values() if isinstance(text, str)]
                yield from (part for text in texts if (part := from_base64(text)).startswith(AGE_MAGIC))


def from_base64(text):
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def opens(data, identities):
    try:
        age.decrypt(data, identities)
    except CaptureAgentError:
        return False
    return True


def ffprobe(path, *what):
    command = ("ffprobe", "-v", "error", *what, "-of", "json", str(path))
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def is_key_at(path, t_us):
    """Return whether the first picture from a time on needs none before it."""
    packets = ffprobe(path, "-show_packets")["packets"]
    return next("K" in one["flags"] for one in packets if round(float(one["pts_time"]) * 1e6) >= t_us)


@pytest.mark.promise("P4")
def test_only_what_was_released_opens_and_each_recipient_gets_their_part_alone(agent, researcher, study, tmp_path):
    counter = age.new_hybrid()
    counting = tmp_path / "counting.key"
    counting.touch(mode=0o600)
    counting.write_text(f"{counter.secret}\n")
    study.recipients.append({"name": "Counters", "key": counter.recipient, "categories": ["windows", "tasks"]})
    study.write(tasks=["Write a list of fruit"])
    agent.set_up(study.path)
    agent.record()
    agent.command("task", "start", "A first task")
    agent.work_in_terminal()
    # Fewer presses than a verdict on the lag takes: the hotkey's draw a dialog, and on a busy machine late.
    agent.hands.type(WORD)
    agent.hands.click(*agent.terminal.centre)
    time.sleep(0.4)
    agent.command("task", "finish", "--outcome", "gave-up", "--difficulty", "4")
    agent.hands.key("F10", hold=("Control_L", "Shift_L"))
    agent.eyes.wait("Start a task", "dialog")
    agent.press("Write a list of fruit", "list item")
    agent.press("Start")
    agent.until_status(lambda seen: seen["task"])
    agent.hands.key("F10", hold=("Control_L", "Shift_L"))
    agent.press("Done", "radio button")
    agent.press("Finish")
    agent.until_status(lambda seen: seen["task"] is None)
    agent.work_in_terminal()
    agent.hands.type("end")
    time.sleep(0.8)
    agent.command("stop")

    # Before the release nothing on the disk opens with a researcher's key, and there is nothing to send.
    keys = keyfile.load(researcher[0], agent_driver.PASSPHRASE)
    assert opens(age.encrypt(b"for them", [researcher[1]]), keys)
    files = list(sealed(agent.profile))
    assert len(files) >= 3
    assert not [data for data in files if opens(data, [*keys, counter])]
    assert not list((agent.profile / "outbox").iterdir())
    assert not list(agent.desktop.folder.rglob("*.capture"))

    bundles = agent.release()
    assert len(bundles) == 2
    assert agent.sessions()[0]["released_to"] == ["Research group", "Counters"]
    (theirs,) = [path for path in bundles if opens(path.read_bytes(), keys)]
    (counted,) = [path for path in bundles if opens(path.read_bytes(), [counter])]
    assert theirs != counted
    for path in bundles:
        assert path.stat().st_mode & 0o077 == 0
        assert WORD.encode() not in path.read_bytes()

    identity = ("--identity", str(researcher[0]))
    agent.research("verify", str(theirs), *identity, code=5)  # whose key it is, is not known yet
    pinned = json.loads(agent.research("verify", str(theirs), *identity, "--pin", "--json"))
    assert not pinned["verified"]
    device = json.loads(agent.command("research", "devices", "list", "--json"))["devices"][0]
    agent.command("research", "devices", "trust", device["study"], device["pseudonym"], device["key"])
    assert json.loads(agent.research("verify", str(theirs), *identity, "--json"))["verified"]
    opened = tmp_path / "opened"
    report = json.loads(agent.research("open", str(theirs), *identity, "--out", str(opened), "--stills", "--json"))
    assert report["usable"] == "yes", report["reasons"]
    assert typed(opened) == WORD + "end"
    tasks = [e for topic, _, e in events(opened) if topic == "tasks"]
    assert [(e["kind"], e.get("text"), e.get("outcome")) for e in tasks] == [
        ("started", "A first task", None),
        ("finished", None, "gave-up"),
        ("started", "Write a list of fruit", None),
        ("finished", None, "done"),
    ]
    (video,) = ffprobe(opened / "screen-1.mp4", "-count_frames", "-show_streams")["streams"]
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", *agent.desktop.size)
    assert int(video["nb_read_frames"]) > 1
    marks = [t_us for topic, t_us, _ in events(opened) if topic == "tasks"]
    assert [is_key_at(opened / "screen-1.mp4", t_us) for t_us in marks] == [True] * 4  # a cut can begin and end there
    assert len(list((opened / "stills").iterdir())) >= 1

    small = tmp_path / "counted"
    agent.research("open", str(counted), "--identity", str(counting), "--out", str(small), "--no-table")
    assert {topic for topic, _, _ in events(small)} <= {"windows", "tasks", "marks"}
    assert [e for topic, _, e in events(small) if topic == "tasks"] == tasks
    assert not list(small.glob("screen*"))
    assert hits(small, WORD) == []
    agent.research("verify", str(counted), *identity, code=6)


@pytest.mark.promise("P7")
def test_a_changed_file_narrows_at_once_and_widening_stops_and_asks(agent, study, tmp_path):
    agent.settings.parent.mkdir(parents=True)
    study.write()
    agent.set_up(study.path)
    agent.record()
    agent.work_in_terminal()
    agent.hands.type("before")
    time.sleep(1.0)
    everything = agent.connections()

    # The person's own settings: the keyboard goes, from the events and from the sources.
    agent_driver.replace(agent.settings, 'categories = ["pointer", "windows", "screen", "tasks"]\n')
    seen = agent.until_status(lambda seen: "keyboard" not in seen["consented"])
    assert seen["consented"] == ["pointer", "screen", "tasks", "windows"]
    agent.until("recording")
    agent.eventually(lambda: agent.connections() < everything, "the keyboard is still listened to")
    without_keys = agent.connections()
    agent.work_in_terminal()
    agent.hands.type(CANARY)
    agent.hands.click(*agent.terminal.centre)
    time.sleep(0.5)

    # So goes a program.
    agent_driver.replace(
        agent.settings, 'categories = ["pointer", "windows", "screen", "tasks"]\nnever_programs = ["xterm"]\n'
    )
    assert agent.until_status(lambda seen: "xterm" not in seen["programs"])["programs"] == ["desktop"]
    agent.until("recording")
    agent.work_in_terminal()
    agent.hands.click(agent.terminal.x + 11, agent.terminal.y + 11)
    time.sleep(0.5)

    # The study's file: the screen goes too.
    study.write(categories=["keyboard", "pointer", "windows", "tasks"])
    seen = agent.until_status(lambda seen: "screen" not in seen["consented"])
    assert seen["consented"] == ["pointer", "tasks", "windows"]
    agent.until("recording")
    agent.eventually(lambda: agent.connections() < without_keys, "the screen is still looked at")

    # A wrong file is told with its place; the last good one stays in force, and it goes on.
    good = study.path.read_text()
    agent_driver.replace(study.path, good.replace("retention_days", "retention_dayz"))
    line = next(n for n, text in enumerate(good.splitlines(), start=1) if text.startswith("retention_days"))
    agent.eyes.wait(re.compile(rf"study\.toml:{line}:1: retention_dayz: .*Did you mean .retention_days"))
    seen = agent.status()
    assert (seen["state"], seen["consented"]) == ("recording", ["pointer", "tasks", "windows"])
    agent_driver.replace(study.path, good)
    agent.until_status(lambda seen: not seen["problem"])

    # The switch that stops everything; nothing begins again when it is lifted.
    study.write(enabled=False)
    seen = agent.until("off")
    assert "switched off" in seen["problem"]
    assert agent.sessions()[0]["complete"]
    study.write(enabled=True)
    agent.until_status(lambda seen: not seen["problem"])
    time.sleep(1.5)
    assert agent.status()["state"] == "off"
    agent.front()
    agent.record()

    # A wider file: recording stops, and the panel asks again and shows what is new.
    study.recipients.append({"name": "An advertiser", "key": age.new_hybrid().recipient})
    study.write(retention_days=30)
    seen = agent.until("off")
    assert seen["must_ask"]
    assert seen["consented"] == []
    assert [(one["what"], one["was"], one["wants"]) for one in seen["widened"]] == [
        ("recipient", "not there", "An advertiser"),
        ("days kept", "7", "30"),
    ]
    study.recipients.pop()
    study.write(retention_days=7)  # taking it back does not bring the consent back
    agent.until_status(lambda seen: not seen["widened"])
    assert agent.status()["consented"] == []
    study.write(retention_days=30)
    agent.until_status(lambda seen: seen["widened"])
    agent.front()
    agent.press("Choose what is recorded…")
    for said in ("What changed since you agreed", "Days kept", "7", "30"):
        agent.eyes.wait(said)
    agent.agree("Mouse", "Windows", "Tasks", agent_driver.BACKGROUND)
    assert agent.status()["state"] == "off"
    agent.record()
    agent.command("stop")

    # Each change began another recording.
    opened = [tmp_path / one["id"] for one in agent.sessions()]
    assert len(opened) >= 3
    for out in opened:
        agent.opened(out.name, out)
    assert "".join(map(typed, opened)) == "before"
    buttons = [e for out in opened for topic, _, e in events(out) if topic == "pointer" and e["kind"] == "button"]
    assert [(e["x"], e["y"]) for e in buttons if e["down"]] == [agent.terminal.centre]


@pytest.mark.promise("P7")
def test_the_example_can_be_joined_and_read_and_is_never_recorded_for(agent, tmp_path):
    example = tmp_path / "example.toml"
    example.write_text((agent_driver.ROOT / "config.example.toml").read_text())
    agent.open_terminal()
    agent.start_agent()
    agent.join(example)
    agent.eyes.wait("How we work: an example study")
    agent.agree(*agent_driver.CATEGORIES, XTERM)
    seen = agent.status()
    assert (seen["consented"], seen["held"]) == ([], 0)
    assert "key of the example" in seen["problem"]
    agent.press("Start recording")
    time.sleep(1)
    assert agent.status()["state"] == "off"
    assert agent.sessions() == []
    assert not list((agent.profile / "held").iterdir())


def kept_in_keyring(desktop):
    """Return every secret that the desktop's keyring holds, of whatever program."""
    with open_dbus_connection(bus=desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as bus:
        collections = secretstorage.get_all_collections(bus)
        return [item.get_secret().decode() for one in collections for item in one.get_all_items()]


def opened_with(files, secrets):
    """Return the indices of `files` that open with `secrets`, or with any key that is inside one that opened."""
    texts, opened = list(secrets), set()
    identities = []
    while texts:
        found = re.findall(r"AGE-SECRET-KEY-[A-Z0-9-]+", "\n".join(texts))
        identities += [age.parse_identity(secret) for secret in found]
        texts = []
        for n, data in enumerate(files):
            if n not in opened and opens(data, identities):
                opened.add(n)
                texts.append(age.decrypt(data, identities).decode("latin-1"))
    return opened


@pytest.mark.promise("P2")
def test_opting_out_takes_two_clicks_and_no_older_copy_opens_any_more(agent, study, tmp_path):
    study.write()
    agent.set_up(study.path)
    icon = agent.windows.wait_tray_icon()
    for words in ("the first", "the second"):
        agent.front()
        agent.record()
        agent.work_in_terminal()
        agent.hands.type(words)
        time.sleep(1.5)
        agent.command("stop")
    agent.front()
    agent.record()
    agent.work_in_terminal()
    agent.hands.type("still going on")
    time.sleep(1.5)
    shutil.copytree(agent.profile, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))
    copied = list(sealed(tmp_path / "copy"))
    assert len(copied) >= 2 * 3  # a key and a part each
    assert len(opened_with(copied, kept_in_keyring(agent.desktop))) == len(copied)

    agent.windows.close(agent.windows.wait("capture-agent"))
    agent.hands.acts.clear()
    agent.hands.click(*icon.centre, button=3)
    agent.windows.wait_popup("capture-agent")
    time.sleep(0.3)
    agent.hands.key("d")  # the entry's underlined letter: where a menu's entries lie is told to nobody
    agent.press("Opt out and delete")
    clicked = time.monotonic()
    agent.until("off")
    print(f"off {time.monotonic() - clicked:.3f} s after the click")
    assert len([act for act in agent.hands.acts if act.kind == "button" and act.down]) == 2
    agent.until_status(lambda seen: seen["study"] is None)
    seen = agent.status()
    assert (seen["consented"], seen["held"]) == ([], 0)
    assert agent.sessions() == []  # nobody is shown them, while the person can still undo it
    agent.eventually(lambda: not list((agent.profile / "held").iterdir()), "the recordings are still there")
    secrets = kept_in_keyring(agent.desktop)
    assert opened_with(copied, secrets) == set()
    assert opened_with(sealed(agent.profile), secrets) == set()
    agent.end()
    agent.start_agent()
    agent.eyes.wait("Join a study…", "push button")
    assert agent.status()["study"] is None


@pytest.mark.promise("P11")
def test_what_is_forgotten_opens_from_no_older_copy_and_recording_goes_on(agent, study, tmp_path):
    study.write()
    agent.set_up(study.path)
    icon = agent.windows.wait_tray_icon()
    for words in ("the closed one", "the running one"):
        agent.front()
        agent.record()
        agent.work_in_terminal()
        agent.hands.type(words)
        time.sleep(1.5)
        if words == "the closed one":
            agent.command("stop")
    agent.command("task", "start", "a task to be forgotten")
    shutil.copytree(agent.profile, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))
    copied = list(sealed(tmp_path / "copy"))
    assert len(opened_with(copied, kept_in_keyring(agent.desktop))) == len(copied)

    agent.windows.close(agent.windows.wait("capture-agent"))
    agent.hands.click(*icon.centre, button=3)
    agent.windows.wait_popup("capture-agent")
    time.sleep(0.3)
    agent.hands.key("f")
    time.sleep(0.5)
    agent.hands.key("5")
    agent.press("Forget")
    agent.eyes.wait_gone("Forget the last 5 minutes?", "dialog")
    seen = agent.until("recording")
    assert seen["task"] is None
    assert opened_with(copied, kept_in_keyring(agent.desktop)) == set()
    agent.work_in_terminal()
    agent.hands.type("after")
    time.sleep(1.5)
    agent.command("stop")
    (kept,) = agent.sessions()
    agent.opened(kept["id"], tmp_path / "opened")
    assert typed(tmp_path / "opened") == "after"


SHADES = 200
BITS = 8
STRIPE = 40  # px
PAINTER = f"""
from Xlib import X
from Xlib.display import Display
server = Display()
screen = server.screen()
window = screen.root.create_window(60, 60, {BITS * STRIPE}, 200, 0, screen.root_depth, background_pixel=0,
                                   event_mask=X.ButtonPressMask)
window.set_wm_class("painter", "Painter")
window.set_wm_name("Painter")
window.map()
gc = window.create_gc()
server.flush()
n = 0
while True:
    if server.next_event().type == X.ButtonPress:
        n += 1
        for bit in range({BITS}):
            gc.change(foreground=0xFFFFFF if n >> bit & 1 else 0)
            window.fill_rectangle(gc, bit * {STRIPE}, 0, {STRIPE}, 200)
        server.flush()
"""


def shade(pixels, x, y):
    """Return the number that the painter's stripes show, its window's corner being at (x, y)."""
    row = pixels[y + 100, x + STRIPE // 2 : x + BITS * STRIPE : STRIPE]
    return sum(1 << bit for bit, pixel in enumerate(row) if int(pixel.sum()) > 3 * 128)


def test_each_click_joins_to_the_picture_before_it_and_the_next_one_shows_what_it_did(
    agent, researcher, study, tmp_path
):
    agent.desktop.start(sys.executable, "-c", PAINTER)
    painter = agent.windows.wait("painter")
    study.write()
    agent.set_up(study.path, programs=(re.compile(r"(?i)\bpainter\b"),))
    agent.record()
    agent.windows.close(agent.windows.wait("capture-agent"))
    agent.windows.activate(painter)
    agent.windows.wait_active("painter")
    painter = agent.windows.wait("painter")
    agent.hands.move(*painter.centre)
    time.sleep(0.6)
    for _ in range(SHADES):
        agent.hands.click(*painter.centre)
        time.sleep(0.13)
    time.sleep(0.8)
    agent.command("stop")
    (bundle,) = agent.release()
    opened = tmp_path / "opened"
    identity = ("--identity", str(researcher[0]), "--pin", "--stills")
    report = json.loads(agent.research("open", str(bundle), *identity, "--out", str(opened), "--json"))
    assert report["usable"] == "yes", report["reasons"]

    presses = [t for topic, t, e in events(opened) if topic == "pointer" and e["kind"] == "button" and e["down"]]
    assert len(presses) == SHADES
    with (opened / "screen-1.mp4").open("rb") as stream:
        frames = [(t_us, shade(pixels, painter.x, painter.y)) for t_us, pixels in video.decode(stream)]
    before = after = 0
    for n, t_us in enumerate(presses):
        joined = max(i for i, (shown_us, _) in enumerate(frames) if shown_us <= t_us)
        assert frames[joined][1] <= n  # never the reaction itself
        before += frames[joined][1] == n
        after += joined + 1 < len(frames) and frames[joined + 1][1] == n + 1
    print(f"before {before}, after {after} of {SHADES}; {len(frames)} frames")
    assert min(before, after) >= 0.99 * SHADES
    stills = sorted((opened / "stills").iterdir())
    assert len(stills) == SHADES
    right = sum(
        shade(np.asarray(Image.open(path).convert("RGB")), painter.x, painter.y) == n for n, path in enumerate(stills)
    )
    assert right >= 0.99 * SHADES
