"""Withdraw a recording that was shared: a window that says what this does and what it does not, and one click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.language import say
from capture_agent.session.snapshot import Withdrawn
from capture_agent.ui import words
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge


def ask_withdraw(
    parent: QWidget, bridge: Bridge, session: str, to: Sequence[str], then: Callable[[Withdrawn], None]
) -> QDialog:
    """Ask whether to withdraw what `to` can read of a recording; `then` is called once it is withdrawn."""
    names = words.join_words(list(to))
    does = say(
        "{names} are told to delete it, and their program opens it no more. For that, a file is made here; it goes the "
        "way that the recording went.",
        names=names,
    )
    does_not = say(
        "It does not reach copies that were opened before, or what was learned from them, such as a trained model. It "
        "cannot be undone, and this recording is not shared again. Your own copy stays."
    )
    return ask(
        parent,
        name="withdrawDialog",
        title=say("Withdraw this recording?"),
        explained=f"{does}\n\n{does_not}",
        yes=say("&Withdraw"),
        then=lambda: bridge.do(lambda: bridge.agent.withdraw_shared(session), then),
    )


def told(withdrawn: Withdrawn) -> tuple[str, Path | None]:
    """Return what is said once it is done, and the folder with the file for its readers."""
    names = words.join_words(list(withdrawn.to))
    if withdrawn.pending:
        later = say(
            "Withdrawn. The file for {names} cannot be written yet; this is tried again by itself.", names=names
        )
        return later, None
    if withdrawn.places:
        places = words.join_words(list(withdrawn.places))
        return say(
            "Withdrawn. The file for {names} is delivered to {places} by itself.", names=names, places=places
        ), None
    done = say("Withdrawn. Hand over the file in this folder to {names}.", names=names)
    return done, Path(withdrawn.files[0]).parent if withdrawn.files else None
