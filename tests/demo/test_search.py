from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.demo.search import CHUNK, hits, writings

WORD = "xylophone-quartz"


@pytest.mark.parametrize(
    "written",
    [
        WORD.encode(),
        WORD.encode("utf-16"),
        WORD.encode("utf-16-be"),
        WORD[::-1].encode(),
        WORD.encode().hex().encode(),
        json.dumps({"text": WORD}).encode(),
        b"\0" * (CHUNK - 5) + WORD.encode(),
    ],
)
def test_a_word_is_found_however_it_is_written(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"before " + written + b" after")
    assert hits(tmp_path, WORD) == ["deep/file"]


@given(st.binary(max_size=40), st.binary(max_size=40), st.booleans())
def test_a_word_is_found_inside_base64(before: bytes, after: bytes, urlsafe: bool) -> None:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    written = encode(before + WORD.encode() + after)
    assert any(way in written for way in writings(WORD))


def test_other_files_are_not_hits(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"xylophone quartz " * 1000)
    assert hits(tmp_path, WORD) == []
