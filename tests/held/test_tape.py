import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import CaptureAgentError, StorageError, VerificationError
from capture_agent.encode import event_log
from capture_agent.held import tape
from capture_agent.held.tape import End, Head

HEAD = Head("session-1", "own", "2026-11-23T09:00:00Z")
BEGIN = tape.member(tape.HEAD_NAME, HEAD.encode())
SPECIFICATION = Path(__file__).parents[2] / "docs" / "bundle-format.md"


def scanned(data):
    return tape.scan(io.BytesIO(data))


@given(st.lists(st.binary(max_size=1500), max_size=5))
def test_what_was_put_on_the_tape_is_found(parts):
    members = [tape.member(tape.part_name(n), data) for n, data in enumerate(parts, 1)]
    file = io.BytesIO(BEGIN + b"".join(members) + tape.closing(recovered=False))
    found = tape.scan(file)
    assert (found.head, found.end, found.problem) == (HEAD, End.CLOSED, "")
    assert [tape.read_member(file, part) for part in found.parts] == parts


@given(st.binary(max_size=3000))
def test_anything_else_is_refused_or_torn_and_never_ended(data):
    found = scanned(BEGIN + data)
    assert found.parts == () or data.startswith(b"part-000001.age\0")
    assert found.end is not End.CLOSED or data == tape.END
    with pytest.raises(CaptureAgentError):
        scanned(data)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"format":1}',
        HEAD.encode() + b" ",
        HEAD.encode().replace(b"1", b"0", 1),
        HEAD.encode().replace(b'"own"', b'"own","keys":7'),
        HEAD.encode().replace(b"session-1", b"../../etc"),
        HEAD.encode().replace(b"2026-11-23T09:00:00Z", b"yesterday"),
        bytes(tape.MAX_HEAD_BYTES + 1),
    ],
)
def test_a_head_that_no_writer_makes_is_refused(head):
    with pytest.raises(VerificationError):
        scanned(tape.member(tape.HEAD_NAME, head))


def test_a_newer_head_is_refused_as_newer():
    with pytest.raises(StorageError, match="format 3"):
        scanned(tape.member(tape.HEAD_NAME, b'{"format":3,"new":true}'))


def test_a_member_larger_than_any_is_refused_before_it_is_read():
    found = scanned(BEGIN + tape.header(tape.part_name(1), tape.MAX_MEMBER_BYTES + 1))
    assert found.end is End.DAMAGED and "larger" in found.problem


def test_gnu_tar_makes_the_same_of_a_header(tmp_path):
    file = tmp_path / "x.held"
    file.write_bytes(BEGIN + tape.member(tape.part_name(1), b"x" * 700) + tape.closing(recovered=True))
    listed = subprocess.run(["tar", "-tvf", file], capture_output=True, text=True, check=True)
    rows = [(line.split()[0], line.split()[2], line.split()[-1]) for line in listed.stdout.splitlines()]
    assert rows == [
        ("-rw-------", str(len(HEAD.encode())), "held.json"),
        ("-rw-------", "700", "part-000001.age"),
        ("-rw-------", "0", "incomplete"),
    ]
    assert listed.stderr == ""


def test_the_specification_says_the_limits_that_are_kept():
    text = SPECIFICATION.read_text(encoding="utf-8").replace(",", "")
    said = [tape.MAX_MEMBER_BYTES, tape.MAX_PARTS, tape.MAX_HEAD_BYTES, event_log.MAX_PART_BYTES, event_log.PAD_STEP]
    assert [limit for limit in said if str(limit) not in text] == []
    assert f"Format version: **{tape.FORMAT}**" in text
