from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.control.commands import check
from capture_agent.control.wire import (
    MAX_REQUEST_BYTES,
    Response,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from capture_agent.core.errors import ConfigError, ConsentError, StorageError


def test_a_request_goes_over_and_comes_back() -> None:
    request = check("task-finish", {"outcome": "done", "difficulty": 2, "note": "naïve\n…"})
    line = encode_request(request)
    assert line.count(b"\n") == 1
    assert decode_request(line) == request


def test_the_longest_request_fits() -> None:
    request = check("task-finish", {"outcome": "not-possible", "difficulty": 5, "note": "\U0001f600" * 4_000})
    assert len(encode_request(request)) <= MAX_REQUEST_BYTES


def test_an_error_arrives_as_the_class_that_it_is() -> None:
    class FullError(StorageError):
        """A class of its own, below one of the tree."""

    for error, kind in ((ConsentError("no", hint="ask"), ConsentError), (FullError("full"), StorageError)):
        back = decode_response(encode_response(Response(error=error))).error
        assert back is not None
        assert type(back) is kind
        assert (str(back), back.hint, back.exit_code) == (str(error), error.hint, error.exit_code)


def test_an_error_of_a_name_that_is_not_in_the_tree_is_a_plain_one() -> None:
    line = json.dumps({"v": 1, "ok": False, "error": {"type": "SystemExit", "message": "m", "hint": "h"}}).encode()
    error = decode_response(line).error
    assert error is not None
    assert error.exit_code == 1


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}",
        b"[]",
        b"null",
        b'{"v":2,"command":"stop"}',
        b'{"v":true,"command":"stop"}',
        b'{"v":1,"v":1,"command":"stop"}',
        b'{"v":1,"command":"stop","command":"quit"}',
        b'{"v":1,"command":"stop","consent":true}',
        b'{"v":1,"command":"pause","arguments":{"minutes":NaN}}',
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"v":' + b"9" * 60_000 + b"}",
    ],
)
def test_what_is_no_request_is_refused(line: bytes) -> None:
    with pytest.raises(ConfigError):
        decode_request(line)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_config_error(line: bytes) -> None:
    with pytest.raises(ConfigError):
        decode_request(line)
    with pytest.raises(ConfigError):
        decode_response(line)
