"""Files that only their owner can read, written so that a crash leaves the old or the new one, whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from capture_agent.core.errors import StorageError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
_HINT = "Free some space, or check who owns this folder."


def make_private_folder(folder: Path) -> None:
    """Make `folder`, or close it to others if it is there.

    Raises:
        StorageError: It cannot be made, or belongs to somebody else.
    """
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(PRIVATE_FOLDER)
    except OSError as error:
        raise StorageError("{folder} cannot be used: {why}", hint=_HINT, folder=folder, why=error.strerror) from error


def read_private(path: Path) -> bytes | None:
    """Return what `path` holds, None if there is no such file.

    Raises:
        StorageError: It is there and cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError("{path} cannot be read: {why}", hint=_HINT, path=path, why=error.strerror) from error


def replace_private(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step, durably.

    Raises:
        StorageError: It cannot be written; the old file is still there.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.unlink(missing_ok=True)
        _write(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, data)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError("{path} cannot be written: {why}", hint=_HINT, path=path, why=error.strerror) from error


def append_private(path: Path, data: bytes, at: int) -> None:
    """Write `data` at byte `at`, cut off what stood behind it (a torn end), and sync.

    Raises:
        StorageError: It cannot be written. What stands before `at` is as it was.
    """
    try:
        is_new = not path.exists()
        _write(path, os.O_RDWR | os.O_CREAT, data, at)
        if is_new:
            sync_folder(path.parent)
    except OSError as error:
        raise StorageError("{path} cannot be written: {why}", hint=_HINT, path=path, why=error.strerror) from error


def remove(path: Path) -> None:
    """Remove `path` durably; nothing happens if it is not there.

    Raises:
        StorageError: It is there and cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError("{path} cannot be removed: {why}", hint=_HINT, path=path, why=error.strerror) from error


def sync_folder(folder: Path) -> None:
    """Make names in `folder` survive a power cut. Windows does so by itself."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write(path: Path, flags: int, data: bytes, at: int = 0) -> None:
    descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
    with os.fdopen(descriptor, "r+b" if flags & os.O_RDWR else "wb", buffering=0) as stream:
        stream.truncate(at)
        stream.seek(at)
        view = memoryview(data)
        while view:
            view = view[stream.write(view) :]
        os.fsync(stream.fileno())
