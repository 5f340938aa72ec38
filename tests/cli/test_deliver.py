"""`capture-agent deliver`, without a running agent: into a folder, with exit codes for what hinders it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sessions

from capture_agent.cli.deliver import delivered_lines
from capture_agent.cli.words import status_lines
from capture_agent.control.commands import describe
from capture_agent.core.delivery import Trouble, as_error
from capture_agent.core.events import Category
from capture_agent.core.policy import Policy
from capture_agent.core.recording import State
from capture_agent.keys import age
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.ledger.receipts import accepted_body, asked_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Profile
from capture_agent.session.snapshot import Delivery, Snapshot

PASSPHRASE = "four quite random words"
SESSION = "0123456789abcdef0123456789abcdef"


def share(run: Any, destination: str, later: str = "") -> Path:
    """Return the bundle of somebody who shared a recording that is meant for `destination`.

    They agreed since that another one, called `later`, gets what they share, too.
    """
    places = json.loads(run("doctor", "--json").stdout)["places"]
    profile = Profile(Path(places["profile"]), Path(places["settings"]))
    profile.create()

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    vault = Vault(profile.vault, choose_secrets(profile.folder, choose, environ={}))
    ledger = Ledger(profile.ledger, vault)
    recipient = sessions.recipient(age.new_classical())
    policy = replace(sessions.policy(recipient), expires=None, destination=destination)
    now = datetime.now(UTC)
    ledger.append(Kind.JOINED, policy.study, {"version": policy.version}, now)

    def agree(policy: Policy) -> None:
        ledger.append(Kind.ASKED, policy.study, asked_body(policy), now)
        agreed = {("training", category) for category in Category}
        body = accepted_body(policy, agreed, {"xterm"}, "en", "What was shown")
        ledger.append(Kind.ACCEPTED, policy.study, body, now)

    agree(policy)
    about = {**sessions.ABOUT, "started": (now - timedelta(hours=1)).isoformat(timespec="seconds")}
    held = sessions.make_held(profile.held, sessions.work(1), session=SESSION, about=about)
    vault.add(SESSION, held.identity)
    holdings = Holdings(profile, vault, ledger, lambda: datetime.now(UTC))
    (path,) = holdings.release(SESSION, policy, ledger.standing(policy.study))
    if later:
        reader = sessions.recipient(age.new_classical(), later)
        agree(replace(policy, version=policy.version + 1, recipients=(recipient, reader)))
    return Path(path)


def test_who_may_get_it_since_is_listed(run: Any, tmp_path: Path) -> None:
    share(run, str(tmp_path / "inbox"), later="Archive")
    (line,) = json.loads(run("sessions", "--json", passphrase=PASSPHRASE).stdout)["sessions"]
    assert (line["state"], line["released_to"], line["later_readers"]) == ("released", ["Lab"], ["Archive"])
    assert "Archive can get it, too, if you share it again" in run("sessions", passphrase=PASSPHRASE).stdout


def test_into_a_folder_once_it_is_there(run: Any, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    bundle = share(run, str(inbox))
    data = bundle.read_bytes()
    away = run("deliver", "--json", passphrase=PASSPHRASE)
    assert (away.returncode, json.loads(away.stdout)["error"]) == (1, "CaptureAgentError")
    assert "cannot be reached" in away.stderr + away.stdout
    assert bundle.exists()
    inbox.mkdir()
    done = run("deliver", "--json", passphrase=PASSPHRASE)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"delivered": 1, "waiting": 0}), done.stderr
    assert [(one.name, one.read_bytes()) for one in inbox.iterdir()] == [(bundle.name, data)]
    assert not bundle.exists()
    again = run("deliver", passphrase=PASSPHRASE)
    assert (again.returncode, again.stdout) == (0, "Nothing waits to be delivered.\n")
    (line,) = json.loads(run("sessions", "--json", passphrase=PASSPHRASE).stdout)["sessions"]
    assert (line["state"], line["delivered_to"], line["waiting"]) == ("delivered", [str(inbox)], False)
    assert f"to {inbox}" in run("sessions", passphrase=PASSPHRASE, COLUMNS="300").stdout
    told = run("withdraw", SESSION, passphrase=PASSPHRASE)
    assert f"is delivered to {inbox} by itself" in told.stdout
    assert run("deliver", passphrase=PASSPHRASE).stdout == "Delivered: 1\n"
    assert len(list(inbox.iterdir())) == 2


@pytest.mark.promise("P3")
def test_a_store_needs_access_which_is_kept_out_of_all_files(run: Any, home: Path) -> None:
    place = "s3://study/in?endpoint=http://127.0.0.1:1"
    share(run, place)
    without = run("deliver", passphrase=PASSPHRASE)
    assert (without.returncode, "no access to" in without.stderr) == (6, True)
    access = {"AWS_ACCESS_KEY_ID": "AKIACANARY", "AWS_SECRET_ACCESS_KEY": "a/canary/in/a/coal/mine"}
    assert run("deliver", "--keep-access", passphrase=PASSPHRASE).returncode == 6
    kept = run("deliver", "--keep-access", passphrase=PASSPHRASE, **access)
    assert (kept.returncode, kept.stdout) == (0, f"Kept: access to {place}\n")
    tried = run("deliver", passphrase=PASSPHRASE)
    assert (tried.returncode, "cannot be reached" in tried.stderr) == (1, True)
    said = "".join(one.stdout + one.stderr for one in (without, kept, tried))
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    for canary in access.values():
        assert canary not in said
        assert [one for one in files if canary.encode() in one] == []
    assert run("deliver", "--forget-access", passphrase=PASSPHRASE).returncode == 0
    assert run("deliver", passphrase=PASSPHRASE).returncode == 6
    assert run("deliver", "--keep-access", "--forget-access").returncode == 2


def test_with_no_profile_there_is_nothing_to_do(run: Any, home: Path) -> None:
    done = run("deliver", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"delivered": 0, "waiting": 0})
    assert run("deliver", "--keep-access").returncode == 2
    assert not (home / ".local").exists()


def test_status_says_what_waits_and_why() -> None:
    again = datetime(2030, 1, 1, 12, tzinfo=UTC)
    delivery = Delivery(2, ("/srv/inbox",), problem="/srv/inbox cannot be reached", hint="Is it there?", again=again)
    lines = status_lines(describe(Snapshot(State.OFF, None, None, delivery=delivery)))
    assert "Files on their way to /srv/inbox: 2" in lines
    assert "  /srv/inbox cannot be reached. Is it there?" in lines
    assert any(line.startswith("  Tried again at ") for line in lines)
    problem, hint = as_error(Trouble.OFFLINE, "s3://study").said()
    offline = Delivery(1, ("s3://study",), problem=problem, hint=hint)
    lines = status_lines(describe(Snapshot(State.OFF, None, None, delivery=offline)))
    assert lines[-1] == (
        "  This computer has no network at the moment. "
        "Nothing is lost: what waits goes by itself, soon after there is one."
    )
    assert delivered_lines({"delivered": 1, "waiting": 2}) == ["Delivered: 1", "Waiting: 2"]
