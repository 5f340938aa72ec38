import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_agent.core.errors import CaptureAgentError, VerificationError
from capture_agent.encode.event_log import Message, write_part
from capture_agent.held import reader, tape
from capture_agent.keys import age

pytestmark = pytest.mark.promise("P9")


def taken_apart(path):
    """Return the head and the parts of a complete session as whole members, and its end."""
    data = path.read_bytes()
    with path.open("rb") as file:
        found = tape.scan(file)
    head = data[: found.parts[0].offset - tape.BLOCK]
    return head, [data[part.offset - tape.BLOCK : part.after] for part in found.parts], data[found.whole :]


def renamed(member, number):
    size = int(member[124:135], 8)
    return tape.header(tape.part_name(number), size) + member[tape.BLOCK :]


def numbered(members):
    return [renamed(member, number) for number, member in enumerate(members, 1)]


def refused(path, identity, pieces, name):
    path.write_bytes(b"".join(pieces))
    with pytest.raises(VerificationError, match=name):
        list(reader.read(path, identity))


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("place", [0, 257, 700, -600])
def test_a_flipped_part_is_named(whole, identity, number, place):
    head, parts, end = taken_apart(whole)
    flipped = bytearray(parts[number - 1])
    flipped[place] ^= 1
    refused(whole, identity, [head, *parts[: number - 1], bytes(flipped), *parts[number:], end], tape.part_name(number))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("again", [False, True], ids=["as it is", "renumbered"])
def test_a_dropped_part_is_named(whole, identity, number, again):
    head, parts, end = taken_apart(whole)
    rest = parts[: number - 1] + parts[number:]
    refused(whole, identity, [head, *(numbered(rest) if again else rest), end], tape.part_name(number))


@pytest.mark.parametrize("again", [False, True], ids=["as it is", "renumbered"])
def test_a_missing_end_is_noticed(whole, identity, again):
    head, parts, end = taken_apart(whole)
    refused(whole, identity, [head, *parts[:-1], end], "missing after part-000004")
    if again:
        refused(whole, identity, [head, end], "missing after held")


@pytest.mark.parametrize("again", [False, True], ids=["as it is", "renumbered"])
def test_swapped_parts_are_named(whole, identity, again):
    head, parts, end = taken_apart(whole)
    swapped = [parts[0], parts[2], parts[1], *parts[3:]]
    refused(whole, identity, [head, *(numbered(swapped) if again else swapped), end], "part-000002")


@pytest.mark.parametrize("again", [False, True], ids=["as it is", "renumbered"])
def test_a_repeated_part_is_named(whole, identity, again):
    head, parts, end = taken_apart(whole)
    repeated = [*parts[:2], *parts[1:]]
    refused(whole, identity, [head, *(numbered(repeated) if again else repeated), end], "part-000003")


def test_a_part_after_the_end_is_named(whole, identity):
    head, parts, end = taken_apart(whole)
    refused(whole, identity, [head, *numbered([*parts, parts[0]]), end], "part-000006")


@pytest.mark.parametrize("number", [1, 2, 5])
@pytest.mark.parametrize("same_key", [False, True])
def test_a_part_of_another_session_is_named(whole, identity, begin, number, same_key):
    other = begin("session-2", identity.recipient if same_key else age.new_classical().recipient)
    for n in range(4):
        other.append([Message("keyboard", n, b"{}")])
    other.close("stopped")
    foreign = taken_apart(other.path)[1]
    head, parts, end = taken_apart(whole)
    parts[number - 1] = foreign[number - 1]
    refused(whole, identity, [head, *parts, end], tape.part_name(number))


def test_the_head_of_another_session_is_noticed(whole, identity, begin):
    other = begin("session-2")
    other.close("stopped")
    _, parts, end = taken_apart(whole)
    refused(whole, identity, [taken_apart(other.path)[0], *parts, end], "part-000001")


def test_a_head_that_says_another_study_is_noticed(whole, identity):
    head, parts, end = taken_apart(whole)
    refused(whole, identity, [head.replace(b'"own"', b'"ewn"'), *parts, end], "part-000001")


def test_a_part_cut_short_in_the_middle_is_named(whole, identity):
    head, parts, end = taken_apart(whole)
    refused(whole, identity, [head, parts[0], parts[1][:-512], *parts[2:], end], "part-000002")


def test_an_unknown_member_is_noticed(whole, identity):
    head, parts, end = taken_apart(whole)
    refused(whole, identity, [head, *parts[:2], tape.member("x", b"y"), *parts[2:], end], "part-000003")


@pytest.mark.parametrize("more", [b"x", b"x" * 512, b"x" * 2000, tape.member("x", b"y"), bytes(512) + b"x"])
def test_something_after_the_end_is_noticed(whole, identity, more):
    head, parts, end = taken_apart(whole)
    refused(whole, identity, [head, *parts, end, more], "part-00000[56]")
    refused(whole, identity, [head, *parts, more], "part-00000[56]")


@pytest.mark.promise("P10")
def test_a_file_cut_at_a_part_never_passes_as_complete(whole, identity):
    head, parts, _ = taken_apart(whole)
    for kept in range(5):
        for tail in (b"", tape.closing(recovered=True)):
            whole.write_bytes(b"".join([head, *parts[:kept], tail]))
            summary = reader.summarize(whole, identity)
            assert (summary.parts, summary.complete) == (kept, False)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_flip_anywhere_goes_unnoticed(whole, identity, data):
    before = whole.read_bytes()
    changed = bytearray(before)
    changed[data.draw(st.integers(0, len(before) - 1))] ^= data.draw(st.integers(1, 255))
    whole.write_bytes(changed)
    try:
        with pytest.raises(CaptureAgentError):
            list(reader.read(whole, identity))
    finally:
        whole.write_bytes(before)


@pytest.mark.parametrize("name", ["format", "session", "part", "previous", "consent"])
def test_a_part_whose_header_says_something_else_is_named(begin, identity, name):
    session = begin()
    session.append([Message("keyboard", 0, b"{}")])
    session.abandon()
    with session.path.open("rb") as file:
        found = tape.scan(file)
        first = tape.read_member(file, found.parts[0])
    right = {
        "format": "1",
        "session": "session-1",
        "part": "2",
        "previous": hashlib.sha256(first).hexdigest(),
        "consent": "c" * 64,
    }
    whole = session.path.read_bytes()
    for header, refused_name in [(right, None), ({**right, name: "9"}, name)]:
        sealed = age.encrypt(write_part(header, []), [identity.recipient])
        session.path.write_bytes(whole + tape.member(tape.part_name(2), sealed))
        if refused_name is None:
            assert len(list(reader.read(session.path, identity))) == 2
            continue
        with pytest.raises(VerificationError, match=f"part-000002.age .*{refused_name}"):
            list(reader.read(session.path, identity))


def test_a_broken_header_is_named_and_no_crash_if_parts_follow_it(whole, identity):
    head, parts, _ = taken_apart(whole)
    broken = bytearray(parts[1])
    broken[260] ^= 1
    refused(whole, identity, [head, parts[0], bytes(broken), *parts[2:]], "part-000002")
