"""Tell anew which tasks are in a held session: a new file, under another key, takes the place of the old one.

No intent is noted: a person's words never stand in the ledger. A crash leaves the session as it was or as it was to be,
never between, and `cutting.complete_all` finishes it at the next start. No key that exists afterwards opens an older
copy, so words that were deleted are gone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress

from capture_agent.core.errors import CaptureAgentError, ConsentError
from capture_agent.encode.records import TASKS, Message
from capture_agent.held import reader, rewrite
from capture_agent.held.reader import DURATION_US
from capture_agent.held.retell import TOPICS, Retold, put, removed
from capture_agent.held.timeline import TaskTime
from capture_agent.keys import age
from capture_agent.session.cutting import complete, identity_of
from capture_agent.session.shelf import Shelf
from capture_agent.session.tasks import TASK_ID_BYTES


def put_task(shelf: Shelf, session: str, task: TaskTime) -> None:
    """Let a task of a session be as `task` says; without an id it is a new one.

    Raises:
        ConsentError: As `retell.put`.
        CaptureAgentError: The session cannot be read or written; it is as it was.
    """
    named = task if task.id else task._replace(id=secrets.token_hex(TASK_ID_BYTES))
    _retell(shelf, session, lambda told, length_us: put(told, named, length_us))


def remove_task(shelf: Shelf, session: str, task: str) -> None:
    """Take a task out of a session, by id: its words and marks, and nothing else. Raises as `put_task`."""
    _retell(shelf, session, lambda told, _length_us: removed(told, task))


def _retell(shelf: Shelf, session: str, told_anew: Callable[[Sequence[Message], int], list[Message]]) -> None:
    with shelf.lock:
        path, old = shelf.store.path(session), identity_of(shelf, session)
        told, length_us = _told(shelf, session, old)
        change = Retold([message for message in told if message.topic == TASKS], told_anew(told, length_us))
        written_ns, fresh = path.stat().st_mtime_ns, age.new_classical()
        shelf.touched[session] += 1
        if not rewrite.rewrite(path, old, fresh.recipient, change):
            raise ConsentError("there is nothing else in this recording", hint="Delete the recording instead.")
        new = rewrite.new_path(path)
        try:
            os.utime(new, ns=(written_ns, written_ns))  # when it was recorded is still the same
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
