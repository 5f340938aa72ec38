"""Share recordings, or one task of one: a window that says who will be able to read them, then the sealing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.language import say, say_many
from capture_agent.core.policy import Policy
from capture_agent.core.progress import CancelledError, Progress
from capture_agent.held.spans import Choice
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui import words
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge

SECOND_US = 1_000_000
_MOST_NAMED = 5  # recordings that were not shared: more have no room, and are in the list


class Alone(NamedTuple):
    """One task that is shared: all but it, and how much of the screen at its beginning goes with that, µs."""

    rest: Choice
    unseen_us: int


class Came(NamedTuple):
    """What came of sharing several: the files of each that was, why others were not, and how many were not begun."""

    shared: Mapping[str, tuple[str, ...]]
    failed: Mapping[str, CaptureAgentError]
    left: int


def can_be_shared(session: HeldSession) -> bool:
    """Return whether there is somebody to share it with: nobody has it yet, or a later reader has not."""
    return session.is_open and (session.state == "held" or bool(session.later_readers))


def ask_share(
    parent: QWidget,
    joined: Policy,
    sessions: Sequence[HeldSession],
    then: Callable[[], object],
    *,
    cuts: int,
    alone: Alone | None = None,
    left_out: int = 0,
) -> QDialog:
    """Ask whether to share recordings with those whom `joined` names, and who have not got them.

    Args:
        parent: Where to ask.
        joined: The study.
        sessions: The recordings, all of which can be shared.
        then: What a yes does.
        cuts: How many wait in the recordings, and are made before they are shared.
        alone: The one task that is shared.
        left_out: How many recordings were chosen, too, and cannot be shared.
    """
    count, names, place = len(sessions), _who(joined, sessions), joined.destination
    does = [
        say_many(
            "{names} will be able to read it once you hand the file over. Nothing is sent by itself.",
            "{names} will be able to read them once you hand the files over. Nothing is sent by itself.",
            count,
            names=names,
        )
        if place is None
        else say_many(
            "{names} will be able to read it. It is delivered to {place}.",
            "{names} will be able to read them. They are delivered to {place}.",
            count,
            names=names,
            place=place,
        )
    ]
    if any(one.later_readers for one in sessions):
        does.append(say("Who has a recording already does not get it again."))
    if left_out:
        does.append(say("Of those you chose, {count} cannot be shared now.", count=left_out))
    title = say_many("Share this recording?", "Share {count} recordings?", count)
    goes: list[str] = []
    if alone is not None:
        title = say("Share only the task “{text}”?", text=alone.rest.name)
        goes = _rest_goes(alone) if alone.rest.spans else []
    goes += [_cuts_go(cuts, count)] if cuts else []
    goes += [say("What is cut out can never be opened again, by anyone, and this cannot be undone.")] if goes else []
    explained = "\n\n".join(" ".join(lines) for lines in (does, goes) if lines)
    return ask(parent, name="shareDialog", title=title, explained=explained, yes=say("&Share"), then=then)


def _cuts_go(cuts: int, recordings: int) -> str:
    """Return what happens to cuts that wait in recordings when these are shared."""
    if recordings > 1:
        return say_many(
            "{count} cut waits in them: it is made before, also in the recording on this computer.",
            "{count} cuts wait in them: they are made before, also in the recordings on this computer.",
            cuts,
        )
    return say_many(
        "{count} cut waits in it: it is made before, also in the recording on this computer.",
        "{count} cuts wait in it: they are made before, also in the recording on this computer.",
        cuts,
    )


def share(
    bridge: Bridge, joined: Policy, sessions: Sequence[HeldSession], told: Callable[[str, Path | None], None]
) -> None:
    """Seal recordings in the background; what is said then, and the folder to show, goes to `told`."""

    def tell(came: Came) -> None:
        files = [file for paths in came.shared.values() for file in paths]
        folder = Path(files[0]).parent if files and joined.destination is None else None
        told(words_of(came, joined, sessions), folder)

    if len(sessions) == 1:  # what goes wrong is a problem of its own, and stopping it leaves nothing
        (only,) = sessions
        bridge.run_watched(
            say("Sealing the recording…"),
            lambda progress: bridge.agent.release(only.id, progress),
            lambda paths: tell(Came({only.id: paths}, {}, 0)),
        )
        return
    bridge.run_watched(
        say("Sealing {count} recordings…", count=len(sessions)),
        lambda progress: release_all(bridge.agent.release, [one.id for one in sessions], progress),
        tell,
    )


def release_all(
    release: Callable[[str, Progress], tuple[str, ...]], sessions: Sequence[str], progress: Progress
) -> Came:
    """Release one after the other, the others also if one cannot be; `progress` is told how far all of them are.

    Raises:
        CancelledError: `progress` raised it before anything came of the first.
    """
    shared: dict[str, tuple[str, ...]] = {}
    failed: dict[str, CaptureAgentError] = {}
    for number, session in enumerate(sessions):
        try:
            shared[session] = release(session, _part_of(progress, number, len(sessions)))
        except CaptureAgentError as error:
            failed[session] = error
        except CancelledError:
            if not number:
                raise
            break
    return Came(shared, failed, len(sessions) - len(shared) - len(failed))


def _part_of(progress: Progress, number: int, count: int) -> Progress:
    """Return what one of `count` tells its progress to: `progress` hears how far all are, each an equal part."""

    def told(what: str, done: int, total: int) -> None:
        each = max(1, total)
        progress(what, number * each + min(done, each), count * each)

    return told


def words_of(came: Came, joined: Policy, sessions: Sequence[HeldSession]) -> str:
    """Return what is said of recordings that were to be shared, a line for each that was not."""
    lines = []
    if came.shared:
        names = _who(joined, [one for one in sessions if one.id in came.shared])
        lines.append(_sealed(len(came.shared), names, joined.destination))
    for one in [one for one in sessions if one.id in came.failed][:_MOST_NAMED]:
        why, hint = came.failed[one.id].said()
        said = say("The recording of {day} was not shared: {why}.", day=words.moment(one.started), why=why)
        lines.append(f"{said} {hint}".strip())
    if len(came.failed) > _MOST_NAMED:
        lines.append(f"+{len(came.failed) - _MOST_NAMED}")
    if came.left:
        lines.append(say("You cancelled. Not shared: {count}.", count=came.left))
    return "\n".join(lines)


def _sealed(count: int, names: str, place: str | None) -> str:
    if place is None:
        return say_many(
            "Sealed for {names}. Hand over the file in this folder. Save its receipt, too: with the code "
            "on it you can withdraw this, even without this computer.",
            "{count} recordings are sealed for {names}. Hand over the files in this folder. Save their receipts, too: "
            "with the codes on them you can withdraw each, even without this computer.",
            count,
            names=names,
        )
    return say_many(
        "Sealed for {names}. It is delivered to {place} by itself. Save its receipt: with the code on "
        "it you can withdraw this, even without this computer.",
        "{count} recordings are sealed for {names}. They are delivered to {place} by themselves. Save their receipts: "
        "with the codes on them you can withdraw each, even without this computer.",
        count,
        names=names,
        place=place,
    )


def _who(joined: Policy, sessions: Sequence[HeldSession]) -> str:
    """Return who gets any of the recordings."""
    everybody = [recipient.name for recipient in joined.recipients]
    get = {name for one in sessions for name in one.later_readers or everybody}
    return words.join_words([name for name in everybody if name in get])


def _rest_goes(alone: Alone) -> list[str]:
    """Return what happens to the rest, and what of the task goes with it: a picture refers to those before it."""
    lines = [say("When you share it, the rest is cut out of the recording, also of the one on this computer.")]
    if alone.unseen_us >= SECOND_US:
        length = words.duration(alone.unseen_us / SECOND_US)
        lines.append(say("Of the screen, the beginning of the task goes with it: {length}.", length=length))
    return lines
