"""Which running programs do not show their fields: what is typed into them is then not recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from capture_agent.core.asking import Remedy, is_terminal, remedy
from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Window

FLAG = b"--force-renderer-accessibility"


def unseen_programs(windows: Iterable[Window]) -> tuple[str, ...]:
    """Return the names, for rules, of programs among `windows` that do not answer the accessibility bus.

    Browsers answer for their frames always, and for the fields in pages only when started with a flag.
    """
    if sys.platform != "linux":
        return ()
    from capture_agent.desktop.accessibility import Accessibility, AnswerError

    asked = [one for one in windows if one.app and one.pid is not None and not is_terminal(one)]
    try:
        bus = Accessibility()
    except DesktopError:
        return tuple(sorted({one.app for one in asked}))

    def shows(window: Window, pid: int) -> bool:
        try:
            answers = bus.look(pid) is not None
        except AnswerError:
            return False
        return answers and (remedy(window.app) is not Remedy.BROWSER_FLAG or FLAG in _command(pid))

    try:
        return tuple(sorted({one.app for one in asked if one.pid is not None and not shows(one, one.pid)}))
    except DesktopError:  # the bus has gone meanwhile
        return tuple(sorted({one.app for one in asked}))
    finally:
        bus.close()


def _command(pid: int) -> bytes:
    """Return the command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
