"""The local socket, and who is at its other end. Linux; other systems get no control socket yet.

The only module of this package that opens sockets, and they are files of this user's (AF_UNIX).
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path
from typing import TypeAlias

from capture_agent.control.private import is_private_folder
from capture_agent.core.errors import DesktopError, StorageError

Connection: TypeAlias = socket.socket
SOCKET_NAME = "control.sock"
_UCRED = struct.Struct("3i")  # pid, uid, gid; unix(7)
_FAR = "The other end of the socket is another user."


def check_supported() -> None:
    """Raise DesktopError where commands cannot reach a running agent."""
    if sys.platform != "linux":
        raise _unsupported()


def _unsupported() -> DesktopError:
    return DesktopError(
        "Commands cannot reach a running agent on this system yet.",
        hint="Use the tray icon or the window; open, export, sessions and doctor work without.",
    )


def unix_socket() -> Connection:
    """Return a new stream socket of the local family."""
    if sys.platform == "win32":
        raise _unsupported()
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def wake_pair() -> tuple[Connection, Connection]:
    """Return two connected sockets of this process: a byte in the second wakes who waits for the first."""
    return socket.socketpair()


def check_peer(connection: Connection) -> None:
    """Raise StorageError unless the other end is a process of this very user; root is another user too."""
    check_supported()
    if sys.platform == "linux":
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        if _UCRED.unpack(raw)[1] != os.geteuid():
            raise StorageError(_FAR, hint="Run the command as the user whose agent it is.")


def short_name(folder: int, name: str = SOCKET_NAME) -> str:
    """Return a path for `name` in the folder with descriptor `folder`.

    It fits the 107 bytes that unix(7) allows however deep the folder lies, and it is in that very
    folder even if its path has been replaced since it was checked.
    """
    return f"/proc/self/fd/{folder}/{name}"


def runtime_folder() -> Path | None:
    """Return the folder for sockets in $XDG_RUNTIME_DIR, or None if that is not this user's private folder."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    base = Path(named)
    return base / "capture-agent" if named and base.is_absolute() and is_private_folder(base) else None
