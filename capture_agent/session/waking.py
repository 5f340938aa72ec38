"""Whether accessibility is switched on in the person's session while the program runs: only by their click.

Without it many programs do not tell which field has the keyboard, and what is typed there is not kept. It is on while
the program runs and typed text is agreed to; then it is as it was before.
"""

from __future__ import annotations

from capture_agent.desktop.awake import SWITCH
from capture_agent.session.changes import ACCESSIBILITY, ON, Changes

WOKEN = "accessibility"  # the change's name


class Waking:
    """Keeps the switch as the person wants it."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._wanted = False

    @property
    def woken(self) -> bool:
        """Whether it is on because of this program; not if it was on before."""
        return any(change.what == WOKEN for change in self._changes.noted)

    def follow(self, wanted: bool) -> None:
        """Switch it on, or put it back. Tried once for each change of mind: a bus that hangs would cost every tick.

        Raises:
            StorageError: It cannot be switched, or not be noted. What could not be put back stays noted.
        """
        if wanted is self._wanted:
            return
        self._wanted = wanted
        if not wanted:
            self._changes.undo(WOKEN)
        elif self._changes.read(ACCESSIBILITY, SWITCH) != ON:
            self._changes.make(WOKEN, ACCESSIBILITY, SWITCH, ON, lasting=False)
