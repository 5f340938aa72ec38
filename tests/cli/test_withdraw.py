"""`capture-agent withdraw`: by id where it was shared, by code from anywhere; then the researcher's program obeys."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sessions

from capture_agent.core.events import Category
from capture_agent.keys import age
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.ledger.receipts import accepted_body, asked_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Profile

pytestmark = pytest.mark.promise("P12")

PASSPHRASE = "four quite random words"
SHARED, KEPT = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


@pytest.fixture
def lab(tmp_path: Path) -> age.Identity:
    key = age.new_classical()
    (tmp_path / "lab.key").write_text(f"{key.secret}\n")
    return key


@pytest.fixture
def shared(run: Any, lab: age.Identity, tmp_path: Path) -> Path:
    """The folder of a researcher with the one recording that somebody, who has two, shared."""
    places = json.loads(run("doctor", "--json").stdout)["places"]
    profile = Profile(Path(places["profile"]), Path(places["settings"]))
    profile.create()

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    vault = Vault(profile.vault, choose_secrets(profile.folder, choose, environ={}))
    ledger = Ledger(profile.ledger, vault)
    policy = replace(sessions.policy(sessions.recipient(lab)), expires=None)
    now = datetime.now(UTC)
    ledger.append(Kind.JOINED, policy.study, {"version": policy.version}, now)
    ledger.append(Kind.ASKED, policy.study, asked_body(policy), now)
    agreed = {("training", category) for category in Category}
    ledger.append(Kind.ACCEPTED, policy.study, accepted_body(policy, agreed, {"xterm"}, "en", "What was shown"), now)
    about = {**sessions.ABOUT, "started": (now - timedelta(hours=1)).isoformat(timespec="seconds")}
    for session in (SHARED, KEPT):
        held = sessions.make_held(profile.held, sessions.work(1), session=session, about=about)
        vault.add(session, held.identity)
    holdings = Holdings(profile, vault, ledger, lambda: datetime.now(UTC))
    (path,) = holdings.release(SHARED, policy, ledger.standing(policy.study))
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "received.capture").write_bytes(Path(path).read_bytes())
    return inbox


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
