"""The manifest is closed: nothing in it is ambiguous, unknown or contradictory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from capture_agent.bundle import manifest
from capture_agent.bundle.manifest import Manifest, parse, released_reason, video_name, video_place
from capture_agent.core.errors import StorageError, VerificationError
from capture_agent.core.events import GapReason
from capture_agent.keys import dsse

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def fields(sessions: ModuleType, plain: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dsse.unverified_payload(sessions.members_of(plain)[0][1]))
    return found


def test_a_manifest_reads_back_as_it_was_written(fields: dict[str, Any]) -> None:
    made = parse(json.dumps(fields).encode())
    assert parse(made.to_bytes()) == made


WRONG: dict[str, tuple[Change, str]] = {
    "unknown field": (lambda f: f.update(hostname="secret-host"), "hostname"),
    "unknown field inside": (lambda f: f["environment"].update(user="secret-host"), "user"),
    "missing field": (lambda f: f.pop("consent_sha256"), "consent_sha256"),
    "text for a number": (lambda f: f.update(revision="1"), "revision"),
    "number for a truth": (lambda f: f.update(complete=1), "complete"),
    "no revision": (lambda f: f.update(revision=0), "revision"),
    "hash too short": (lambda f: f.update(withdrawal_sha256="00"), "withdrawal_sha256"),
    "hash in capitals": (lambda f: f.update(withdrawal_sha256="A" * 64), "withdrawal_sha256"),
    "hash with a line feed": (lambda f: f.update(withdrawal_sha256="a" * 64 + "\n"), "withdrawal_sha256"),
    "time without a zone": (lambda f: f["clock"].update(started="2026-11-23T09:00:00"), "clock.started"),
    "a path as a name": (lambda f: f["members"][2].update(name="../screen-1.mp4"), "members"),
    "members out of order": (lambda f: f["members"].reverse(), "members"),
    "a member twice": (lambda f: f["members"].append(f["members"][-1]), "members"),
    "no events": (lambda f: f["members"].pop(1), "members"),
    "a member too large": (lambda f: f["members"][1].update(size=1 << 40), "members.1.size"),
    "consent too large": (lambda f: f["members"][0].update(size=1 << 30), "members"),
    "another consent": (lambda f: f.update(consent_sha256="0" * 64), "consent_sha256"),
    "what the person did": (lambda f: f["gaps"][0].update(reason="paused"), "gaps"),
    "a stream from nowhere": (lambda f: f["streams"][0].update(member="screen-9.mp4"), "streams"),
    "kinds of keys mixed": (
        lambda f: f["recipients"].append({**f["recipients"][0], "kind": "hybrid"}),
        "recipients",
    ),
    "control characters": (lambda f: f.update(pseudonym="a\x1b[2Jb"), "pseudonym"),
    "too many gaps": (lambda f: f.update(gaps=f["gaps"][:1] * 20_001), "gaps"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_and_never_repeated(name: str, fields: dict[str, Any]) -> None:
    change, where = WRONG[name]
    change(fields)
    with pytest.raises(VerificationError) as caught:
        parse(json.dumps(fields).encode())
    assert where in str(caught.value)
    assert "secret-host" not in str(caught.value)
    assert caught.value.hint


def test_a_key_that_stands_twice_is_refused(fields: dict[str, Any]) -> None:
    text = json.dumps(fields)
    with pytest.raises(VerificationError, match="twice"):
        parse(('{"complete": true,' + text[1:]).encode())


def test_a_newer_format_is_refused_with_what_to_do(fields: dict[str, Any]) -> None:
    fields["format"] = manifest.FORMAT + 1
    fields["something"] = "new"
    with pytest.raises(StorageError, match=f"format {manifest.FORMAT + 1}") as caught:
        parse(json.dumps(fields).encode())
    assert "newer version" in caught.value.hint


def test_something_else_that_is_signed_is_no_manifest() -> None:
    with pytest.raises(VerificationError, match="not the manifest"):
        parse(b'{"format": 1}')


@pytest.mark.parametrize("reason", GapReason)
def test_gaps_that_the_person_made_all_read_the_same(reason: GapReason) -> None:
    told = released_reason(reason)
    theirs = {GapReason.PAUSED, GapReason.FORGOTTEN, GapReason.WITHHELD}
    assert told is (GapReason.WITHHELD if reason in theirs else reason)


def test_names_of_videos_say_their_place_in_one_way_only() -> None:
    for place in ((1, 1), (1, 2), (12, 128)):
        assert video_place(video_name(*place)) == place
    for name in (
        "screen-0.mp4",
        "screen-01.mp4",
        "screen-1-1.mp4",
        "screen-1-0.mp4",
        "screen-1.mp4x",
        "x/screen-1.mp4",
    ):
        assert video_place(name) is None


def test_the_specification_lists_exactly_the_fields() -> None:
    text = (Path(__file__).parents[2] / "docs" / "bundle-format.md").read_text("utf-8")
    table = text.split("### The manifest")[1].split("### Reading")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    names = [name.strip(" `") for row in rows for name in row.split(",")]
    assert sorted(names) == sorted(Manifest.model_fields)


def test_no_field_could_hold_who_or_which_machine_it_was() -> None:
    known = {"os", "desktop", "locale", "keyboard_layouts", "input", "agent_version"}
    assert set(manifest.Environment.model_fields) == known
    assert Manifest.model_config["extra"] == "forbid"
