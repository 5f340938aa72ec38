"""Folders and files that only this user can reach; nothing here follows a symbolic link."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from capture_agent.core.errors import StorageError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = 0o077


def open_folder(path: Path) -> int:
    """Return a descriptor of the folder `path`, made 0700 if it is not there. POSIX only.

    Raises:
        StorageError: It belongs to another user, others can reach it, or it is a link or no folder.
    """
    if sys.platform == "win32":
        raise StorageError("folders have no modes on Windows", hint="Use the profile's folder as it is.")
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be used: {error.strerror}", hint="It must be a folder of your own, not a link to one."
        ) from None
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
        os.close(descriptor)
        whose = "belongs to another user" if status.st_uid != os.geteuid() else "can be reached by others"
        raise StorageError(f"{path} {whose}", hint=f"Remove it, or make it yours alone: chmod 700 {path}")
    return descriptor


def is_private_folder(path: Path) -> bool:
    """Whether `path` is a folder of this user that nobody else can reach. POSIX only."""
    if sys.platform == "win32":
        return False
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & _OTHERS
