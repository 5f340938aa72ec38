"""Put one file into a folder, or a share: whole, or not at all, and no faster than it may go. Opens no connection."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from capture_agent.core.delivery import Pace, Trouble, Undelivered

CHUNK = 1 << 20  # bytes: how much of a file is in memory while it is copied or compared
SHARED_FILE = 0o644  # sealed, and meant for others: a folder that others read is of no use with 0600
_PART = ".part"

Watch = Callable[[int, int], None]
"""Told how many bytes of how many are done; raises to stop. What was begun leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A file that arrived: what it is, whatever it is called."""

    sha256: str
    size: int


class Cap:
    """Holds up whoever sends until the next bytes may go. Any thread; all that one cap is given to share it."""

    def __init__(
        self,
        rate: int,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Let `rate` bytes a second through."""
        self.rate = rate
        self._pace, self._lock = Pace(rate), threading.Lock()
        self._now, self._sleep = now, sleep

    @property
    def step(self) -> int:
        """How many bytes to send at once, at most."""
        return min(self._pace.step, CHUNK)

    def wait(self, sent: int) -> None:
        """Return when the next bytes may go after `sent` more have: in an eighth of a second, if that was a step."""
        with self._lock:
            now = self._now()
            self._pace = self._pace.after(sent, now)
            left = self._pace.free - now
        self._sleep(left)


def put(path: Path, folder: Path, carried: Carried, watch: Watch, cap: Cap | None) -> None:
    """Put the file at `path`, which is `carried`, into `folder` under its own name.

    Raises:
        Undelivered: It is not there.
    """
    target = folder / path.name
    try:
        if not folder.is_dir():
            # It is never made: where a share is not mounted, that would be a folder which nobody looks into.
            raise Undelivered(Trouble.AWAY)
        for left in folder.glob(f".{path.name}.*{_PART}"):
            left.unlink(missing_ok=True)  # of a try that was killed
        if target.exists():
            _compare(target, carried)
            return
        part = folder / f".{path.name}.{secrets.token_hex(4)}{_PART}"
        try:
            _copy(path, part, carried, watch, cap)
            _appear(part, target, carried)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        _sync(folder)
    except OSError as error:
        raise Undelivered(_trouble_of(error)) from None


def _copy(path: Path, part: Path, carried: Carried, watch: Watch, cap: Cap | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(part, flags, SHARED_FILE)
    with path.open("rb") as source, os.fdopen(descriptor, "wb") as sink:
        if sys.platform != "win32":
            with suppress(OSError):  # a share may have modes of its own
                os.fchmod(descriptor, SHARED_FILE)  # whatever this process makes is private otherwise
        copied = measure(source, lambda done, size: watch((size + done) // 2, size), sink, cap)
        sink.flush()
        os.fsync(sink.fileno())
    if copied != carried:
        raise Undelivered(Trouble.UNREADABLE)


def _appear(part: Path, target: Path, carried: Carried) -> None:
    """Give a whole file its name, if nothing has it."""
    try:
        os.link(part, target, follow_symlinks=False)
    except FileExistsError:
        _compare(target, carried)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}:
            raise
        # FAT and some shares know no links. Between look and name nobody can take it: it is random, and ours.
        if target.exists():
            _compare(target, carried)
        else:
            part.rename(target)


def _compare(target: Path, carried: Carried) -> None:
    with target.open("rb") as stream:
        if measure(stream) != carried:
            raise Undelivered(Trouble.NOT_OURS)


def measure(
    stream: BinaryIO,
    watch: Watch = lambda _done, _size: None,
    sink: BinaryIO | None = None,
    cap: Cap | None = None,
) -> Carried:
    """Return what `stream` is, and write it to `sink`, no faster than `cap` lets it go."""
    digest, done, size = hashlib.sha256(), 0, os.fstat(stream.fileno()).st_size
    while data := stream.read(CHUNK if cap is None else cap.step):
        digest.update(data)
        done += len(data)
        if sink is not None:
            sink.write(data)
        if cap is not None:
            cap.wait(len(data))
        watch(done, size)
    return Carried(digest.hexdigest(), done)


def _sync(folder: Path) -> None:
    """Make the name survive a power cut. Some shares and Windows cannot be asked to, and do it by themselves."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _trouble_of(error: OSError) -> Trouble:
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
        return Trouble.FULL
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Trouble.REFUSED
    return Trouble.AWAY
