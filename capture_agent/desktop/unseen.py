"""Which running programs do not show their fields: what is typed into them is then not recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from capture_agent.core.asking import Remedy, is_terminal, remedy
from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Window
from capture_agent.desktop.base import AnswerError

FLAG = b"--force-renderer-accessibility"


def unseen_programs(windows: Iterable[Window]) -> Mapping[str, Remedy]:
    """Return the programs among `windows` that do not show all their fields, by name for rules, with what helps.

    Browsers answer the accessibility bus for their frames always, for fields in pages only when started with a flag.
    """
    if sys.platform != "linux":
        return {}
    from capture_agent.desktop.accessibility import Accessibility

    asked = [one for one in windows if one.app and one.pid is not None and not is_terminal(one)]
    every = {one.app: remedy(one.app) for one in asked}
    try:
        bus = Accessibility()
    except DesktopError:
        return every

    def helps(app: str, pid: int) -> Remedy | None:
        try:
            shown = bus.look(pid)
        except AnswerError:
            return remedy(app)
        if shown is None or (remedy(app) is Remedy.BROWSER_FLAG and FLAG not in _command(pid)):
            return remedy(app)
        return remedy(app, plain_hides=True) if shown.plain_hides else None

    try:
        found = {one.app: helps(one.app, one.pid) for one in asked if one.pid is not None}
    except DesktopError:  # the bus has gone meanwhile
        return every
    finally:
        bus.close()
    return {app: what for app, what in sorted(found.items()) if what is not None}


def _command(pid: int) -> bytes:
    """Return the command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
