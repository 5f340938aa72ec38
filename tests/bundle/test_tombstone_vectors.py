"""Tombstones of every released format, plain and sealed: what withdrew still does, and what was refused still is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from capture_agent.bundle import tombstone
from capture_agent.bundle.read import read_tombstone
from capture_agent.bundle.tombstone import Tombstone
from capture_agent.core import errors
from capture_agent.keys import age

VECTORS = Path(__file__).parents[1] / "vectors" / "tombstone"


def listed(folder: Path) -> list[tuple[Path, dict[str, Any], str]]:
    found = json.loads((folder / "vectors.json").read_text("utf-8"))
    return [(folder / name, wanted, found["identity"]) for name, wanted in found["files"].items()]


ALL = [one for folder in sorted(VECTORS.glob("v*")) for one in listed(folder)]


def read(path: Path, identity: str) -> Tombstone | None:
    if path.suffix == tombstone.SUFFIX:
        return tombstone.parse(path.read_bytes())
    with path.open("rb") as stream:
        return read_tombstone(stream, [age.parse_identity(identity)])


def check(path: Path, wanted: dict[str, Any], identity: str) -> None:
    if wanted["outcome"] == "refused":
        error = getattr(errors, wanted["error"])
        with pytest.raises(error) as caught:
            read(path, identity)
        assert wanted["says"] in f"{caught.value} {caught.value.hint}"
        return
    found = read(path, identity)
    assert found is not None
    chain = found.withdrawals
    assert (found.withdrawal_sha256, found.study, found.device) == (
        wanted["withdrawal_sha256"],
        wanted["study"],
        wanted["device"],
    )
    assert (chain and chain.count, chain and chain.sha256) == (wanted["count"], wanted["sha256"])


@pytest.mark.promise("P12")
@pytest.mark.parametrize(
    ("path", "wanted", "identity"), ALL, ids=[f"{path.parent.name}-{path.name}" for path, *_ in ALL]
)
def test_a_tombstone_has_its_outcome(path: Path, wanted: dict[str, Any], identity: str) -> None:
    check(path, wanted, identity)


def test_the_script_makes_the_same_vectors_with_the_same_outcomes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(VECTORS / "make.py"), str(tmp_path)], check=True, timeout=120)
    newest = sorted(VECTORS.glob("v*"))[-1]
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in newest.iterdir()}
    for one in listed(tmp_path):
        check(*one)


def test_a_bundle_is_no_tombstone() -> None:
    bundles = VECTORS.parent / "bundle" / "v2"
    wanted = json.loads((bundles / "vectors.json").read_text("utf-8"))["whole-classical"]
    assert read(bundles / "whole-classical.capture", wanted["identity"]) is None
