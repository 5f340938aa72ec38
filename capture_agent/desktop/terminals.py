"""The pseudo-terminals below a program: whether they echo, and who reads what is typed.

Everything is read from /proc and from the terminals of the same user; nothing is written, and no
terminal becomes ours. A walk from the window's process takes less than a millisecond.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from capture_agent.core.asking import Pty

# Majors of Unix98 pseudo-terminals (Documentation/admin-guide/devices.txt), 256 numbers each.
_FIRST_MAJOR, _LAST_MAJOR, _PER_MAJOR = 136, 143, 256
MAX_PROCESSES = 2000  # below one window: more is a build in an odd state, and nothing is known then


class _Process(NamedTuple):
    name: str
    group: int
    terminal: int | None
    foreground: int  # the process group that reads from the terminal


def ptys_below(pid: int) -> tuple[Pty, ...]:
    """Return the pseudo-terminals of the processes that `pid` started, but for the one it lives in itself.

    Empty if there is none, or if one of them cannot be read: then nothing is known.
    """
    if sys.platform != "linux":
        return ()
    own = _read(pid)
    if own is None:
        return ()
    readers: dict[int, set[str]] = defaultdict(set)
    for number, process in enumerate(_below(pid)):
        if number == MAX_PROCESSES:
            return ()
        if process.terminal is not None and process.terminal != own.terminal:
            names = readers[process.terminal]
            if process.group == process.foreground:
                names.add(process.name)
    found = [_mode(terminal, frozenset(names)) for terminal, names in readers.items()]
    return tuple(pty for pty in found if pty is not None) if None not in found else ()


def _below(pid: int) -> Iterator[_Process]:
    todo = [pid]
    while todo:
        for child in _children(todo.pop()):
            process = _read(child)
            if process is not None:
                todo.append(child)
                yield process


def _children(pid: int) -> list[int]:
    """Return the processes that any thread of `pid` started; none if it has ended."""
    found: list[int] = []
    try:
        with os.scandir(f"/proc/{pid}/task") as threads:
            for thread in threads:
                found += map(int, _content(f"{thread.path}/children").split())
    except (FileNotFoundError, ProcessLookupError):
        return []
    return found


def _read(pid: int) -> _Process | None:
    """Return what proc_pid_stat(5) says of a process; None if it has ended."""
    try:
        text = _content(f"/proc/{pid}/stat").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A name may hold anything, also ")".
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return _Process(name, int(fields[2]), _pty_number(int(fields[4])), int(fields[5]))


def _content(path: str) -> bytes:
    """Return what a file of /proc holds; as a `Path` it would take three times as long, after every key."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = b""
        while some := os.read(descriptor, 65536):
            found += some
    finally:
        os.close(descriptor)
    return found


def _pty_number(device: int) -> int | None:
    if sys.platform != "linux":
        return None
    major, minor = os.major(device), os.minor(device)
    if not _FIRST_MAJOR <= major <= _LAST_MAJOR:
        return None
    return (major - _FIRST_MAJOR) * _PER_MAJOR + minor


def _mode(number: int, names: frozenset[str]) -> Pty | None:
    """Return how a pseudo-terminal treats keys; None if it cannot be read."""
    if sys.platform != "linux":
        return None
    import termios

    try:
        descriptor = os.open(f"/dev/pts/{number}", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        local = termios.tcgetattr(descriptor)[3]
    except termios.error:
        return None
    finally:
        os.close(descriptor)
    return Pty(number, bool(local & termios.ECHO), bool(local & termios.ICANON), names)
