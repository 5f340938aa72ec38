import shutil
import stat
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_agent.core.errors import FaultError, KeyError_, StorageError, VerificationError
from capture_agent.encode import event_log
from capture_agent.encode.event_log import Message
from capture_agent.held import reader, tape, writer
from capture_agent.held.writer import Writer
from capture_agent.keys import age

some_messages = st.lists(
    st.builds(Message, st.sampled_from(["keyboard", "screen/1"]), st.integers(0, 10**12), st.binary(max_size=99)),
    max_size=5,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(some_messages, max_size=4))
def test_what_was_appended_is_read_back_in_order(begin, identity, parts):
    session = begin()
    for messages in parts:
        session.append(messages)
    session.close("stopped")
    read = [part.messages for part in reader.read(session.path, identity)]
    assert read == [*(messages for messages in parts if messages), []]
    session.path.unlink()


def test_nothing_happened_makes_no_part(begin):
    session = begin()
    before = session.path.stat().st_size
    session.append([])
    assert session.parts == 0 and session.path.stat().st_size == before


def test_the_summary_says_what_the_session_holds(whole, identity):
    summary = reader.summarize(whole, identity)
    assert (summary.session, summary.study, summary.started) == ("session-1", "own", "2026-11-23T09:00:00Z")
    assert (summary.parts, summary.complete, summary.duration_us) == (5, True, 3_000_002)
    assert summary.counts == {"keyboard": 12} and summary.streams == ("keyboard",)
    assert summary.about["agent"] == "0.1.0" and summary.consent == "c" * 64
    assert summary.ending == {"frames_dropped": "0"}


@pytest.mark.promise("P4")
def test_a_held_session_opens_with_its_own_identity_only(whole, identity):
    for other in (age.new_classical(), age.new_hybrid()):
        with pytest.raises(KeyError_):
            list(reader.read(whole, other))
    assert len(list(reader.read(whole, identity))) == 5


@pytest.mark.promise("P4")
def test_the_public_half_of_the_key_is_not_in_the_file(whole, identity):
    data = whole.read_bytes().lower()
    assert identity.recipient.encode() not in data and identity.recipient[4:].encode() not in data


def test_the_clear_part_says_session_study_and_start_and_nothing_more(whole):
    members = subprocess.run(["tar", "-xOf", whole, "held.json"], capture_output=True, check=True).stdout
    expected = b'{"format":1,"session":"session-1","study":"own","created":"2026-11-23T09:00:00Z"}\n'
    assert members == expected


def test_tar_lists_it_and_age_opens_every_part(whole, identity, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    listed = subprocess.run(["tar", "-xvf", whole, "-C", out], capture_output=True, text=True, check=True)
    assert listed.stderr == ""
    assert listed.stdout.split() == ["held.json", *(f"part-00000{n}.age" for n in range(1, 6))]
    key = tmp_path / "key"
    key.write_text(identity.secret)
    for number, part in enumerate(reader.read(whole, identity), 1):
        opened = subprocess.run(["age", "-d", "-i", key, out / tape.part_name(number)], capture_output=True, check=True)
        assert event_log.read_part(opened.stdout) == (dict(part.header), part.messages)


@pytest.mark.promise("P3")
def test_file_and_folder_are_for_their_owner_alone(whole):
    assert stat.S_IMODE(whole.stat().st_mode) == 0o600
    assert stat.S_IMODE(whole.parent.stat().st_mode) == 0o700


@pytest.mark.promise("P3")
def test_what_is_typed_is_never_in_the_file_in_any_encoding(begin, identity):
    canary = "canary-Zurich-4711"
    session = begin()
    for number in range(20):
        session.append([Message("keyboard", number, f'{{"text":"{canary}"}}'.encode())])
        data = session.path.read_bytes()
        for found in spellings(canary):
            assert found not in data
    session.close("stopped")
    data = session.path.read_bytes()
    assert not any(found in data for found in spellings(canary))
    assert all(canary.encode() in part.messages[0].data for part in reader.read(session.path, identity) if not part.end)


def spellings(text):
    import base64

    plain = text.encode()
    encoded = [base64.b64encode(plain[n:])[:-4] for n in range(3)]
    return [plain, text.encode("utf-16-le"), text.encode("utf-16-be"), plain.hex().encode(), *encoded]


@pytest.mark.promise("P3")
def test_the_writer_shows_no_key_and_no_content(begin, identity, happen):
    session = begin()
    session.append(happen(text="secret-text"))
    assert identity.recipient not in repr(session) and "secret-text" not in repr(session)
    part = next(iter(reader.read(session.path, identity)))
    assert "secret-text" not in repr(part)


def test_every_part_is_bound_to_session_number_consent_and_the_one_before(whole, identity):
    headers = [part.header for part in reader.read(whole, identity)]
    assert [header["part"] for header in headers] == ["1", "2", "3", "4", "5"]
    assert {header["session"] for header in headers} == {"session-1"}
    assert {header["consent"] for header in headers} == {"c" * 64}
    assert len({header["previous"] for header in headers}) == 5


def test_a_session_that_is_being_written_reads_as_incomplete(begin, identity, happen):
    session = begin()
    session.append(happen())
    summary = reader.summarize(session.path, identity)
    assert (summary.parts, summary.complete, dict(summary.ending)) == (1, False, {})


def test_a_session_that_is_abandoned_reads_as_incomplete(begin, identity, happen):
    session = begin()
    session.append(happen())
    session.abandon()
    session.abandon()
    assert not reader.summarize(session.path, identity).complete


def test_a_closed_session_takes_nothing_more(begin, happen):
    session = begin()
    session.close("stopped")
    with pytest.raises(FaultError):
        session.append(happen())


def test_a_session_is_never_written_over(begin, happen, identity):
    session = begin()
    session.append(happen())
    with pytest.raises(StorageError):
        begin()
    assert reader.summarize(session.path, identity).parts == 1


@pytest.mark.parametrize("session", ["", "../up", "a/b", "A", "-x", "a" * 65, "a.b"])
def test_an_id_that_is_no_file_name_is_refused(begin, session):
    with pytest.raises(FaultError):
        begin(session)


@pytest.mark.parametrize("name", sorted(writer.RESERVED))
def test_a_recorder_cannot_say_what_the_writer_says(tmp_path, identity, name):
    about = {"study": "own", "started": "2026-11-23T09:00:00Z", "consent": "c", name: "x"}
    with pytest.raises(FaultError):
        Writer.create(tmp_path / "held", "session-1", identity.recipient, about)


@pytest.mark.parametrize("wrong", [{"consent": ""}, {"study": ""}, {"started": "today"}, {"started": "2026-11-23"}])
def test_a_session_says_its_consent_study_and_start(begin, wrong):
    with pytest.raises(FaultError):
        begin(**wrong)


def test_very_much_at_once_becomes_several_parts(begin, identity):
    big = [Message("screen/1", n, bytes(20_000_000)) for n in range(5)]
    session = begin()
    session.append(big)
    session.close("stopped")
    parts = [part.messages for part in reader.read(session.path, identity)]
    assert [len(messages) for messages in parts] == [2, 2, 1, 0]
    assert [message for messages in parts for message in messages] == big


def test_a_message_that_no_part_can_hold_is_a_fault(begin):
    with pytest.raises(FaultError):
        begin().append([Message("screen/1", 0, bytes(writer.SPLIT_BYTES))])


def test_a_newer_format_is_refused_and_left_as_it_is(whole, identity):
    data = whole.read_bytes()
    head = b'{"format":2,"whatever":"comes"}'
    first = tape.member(tape.HEAD_NAME, head)
    whole.write_bytes(first + data[1024:])
    with pytest.raises(StorageError, match="format 2"):
        list(reader.read(whole, identity))
    assert whole.read_bytes() == first + data[1024:]


def test_a_link_is_not_followed(whole, identity, tmp_path):
    link = tmp_path / "link.held"
    link.symlink_to(whole)
    with pytest.raises(StorageError):
        list(reader.read(link, identity))


def test_reading_leaves_the_file_as_it_is(whole, identity, tmp_path):
    copy = tmp_path / "copy"
    shutil.copy(whole, copy)
    list(reader.read(whole, identity))
    assert whole.read_bytes() == copy.read_bytes()


@pytest.mark.parametrize("offset", [-512, 600])
def test_the_parts_before_a_damaged_one_can_still_be_read(whole, identity, offset):
    data = bytearray(whole.read_bytes())
    with whole.open("rb") as file:
        found = tape.scan(file).parts[2]
    data[found.offset + offset] ^= 1
    whole.write_bytes(data)
    parts = reader.read(whole, identity)
    assert [next(parts).number, next(parts).number] == [1, 2]
    with pytest.raises(VerificationError, match=found.name):
        next(parts)
