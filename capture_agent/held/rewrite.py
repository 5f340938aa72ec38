"""Write a session anew without what was cut out of it, under another identity; or cut it where it stands.

The new file stands beside the old one until the vault has changed the keys: before that the old file counts, after
that the new one, and whoever starts the agent in between can tell which by trying the key that there is.

Writing it takes seconds, the rest does not. So it can be written before, as a draft, while others go on: nobody keeps
the key of a draft, so one that a crash leaves is nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from capture_agent.core.errors import VerificationError
from capture_agent.core.language import noted
from capture_agent.core.progress import CUTTING, Progress, silent
from capture_agent.encode.event_log import Message, part_times, read_part
from capture_agent.encode.records import MARKS
from capture_agent.encode.skim import skim_part
from capture_agent.held import disk, reader
from capture_agent.held.cut import Cut
from capture_agent.held.reader import DURATION_US, Sealed
from capture_agent.held.writer import RESERVED, Writer
from capture_agent.keys.age import Identity

NEW_SUFFIX = ".cutting"  # of a file that takes the place of another one, or of one that was never finished
DRAFT_SUFFIX = ".draft"
_TELL_EVERY = 50  # parts between two reports of progress
_NS = 1000  # ns in a µs


class Change(Protocol):
    """What becomes of a session while its parts pass in their order, as a `cut.Cut` or a `retell.Retold` has it."""

    def touches(self, times: tuple[int, int] | None) -> bool:
        """Return whether a part with messages from the first to the last of `times` can change."""

    def keep(self, messages: Sequence[Message]) -> list[Message]:
        """Return what a part that can change holds then."""

    def finish(self, end_us: int) -> list[Message]:
        """Return what is still to be said of a session that ends at `end_us`."""


def new_path(path: Path) -> Path:
    """Return where the file that takes the place of `path` is written."""
    return path.with_suffix(NEW_SUFFIX)


def draft_path(path: Path) -> Path:
    """Return where what may become the new file of `path` is written."""
    return path.with_suffix(DRAFT_SUFFIX)


def rewrite(
    path: Path,
    identity: Identity,
    recipient: str,
    cut: Change,
    *,
    suffix: str = NEW_SUFFIX,
    progress: Progress = silent,
) -> bool:
    """Write what stays of a session to `new_path`, durably, and return whether anything does; else there is no file.

    What cannot be read any more, because the file is damaged, does not stay; the new file is then incomplete. With
    `DRAFT_SUFFIX` it is written to `draft_path`.

    Raises:
        StorageError: The disk is full, or the file is missing. There is no new file, and the old one is as it was.
        KeyError_: `identity` is not this session's.
        CancelledError: `progress` raised it; as above.
    """
    new = path.with_suffix(suffix)
    new.unlink(missing_ok=True)
    writer: Writer | None = None
    begun = _Begun()
    size = passed = 0
    try:
        with suppress(VerificationError):
            for part in reader.read_sealed(path, identity):
                if writer is None:
                    about, size = _about(part), path.stat().st_size
                    writer = Writer.create(path.parent, path.stem, recipient, about, suffix)
                if part.number % _TELL_EVERY == 1:
                    progress(CUTTING, passed, size)
                passed += len(part.data)
                begun.take(part)
                if not cut.touches(begun.times):
                    if begun.times is not None:
                        begun.stays(begun.times[1])
                        writer.copy(part.data)
                else:
                    messages = skim_part(part.data)[1]
                    kept = cut.keep(messages)
                    begun.keeps(kept)
                    if kept and kept == messages:  # most are, behind a cut, and packing takes ten times as long
                        writer.copy(part.data)
                    else:
                        writer.append(kept, synced=False)
        if writer is None or begun.last_us is None:
            new.unlink(missing_ok=True)
            return False
        _end(writer, cut, begun)
        _set_time(new, path.stat().st_mtime_ns, begun)
    except BaseException:
        if writer is not None:
            writer.abandon()
        new.unlink(missing_ok=True)
        raise
    finally:
        if writer is not None:
            writer.abandon()
    disk.sync_folder(path.parent)
    return True


def cut_in_place(path: Path, identity: Identity, cut: Cut) -> None:
    """Cut the end of a session off where it stands, for when the disk has no room for another file.

    `cut` must reach to the session's end. Older copies of the file are not affected; they need `rewrite`. A crash in
    here can cost what happened less than one part (1.5 s) before the cut, and leaves the session incomplete.

    Raises:
        StorageError: The file cannot be written; what was to go may be there still.
        KeyError_: `identity` is not this session's.
    """
    begun = _Begun()
    whole = 0
    tail: list[Message] = []
    about: Mapping[str, str] = {}
    with suppress(VerificationError):
        for part in reader.read_sealed(path, identity):
            about = about or _about(part)
            begun.take(part)
            if tail or cut.touches(begun.times):
                tail += cut.keep(read_part(part.data)[1])
            elif not begun.end:
                whole = part.number
    if not about:
        return
    written_ns = path.stat().st_mtime_ns
    writer = Writer.resume(path, identity.recipient, about, whole)
    try:
        writer.append(tail)
        _end(writer, cut, begun)
    finally:
        writer.abandon()
        _set_time(path, written_ns, begun)


def take_draft(path: Path) -> bool:
    """Let the draft be the new file, durably; return whether there is one."""
    try:
        draft_path(path).replace(new_path(path))
        disk.sync_folder(path.parent)  # before any key changes: after a power cut a draft is removed
    except OSError:
        return False
    return True


def put_in_place(path: Path) -> None:
    """Let the new file take the place of the old one. Its key is the one in the vault by now.

    Raises:
        StorageError: It cannot.
    """
    try:
        new_path(path).replace(path)
        disk.sync_folder(path.parent)
    except OSError as error:
        raise disk.storage_error(error, noted("a recording cannot be put into its place")) from None


class _Begun:
    """What is known of a session while its parts pass."""

    def __init__(self) -> None:
        self.times: tuple[int, int] | None = None  # of the part at hand
        self.end: str = ""
        self.end_us = 0
        self.last_us: int | None = None  # of the last content that stays

    def take(self, part: Sealed) -> None:
        self.times = part_times(part.data)
        self.end = part.header.get("end", "")
        said = part.header.get(DURATION_US, "")
        self.end_us = max(self.end_us, int(said) if said.isdecimal() else 0, self.times[1] if self.times else 0)

    def keeps(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.topic != MARKS:
                self.stays(message.t_us)

    def stays(self, t_us: int) -> None:
        self.last_us = max(t_us, self.last_us or 0)


def _about(part: Sealed) -> dict[str, str]:
    return {name: value for name, value in part.header.items() if name not in RESERVED}


def _end(writer: Writer, cut: Change, begun: _Begun) -> None:
    """Mark the gap, and close the session as it was closed. Counts of what was recorded are not true any more."""
    writer.append(cut.finish(begun.end_us))
    if begun.end:
        writer.close(begun.end, {DURATION_US: str(begun.end_us)})
    else:
        writer.sync()


def _set_time(path: Path, written_ns: int, begun: _Begun) -> None:
    """Let a file say by its date when the last that is in it was written: lists and later cuts go by that."""
    last_ns = written_ns - (begun.end_us - (begun.last_us or 0)) * _NS
    os.utime(path, ns=(last_ns, last_ns))
