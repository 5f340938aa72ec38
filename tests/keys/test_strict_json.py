from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import VerificationError
from capture_agent.keys.strict_json import canonical_json, strict_json, strict_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_as_the_same_value(value: object) -> None:
    assert strict_json(canonical_json(value)) == value
    assert canonical_json(strict_json(canonical_json(value))) == canonical_json(value)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}',
        b'[{"b":{"a":1,"a":1}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"",
        b"[" * 100_000,
        b"1" * 5_000,
        b"{'a':1}",
    ],
)
def test_what_parsers_disagree_about_is_refused(text: bytes) -> None:
    with pytest.raises(VerificationError):
        strict_json(text)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert strict_json(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_an_object_is_an_object() -> None:
    assert strict_object(b'{"a":[1]}') == {"a": [1]}
    with pytest.raises(VerificationError, match="the manifest"):
        strict_object(b"[]", "the manifest")


@given(VALUES)
def test_other_parsers_read_the_same(value: object) -> None:
    assert json.loads(canonical_json(value)) == value
