"""Delete a recording: a window that says what this does, one click, and a moment in which it can be undone."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.language import say
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge


def ask_delete(parent: QWidget, bridge: Bridge, session: HeldSession, then: Callable[[], object]) -> QDialog:
    """Ask whether to delete a recording; `then` is called once it is on its way: `undo.UndoStrip` counts down."""
    gone = say("What you shared of it has left this computer already; you can still withdraw it afterwards.")
    lines = [say("After a moment in which you can undo it, it can never be opened again, by anyone.")]

    def delete() -> None:
        if bridge.do(lambda: bridge.agent.delete(session.id, can_undo=True)):
            then()

    return ask(
        parent,
        name="deleteDialog",
        title=say("Delete this recording?"),
        explained=" ".join([*lines, *([gone] if session.is_shared else [])]),
        yes=say("&Delete"),
        then=delete,
    )
