"""`capture-agent withdraw`: by id where it was shared, by code from anywhere; then the researcher's program obeys."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from sharer import KEPT, PASSPHRASE, SHARED

pytestmark = pytest.mark.promise("P12")


def opening(run: Any, inbox: Path, out: str) -> tuple[int, dict[str, Any]]:
    fixed = ["--identity", str(inbox.parent / "lab.key"), "--devices", str(inbox.parent / "devices.json")]
    done = run(
        "research", "open", str(inbox / "received.capture"), "--out", out, "--pin", "--no-table", "--json", *fixed
    )
    return done.returncode, json.loads(done.stdout)


def states(run: Any) -> dict[str, str]:
    listed = json.loads(run("sessions", "--json", passphrase=PASSPHRASE).stdout)["sessions"]
    return {one["id"]: one["state"] for one in listed}


def test_by_its_id_without_a_running_agent(run: Any, shared: Path) -> None:
    assert opening(run, shared, "before")[0] == 0
    assert states(run) == {SHARED: "released", KEPT: "held"}
    done = run("withdraw", SHARED[:6], "--json", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["session"], found["to"], found["pending"]) == (SHARED, ["Lab"], False)
    assert states(run) == {SHARED: "withdrawn", KEPT: "held"}
    assert "withdrawn" in run("sessions", passphrase=PASSPHRASE).stdout
    (told,) = map(Path, found["files"])
    (shared / told.name).write_bytes(told.read_bytes())  # handed over, as the recording was
    code, said = opening(run, shared, "after")
    assert (code, said["error"]) == (4, "ConsentError")
    again = run("withdraw", SHARED, passphrase=PASSPHRASE)
    assert again.stdout.splitlines() == [
        f"Withdrawn: {SHARED}, which Lab can read.",
        f"Hand this file over to them: {told}",
    ]


def test_by_the_code_of_the_receipt_without_a_profile(run: Any, shared: Path, tmp_path: Path) -> None:
    listed = json.loads(run("consent", "receipts", "--json", passphrase=PASSPHRASE).stdout)["receipts"]
    (receipt,) = [one for one in listed if one["event"]["event_kind"] == "released"]
    code, out = receipt["withdrawal"]["code"], shared / "paper.tombstone"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run("withdraw", "--code", code, "--out", str(out), "--json", HOME=str(elsewhere))
    assert (done.returncode, json.loads(done.stdout)) == (0, {"files": [str(out)]})
    assert list(elsewhere.iterdir()) == []
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    code_, said = opening(run, shared, "after")
    assert (code_, said["error"]) == (4, "ConsentError")
    assert run("withdraw", "--code", code, "--out", str(out)).returncode == 2  # nothing is replaced


def test_what_cannot_be_withdrawn_is_said(run: Any, shared: Path, home: Path) -> None:
    done = run("withdraw", KEPT, passphrase=PASSPHRASE)
    assert (done.returncode, done.stderr.splitlines()[0]) == (4, "capture-agent: this recording was not shared")
    assert run("withdraw", "abc", passphrase=PASSPHRASE).returncode == 7
    for words in ([], [SHARED, "--code", "x", "--out", "y"], ["--code", "x"], [SHARED, "--out", "y"]):
        assert run("withdraw", *words).returncode == 2
    mistyped = run("withdraw", "--code", "withdrawal-1qqqq", "--out", "made")
    assert mistyped.returncode == 2
    assert "withdrawal code is mistyped" in mistyped.stderr
    assert not (home / "made").exists()
    assert opening(run, shared, "still")[0] == 0
    assert states(run) == {SHARED: "released", KEPT: "held"}


def test_without_a_profile_only_the_code_helps(run: Any, home: Path) -> None:
    done = run("withdraw", "3f9c")
    assert done.returncode == 2
    assert "--code" in done.stderr
    assert not (home / ".local").exists()
