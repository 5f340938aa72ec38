"""One's own recordings without a running agent: a real profile, vault and held session."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sessions

from capture_agent.cli.own import LOOKED_INTO
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.session.profile import Profile

PASSPHRASE = "four quite random words"
SESSION = "0123456789abcdef0123456789abcdef"
FILES = {"consent.json", "events.mcap", "screen-1.mp4", "screen-2.mp4", "report.json"}


@pytest.fixture
def recorded(run: Any) -> Profile:
    """The profile of somebody without a keyring who recorded once."""
    places = json.loads(run("doctor", "--json").stdout)["places"]
    profile = Profile(Path(places["profile"]), Path(places["settings"]))
    profile.create()

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    vault = Vault(profile.vault, choose_secrets(profile.folder, choose, environ={}))
    held = sessions.make_held(profile.held, session=SESSION)
    vault.add(SESSION, held.identity)
    return profile


def test_ones_own_recording_is_listed_opened_and_exported(run: Any, recorded: Profile, home: Path) -> None:
    (listed,) = json.loads(run("sessions", "--json", passphrase=PASSPHRASE).stdout)["sessions"]
    assert (listed["id"], listed["complete"]) == (SESSION, True)
    assert listed["withheld_us"] == {"program": 1_000_000}
    assert "0:00:01 in other programs" in run("sessions", passphrase=PASSPHRASE).stdout

    done = run("open", "0123", "--out", "opened", "--json", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"session": SESSION, "out": "opened"}
    opened = {path.name for path in (home / "opened").iterdir()}
    assert opened >= FILES - {"consent.json"}

    done = run("export", "0123", "--out", "all.zip", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((home / "all.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(home / "all.zip") as archive:
        assert archive.testzip() is None
        assert {Path(name).name for name in archive.namelist()} == opened
        assert {Path(name).parts[0] for name in archive.namelist()} == {SESSION}
    assert {path.name for path in home.iterdir()} - {".local", ".config"} == {"opened", "all.zip"}


def test_a_long_list_looks_into_its_newest_and_into_all_if_it_is_told_to(run: Any, recorded: Profile) -> None:
    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    vault = Vault(recorded.vault, choose_secrets(recorded.folder, choose, environ={}))
    identities = {f"{number:032x}": age.new_classical() for number in range(LOOKED_INTO)}
    vault.destroy([], replace=identities)
    for session, identity in identities.items():
        about = {"study": "myself", "started": "2030-01-01T00:00:00+00:00", "consent": "0" * 64}
        Writer.create(recorded.held, session, identity.recipient, about).close("stopped", {"withheld_us": "{}"})
    for words, looked_into in ([], LOOKED_INTO), (["--all"], LOOKED_INTO + 1):
        listed = json.loads(run("sessions", "--json", *words, passphrase=PASSPHRASE).stdout)["sessions"]
        assert len(listed) == LOOKED_INTO + 1
        assert sum(one["withheld_us"] is not None for one in listed) == looked_into


@pytest.mark.promise("P4")
def test_nobody_opens_it_without_the_passphrase(run: Any, recorded: Profile, home: Path) -> None:
    for words in (["open", SESSION, "--out", "opened"], ["export", SESSION, "--out", "all.zip"]):
        assert run(*words, passphrase="something else").returncode == 6
    assert run("open", SESSION, "--out", "opened").returncode == 2  # there is no terminal to ask on
    assert not (home / "opened").exists()
    assert not (home / "all.zip").exists()


def test_an_export_never_overwrites(run: Any, recorded: Profile, home: Path) -> None:
    (home / "all.zip").write_text("mine", encoding="utf-8")
    assert run("export", "0123", "--out", "all.zip", passphrase=PASSPHRASE).returncode == 2
    assert (home / "all.zip").read_text(encoding="utf-8") == "mine"


def test_a_damaged_recording_leaves_nothing_behind(run: Any, recorded: Profile, home: Path) -> None:
    (file,) = recorded.held.glob("*.held")
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    for words in (["open", "0123", "--out", "opened"], ["export", "0123", "--out", "all.zip"]):
        assert run(*words, passphrase=PASSPHRASE).returncode == 5
    assert {path.name for path in home.iterdir()} - {".local", ".config", "opened"} == set()
    assert list(home.glob("opened/*")) == []
