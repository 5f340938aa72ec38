"""The outside of a held session: a tar that is appended to, member by member (POSIX ustar).

Nothing here knows what is in a member. A file without its end is read up to its last whole member:
that is what a crash leaves. Anything else that a writer would not have made is an error.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import BinaryIO

from capture_agent.core.errors import StorageError, VerificationError
from capture_agent.core.language import noted
from capture_agent.keys.strict_json import strict_object

BLOCK = 512  # bytes; ustar
END = bytes(2 * BLOCK)
HEAD_NAME = "held.json"
MARK_NAME = "incomplete"  # an empty member before the end of a file that was recovered after a crash
FORMAT = 1  # version of a held session's format
MAX_HEAD_BYTES = 4096  # the plaintext member is below 300
MAX_MEMBER_BYTES = 65 * 1024 * 1024  # the largest part, and what age adds to it
MAX_PARTS = 200_000  # 66 hours of one part every 1.2 s
SESSION_ID = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")  # also a file name, everywhere

_NAME_BYTES = 100  # of a header
_CHECKSUM = slice(148, 156)
_SIZE = slice(124, 135)
_HEAD_FIELDS = ("format", "session", "study", "created")


@dataclass(frozen=True, slots=True)
class Head:
    """All that a held session says in the clear. `created` is ISO 8601, UTC."""

    session: str
    study: str
    created: str

    def encode(self) -> bytes:
        """Return the content of `held.json`."""
        fields = (FORMAT, self.session, self.study, self.created)
        return json.dumps(dict(zip(_HEAD_FIELDS, fields, strict=True)), separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its name, and where its bytes are in the file."""

    name: str
    offset: int
    size: int

    @property
    def after(self) -> int:
        """Offset of the block after it."""
        return self.offset + _padded(self.size)


class End(Enum):
    """How a file ends."""

    CLOSED = auto()  # by its writer; the last part says so
    RECOVERED = auto()  # its writer crashed, and it was cut back to its last whole part
    MISSING = auto()  # it is being written, or its writer crashed: nothing follows, or zeros
    TORN = auto()  # its writer crashed in the middle of a write
    DAMAGED = auto()  # in no way that a crash can: `Tape.problem` names the first member that is wrong


@dataclass(frozen=True, slots=True)
class Tape:
    """What a scan found: the head, the whole parts, where the last whole one ends, and how the file ends."""

    head: Head
    head_data: bytes
    parts: tuple[Member, ...]
    whole: int
    end: End
    problem: str = ""
    begin: int = 0  # where the first part stands, or would


def part_name(number: int) -> str:
    """Return the name of the part with this number, from 1."""
    return f"part-{number:06}.age"


def header(name: str, size: int) -> bytes:
    """Return the one way to write a member's header: mode 0600, no owner, no date."""
    named, sized = name.encode("ascii"), b"%011o\0" % size
    checksum = _BLANK_SUM + sum(named) + sum(sized)
    return b"".join((named, _BLANK[len(named) : 124], sized, _BLANK[136:148], b"%06o\0 " % checksum, _BLANK[156:]))


def _blank() -> bytes:
    """Return a header without name and size; in the place of the checksum are spaces, as it is summed up."""
    fields = bytearray(BLOCK)
    fields[100:108] = b"0000600\0"
    fields[108:116] = fields[116:124] = b"0000000\0"
    fields[136:148] = b"00000000000\0"
    fields[_CHECKSUM] = b" " * 8
    fields[156:157] = b"0"
    fields[257:265] = b"ustar\00000"
    fields[329:337] = fields[337:345] = b"0000000\0"
    return bytes(fields)


_BLANK = _blank()
_BLANK_SUM = sum(_BLANK)


def member(name: str, data: bytes) -> bytes:
    """Return one whole member: header, `data`, zeros to the next block."""
    return header(name, len(data)) + data + bytes(_padded(len(data)) - len(data))


def closing(*, recovered: bool) -> bytes:
    """Return what stands at the end: of a file that was recovered the mark, and the end of every tar."""
    return (member(MARK_NAME, b"") if recovered else b"") + END


def scan(file: BinaryIO) -> Tape:
    """Return what `file` consists of, reading headers only (80 ms for 2 hours).

    Raises:
        StorageError: It is in a newer format.
        VerificationError: Its head is missing, damaged or changed.
    """
    total = file.seek(0, 2)
    first = _next(file, 0, total, HEAD_NAME)
    if not isinstance(first, Member) or first.size > MAX_HEAD_BYTES:
        raise damaged(noted("the recording has no beginning"))
    data = read_member(file, first)
    head = _parse_head(data)
    parts: list[Member] = []
    place = first.after
    while True:
        try:
            found = _next(file, place, total, part_name(len(parts) + 1))
        except VerificationError as error:
            return Tape(head, data, tuple(parts), place, End.DAMAGED, str(error), first.after)
        if not isinstance(found, Member):
            return Tape(head, data, tuple(parts), place, found, begin=first.after)
        parts.append(found)
        place = found.after


def read_member(file: BinaryIO, found: Member) -> bytes:
    """Return a member's bytes.

    Raises:
        VerificationError: It is cut short, or not zeros fill its last block.
    """
    file.seek(found.offset)
    block = file.read(_padded(found.size))
    if len(block) != _padded(found.size) or any(block[found.size :]):
        raise damaged(noted("{name} was damaged or changed"), name=found.name)
    return block[: found.size]


def damaged(message: str, **values: object) -> VerificationError:
    """Return the error for a file that is not what a writer makes; `message` is noted."""
    return VerificationError(
        message, hint="Restore the file from a copy. What stands before the damage can be read.", **values
    )


def is_torn_head(file: BinaryIO) -> bool:
    """Return whether a crash came before the head was whole, so that the file holds nothing."""
    total = file.seek(0, 2)
    file.seek(0)
    begins = file.read(_NAME_BYTES)
    if any(begins) and begins != header(HEAD_NAME, 0)[: len(begins)]:
        return False  # somebody else's file
    try:
        return _next(file, 0, total, HEAD_NAME) in {End.MISSING, End.TORN}
    except VerificationError:
        return False


def _next(file: BinaryIO, place: int, total: int, name: str) -> Member | End:
    """Return the member at `place`, or how the file ends there; raise if it can neither be."""
    file.seek(place)
    block = file.read(len(closing(recovered=True)))
    if total - place == len(block):
        if block == closing(recovered=False):
            return End.CLOSED
        if block == closing(recovered=True):
            return End.RECOVERED
        if closing(recovered=True).startswith(block):
            return End.MISSING  # recovery itself was cut off
    block = block[:BLOCK]
    size = _size(block)
    if size is None:
        return _torn(file, place, total, name)
    if block != header(name, size) or name == part_name(MAX_PARTS + 1):
        raise damaged(noted("{name} is missing, or something else stands in its place"), name=name)
    if size > MAX_MEMBER_BYTES:
        raise damaged(noted("{name} is larger than any that is written"), name=name)
    found = Member(name, place + BLOCK, size)
    return found if found.after <= total else _torn(file, place, total, name)


def _torn(file: BinaryIO, place: int, total: int, name: str) -> End:
    """Return MISSING or TORN if what is left can be what a crash left of one write, else raise.

    Nothing is written behind a write that was not finished, so no member and no end can follow.
    """
    if total - place > BLOCK + MAX_MEMBER_BYTES + BLOCK:
        raise damaged(noted("{name} was damaged or changed"), name=name)
    file.seek(place)
    rest = file.read(total - place)
    if not any(rest):
        return End.MISSING
    follows = any(_size(rest[at : at + BLOCK]) is not None for at in range(BLOCK, len(rest), BLOCK))
    # A power cut may cost any blocks of that write: the header, which is zeros then, and the last ones too.
    if follows or (rest.endswith(END) and any(rest[:BLOCK])):
        raise damaged(noted("{name} was damaged or changed"), name=name)
    return End.TORN


def _size(block: bytes) -> int | None:
    """Return the size that a header says, or None if the block is no header at all."""
    if len(block) != BLOCK or not block[257:].startswith(b"ustar"):
        return None
    try:
        size, checksum = int(block[_SIZE], 8), int(block[_CHECKSUM].rstrip(b"\0 "), 8)
    except ValueError:
        return None
    return size if checksum == sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ") else None


def is_time(text: str) -> bool:
    """Return whether `text` is a time in ISO 8601 with its offset from UTC."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _parse_head(data: bytes) -> Head:
    fields = strict_object(data, HEAD_NAME)
    version = fields.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise StorageError(
            "the session is in format {version}, and this version knows {known}",
            hint="Update Capture Agent; the session was left as it is.",
            version=version,
            known=FORMAT,
        )
    head = Head(*(str(fields.get(name)) for name in _HEAD_FIELDS[1:]))
    # Byte for byte: whatever else it says, or says otherwise, is refused.
    if head.encode() != data or not SESSION_ID.fullmatch(head.session) or not is_time(head.created):
        raise damaged(noted("{name} was damaged or changed"), name=HEAD_NAME)
    return head


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
