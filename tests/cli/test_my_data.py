"""`capture-agent my-data`: the list, and all of it in one folder, from a real profile and without a running agent."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import jsonschema
from sharer import KEPT, PASSPHRASE, SHARED

from capture_agent.keys import age, dsse
from capture_agent.ledger.my_data import schema
from capture_agent.session.profile import Profile


def valid(found: dict[str, Any]) -> dict[str, Any]:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema(), format_checker=checker).validate(found)
    return found


def everything(folder: Path) -> dict[str, str]:
    """Return what every file below a folder holds, as a hash."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_who_shared_nothing_is_told_so_and_gets_no_profile(run: Any, home: Path) -> None:
    done = run("my-data")
    assert (done.returncode, done.stdout) == (0, "You have shared no recording.\n")
    assert valid(json.loads(run("my-data", "--json").stdout))["shared"] == []
    assert run("my-data", "export", "--out", "mine").returncode == 7
    assert list(home.iterdir()) == []


def test_what_was_shared_is_listed_with_whom_what_why_and_what_became_of_it(
    run: Any, sharer: Profile, lab: age.Identity
) -> None:
    (one,) = valid(json.loads(run("my-data", "--json", passphrase=PASSPHRASE).stdout))["shared"]
    assert (one["session"], one["state"]) == (SHARED, "released")
    assert one["readers"] == [{"name": "Lab", "fingerprint": age.fingerprint(lab.recipient)}]
    assert set(one["categories"]) == {"keyboard", "pointer", "screen", "tasks", "windows"}
    assert one["study"] == {"id": "study-of-work", "title": "A study of work"}
    receipts = json.loads(run("consent", "receipts", "--json", passphrase=PASSPHRASE).stdout)["receipts"]
    assert one["consent"]["record_id"] == receipts[0]["record_id"]
    assert [each["record_id"] for each in one["history"]] == [receipts[1]["record_id"]]
    assert (sharer.outbox / one["file"]).exists()

    assert run("withdraw", SHARED, passphrase=PASSPHRASE).returncode == 0
    said = run("my-data", passphrase=PASSPHRASE).stdout
    assert f"to Lab ({age.fingerprint(lab.recipient)})" in said
    assert "for A study of work, agreed 20" in said
    assert "\n  Withdrawn: 20" in said
    assert "\n  Withdrawn; the file that tells its readers is made: 20" in said


def test_all_of_it_goes_into_one_private_folder(run: Any, sharer: Profile, home: Path) -> None:
    done = run("my-data", "export", "--out", "mine", "--locale", "de", "--json", passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"out": "mine", "shared": 1, "recordings": 2, "left_out": {}}
    mine = home / "mine"
    assert {stat.S_IMODE(path.stat().st_mode) for path in mine.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (mine, *mine.rglob("*")) if path.is_dir()} == {0o700}

    index = valid(json.loads((mine / "index.json").read_text("utf-8")))
    assert {one["path"] for one in index["files"]} == set(everything(mine)) - {"index.json"}
    assert {one["session"] for one in index["recordings"]} == {SHARED, KEPT}
    for one in index["recordings"]:
        assert {"events.mcap", "report.json", "screen-1.mp4"} <= {
            path.name for path in (mine / one["folder"]).iterdir()
        }
    assert [one["session"] for one in index["shared"]] == [SHARED]
    names = [path.name.split("-") for path in (mine / "receipts").iterdir()]
    forms = sorted(f"{name[4]} {name[5].partition('.')[2]}" for name in names)  # receipt-YYYY-MM-DD-KIND-RECORD.FORM
    assert forms == ["accepted html", "accepted json", "accepted jsonld", "released html", "released json"]
    page = (mine / "index.html").read_text("utf-8")
    assert '<html lang="de">' in page
    assert "Was sie von mir haben" in page
    assert index["shared"][0]["readers"][0]["fingerprint"] in page
    for link in [index["recordings"][0]["folder"], "receipts", "ledger.json"]:
        assert f'<a href="{link}">' in page

    record = json.loads((mine / "ledger.json").read_text("utf-8"))
    (key,) = record["keys"]
    for entry in record["entries"]:
        dsse.verify(entry["dsse"].encode(), dsse.LEDGER_ENTRY, [key["public_key"]])
        assert entry["record_id"] == hashlib.sha256(entry["dsse"].encode()).hexdigest()
    assert [entry["kind"] for entry in record["entries"]] == ["joined", "asked", "accepted", "released"]
    assert record["entries"][2]["body"]["notice"]["text"] == "What was shown"


def test_what_is_there_is_never_touched_and_what_is_damaged_is_left_out_and_said(
    run: Any, sharer: Profile, home: Path
) -> None:
    path = sharer.held / f"{KEPT}.held"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    done = run("my-data", "export", "--out", "mine", passphrase=PASSPHRASE)
    assert done.returncode == 5
    assert f"Left out: {KEPT}, " in done.stdout
    index = valid(json.loads((home / "mine" / "index.json").read_text("utf-8")))
    folders = {one["session"]: (one["folder"] is None, bool(one["problem"])) for one in index["recordings"]}
    assert folders == {SHARED: (False, False), KEPT: (True, True)}
    assert len(list((home / "mine" / "recordings").iterdir())) == 1
    before = everything(home)
    done = run("my-data", "export", "--out", "mine", passphrase=PASSPHRASE)
    assert (done.returncode, "is there already" in done.stderr) == (2, True)
    assert everything(home) == before
