"""`capture-agent consent receipts`: a real profile, without a display and without a running agent."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_PURPOSE, OWN_STUDY
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipt_json import schema
from capture_agent.ledger.receipts import accepted_body, asked_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.profile import Profile

PASSPHRASE = "four quite random words"


@pytest.fixture
def decided(run: Any) -> Profile:
    """The profile of somebody without a keyring who agreed in German and opted out again."""
    places = json.loads(run("doctor", "--json").stdout)["places"]
    profile = Profile(Path(places["profile"]), Path(places["settings"]))
    profile.create()

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    ledger = Ledger(profile.ledger, Vault(profile.vault, choose_secrets(profile.folder, choose, environ={})))
    policy, now = own_policy(), datetime.now(UTC)
    ledger.append(Kind.ASKED, OWN_STUDY, asked_body(policy), now)
    body = accepted_body(policy, {(OWN_PURPOSE, Category.SCREEN)}, {"xterm"}, "de", "Was gezeigt wurde")
    ledger.append(Kind.ACCEPTED, OWN_STUDY, body, now)
    ledger.append(Kind.WITHDRAWN, OWN_STUDY, {"method": "opt out"}, now)
    return profile


def test_who_decided_nothing_has_no_receipt_and_gets_no_profile(run: Any, home: Path) -> None:
    done = run("consent", "receipts")
    assert done.returncode == 0, done.stderr
    assert "no receipt" in done.stdout
    assert json.loads(run("consent", "receipts", "--json").stdout) == {"receipts": []}
    assert list(home.rglob("ledger*")) == []


def test_receipts_are_listed_and_written_in_every_form(run: Any, decided: Profile, home: Path) -> None:
    done = run("consent", "receipts", "--json", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["receipts"]
    for one in found:
        jsonschema.Draft202012Validator(schema()).validate(one)
    assert [one["event"]["event_kind"] for one in found] == ["accepted", "withdrawn"]

    done = run("consent", "receipts", "--out", "kept", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    written = sorted((home / "kept").iterdir())
    assert sorted(done.stdout.splitlines()) == [str(path.relative_to(home)) for path in written]
    assert [path.suffix for path in written] == [".html", ".json", ".jsonld", ".pdf"] * 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    yes = {path.suffix: path.read_bytes() for path in written if "accepted" in path.name}
    assert json.loads(yes[".json"]) == found[0]
    assert json.loads(yes[".jsonld"])["@type"] == ["ConsentReceipt"]
    assert "Sie haben der Aufnahme zugestimmt" in yes[".html"].decode()
    assert yes[".pdf"].startswith(b"%PDF-")
    assert len(yes[".pdf"]) > 5_000

    again = run("consent", "receipts", "--html", "--out", "kept", passphrase=PASSPHRASE)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_a_form_that_is_a_file_needs_a_folder(run: Any) -> None:
    done = run("consent", "receipts", "--pdf")
    assert done.returncode == 2
    assert "--out" in done.stderr
