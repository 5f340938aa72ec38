"""One agent a profile: a lock that dies with its process, and says where the agent's socket is."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from capture_agent.control.private import FILE_MODE, FOLDER_MODE
from capture_agent.core.errors import StorageError

LOCK_NAME = "agent.lock"
_MAX_PATH_BYTES = 4_096  # PATH_MAX of Linux
_LOCKED_BYTE = 1 << 30  # Windows locks bytes, also against reading; far behind the text


class Instance:
    """The right to be the one agent of a profile, held until `release` or the end of the process."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path) -> Instance | None:
        """Return the right for the profile in `folder`, or None if another process has it.

        Taken before anything else is touched; the lock file is never removed, because a lock on a
        removed file excludes nobody.

        Raises:
            StorageError: The lock file cannot be made, or is not this user's own.
        """
        try:
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = _open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise StorageError(
                f"{folder / LOCK_NAME} cannot be used: {error.strerror}",
                hint="Make sure that you own this folder and may write to it.",
            ) from None
        if not _own(descriptor):
            os.close(descriptor)
            raise StorageError(f"{folder / LOCK_NAME} is not a file of your own", hint="Remove it.")
        if not _lock(descriptor):
            os.close(descriptor)
            return None
        instance = cls(folder, descriptor)
        instance.announce(None)
        return instance

    def announce(self, socket: Path | None) -> None:
        """Write where the control socket is, for commands to find it from any shell."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, b"" if socket is None else os.fsencode(socket))

    def release(self) -> None:
        """Give the right back. Safe to call twice."""
        if self._descriptor >= 0:
            self.announce(None)
            os.close(self._descriptor)
            self._descriptor = -1


def announced_socket(folder: Path) -> Path | None:
    """Return where the agent of the profile in `folder` said that its socket is, or None if none did.

    Raises:
        StorageError: What should say it is not this user's own file.
    """
    try:
        descriptor = _open(folder / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"{folder / LOCK_NAME} cannot be read: {error.strerror}", hint="Remove it if no agent runs."
        ) from None
    try:
        if not _own(descriptor):
            raise StorageError(f"{folder / LOCK_NAME} is not a file of your own", hint="Remove it.")
        said = os.read(descriptor, _MAX_PATH_BYTES)
    finally:
        os.close(descriptor)
    return Path(os.fsdecode(said)) if said and b"\0" not in said else None


def _open(path: Path, flags: int) -> int:
    if sys.platform != "win32":
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    return os.open(path, flags, FILE_MODE)


def _own(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and (sys.platform == "win32" or status.st_uid == os.geteuid())


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
