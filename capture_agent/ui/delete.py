"""Delete recordings: a window that says what this does, one click, and a day in which they can be put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.language import say, say_many
from capture_agent.session.intent import PUT_BACK
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui import words
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge


def can_be_deleted(session: HeldSession) -> bool:
    """Return whether there is something of it here that is not being written."""
    return session.here and session.state != "recording"


def ask_delete(
    parent: QWidget, bridge: Bridge, sessions: Sequence[HeldSession], then: Callable[[], object], *, left_out: int = 0
) -> QDialog:
    """Ask whether to delete recordings, for good or so that they can be put back; `then` is called when they are.

    Those that are deleted already can only go for good, and where there is no room left all can. `left_out` were
    chosen, too, and cannot be deleted.
    """
    count, room = len(sessions), bridge.snapshot.room
    only_good = room.full or all(one.deleted_until is not None for one in sessions)

    def delete(*, for_good: bool) -> None:
        if bridge.do(lambda: bridge.agent.delete(*(one.id for one in sessions), for_good=for_good)):
            then()

    def delete_for_good() -> None:
        delete(for_good=True)

    lines = []
    if only_good:
        lines.append(
            say_many(
                "It can never be opened again, by anyone, and this cannot be undone.",
                "They can never be opened again, by anyone, and this cannot be undone.",
                count,
            )
        )
    else:
        until = words.moment(datetime.now(UTC) + PUT_BACK)
        lines.append(say("Until {when} you can put back what you delete.", when=until))
        if room.nearly:
            lines.append(say("It goes before that if its room is needed."))
        lines.append(say("What is deleted for good can never be opened again, by anyone."))
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
    good = say("Delete for &good")
    return ask(
        parent,
        name="deleteDialog",
        title=say_many("Delete this recording?", "Delete {count} recordings?", count),
        explained=" ".join(lines),
        yes=good if only_good else say("&Delete"),
        then=delete_for_good if only_good else lambda: delete(for_good=False),
        other=None if only_good else (good, delete_for_good),
    )
