"""Logs of messages: the only door to MCAP and the zstd that it is compressed with.

Two forms. A *part* is a small complete MCAP without index, summary or repeats, padded so that
its size says little; held sessions are made of them. A *log* is one indexed MCAP with its JSON
Schemas inside; bundles carry it. Both are read by any MCAP reader. Times of MCAP are ns, ours µs.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, BinaryIO, cast

import zstandard
from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, McapRecord, Metadata
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.writer import IndexType
from mcap.writer import Writer as McapWriter

from capture_agent.core.errors import FaultError, VerificationError
from capture_agent.encode.records import EVENT_TOPICS, SCREEN_PREFIX, Message, decode, encode, screen_topic
from capture_agent.encode.schemas import schema, schema_name

__all__ = [
    "EVENT_TOPICS",
    "MAX_PART_BYTES",
    "PAD_STEP",
    "LogWriter",
    "Message",
    "check_size",
    "decode",
    "encode",
    "part_times",
    "raw_records",
    "read_header",
    "read_log",
    "read_part",
    "screen_topic",
    "with_header",
    "write_part",
]

PAD_STEP = 1024  # bytes; the size of a part says how many KiB happened, not how many keys
# Key frames of several 4K monitors in 1.5 s are below 16 MiB; four times that bounds a reader's memory.
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_CHUNK_BYTES = MAX_PART_BYTES  # after decompression
MAX_TOPICS = 256  # five of events, and one a monitor
LOG_CHUNK_BYTES = 256 * 1024  # the unit that a reader of a log decompresses to seek

_LIBRARY = "capture-agent"  # not the library's version: equal input makes equal bytes
_HEADER = "part"  # name of the metadata record with the header of a part
_PADDING = "padding"
_PAD_KEY = "pad"
_PAD_OVERHEAD = 9 + 4 + len(_PADDING) + 4 + 4 + len(_PAD_KEY) + 4  # bytes of a padding record without its spaces
_TAIL = (9 + 4) + (9 + 20) + 8  # bytes after it: DataEnd, Footer, magic
_MAGIC_BYTES = 8
_CHUNK, _METADATA = 0x06, 0x0C  # opcodes of records
_NS = 1000  # ns in a µs
_JSON, _VIDEO = "json", "protobuf"


def write_part(header: Mapping[str, str], messages: Sequence[Message]) -> bytes:
    """Return a small complete MCAP of `messages`, in their order, with `header` as a metadata record.

    Its size is a multiple of `PAD_STEP` bytes. Equal input makes equal bytes.
    """
    out = io.BytesIO()
    writer = McapWriter(
        out,
        chunk_size=MAX_CHUNK_BYTES,
        index_types=IndexType.NONE,
        repeat_channels=False,
        repeat_schemas=False,
        use_statistics=False,
        use_summary_offsets=False,
    )
    writer.start(library=_LIBRARY)
    writer.add_metadata(_HEADER, dict(sorted(header.items())))
    channels: dict[str, int] = {}
    for topic, t_us, data in messages:
        channel = channels.get(topic)
        if channel is None:
            encoding = _VIDEO if topic.startswith(SCREEN_PREFIX) else _JSON
            channel = channels[topic] = writer.register_channel(topic, encoding, 0)
        writer.add_message(channel, t_us * _NS, data, t_us * _NS)
    writer.flush()  # type: ignore[no-untyped-call]
    spaces = -(out.tell() + _PAD_OVERHEAD + _TAIL) % PAD_STEP
    writer.add_metadata(_PADDING, {_PAD_KEY: " " * spaces})
    writer.finish()  # type: ignore[no-untyped-call]
    return out.getvalue()


def read_part(data: bytes) -> tuple[dict[str, str], list[Message]]:
    """Return the header and the messages of a part.

    Raises:
        VerificationError: It is not a whole part.
    """
    if len(data) > MAX_PART_BYTES:
        raise VerificationError("a part is larger than any that is written")
    stream = io.BytesIO(data)
    header: dict[str, str] | None = None
    messages: list[Message] = []
    topics: dict[int, str] = {}
    for record in _records(stream):
        match record:
            case Metadata(name="part", metadata=fields):
                if header is not None:
                    raise VerificationError("a part has two headers")
                header = fields
            case _:
                messages.extend(_messages(record, topics))
    if header is None or stream.tell() != len(data):
        raise VerificationError("a part has no header, or something after its end")
    return header, messages


def read_header(data: bytes) -> dict[str, str]:
    """Return the header of a part, without looking at its messages.

    Raises:
        VerificationError: It has none.
    """
    for record in _records(io.BytesIO(data)):
        if isinstance(record, Metadata) and record.name == _HEADER:
            return record.metadata
    raise VerificationError("a part has no header, or something after its end")


def part_times(data: bytes) -> tuple[int, int] | None:
    """Return the times of the first and the last message of a part in µs, None if it has none. Nothing is unpacked.

    Raises:
        VerificationError: It is not a whole part.
    """
    times = [struct.unpack_from("<QQ", record, 9) for record in raw_records(data) if record[0] == _CHUNK]
    if not times:
        return None
    return min(first for first, _ in times) // _NS, max(last for _, last in times) // _NS


def with_header(data: bytes, header: Mapping[str, str]) -> bytes:
    """Return a part with another header: the same bytes that `write_part` makes of it and the same messages.

    Raises:
        VerificationError: It is not a whole part.
    """
    first, old, *body, padding, data_end, footer = raw_records(data)
    if old[0] != _METADATA or padding[0] != _METADATA:
        raise VerificationError("a part has no header, or no padding")
    front = b"".join((data[:_MAGIC_BYTES], first, _metadata(_HEADER, dict(sorted(header.items()))), *body))
    spaces = -(len(front) + _PAD_OVERHEAD + _TAIL) % PAD_STEP
    return b"".join((front, _metadata(_PADDING, {_PAD_KEY: " " * spaces}), data_end, footer, data[-_MAGIC_BYTES:]))


def raw_records(data: bytes) -> list[bytes]:
    """Return the records of an MCAP as they stand there: opcode, length, content."""
    records, place, end = [], _MAGIC_BYTES, len(data) - _MAGIC_BYTES
    while place + 9 <= end:
        after = place + 9 + int.from_bytes(data[place + 1 : place + 9], "little")
        records.append(data[place:after])
        place = after
    if place != end or len(records) < 5:
        raise VerificationError("a part is damaged")
    return records


def _metadata(name: str, fields: Mapping[str, str]) -> bytes:
    pairs = b"".join(_text(key) + _text(value) for key, value in fields.items())
    content = _text(name) + len(pairs).to_bytes(4, "little") + pairs
    return bytes([_METADATA]) + len(content).to_bytes(8, "little") + content


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(4, "little") + encoded


class LogWriter:
    """Writes one indexed MCAP of events, deterministic: the bytes depend on nothing but the messages.

    The stream need not seek. Schemas of the topics that occur are embedded.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._writer = McapWriter(cast(IO[bytes], _Counting(stream)), chunk_size=LOG_CHUNK_BYTES)
        self._writer.start(library=_LIBRARY)
        self._channels: dict[str, int] = {}

    def add(self, message: Message) -> None:
        """Add one message of an event topic.

        Raises:
            FaultError: It is a frame; those go into `video.Muxer`.
        """
        channel = self._channels.get(message.topic)
        if channel is None:
            channel = self._channels[message.topic] = self._open(message.topic)
        self._writer.add_message(channel, message.t_us * _NS, message.data, message.t_us * _NS)

    def _open(self, topic: str) -> int:
        if topic not in EVENT_TOPICS:
            raise FaultError("a log holds events only")
        text = json.dumps(schema(topic), ensure_ascii=False, separators=(",", ":"))
        number = self._writer.register_schema(schema_name(topic), "jsonschema", text.encode())
        return self._writer.register_channel(topic, _JSON, number)

    def finish(self) -> None:
        """Write the last chunk and the index. The stream stays open."""
        self._writer.finish()  # type: ignore[no-untyped-call]


def read_log(stream: BinaryIO) -> Iterator[Message]:
    """Yield the messages of a log in the order they were added, in bounded memory; the stream need not seek.

    Raises:
        VerificationError: It is not a whole MCAP, or one of its chunks is too large.
    """
    topics: dict[int, str] = {}
    for record in _records(stream):
        yield from _messages(record, topics)


class _Counting:
    """Counts what it passes on: the writer asks for positions, and a pipe knows none."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._count = 0

    def write(self, data: bytes) -> int:
        """Pass all of `data` on."""
        self._stream.write(data)
        self._count += len(data)
        return len(data)

    def tell(self) -> int:
        """Return the bytes passed on so far."""
        return self._count

    def flush(self) -> None:
        """Do nothing: the owner of the stream flushes it."""


class _Whole:
    """Reads as much as was asked for, or fails; and refuses to be asked for more than is ever written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, length: int) -> bytes:
        """Return exactly `length` bytes."""
        if length > MAX_PART_BYTES:
            raise VerificationError("something in a log is larger than any that is written")
        data = self._stream.read(length)
        while len(data) < length:
            more = self._stream.read(length - len(data))
            if not more:
                raise VerificationError("a log ends too early")
            data += more
        return data


def _records(stream: BinaryIO) -> Iterator[McapRecord]:
    """Yield the records of an MCAP, chunks opened, and turn whatever is wrong into one error."""
    try:
        whole = cast(IO[bytes], _Whole(stream))
        reader = StreamReader(whole, emit_chunks=True, record_size_limit=MAX_PART_BYTES)
        for record in reader.records:
            if isinstance(record, Chunk):
                check_size(record)
                yield from breakup_chunk(record, validate_crc=True)
            else:
                yield record
    except (McapError, zstandard.ZstdError, struct.error, ValueError) as error:
        # Their messages may quote bytes of what was read; only the class is told.
        raise VerificationError("a log is damaged ({kind})", kind=type(error).__name__) from None


def check_size(chunk: Chunk) -> None:
    """Refuse a chunk that would decompress to more than it says, or to more than we ever write."""
    if chunk.compression != "zstd":
        raise VerificationError("a chunk of a log is not compressed with zstd")
    if chunk.uncompressed_size > MAX_CHUNK_BYTES:
        raise VerificationError("a chunk of a log is larger than any that is written")
    if zstandard.frame_content_size(chunk.data) != chunk.uncompressed_size:
        raise VerificationError("a chunk of a log is not of the size that it says")


def _messages(record: McapRecord, topics: dict[int, str]) -> Iterator[Message]:
    """Yield the message in `record`, if it is one, and learn the topic, if it is a channel."""
    match record:
        case Channel(id=number, topic=topic):
            if topics.get(number, topic) != topic or len(topics) >= MAX_TOPICS:
                raise VerificationError("the channels of a log contradict each other, or are too many")
            topics[number] = topic
        case McapMessage(channel_id=number, log_time=time_ns, data=data):
            if number not in topics or time_ns % _NS:
                raise VerificationError("a message of a log has no channel, or no time in whole µs")
            yield Message(topics[number], time_ns // _NS, data)
