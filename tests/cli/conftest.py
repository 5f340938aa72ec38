"""Run `capture-agent` as a person does: as a process of its own, with a HOME of its own and no display."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sharer import share_one

from capture_agent.keys import age
from capture_agent.session.profile import Profile

Run = Callable[..., "subprocess.CompletedProcess[str]"]
KEPT = {"PATH", "LANG", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    """Run a command; `env` adds variables, `passphrase` is given on a descriptor."""

    def run(*words: str, passphrase: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        options: list[str] = []
        descriptors: tuple[int, ...] = ()
        if passphrase:
            reader, writer = os.pipe()
            os.write(writer, f"{passphrase}\n".encode())
            os.close(writer)
            options, descriptors = ["--passphrase-fd", str(reader)], (reader,)
        done = subprocess.run(
            [sys.executable, "-m", "capture_agent", *words, *options],
            pass_fds=descriptors,
            env={**kept, "HOME": str(home), "COLUMNS": "100", **env},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        for descriptor in descriptors:
            os.close(descriptor)
        return done

    return run


@pytest.fixture
def lab(tmp_path: Path) -> age.Identity:
    key = age.new_classical()
    (tmp_path / "lab.key").write_text(f"{key.secret}\n")
    return key


@pytest.fixture
def sharer(run: Run, lab: age.Identity) -> Profile:
    """The profile of somebody who has two recordings, and shared one of them with `lab`."""
    places = json.loads(run("doctor", "--json").stdout)["places"]
    profile = Profile(Path(places["profile"]), Path(places["settings"]))
    share_one(profile, lab)
    return profile


@pytest.fixture
def shared(sharer: Profile, tmp_path: Path) -> Path:
    """The folder of a researcher with the recording that was shared."""
    (path,) = sharer.outbox.glob("*.capture")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "received.capture").write_bytes(path.read_bytes())
    return inbox
