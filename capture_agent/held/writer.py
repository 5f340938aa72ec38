"""Write a held session while it is recorded. The writer cannot read back what it wrote.

Each part is one write and one sync. The public key is kept in memory only; the secret one is in
the vault before the first part is written.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from capture_agent.core.errors import CaptureAgentError, FaultError, StorageError
from capture_agent.core.language import noted
from capture_agent.encode.event_log import MAX_PART_BYTES, Message, with_header, write_part
from capture_agent.held import disk, tape
from capture_agent.keys import age

SUFFIX = ".held"
# What is handed in at once and is larger becomes several parts; a quarter is left for what MCAP adds.
SPLIT_BYTES = MAX_PART_BYTES * 3 // 4
_MESSAGE_OVERHEAD = 31  # bytes; opcode, length, channel, sequence and two times
_NEEDED = ("study", "started", "consent")
RESERVED = frozenset({"format", "session", "part", "previous", "end"})  # names that the writer gives itself


class Writer:
    """A session that is being recorded. One thread at a time."""

    def __init__(self, file: io.FileIO, path: Path, recipient: str, fixed: Mapping[str, str]) -> None:
        """Use `Writer.create`."""
        self.path = path
        self.parts = 0
        self._file = file
        self._recipient = recipient
        self._fixed = fixed  # in every part's header
        self._first: Mapping[str, str] = {}  # in the first one's
        self._previous = ""
        self._whole = 0  # bytes that are known to be on the disk
        self._torn = False  # there may be something behind them

    @classmethod
    def create(
        cls, folder: Path, session: str, recipient: str, about: Mapping[str, str], suffix: str = SUFFIX
    ) -> Writer:
        """Begin the file of a session, readable for whoever has `recipient`'s secret half.

        `about` has at least "study", "started" (ISO 8601, UTC) and "consent" (SHA-256 of the
        record in force); all of it goes into the first part, sealed, the consent into every part.
        In the clear stand session, study and start. With another `suffix` it is a file that no store lists.

        Raises:
            FaultError: `about` lacks something, or `session` cannot be a file name.
            StorageError: The file is there already or cannot be written.
        """
        if not tape.SESSION_ID.fullmatch(session) or any(not about.get(name) for name in _NEEDED):
            raise FaultError("a session lacks its id, study, start or consent")
        if RESERVED & about.keys() or not tape.is_time(about["started"]):
            raise FaultError("what is said about a session uses a reserved name, or its start is no time")
        disk.make_folder(folder)
        path = folder / (session + suffix)
        fixed = {"format": str(tape.FORMAT), "session": session, "consent": about["consent"]}
        writer = cls(disk.create(path), path, recipient, fixed)
        writer._first = dict(about)
        head = tape.Head(session, about["study"], about["started"]).encode()
        writer._previous = hashlib.sha256(head).hexdigest()
        try:
            writer._put(tape.member(tape.HEAD_NAME, head))
        except StorageError:
            writer.abandon()
            path.unlink(missing_ok=True)
            raise
        return writer

    @classmethod
    def resume(cls, path: Path, recipient: str, about: Mapping[str, str], keep: int) -> Writer:
        """Cut a session's file back to its first `keep` parts, durably, and go on writing behind them.

        `about` is what its first part says. Nothing is needed for this but the file itself: it works on a full disk.

        Raises:
            StorageError: Somebody is writing it, or it cannot be cut.
            VerificationError: It is damaged.
        """
        file = disk.open_plain(path, write=True)
        try:
            if not disk.claim(file):
                raise StorageError("the session is being recorded", hint="Stop recording first.")
            found = tape.scan(file)
            fixed = {"format": str(tape.FORMAT), "session": found.head.session, "consent": about["consent"]}
            writer = cls(file, path, recipient, fixed)
            writer._first = dict(about)
            writer.parts = keep
            last = tape.read_member(file, found.parts[keep - 1]) if keep else found.head_data
            writer._previous = hashlib.sha256(last).hexdigest()
            writer._whole = found.parts[keep - 1].after if keep else found.begin
            writer._torn = True
            writer._cut_back()
        except OSError as error:
            file.close()
            raise disk.storage_error(error, noted("the recording could not be cut")) from None
        except CaptureAgentError:
            file.close()
            raise
        return writer

    def copy(self, part: bytes) -> None:
        """Write a part of another file of this session, unpacked nowhere; durable with the next `append` or `close`.

        Raises:
            StorageError: As `append`.
        """
        self._add({}, lambda header: with_header(part, header), synced=False)

    def append(self, messages: Sequence[Message], *, synced: bool = True) -> None:
        """Write what happened as one part (or several, if it is very much), on the disk when this returns.

        Nothing happened: nothing is written. Not `synced`: it is on the disk with the next that is, or with `close`.

        Raises:
            StorageError: The disk is full or broken. The file ends with its last whole part, and
                a later call may succeed.
            FaultError: The session is closed, or one message is larger than a part may be.
        """
        for some in _split(messages):
            self._append({}, some, synced=synced)

    def close(self, reason: str, about: Mapping[str, str] | None = None) -> None:
        """Write the end mark, with its reason and what is to be said at the end, and close the file.

        Raises:
            StorageError: The mark could not be written. The file is closed, incomplete.
        """
        about = about or {}
        if RESERVED & about.keys() or not reason:
            raise FaultError("a session ends without a reason, or with a reserved name")
        try:
            self._append({**about, "end": reason}, ())
            # Written after the last part is on the disk: where the end is, everything is.
            self._put(tape.closing(recovered=False))
        finally:
            self.abandon()

    def sync(self) -> None:
        """Return when all that was written is on the disk.

        Raises:
            StorageError: It did not get there.
        """
        try:
            disk.sync(self._file)
        except OSError as error:
            raise disk.storage_error(error, noted("the recording could not be written")) from None

    def abandon(self) -> None:
        """Close the file as it is, without an end mark: it reads as incomplete. Safe to call twice."""
        self._file.close()

    def _append(self, extra: Mapping[str, str], messages: Sequence[Message], *, synced: bool = True) -> None:
        self._add(extra, lambda header: write_part(header, messages), synced=synced)

    def _add(self, extra: Mapping[str, str], part: Callable[[Mapping[str, str]], bytes], *, synced: bool) -> None:
        number = self.parts + 1
        if number > tape.MAX_PARTS:
            raise StorageError("the session is too long", hint="Stop and start again.")
        header = {**self._fixed, **extra, "part": str(number), "previous": self._previous}
        if number == 1:
            header = {**self._first, **header}
        sealed = age.encrypt(part(header), [self._recipient])
        self._put(tape.member(tape.part_name(number), sealed), synced=synced)
        self.parts = number
        self._previous = hashlib.sha256(sealed).hexdigest()

    def _put(self, data: bytes, *, synced: bool = True) -> None:
        """Put whole members behind the last whole one, or leave the file as it was and raise."""
        if self._file.closed:
            raise FaultError("a session that is closed was written to")
        try:
            self._cut_back()
            self._torn = True
            self._file.seek(self._whole)
            rest = memoryview(data)
            while rest:  # once, unless the disk is almost full: then the second time says so
                rest = rest[self._file.write(rest) or 0 :]
            if synced:
                disk.sync(self._file)
        except OSError as error:
            # What cannot be cut off now is tried again before the next write, and passed over by readers.
            with suppress(OSError):
                self._cut_back()
            raise disk.storage_error(error, noted("the recording could not be written")) from None
        self._torn = False
        self._whole += len(data)

    def _cut_back(self) -> None:
        if self._torn:
            self._file.truncate(self._whole)
            disk.sync(self._file)
            self._torn = False


def _split(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Yield runs of messages that each fit into a part."""
    begin = size = 0
    for n, message in enumerate(messages):
        length = len(message.data) + _MESSAGE_OVERHEAD
        if length > SPLIT_BYTES:
            raise FaultError("one message is larger than a part may be")
        if size + length > SPLIT_BYTES:
            yield messages[begin:n]
            begin, size = n, 0
        size += length
    if begin < len(messages):
        yield messages[begin:]
