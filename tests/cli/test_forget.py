"""`capture-agent forget`: with an agent that runs, and straight from the disk without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capture_agent.cli.forget import forget_lines, minutes
from capture_agent.core.errors import CaptureAgentError, ConfigError
from capture_agent.encode.event_log import Message
from capture_agent.held import reader
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.profile import Profile

PASSPHRASE = "four quite random words"
MINUTE_US = 60_000_000


def vault_of(profile: Profile) -> Vault:
    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    return Vault(profile.vault, choose_secrets(profile.folder, choose, environ={}))


@pytest.fixture
def recorded(run: Any) -> tuple[Profile, str]:
    """A profile with one recording of half an hour that ended just now: a key each minute."""
    places = json.loads(run("doctor", "--json").stdout)["places"]
    profile = Profile(Path(places["profile"]), Path(places["settings"]))
    profile.create()
    vault = vault_of(profile)
    Ledger(profile.ledger, vault).append(Kind.JOINED, "myself", {"version": 1}, datetime.now(UTC))
    identity = age.new_classical()
    vault.add("half-an-hour", identity)
    began = (datetime.now(UTC) - timedelta(minutes=30)).isoformat(timespec="milliseconds")
    about = {"study": "myself", "started": began, "consent": "c" * 64}
    writer = Writer.create(profile.held, "half-an-hour", identity.recipient, about)
    for minute in range(30):
        writer.append([Message("keyboard", minute * MINUTE_US, b'{"kind":"key"}')])
    writer.close("stopped", {"duration_us": str(30 * MINUTE_US)})
    return profile, "half-an-hour"


def times(profile: Profile, session: str) -> list[int]:
    path = profile.held / f"{session}.held"
    parts = reader.read(path, vault_of(profile).identity(session))
    return [m.t_us // MINUTE_US for part in parts for m in part.messages if m.topic == "keyboard"]


@pytest.mark.parametrize(
    ("text", "length"), [("15m", 15), ("1h", 60), ("1h30m", 90), ("5", 5), (" 2H ", 120), ("90m", 90)]
)
def test_a_length_of_time_is_written_in_hours_and_minutes(text: str, length: int) -> None:
    assert minutes(text) == length


@pytest.mark.parametrize("text", ["", "0m", "15s", "-5m", "all", "1h1h", "h"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no length of time"):
        minutes(text)


@pytest.mark.promise("P11")
def test_without_a_running_agent_the_last_minutes_are_gone_from_the_disk(run: Any, recorded: Any) -> None:
    profile, session = recorded
    before = (profile.held / f"{session}.held").read_bytes()
    would = run("forget", "--last", "10m", "--dry-run", "--json", passphrase=PASSPHRASE)
    assert (would.returncode, json.loads(would.stdout)["recordings"]) == (0, 1)
    assert times(profile, session) == list(range(30))
    done = run("forget", "--last", "10m", "--json", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["recordings"], found["whole"], found["shared"]) == (1, 0, [])
    left = times(profile, session)
    assert left[0] == 0
    assert 18 <= left[-1] <= 22  # the commands took a while, and it was 30 minutes before they began
    (profile.held / f"{session}.held").write_bytes(before)
    with pytest.raises(CaptureAgentError):
        times(profile, session)


def test_forgetting_without_a_profile_says_that_there_was_nothing_and_makes_nothing(run: Any, home: Path) -> None:
    done = run("forget", "--last", "15m")
    assert (done.returncode, done.stdout) == (0, "Nothing was recorded in this time.\n")
    assert not (home / ".local").exists()


def test_what_was_released_is_named_with_its_date_and_readers() -> None:
    now = datetime(2030, 1, 1, 12, tzinfo=UTC).isoformat()
    shared = [{"session": "3f9c" * 8, "when": now, "to": ["Lab", "Archive"], "withdrawn": False}]
    told = {"since": now, "until": now, "recordings": 1, "whole": 1, "tasks": ["Write"], "shared": shared}
    lines = forget_lines(told, dry_run=False)
    assert lines[0].startswith("Forgotten: from ")
    assert lines[1] == "Task: Write"
    assert "to Lab, Archive: 3f9c3f9c." in lines[2]
    assert "2030-01-01" in lines[2]
    assert "left this computer" in lines[3]
    told["shared"] = [{**shared[0], "withdrawn": True}]
    assert forget_lines(told, dry_run=False)[2].startswith("Withdrawn; released on 2030-01-01 ")
    assert len(forget_lines(told, dry_run=False)) == 3
