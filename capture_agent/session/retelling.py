"""Tell anew which tasks are in a held session: a new file, under another key, takes the place of the old one.

No intent is noted: a person's words never stand in the ledger. A crash leaves the session as it was or as it was to be,
never between, and `cutting.complete_all` finishes it at the next start. No key that exists afterwards opens an older
copy, so words that were deleted are gone; only an `Edit` has them, in memory, for as long as somebody keeps it.

The new file is a draft until the end: seconds for an hour, in which nobody waits for the lock.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from capture_agent.core.errors import CaptureAgentError, ConsentError, StorageError
from capture_agent.core.progress import Progress
from capture_agent.encode.records import TASKS, Message
from capture_agent.held import reader, rewrite
from capture_agent.held.reader import DURATION_US
from capture_agent.held.retell import TOPICS, Retold, put, removed
from capture_agent.held.timeline import TaskTime
from capture_agent.keys import age
from capture_agent.session.cutting import alone, complete, identity_of
from capture_agent.session.shelf import Shelf
from capture_agent.session.tasks import TASK_ID_BYTES

ToldAnew = Callable[[Sequence[Message], int], list[Message]]


@dataclass(frozen=True, slots=True)
class Edit:
    """What a session told of tasks and gaps before its tasks were told anew, and after: what it takes to undo that."""

    before: tuple[Message, ...] = field(repr=False)
    after: tuple[Message, ...] = field(repr=False)


def put_task(shelf: Shelf, session: str, task: TaskTime, progress: Progress) -> Edit:
    """Let a task of a session be as `task` says; without an id it is a new one. Slow; any thread, not under the lock.

    Raises:
        ConsentError: As `retell.put`; or something else was changed in the session meanwhile.
        CaptureAgentError: The session cannot be read or written; it is as it was.
        CancelledError: `progress` raised it; as above.
    """
    named = task if task.id else task._replace(id=secrets.token_hex(TASK_ID_BYTES))
    return _retell(shelf, session, lambda told, length_us: put(told, named, length_us), progress)


def remove_task(shelf: Shelf, session: str, task: str, progress: Progress) -> Edit:
    """Take a task out of a session, by id: its words and marks, and nothing else. As `put_task`."""
    return _retell(shelf, session, lambda told, _length_us: removed(told, task), progress)


def undo_edit(shelf: Shelf, session: str, edit: Edit, progress: Progress) -> Edit:
    """Let the tasks of a session be as they were before `edit`, if nothing was done to it since. As `put_task`."""

    def before(told: Sequence[Message], _length_us: int) -> list[Message]:
        if sorted(told) != sorted(edit.after):
            raise ConsentError(
                "the recording was changed since, so this cannot be undone any more",
                hint="What was cut out or forgotten does not come back. Change the task again instead.",
            )
        return [message for message in edit.before if message.topic == TASKS]

    return _retell(shelf, session, before, progress)


def _retell(shelf: Shelf, session: str, told_anew: ToldAnew, progress: Progress) -> Edit:
    path, fresh = shelf.store.path(session), age.new_classical()
    with alone(shelf, progress):
        try:
            with shelf.lock:
                old, touched = identity_of(shelf, session), shelf.touched[session]
            told, length_us = _told(shelf, session, old)
            tasks = told_anew(told, length_us)
            change = Retold([message for message in told if message.topic == TASKS], tasks)
            written_ns = path.stat().st_mtime_ns
            if not rewrite.rewrite(path, old, fresh.recipient, change, suffix=rewrite.DRAFT_SUFFIX, progress=progress):
                raise ConsentError("there is nothing else in this recording", hint="Delete the recording instead.")
            os.utime(rewrite.draft_path(path), ns=(written_ns, written_ns))  # when it was recorded is still the same
            with shelf.lock:
                if shelf.touched[session] != touched or session not in shelf.vault.sessions():
                    raise _meanwhile()
                _put_in_place(shelf, session, fresh)
        except FileNotFoundError:  # it was deleted meanwhile
            raise _meanwhile() from None
        finally:
            rewrite.draft_path(path).unlink(missing_ok=True)
    return Edit(tuple(told), (*tasks, *(message for message in told if message.topic != TASKS)))


def _meanwhile() -> ConsentError:
    return ConsentError("something else was changed in this recording meanwhile", hint="Look at it, and try again.")


def _put_in_place(shelf: Shelf, session: str, fresh: age.Identity) -> None:
    path = shelf.store.path(session)
    shelf.touched[session] += 1
    if not rewrite.take_draft(path):
        raise StorageError("a recording cannot be put into its place", hint="Look at it, and try again.")
    try:
        shelf.reserve.spend(lambda: shelf.vault.destroy([session], {session: fresh}))
    except CaptureAgentError:
        with suppress(CaptureAgentError):  # what cannot be told now is told at the next start
            complete(shelf, session)  # the vault may have changed its keys already: the file that it opens stays
        raise
    rewrite.put_in_place(path)


def _told(shelf: Shelf, session: str, identity: age.Identity) -> tuple[list[Message], int]:
    """Return what is told of tasks and gaps, by time, and how long the session is in µs."""
    found: list[Message] = []
    latest_us, said = 0, ""
    path = shelf.store.path(session)
    for part in reader.skim(path, identity, reader.read_outside(path)):
        found += [message for message in part.messages if message.topic in TOPICS]
        latest_us = max(latest_us, max((message.t_us for message in part.messages), default=0))
        said = part.header.get(DURATION_US, "")
    length_us = max(latest_us, int(said) if said.isdecimal() else 0)
    return sorted(found, key=lambda message: message.t_us), length_us
