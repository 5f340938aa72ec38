"""The files that earlier versions wrote (`tests/vectors/keys/make.py`), opened by this one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from capture_agent.core import errors
from capture_agent.keys import age, dsse

FOLDER = Path(__file__).parents[1] / "vectors" / "keys"
EXPECTED: dict[str, dict[str, str]] = json.loads((FOLDER / "expected.json").read_text())


def opened(name: str, about: dict[str, str]) -> bytes:
    data = (FOLDER / name).read_bytes()
    if name.endswith(".age"):
        return age.decrypt(data, [age.parse_identity(about["identity"])])
    return dsse.verify(data, dsse.MANIFEST, [about["public"]]).payload


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_vector_comes_out_as_it_always_did(name: str) -> None:
    about = EXPECTED[name]
    if about["outcome"] != "success":
        with pytest.raises(getattr(errors, about["outcome"])):
            opened(name, about)
    elif name.endswith(".age"):
        assert hashlib.sha256(opened(name, about)).hexdigest() == about["sha256"]
        assert age.parse_identity(about["identity"]).recipient == about["recipient"]
        assert age.fingerprint(about["recipient"]) == about["fingerprint"]
    else:
        assert opened(name, about) == b'{"format":1}'
        assert dsse.SigningKey.parse(about["secret"]).public == about["public"]


def test_every_file_of_the_folder_is_expected() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert files - {"make.py", "expected.json"} == set(EXPECTED)
