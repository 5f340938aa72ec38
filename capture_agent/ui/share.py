"""Share a recording, whole or one task of it: a window that says who will be able to read it, then the sealing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.language import say, say_many
from capture_agent.core.policy import Policy
from capture_agent.held.spans import Choice
from capture_agent.ui import words
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge

SECOND_US = 1_000_000


class Alone(NamedTuple):
    """One task that is shared: all but it, and how much of the screen at its beginning goes with that, µs."""

    rest: Choice
    unseen_us: int


def ask_share(
    parent: QWidget, joined: Policy, then: Callable[[], object], cuts: int, alone: Alone | None = None
) -> QDialog:
    """Ask whether to share a recording with those whom `joined` names.

    Args:
        parent: Where to ask.
        joined: The study.
        then: What a yes does.
        cuts: How many wait in the recording, and are made before it is shared.
        alone: The one task that is shared.
    """
    place = joined.destination
    does = (
        say(
            "{names} will be able to read it once you hand the file over. Nothing is sent by itself.",
            names=_who(joined),
        )
        if place is None
        else say("{names} will be able to read it. It is delivered to {place}.", names=_who(joined), place=place)
    )
    title = say("Share this recording?")
    goes: list[str] = []
    if alone is not None:
        title = say("Share only the task “{text}”?", text=alone.rest.name)
        goes = _rest_goes(alone) if alone.rest.spans else []
    goes += [cuts_go(cuts)] if cuts else []
    goes += [say("What is cut out can never be opened again, by anyone, and this cannot be undone.")] if goes else []
    explained = "\n\n".join([does, " ".join(goes)] if goes else [does])
    return ask(parent, name="shareDialog", title=title, explained=explained, yes=say("&Share"), then=then)


def cuts_go(count: int) -> str:
    """Return what happens to cuts that wait when a recording is shared."""
    return say_many(
        "{count} cut waits in it: it is made before, also in the recording on this computer.",
        "{count} cuts wait in it: they are made before, also in the recording on this computer.",
        count,
    )


def share(bridge: Bridge, joined: Policy, session: str, told: Callable[[str, Path | None], None]) -> None:
    """Seal a recording in the background; what is said then, and the folder to show, goes to `told`."""
    place = joined.destination
    done = (
        say(
            "Sealed for {names}. Hand over the file in this folder. Save its receipt, too: with the code "
            "on it you can withdraw this, even without this computer.",
            names=_who(joined),
        )
        if place is None
        else say(
            "Sealed for {names}. It is delivered to {place} by itself. Save its receipt: with the code on "
            "it you can withdraw this, even without this computer.",
            names=_who(joined),
            place=place,
        )
    )
    bridge.run_watched(
        say("Sealing the recording…"),
        lambda progress: bridge.agent.release(session, progress),
        lambda paths: told(done, Path(paths[0]).parent if paths and place is None else None),
    )


def _who(joined: Policy) -> str:
    return words.join_words([recipient.name for recipient in joined.recipients])


def _rest_goes(alone: Alone) -> list[str]:
    """Return what happens to the rest, and what of the task goes with it: a picture refers to those before it."""
    lines = [say("When you share it, the rest is cut out of the recording, also of the one on this computer.")]
    if alone.unseen_us >= SECOND_US:
        length = words.duration(alone.unseen_us / SECOND_US)
        lines.append(say("Of the screen, the beginning of the task goes with it: {length}.", length=length))
    return lines
