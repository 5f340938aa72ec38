"""Files of held sessions on this operating system: private, locked while written, synced."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from capture_agent.core.errors import StorageError
from capture_agent.core.language import noted

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FILE_MODE = 0o600
FOLDER_MODE = 0o700
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_LOCK_AT = 1 << 62  # Windows locks bytes: one that no file has, so that reading is not hindered


def storage_error(error: OSError, what: str) -> StorageError:
    """Return our error for one of the operating system's, without any path; `what` is noted."""
    if error.errno in FULL:
        return StorageError(
            "{what}: the disk is full", hint="Free some space. What was recorded so far is sealed.", what=what
        )
    name = errno.errorcode.get(error.errno or 0, "unknown error")
    return StorageError(
        "{what} ({name})", hint="Check that the disk is there and that you may write to it.", what=what, name=name
    )


def make_folder(folder: Path) -> None:
    """Make `folder` if it is not there, for its owner alone.

    Raises:
        StorageError: It cannot be made, or is not a folder but a link or a file.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise StorageError("the folder of held sessions is a link", hint="Replace it by a real folder.")
        folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise storage_error(error, noted("the folder of recordings cannot be made")) from None


def create(path: Path) -> io.FileIO:
    """Return a new empty file, unbuffered, for its owner alone, its name synced and the file locked.

    Raises:
        StorageError: It is there already, or cannot be made.
    """
    try:
        file = io.FileIO(path, "xb+", opener=_private)
        _lock(file, wait=True)  # somebody may look for an instant whether it is in use
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, noted("a recording cannot be made")) from None
    return file


def open_plain(path: Path, *, write: bool = False) -> io.FileIO:
    """Return an existing file, unbuffered.

    Raises:
        StorageError: It is missing, a link or another odd thing, or cannot be opened.
    """
    try:
        file = io.FileIO(path, "rb+" if write else "rb", opener=_plain)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _odd() from None
        raise storage_error(error, noted("a recording cannot be opened")) from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _odd()
    return file


def sync(file: BinaryIO | io.FileIO) -> None:
    """Return when what was written is on the disk."""
    if sys.platform == "darwin":
        # fsync leaves data in the drive's cache there; see fsync(2) of macOS.
        fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
    elif sys.platform == "win32":
        os.fsync(file.fileno())
    else:
        os.fdatasync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return when names that were made in or removed from `folder` are on the disk."""
    if sys.platform != "win32":  # Windows keeps names with the file
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def claim(file: io.FileIO) -> bool:
    """Lock `file` while it is open, and return whether nobody else has. The lock ends with the process."""
    return _lock(file, wait=False)


def in_use(file: io.FileIO) -> bool:
    """Return whether somebody has claimed `file`."""
    if not _lock(file, wait=False, shared=True):
        return True
    if sys.platform != "win32":
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
    return False


def _lock(file: io.FileIO, *, wait: bool, shared: bool = False) -> bool:
    try:
        if sys.platform == "win32":
            place = file.tell()
            file.seek(_LOCK_AT)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            finally:
                file.seek(place)
        else:
            # Not a POSIX record lock: closing any other handle of the file would end that one.
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(file.fileno(), kind | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if not wait and error.errno in {errno.EAGAIN, errno.EACCES, errno.EDEADLK}:
            return False
        raise
    return True


def _private(path: str, flags: int) -> int:
    number = os.open(path, flags | _NO_LINK, FILE_MODE)
    if sys.platform != "win32":
        os.fchmod(number, FILE_MODE)
    return number


def _plain(path: str, flags: int) -> int:
    # Without O_NONBLOCK opening a named pipe would wait for its other end.
    return os.open(path, flags | _NO_LINK | getattr(os, "O_NONBLOCK", 0))


def _odd() -> StorageError:
    return StorageError("a session is a link or not a plain file", hint="Remove it from the folder of sessions.")
