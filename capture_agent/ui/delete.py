"""Delete recordings: a window that says what this does, one click, and a moment in which it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.language import say, say_many
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge


def can_be_deleted(session: HeldSession) -> bool:
    """Return whether there is something of it here that is not being written."""
    return session.here and session.state != "recording"


def ask_delete(
    parent: QWidget, bridge: Bridge, sessions: Sequence[HeldSession], then: Callable[[], object], *, left_out: int = 0
) -> QDialog:
    """Ask whether to delete recordings; `then` is called once they are on their way: `undo.UndoStrip` counts down.

    `left_out` were chosen, too, and cannot be deleted.
    """
    count = len(sessions)
    lines = [
        say_many(
            "After a moment in which you can undo it, it can never be opened again, by anyone.",
            "After a moment in which you can undo it, they can never be opened again, by anyone.",
            count,
        )
    ]
    if any(one.is_shared for one in sessions):
        lines.append(
            say_many(
                "What you shared of it has left this computer already; you can still withdraw it afterwards.",
                "What you shared of them has left this computer already; you can still withdraw it afterwards.",
                count,
            )
        )
    if left_out:
        lines.append(say("Of those you chose, {count} cannot be deleted now.", count=left_out))

    def delete() -> None:
        if bridge.do(lambda: bridge.agent.delete(*(one.id for one in sessions), can_undo=True)):
            then()

    return ask(
        parent,
        name="deleteDialog",
        title=say_many("Delete this recording?", "Delete {count} recordings?", count),
        explained=" ".join(lines),
        yes=say("&Delete"),
        then=delete,
    )
