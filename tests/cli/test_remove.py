"""`capture-agent remove`: undone is what was changed outside the profile, receipts stay, and again is no mistake."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from capture_agent.core.errors import ConfigError, KeyError_
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.session.changes import FILE, Changes
from capture_agent.session.login import Login
from capture_agent.session.profile import Profile

PASSPHRASE = "four quite random words"


@pytest.fixture
def profile(run: Any) -> Profile:
    """The profile of somebody without a keyring who recorded twice and starts the agent at log-in."""
    places = json.loads(run("doctor", "--json").stdout)["places"]
    found = Profile(Path(places["profile"]), Path(places["settings"]))
    found.create()

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    vault = Vault(found.vault, choose_secrets(found.folder, choose, environ={}))
    from capture_agent.held.writer import Writer
    from capture_agent.keys import age

    for number in range(2):
        session, identity = f"{number:032x}", age.new_classical()
        vault.add(session, identity)
        about = {"study": "myself", "started": "2026-11-25T10:00:00.000+00:00", "consent": "0" * 64}
        Writer.create(found.held, session, identity.recipient, about).close("stopped")
    found.ledger.write_bytes(b"")
    return found


def removed(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_with_nothing_there_nothing_is_made_and_nothing_is_wrong(run: Any, home: Path) -> None:
    done = removed(run("remove", "--yes", "--json"))
    assert (done["undone"], done["destroyed"], done["kept"], done["receipts"]) == ([], 0, 0, None)
    assert not Path(done["profile"]).exists()


@pytest.mark.promise("P2")
def test_starting_at_log_in_and_changed_settings_are_undone_and_recordings_kept(
    run: Any, home: Path, profile: Profile
) -> None:
    changes = Changes(profile.changes)
    Login(changes, profile.autostart).switch(True)
    setting = home / "some.conf"
    setting.write_text("old")
    changes.make("some switch", FILE, str(setting), "new", lasting=True)
    done = removed(run("remove", "--yes", "--keep-recordings", "--json"))
    assert sorted(done["undone"]) == ["some switch", "start-at-login"]
    assert (done["destroyed"], done["kept"]) == (0, 2)
    assert done["receipts"] == str(profile.ledger)
    assert profile.ledger.exists()
    assert setting.read_text() == "old"
    assert profile.autostart == home / ".config" / "autostart" / "capture-agent.desktop"
    assert not profile.autostart.exists()
    again = removed(run("remove", "--yes", "--keep-recordings", "--json"))
    assert (again["undone"], again["kept"]) == ([], 2)


@pytest.mark.promise("P2")
def test_recordings_are_destroyed_if_that_is_said_and_no_key_is_left(run: Any, profile: Profile) -> None:
    done = removed(run("remove", "--yes", "--delete-recordings", "--json", passphrase=PASSPHRASE))
    assert (done["destroyed"], done["kept"]) == (2, 0)
    assert list(profile.held.iterdir()) == []

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    assert Vault(profile.vault, choose_secrets(profile.folder, choose, environ={})).sessions() == frozenset()


def test_without_the_key_recordings_stay_but_everything_else_is_undone(run: Any, profile: Profile) -> None:
    Login(Changes(profile.changes), profile.autostart).switch(True)
    done = run("remove", "--yes", "--delete-recordings", passphrase="another one")
    assert done.returncode == KeyError_.exit_code
    assert not profile.autostart.exists()
    assert len(list(profile.held.glob("*.held"))) == 2


@pytest.mark.promise("P2")
def test_a_script_has_to_say_yes_and_keeps_recordings_unless_it_says_otherwise(run: Any, profile: Profile) -> None:
    done = run("remove", "--delete-recordings")
    assert done.returncode == ConfigError.exit_code
    assert "--yes" in done.stderr
    assert removed(run("remove", "--yes", "--json"))["kept"] == 2


@pytest.mark.promise("P2")
@pytest.mark.parametrize(("answers", "kept"), [("n\n", 2), ("y\nn\n", 2), ("y\n\n", 2)])
def test_a_person_is_asked_first_and_then_about_the_recordings(
    home: Path, profile: Profile, answers: str, kept: int
) -> None:
    Login(Changes(profile.changes), profile.autostart).switch(True)
    leader, follower = pty.openpty()
    os.write(leader, answers.encode())
    done = subprocess.run(
        [sys.executable, "-m", "capture_agent", "remove"],
        stdin=follower,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        text=True,
        check=False,
        timeout=60,
    )
    os.close(follower)
    os.close(leader)
    assert "no longer start at log-in" in done.stderr
    assert profile.autostart.exists() == (answers == "n\n")
    assert len(list(profile.held.glob("*.held"))) == kept
