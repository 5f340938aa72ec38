"""A study from joining to the opened bundle, and every way in which it can change or end, with the real program."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tarfile
import time
from io import BytesIO
from pathlib import Path

import pytest

from capture_agent.core.errors import CaptureAgentError
from capture_agent.demo.search import hits
from capture_agent.keys import age
from capture_agent.research import keyfile

spec = importlib.util.spec_from_file_location("agent_driver", Path(__file__).with_name("agent_driver.py"))
agent_driver = importlib.util.module_from_spec(spec)
spec.loader.exec_module(agent_driver)
AgentDriver, StudyFile, events, typed = (
    agent_driver.AgentDriver,
    agent_driver.StudyFile,
    agent_driver.events,
    agent_driver.typed,
)

CANARY = "zymurgy-canary-7"
XTERM = re.compile(r"(?i)\bxterm\b")
AGE_MAGIC = b"age-encryption.org/v1"

pytestmark = pytest.mark.real


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
    """Yield every age file there is below `folder`, those inside the tapes of held sessions included."""
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


def opens(data, identities):
    try:
        age.decrypt(data, identities)
    except CaptureAgentError:
        return False
    return True


def ffprobe(path):
    command = ("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path))
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]


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
    agent.hands.type(CANARY)
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
    agent.hands.type("the end")
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
        assert CANARY.encode() not in path.read_bytes()

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
    assert typed(opened) == CANARY + "the end"
    tasks = [e for topic, _, e in events(opened) if topic == "tasks"]
    assert [(e["kind"], e.get("text"), e.get("outcome")) for e in tasks] == [
        ("started", "A first task", None),
        ("finished", None, "gave-up"),
        ("started", "Write a list of fruit", None),
        ("finished", None, "done"),
    ]
    (video,) = ffprobe(opened / "screen-1.mp4")
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", *agent.desktop.size)
    assert int(video["nb_read_frames"]) > 1
    assert len(list((opened / "stills").iterdir())) >= 1

    small = tmp_path / "counted"
    agent.research("open", str(counted), "--identity", str(counting), "--out", str(small), "--no-table")
    assert {topic for topic, _, _ in events(small)} <= {"windows", "tasks", "marks"}
    assert [e for topic, _, e in events(small) if topic == "tasks"] == tasks
    assert not list(small.glob("screen*"))
    assert hits(small, CANARY) == []
    agent.research("verify", str(counted), *identity, code=6)
