"""Whether the program starts when the person logs in. Starting it records nothing."""

from __future__ import annotations

from pathlib import Path

from capture_agent.desktop import autostart
from capture_agent.session.changes import FILE, Changes

AT_LOGIN = "start-at-login"  # the change's name


class Login:
    """The switch; off unless the person turned it on."""

    def __init__(self, changes: Changes, file: Path) -> None:
        """Take the place of the file from `file`."""
        self._changes = changes
        self._file = file

    @property
    def on(self) -> bool:
        """Whether the person turned it on."""
        return any(change.what == AT_LOGIN for change in self._changes.noted)

    def switch(self, on: bool) -> None:
        """Turn it on or off.

        Raises:
            StorageError: The file cannot be written or removed.
        """
        if on:
            self._changes.make(AT_LOGIN, FILE, str(self._file), autostart.entry(autostart.command()), lasting=True)
        else:
            self._changes.undo(AT_LOGIN)
