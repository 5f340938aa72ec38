"""The narrower modes of the keyboard, the whole way by clicks and real keys: consent, recording, sharing, opening."""

from __future__ import annotations

import json
import time

import agent_driver
import pytest

from capture_agent.demo.search import hits

CANARY = "Zymurgy-Canary-7"  # with keys that need Shift
OTHERS = ["pointer", "windows", "tasks"]
NAMES = {"shortcuts": "Keyboard, shortcuts only", "counts": "Keyboard, counts only"}

pytestmark = [pytest.mark.real, pytest.mark.promise("P8")]


@pytest.fixture
def agent(desktop):
    driver = agent_driver.AgentDriver(desktop)
    yield driver
    driver.close()


@pytest.mark.parametrize("mode", ["shortcuts", "counts"])
def test_what_is_typed_is_nowhere_in_the_opened_bundle(agent, tmp_path, mode):
    key = tmp_path / "researcher.key"
    made = json.loads(agent.research("keygen", str(key), "--json"))
    study = agent_driver.StudyFile(tmp_path / "study.toml", made["recipient"], categories=["keyboard", mode, *OTHERS])
    study.write()
    agent.set_up(study.path, (NAMES[mode], "Mouse", "Windows", "Tasks"))
    agent.record()
    agent.work_in_terminal()
    agent.hands.type(CANARY)
    agent.hands.key("Return")
    agent.hands.key("u", hold=("Control_L",))
    time.sleep(1.5)
    seen = agent.until_status(lambda seen: mode in seen["consented"])
    assert "keyboard" not in seen["consented"]
    assert any("What you type" in line for line in seen["not_recorded"])
    agent.command("stop")
    (bundle,) = agent.release()
    opened = tmp_path / "opened"
    agent.research("open", str(bundle), "--identity", str(key), "--pin", "--out", str(opened), "--json")
    found = agent_driver.events(opened)
    assert "keyboard" not in {topic for topic, _, _ in found}
    told = [fields for topic, _, fields in found if topic == mode]
    if mode == "counts":
        # The shell saw them all; Shift is none.
        assert sum(one["keys"] for one in told) == len(CANARY) + 2
    else:
        symbols = [one["sym"] for one in told if one["down"]]
        assert symbols == [*["printable"] * len(CANARY), "Return", "Control_L", "u"]
    for fields in told:
        assert not any(letter in json.dumps(fields.get("text", "")) for letter in CANARY)
    words = [CANARY, CANARY.casefold(), CANARY[:5], CANARY[-5:]]
    events = b"".join(path.read_bytes() for path in opened.rglob("*") if path.suffix in {".mcap", ".parquet", ".json"})
    assert not any(word.encode() in events for word in words)
    assert hits(opened, CANARY) == []
    receipts = agent.command("consent", "receipts", "--json")
    (yes,) = [one for one in json.loads(receipts)["receipts"] if one["event"]["event_kind"] == "accepted"]
    (purpose,) = yes["pii_processing"]
    states = {one["pii_type"]: one["consent_state"] for one in purpose["pii_information"]}
    assert (states[mode], states["keyboard"]) == ("Given", "Refused")
