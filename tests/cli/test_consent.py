"""`capture-agent consent` without a running agent: it shows and narrows the profile itself, and never widens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from capture_agent.core.policy import OWN_PURPOSE, OWN_STUDY
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipts import accepted_body, asked_body, offered_keys
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.profile import Memory, Profile

PASSPHRASE = "four quite random words"


@pytest.fixture
def agreed(run: Any) -> Profile:
    """The profile of somebody who agreed to everything, for themselves."""
    places = json.loads(run("doctor", "--json").stdout)["places"]
    profile = Profile(Path(places["profile"]), Path(places["settings"]))
    profile.create()

    def choose(*, new: bool, why: str) -> str:
        return PASSPHRASE

    ledger = Ledger(profile.ledger, Vault(profile.vault, choose_secrets(profile.folder, choose, environ={})))
    policy, now = own_policy(), datetime.now(UTC)
    ledger.append(Kind.JOINED, OWN_STUDY, {"version": policy.version}, now)
    ledger.append(Kind.ASKED, OWN_STUDY, asked_body(policy), now)
    body = accepted_body(policy, offered_keys(policy), ["xterm"], "en", "as shown")
    ledger.append(Kind.ACCEPTED, OWN_STUDY, body, now)
    Memory(profile.state).change(joined="own")
    return profile


def told(run: Any, *words: str) -> dict[str, Any]:
    done = run("consent", *words, "--json", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    return {one["category"]: one["state"] for one in found["consents"]}


def test_without_a_profile_nothing_is_agreed_and_nothing_is_made(run: Any, home: Path) -> None:
    done = run("consent", "show", "--json")
    assert (done.returncode, json.loads(done.stdout)["consents"]) == (0, [])
    assert not (home / ".local").exists()


def test_consent_show_says_what_since_when_until_when_and_who_can_read_it(run: Any, agreed: Profile) -> None:
    found = told(run, "show")
    assert set(states(found).values()) == {"Given"}
    one = found["consents"][0]
    assert one["purpose"] == OWN_PURPOSE
    assert one["since"][:10] < one["until"][:10]
    assert found["programs"] == ["xterm"]
    assert [who["name"] for who in found["recipients"]] == ["This computer"]
    said = run("consent", "show", passphrase=PASSPHRASE).stdout
    for words in ("screen for own-use: Given, since ", ", until ", "Can read it: This computer", "In: xterm"):
        assert words in said


@pytest.mark.promise("P2")
def test_one_category_is_withdrawn_by_a_command_and_then_all_of_it(run: Any, agreed: Profile) -> None:
    found = told(run, "withdraw", "--category", "screen", "--category", "tasks")
    assert {name for name, state in states(found).items() if state == "Withdrawn"} == {"screen", "tasks"}
    assert found["recorded"] == ["keyboard", "pointer", "windows"]
    found = told(run, "withdraw", "--delete")
    assert (found["study"], found["recorded"]) == (None, [])
    assert told(run, "show")["recorded"] == []


def test_deleting_and_keeping_some_do_not_go_together(run: Any, agreed: Profile) -> None:
    done = run("consent", "withdraw", "--category", "screen", "--delete", passphrase=PASSPHRASE)
    assert done.returncode == 2
    assert set(states(told(run, "show")).values()) == {"Given"}


@pytest.mark.promise("P1")
def test_a_damaged_record_is_told_by_show_and_can_be_left_by_withdraw(run: Any, agreed: Profile) -> None:
    whole = agreed.ledger.read_bytes()
    agreed.ledger.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    done = run("consent", "show", passphrase=PASSPHRASE)
    assert done.returncode == 4
    assert "older copy" in done.stderr
    found = told(run, "withdraw", "--delete")
    assert (found["study"], "opted out" in found["problem"]) == (None, True)
    assert told(run, "show")["consents"] == [] or set(states(told(run, "show")).values()) <= {"Unknown", "Withdrawn"}
    assert list(agreed.folder.glob("ledger.jsonl.*.aside"))
