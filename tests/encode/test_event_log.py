import io
import json
from contextlib import suppress

import jsonschema
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader

from capture_agent.core.errors import CaptureAgentError, FaultError, VerificationError
from capture_agent.core.events import Key, Move
from capture_agent.core.privacy import Cleared
from capture_agent.encode.event_log import (
    PAD_STEP,
    LogWriter,
    Message,
    encode,
    read_log,
    read_part,
    write_part,
)
from capture_agent.encode.frames import pack_video
from capture_agent.encode.skim import Skimmer, skim_part

HEADER = {"session": "s1", "part": "1"}
topics = st.sampled_from(["keyboard", "pointer", "screen/1", "marks"])
payloads = st.binary(max_size=300) | st.sampled_from([b"a", b"ab"])
messages = st.lists(st.builds(Message, topics, st.integers(0, 10**13), payloads), max_size=20)
SOME = [
    encode(Cleared(Move(5, 1, 2, False)), 0),
    encode(Cleared(Key(7, True, 38, "a", "a", (), False)), 0),
    Message("screen/1", 9, pack_video(9, 1, b"\0\0\0\1\x65pixels")),
]


def log_of(some):
    out = io.BytesIO()
    writer = LogWriter(out)
    for message in some:
        writer.add(message)
    writer.finish()
    return out.getvalue()


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=70), max_size=6), messages)
def test_a_part_reads_back_as_it_was_written(header, some):
    assert read_part(write_part(header, some)) == (header, some)


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=70), max_size=6), messages)
def test_skimming_a_part_finds_what_reading_it_does(header, some):
    assert skim_part(write_part(header, some)) == (header, some)


@given(st.lists(messages, max_size=4), st.integers(1, 10**6))
def test_a_skimmer_leaves_out_all_but_one_in_a_while_of_what_it_is_told_and_nothing_else(parts, every_us):
    skimmer = Skimmer("pointer", b"a", every_us)
    due_us, passed_us = 0, 0
    for some in parts:
        wanted = []
        for message in some:
            dense = message.topic == "pointer" and message.data.startswith(b"a")
            if dense and message.t_us < due_us:
                passed_us = message.t_us
                continue
            due_us = message.t_us + every_us if dense else due_us
            wanted.append(message)
        assert skimmer.read(write_part(HEADER, some)) == (HEADER, wanted)
        assert skimmer.passed_us == passed_us


@given(st.data())
def test_skimming_a_damaged_part_is_an_error_or_finds_something_and_nothing_else(data):
    part = bytearray(write_part(HEADER, SOME))
    part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
    del part[data.draw(st.integers(1, len(part))) :]
    with suppress(VerificationError):
        skim_part(bytes(part))


@given(messages)
def test_a_part_is_padded_to_whole_steps_and_depends_on_nothing_but_its_input(some):
    data = write_part(HEADER, some)
    assert len(data) % PAD_STEP == 0
    assert data == write_part(dict(reversed(HEADER.items())), some)


def test_the_size_of_a_part_does_not_tell_whether_a_key_was_pressed():
    assert len(write_part(HEADER, SOME[:1])) == len(write_part(HEADER, SOME[:2]))


def test_any_mcap_reader_opens_a_part():
    records = list(StreamReader(io.BytesIO(write_part(HEADER, SOME)), validate_crcs=True).records)
    assert [r.metadata for r in records if getattr(r, "name", "") == "part"] == [HEADER]
    assert [(r.log_time, r.data) for r in records if hasattr(r, "log_time")] == [(m.t_us * 1000, m.data) for m in SOME]


@given(st.data())
def test_a_damaged_part_never_says_anything_else(data):
    whole = bytearray(write_part(HEADER, SOME))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        _, found = read_part(bytes(whole))
    except CaptureAgentError as error:
        assert isinstance(error, VerificationError)
    else:
        # Whole records may lose their kind and be passed over; that nothing was lost is for age to say.
        assert [m.data for m in found] in ([], [m.data for m in SOME])


def test_a_part_cut_anywhere_is_refused():
    whole = write_part(HEADER, SOME)
    for length in range(len(whole)):
        with pytest.raises(VerificationError):
            read_part(whole[:length])


def test_something_after_the_end_of_a_part_is_refused():
    with pytest.raises(VerificationError):
        read_part(write_part(HEADER, SOME) + b"\0")


def test_a_log_without_header_is_not_a_part():
    with pytest.raises(VerificationError):
        read_part(log_of(SOME[:2]))


def swap_chunk(data, compressed, says):
    """Put other compressed bytes, and another word about their size, into the only chunk of a part."""
    start = data.index(b"\x28\xb5\x2f\xfd")  # the magic of zstd
    size = int.from_bytes(data[start - 8 : start], "little")
    record = start - 8 - 8 - 4 - 8 - 16 - 9
    assert data[record] == 6  # a chunk
    length = 16 + 8 + 4 + 8 + 8 + len(compressed)
    body = data[record + 9 : record + 25] + says.to_bytes(8, "little") + bytes(4) + data[start - 16 : start - 8]
    body += len(compressed).to_bytes(8, "little") + compressed
    return data[:record] + b"\6" + length.to_bytes(8, "little") + body + data[start + size :]


def test_a_chunk_that_grows_beyond_its_word_is_refused():
    data = write_part(HEADER, [Message("marks", 0, b"x")])
    plain = zstandard.decompress(data[data.index(b"\x28\xb5\x2f\xfd") :], 4096)
    assert read_part(swap_chunk(data, zstandard.compress(plain), len(plain)))[1] == [Message("marks", 0, b"x")]
    with pytest.raises(VerificationError, match="size that it says"):
        read_part(swap_chunk(data, zstandard.compress(bytes(2_000_000)), 1000))
    with pytest.raises(VerificationError, match="larger than any"):
        read_part(swap_chunk(data, zstandard.compress(bytes(2_000_000)), 2**40))


@given(messages.map(lambda some: [m for m in some if not m.topic.startswith("screen/")]))
def test_a_log_reads_back_as_it_was_written(some):
    data = log_of(some)
    assert list(read_log(io.BytesIO(data))) == some
    assert data == log_of(some)


def test_a_log_is_indexed_and_carries_its_schemas():
    reader = make_reader(io.BytesIO(log_of(SOME[:2] * 2000)))
    summary = reader.get_summary()
    assert summary.chunk_indexes and summary.statistics.message_count == 4000
    for schema, channel, message in reader.iter_messages(topics=["keyboard"]):
        assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
        jsonschema.validate(json.loads(message.data), json.loads(schema.data))


def test_a_log_can_be_written_to_a_pipe():
    class Pipe:
        def __init__(self):
            self.data = b""

        def write(self, data):
            self.data += data

    pipe = Pipe()
    writer = LogWriter(pipe)
    for message in SOME[:2]:
        writer.add(message)
    writer.finish()
    assert pipe.data == log_of(SOME[:2])


def test_a_log_takes_no_frames():
    with pytest.raises(FaultError):
        log_of(SOME)


def test_a_cut_log_is_refused():
    data = log_of(SOME[:2])
    with pytest.raises(VerificationError):
        list(read_log(io.BytesIO(data[:-20])))


@given(st.binary(max_size=400), st.booleans())
def test_rubbish_is_refused_as_such(data, magic):
    data = (b"\x89MCAP0\r\n" if magic else b"") + data
    with pytest.raises(VerificationError):
        read_part(data)
    with pytest.raises(VerificationError):
        list(read_log(io.BytesIO(data)))
