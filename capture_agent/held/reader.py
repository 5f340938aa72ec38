"""Read a held session with its identity: in order, in bounded memory, strictly.

What comes out is authentic up to the part that an error names: every part is bound by its header
to the session, its number, the consent and the part before it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, TypeAlias, TypeVar

from capture_agent.core.errors import KeyError_, VerificationError
from capture_agent.core.language import noted
from capture_agent.core.stretches import Covered
from capture_agent.encode.event_log import Message, decode, part_times, read_header, read_part
from capture_agent.encode.records import MARKS
from capture_agent.encode.skim import skim_part
from capture_agent.held import disk, tape
from capture_agent.held.tape import End, Member, Tape
from capture_agent.held.writer import RESERVED
from capture_agent.keys import age
from capture_agent.keys.age import Identity
from capture_agent.keys.strict_json import strict_object

T = TypeVar("T")
Unpack: TypeAlias = Callable[[bytes], tuple[dict[str, str], T]]  # a part to its header and content

# What the recorder says in the end: until when it recorded, and how long it did not keep input (JSON, µs by reason).
DURATION_US, WITHHELD_US = "duration_us", "withheld_us"
_CRASHED = frozenset({End.MISSING, End.TORN, End.RECOVERED})


@dataclass(frozen=True, slots=True)
class Part:
    """What happened in one stretch of at most 1.5 s. `end` is the reason in the last part, else empty."""

    number: int
    header: Mapping[str, str]
    messages: list[Message] = field(repr=False)

    @property
    def end(self) -> str:
        """Why the session ended, in its last part; else empty."""
        return self.header.get("end", "")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a session holds. `about` and `ending` are what its recorder said at the start and at the end.

    `duration_us` is the time of the last message; `counts` are messages a topic.
    """

    session: str
    study: str
    started: str  # ISO 8601, UTC
    consent: str
    duration_us: int
    counts: Mapping[str, int]
    parts: int
    complete: bool
    about: Mapping[str, str]
    ending: Mapping[str, str]

    @property
    def streams(self) -> tuple[str, ...]:
        """The topics that occur, sorted."""
        return tuple(sorted(self.counts))


def read(path: Path, identity: Identity) -> Iterator[Part]:
    """Yield the parts of a session, each checked before it is yielded.

    A session whose last part has no `end` is incomplete: its recorder crashed. If the file has no
    end, a last part that cannot be opened counts as torn by the crash and is left out.

    Raises:
        StorageError: The file is missing, odd, or in a newer format.
        KeyError_: `identity` is not this session's.
        VerificationError: A part was changed, removed, moved, repeated or is foreign; it is named.
    """
    with disk.open_plain(path) as file:
        yield from _parts(file, tape.scan(file), identity)


def skim(path: Path, identity: Identity, found: Tape, unpack: Unpack[list[Message]] = skim_part) -> Iterator[Part]:
    """Yield what `read` yields, ten times as fast, for who looks at a recording: checksums of MCAP are passed over.

    `found` is what `read_outside` returned; `unpack` may be that of a `Skimmer`. Raises as `read` does.
    """
    with disk.open_plain(path) as file:
        for number, header, messages in _opened(file, found, identity, unpack):
            yield Part(number, MappingProxyType(header), messages)


def skim_some(path: Path, identity: Identity, found: Tape, numbers: Iterable[int]) -> Iterator[list[Message]]:
    """Yield the messages of some parts, by number, of a session that was read as a whole before.

    Raises:
        StorageError: The file is missing.
        VerificationError: It is not the file any more that was read before.
    """
    with disk.open_plain(path) as file:
        for number in numbers:
            try:
                plain = age.decrypt(tape.read_member(file, found.parts[number - 1]), [identity])
            except (KeyError_, VerificationError):
                raise _changed() from None
            header, messages = skim_part(plain)
            if (header.get("session"), header.get("part")) != (found.head.session, str(number)):
                raise _changed()
            yield messages


def _changed() -> VerificationError:
    return VerificationError("the recording was changed while it was open", hint="Close it, and open it again.")


class Sealed(NamedTuple):
    """One part as its file has it, opened and checked but not unpacked: what a rewriting needs of it."""

    number: int
    header: Mapping[str, str]
    data: bytes


def read_sealed(path: Path, identity: Identity) -> Iterator[Sealed]:
    """Yield the parts of a session, each checked but not unpacked. Raises as `read` does."""
    with disk.open_plain(path) as file:
        for number, header, data in _opened(file, tape.scan(file), identity, lambda plain: (read_header(plain), plain)):
            yield Sealed(number, MappingProxyType(header), data)


def opens(path: Path, identity: Identity) -> bool:
    """Return whether `identity` opens the first part of a session.

    Raises:
        StorageError: The file is missing, odd, or in a newer format.
        VerificationError: Its head is damaged.
    """
    with disk.open_plain(path) as file:
        return _opens_any(file, tape.scan(file).parts[:1], identity)


def length_us(path: Path, identity: Identity, found: Tape | None = None) -> int | None:
    """Return how long a session is in µs: what its end says, or the time of its last message; None if it has no parts.

    Only the last parts are opened. `found` is what `read_outside` returned, if it is known. Raises as `read` does.
    """
    with disk.open_plain(path) as file:
        found = found or tape.scan(file)
        for member in reversed(found.parts):
            try:
                plain = age.decrypt(tape.read_member(file, member), [identity])
            except (KeyError_, VerificationError):
                if member is found.parts[-1] and found.end in _CRASHED and len(found.parts) > 1:
                    continue  # torn
                raise
            said = read_header(plain).get(DURATION_US, "")
            times = part_times(plain)
            if said.isdecimal():
                return max(int(said), times[1] if times else 0)
            if times is not None:
                return times[1]
    return None


def withheld_us(path: Path, identity: Identity) -> Mapping[str, int]:
    """Return how long input was not kept, in µs by class of reason.

    A session's end says so, and only the last part is opened; without that, after a crash or a cut, its marks do.
    Raises as `read` does.
    """
    with disk.open_plain(path) as file:
        found = tape.scan(file)
        if found.end is End.CLOSED and found.parts:
            said = read_header(age.decrypt(tape.read_member(file, found.parts[-1]), [identity])).get(WITHHELD_US)
            if said is not None:
                return {reason: us for reason, us in strict_object(said.encode()).items() if isinstance(us, int)}
        covered = Covered()
        for part in _parts(file, found, identity):
            for fields in (decode(message) for message in part.messages if message.topic == MARKS):
                if fields["kind"] == "withheld":
                    covered = covered.add(fields["reason"], fields["start_us"], fields["t_us"])
        return covered.us


def read_outside(path: Path) -> Tape:
    """Return what a session's file consists of; no part is opened.

    Raises:
        StorageError: The file is missing, odd, or in a newer format.
        VerificationError: Its head is damaged.
    """
    with disk.open_plain(path) as file:
        return tape.scan(file)


def read_head(path: Path) -> tape.Head:
    """Return what a session says in the clear. Raises as `read_outside` does."""
    return read_outside(path).head


def summarize(path: Path, identity: Identity) -> Summary:
    """Return what a session holds; every part is opened. Raises as `read` does."""
    with disk.open_plain(path) as file:
        found = tape.scan(file)
        return _summary(found.head, _parts(file, found, identity))


def _summary(head: tape.Head, parts: Iterable[Part]) -> Summary:
    counts: Counter[str] = Counter()
    duration_us = number = 0
    first: Mapping[str, str] = {}
    last: Mapping[str, str] = {}
    for part in parts:
        number, last = part.number, part.header
        first = first or part.header
        counts.update(message.topic for message in part.messages)
        duration_us = max([duration_us, *(message.t_us for message in part.messages)])
    return Summary(
        session=head.session,
        study=head.study,
        started=first.get("started", head.created),
        consent=first.get("consent", ""),
        duration_us=duration_us,
        counts=MappingProxyType(dict(counts)),
        parts=number,
        complete="end" in last,
        about=_said(first, RESERVED),
        ending=_said(last, RESERVED | {"consent"}) if "end" in last else MappingProxyType({}),
    )


def _said(header: Mapping[str, str], without: frozenset[str]) -> Mapping[str, str]:
    return MappingProxyType({name: value for name, value in header.items() if name not in without})


def _parts(file: BinaryIO, found: Tape, identity: Identity) -> Iterator[Part]:
    for number, header, messages in _opened(file, found, identity, read_part):
        yield Part(number, MappingProxyType(header), messages)


def _opened(
    file: BinaryIO, found: Tape, identity: Identity, unpack: Unpack[T]
) -> Iterator[tuple[int, dict[str, str], T]]:
    """Yield number, header and content of each part, its place among the others checked."""
    previous = hashlib.sha256(found.head_data).hexdigest()
    consent = ""
    ended = False
    for number, member in enumerate(found.parts, 1):
        if ended:
            raise tape.damaged(noted("{name} stands behind the end of the recording"), name=member.name)
        sealed = tape.read_member(file, member)
        try:
            plain = age.decrypt(sealed, [identity])
        except (KeyError_, VerificationError) as error:
            if number == 1 and isinstance(error, KeyError_) and not _opens_any(file, found.parts[1:2], identity):
                raise
            if found.end in _CRASHED and number == len(found.parts):
                return
            raise tape.damaged(noted("{name} was changed, or is from another recording"), name=member.name) from None
        header, content = _unpacked(plain, member, unpack)
        consent = consent or header.get("consent", "")
        bound = {
            "format": str(tape.FORMAT),
            "session": found.head.session,
            "part": str(number),
            "previous": previous,
            "consent": consent,
        }
        for name, value in bound.items():
            if header.get(name) != value:
                raise tape.damaged(
                    noted("{name} does not belong here: its {field} is another"), name=member.name, field=name
                )
        ended = "end" in header
        previous = hashlib.sha256(sealed).hexdigest()
        yield number, header, content
    name = found.parts[-1].name if found.parts else tape.HEAD_NAME
    if found.end is End.DAMAGED:
        raise tape.damaged(found.problem)
    if found.end is End.CLOSED and not ended:
        raise tape.damaged(noted("parts are missing after {name}"), name=name)
    if found.end is End.TORN and ended:
        raise tape.damaged(noted("something stands behind {name}, which is the end of the recording"), name=name)


def _opens_any(file: BinaryIO, members: Iterable[Member], identity: Identity) -> bool:
    """Return whether the identity opens one of `members`: then it is the first part that is wrong, not the key."""
    for member in members:
        try:
            age.decrypt(tape.read_member(file, member), [identity])
        except (KeyError_, VerificationError):
            continue
        return True
    return False


def _unpacked(plain: bytes, member: Member, unpack: Unpack[T]) -> tuple[dict[str, str], T]:
    try:
        return unpack(plain)
    except VerificationError as error:
        raise tape.damaged(noted("{name} cannot be read: {why}"), name=member.name, why=error) from None
