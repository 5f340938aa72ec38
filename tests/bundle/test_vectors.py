"""Bundles of every released format: what was read is still read, what was refused is still refused."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from capture_agent.bundle.read import Bundle
from capture_agent.core import errors
from capture_agent.keys import age

VECTORS = Path(__file__).parents[1] / "vectors" / "bundle"


def listed(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, wanted in json.loads((folder / "vectors.json").read_text("utf-8")).items():
        yield folder / f"{name}.capture", wanted


ALL = [one for folder in sorted(VECTORS.glob("v*")) for one in listed(folder)]


def check(path: Path, wanted: dict[str, Any], sessions: ModuleType) -> None:
    known = sessions.Known(wanted["device"])
    stream = io.BytesIO(path.read_bytes())
    identities = [age.parse_identity(wanted["identity"])]
    if wanted["outcome"] == "refused":
        error = getattr(errors, wanted["error"])
        with pytest.raises(error) as caught:
            Bundle(stream, identities, known).verify()
        assert type(caught.value) is error
        assert wanted["says"] in str(caught.value)
        return
    bundle = Bundle(stream, identities, known)
    found = {member.name: hashlib.sha256(content.read()).hexdigest() for member, content in bundle.members()}
    assert found == wanted["members"]
    assert bundle.manifest.complete is wanted["complete"]


@pytest.mark.promise("P9")
@pytest.mark.parametrize(("path", "wanted"), ALL, ids=[f"{path.parent.name}-{path.stem}" for path, _ in ALL])
def test_a_vector_has_its_outcome(path: Path, wanted: dict[str, Any], sessions: ModuleType) -> None:
    check(path, wanted, sessions)


def test_every_file_is_listed_and_no_other(sessions: ModuleType) -> None:
    for folder in VECTORS.glob("v*"):
        assert {path for path, _ in listed(folder)} == set(folder.glob("*.capture"))


def test_the_script_makes_the_same_vectors_with_the_same_outcomes(tmp_path: Path, sessions: ModuleType) -> None:
    subprocess.run([sys.executable, str(VECTORS / "make.py"), str(tmp_path)], check=True, timeout=120)
    made = list(listed(tmp_path))
    newest = sorted(VECTORS.glob("v*"))[-1]
    assert {path.name for path, _ in made} == {path.name for path, _ in listed(newest)}
    for path, wanted in made:
        check(path, wanted, sessions)
