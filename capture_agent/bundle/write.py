"""Write a bundle: one age file, inside a plain tar, in two passes and bounded memory.

Each member is *made* twice: once to learn its size and hash, which the signed manifest at the
front must say, and once into the tar. What the second pass makes must be what the first one
measured. Nothing is kept in between, so nothing is on disk in the clear.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from capture_agent.bundle import sizes, ustar
from capture_agent.bundle.manifest import MANIFEST_NAME, MAX_MANIFEST, Member
from capture_agent.core.errors import ConfigError, FaultError, StorageError
from capture_agent.keys import age

SUFFIX = ".capture"
PARTIAL_PREFIX = ".capture-"  # of files that a crash left unfinished
PARTIAL_SUFFIX = ".partial"
_ID_BYTES = 16  # of a file name: two bundles never meet, and nothing links them
_ZEROS = bytes(sizes.CHUNK)
_RETRIES = 8


class Content(NamedTuple):
    """A member before it is written: `make` writes the same bytes each time it is called."""

    name: str
    make: Callable[[BinaryIO], None]


def measure(content: Content) -> Member:
    """Return size and hash of what `content` makes; pass one."""
    sink = Measure()
    content.make(cast(BinaryIO, sink))
    return sink.member(content.name)


def write(
    members: Sequence[tuple[Member, Content]],
    envelope: bytes,
    recipients: Sequence[str],
    folder: Path,
    *,
    first: str = MANIFEST_NAME,
) -> Path:
    """Write the bundle of `members` behind the signed manifest `envelope`, and return its path.

    The name is random, the mode 0600. The file appears whole or not at all. `first` is what the envelope is called in
    it: to whoever stores it, a tombstone is a file like any other.

    Raises:
        FaultError: A member came out differently than it was measured.
        StorageError: The disk is full or read-only, or a member is too large for a tar.
        ConfigError: The recipients are mixed or malformed.
    """
    if len(envelope) > MAX_MANIFEST:
        raise StorageError(
            "the session has too many gaps for one bundle", hint="Cut the session into shorter ones before releasing."
        )
    content_bytes = tar_size([len(envelope), *(member.size for member, _ in members)])
    with _created(folder) as out:
        with age.encrypting(cast(BinaryIO, out), recipients) as plain:
            # What is there before the first byte of content: the header and the nonce.
            header_bytes = out.size - sizes.NONCE
            if header_bytes > sizes.HEADER_ROOM:
                raise ConfigError("too many recipients for one bundle", hint="Put fewer recipients into the study.")
            tape = Measure(plain)
            tape.write(ustar.header(first, len(envelope)))
            tape.write(envelope + bytes(ustar.filling(len(envelope))))
            for member, content in members:
                _write_member(tape, member, content)
            tape.write(ustar.END)
            _pad(tape, sizes.plain_size(content_bytes, header_bytes))
        if out.size != sizes.file_size(content_bytes):
            raise FaultError("a bundle has another length than was computed", hint="Please report this.")
    return out.path


def tar_size(member_sizes: Sequence[int]) -> int:
    """Return the length in bytes of the tar with members of these sizes, its end included, its padding not."""
    return sum(ustar.BLOCK + size + ustar.filling(size) for size in member_sizes) + len(ustar.END)


def remove_partial(folder: Path) -> int:
    """Remove what a crash while writing left in `folder`, and return how many files that were. Call before writing."""
    found = list(folder.glob(f"{PARTIAL_PREFIX}*{PARTIAL_SUFFIX}"))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


class Measure(io.RawIOBase):
    """A stream that counts and hashes what passes, and passes it on if there is somewhere to."""

    def __init__(self, onward: BinaryIO | None = None) -> None:
        self._onward = onward
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object, /) -> int:
        """Take all of `data`."""
        view = memoryview(cast(bytes, data)).cast("B")
        self._hash.update(view)
        self.size += len(view)
        if self._onward is not None:
            self._onward.write(view)
        return len(view)

    def member(self, name: str) -> Member:
        """Return what passed as a member of a bundle.

        Raises:
            StorageError: It is too long for a tar.
        """
        if self.size > ustar.MAX_SIZE:
            raise StorageError(
                "{name} would be larger than 8 GiB",
                hint="Cut the session into shorter ones before releasing.",
                name=name,
            )
        return Member(name=name, size=self.size, sha256=self._hash.hexdigest())


def _write_member(tape: Measure, expected: Member, content: Content) -> None:
    tape.write(ustar.header(expected.name, expected.size))
    again = Measure(cast(BinaryIO, tape))
    content.make(cast(BinaryIO, again))
    if again.member(content.name) != expected:
        raise FaultError(
            "{name} came out differently when it was written than when it was measured",
            hint="Release the session again; if this repeats, please report it.",
            name=expected.name,
        )
    tape.write(bytes(ustar.filling(expected.size)))


def _pad(tape: Measure, end: int) -> None:
    """Fill up with zeros until the tape is `end` bytes long."""
    while tape.size < end:
        tape.write(_ZEROS[: end - tape.size])


class _Created:
    """The file being written, how long it is, and where it will be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.path = Path()

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self.size += len(data)
        return self._file.write(data)


@contextlib.contextmanager
def _created(folder: Path) -> Iterator[_Created]:
    """Give a file that gets its final, random name only when everything is on disk."""
    partial: Path | None = None
    try:
        # mkstemp makes it 0600 and exclusively ours.
        descriptor, name = tempfile.mkstemp(PARTIAL_SUFFIX, PARTIAL_PREFIX, folder)
        partial = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            created = _Created(file)
            yield created
            file.flush()
            os.fsync(file.fileno())
        created.path = _publish(partial, folder)
    except OSError as error:
        raise StorageError(
            "the bundle cannot be written: {what}",
            hint="Free some space or choose another folder, and release the session again.",
            what=os.strerror(error.errno) if error.errno else type(error).__name__,
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _publish(partial: Path, folder: Path) -> Path:
    """Give the finished file a name of its own that nobody has, and make that last."""
    for _ in range(_RETRIES):
        final = folder / f"{secrets.token_hex(_ID_BYTES)}{SUFFIX}"
        if final.exists():
            continue
        partial.rename(final)
        _sync_folder(folder)
        return final
    raise FileExistsError


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be synced there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
