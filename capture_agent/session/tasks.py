"""The task that is going on: it keeps its id across pauses, sessions and restarts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Event, Outcome, TaskFinished, TaskStarted
from capture_agent.keys.vault import Secrets
from capture_agent.session.snapshot import Task

TASK_ID_BYTES = 8
MOST_NAMED = 100  # tasks of one run that are remembered by name
_NAME = "task"  # among the secrets of the device


@dataclass(frozen=True, slots=True)
class _Judged:
    task: Task
    outcome: Outcome
    difficulty: int | None
    note: str


def kept_task(kept: Secrets) -> Task | None:
    """Return the task that went on when the last run ended.

    Raises:
        KeyError_: The secrets of the device are locked.
    """
    stored = kept.get(_NAME)
    if not stored:
        return None
    task_id, text, started = json.loads(stored)
    return Task(task_id, text, datetime.fromisoformat(started))


def keep_task(kept: Secrets, task: Task | None) -> None:
    """Remember the task that goes on among the secrets: a person's words never touch the disk in the clear.

    Raises:
        KeyError_: The secrets of the device are locked.
    """
    if task is None:
        kept.delete(_NAME)
    else:
        kept.set(_NAME, json.dumps([task.id, task.text, task.started.isoformat()]))


class Tasks:
    """What the participant set out to do. Main thread only.

    What happens while nothing is recorded is told when recording goes on, with the time of that
    moment: nothing in a recording has a time inside a pause.
    """

    def __init__(self, put: Callable[[Event], bool], now_us: Callable[[], int], current: Task | None) -> None:
        """`put` hands an event to the recorder and returns whether something is recorded now."""
        self._put = put
        self._now_us = now_us
        self.current = current
        # A task of the last run was told of then.
        self._told: set[str] = set() if current is None else {current.id}
        self._judged: list[_Judged] = []
        self._begun: list[Task] = [] if current is None else [current]  # in this run: what forgetting can name

    def start(self, text: str, now: datetime) -> Task:
        """Begin a task; one that is going on ends without a judgement.

        Raises:
            ConsentError: There are no words.
        """
        wanted = " ".join(text.split())
        if not wanted:
            raise ConsentError("a task needs a few words", hint="Say what you set out to do.")
        self.current = Task(secrets.token_hex(TASK_ID_BYTES), wanted, now)
        self._begun = [*self._begun[1 - MOST_NAMED :], self.current]
        if self._put(TaskStarted(self._now_us(), self.current.id, wanted)):
            self._told.add(self.current.id)
        return self.current

    def finish(self, outcome: Outcome, difficulty: int | None, note: str) -> None:
        """End the task that is going on.

        Raises:
            ConsentError: None is.
        """
        if self.current is None:
            raise ConsentError("no task is going on", hint="Start one first.")
        judged = _Judged(self.current, outcome, difficulty, note.strip())
        self.current = None
        if not self._put(_finished(judged, self._now_us())):
            self._judged.append(judged)

    def drop(self) -> None:
        """Forget the task, unjudged."""
        self.current = None
        self._judged, self._begun = [], []

    def begun_since(self, moment: datetime) -> tuple[str, ...]:
        """Return the words of the tasks that were begun since `moment`, as far as it is known here."""
        return tuple(task.text for task in self._begun if task.started >= moment)

    def forget(self, moment: datetime) -> None:
        """Forget the tasks that were begun since `moment`, and every judgement that is not told of yet."""
        self._begun = [task for task in self._begun if task.started < moment]
        self._judged = []
        if self.current is not None and self.current.started >= moment:
            self.current = None

    def opening_events(self, now_us: int) -> Sequence[Event]:
        """Return what a stretch of recording begins with: what was judged meanwhile, and what goes on."""
        events: list[Event] = []
        for judged in self._judged:
            events += [self._started(judged.task, now_us), _finished(judged, now_us)]
            now_us += 1  # what is told of two tasks at one time cannot be told apart by a cut
        self._judged = []
        if self.current is not None:
            events.append(self._started(self.current, now_us))
        return events

    def _started(self, task: Task, now_us: int) -> TaskStarted:
        again = task.id in self._told
        self._told.add(task.id)
        return TaskStarted(now_us, task.id, task.text, again=again)


def _finished(judged: _Judged, now_us: int) -> TaskFinished:
    return TaskFinished(now_us, judged.task.id, judged.outcome, judged.difficulty, judged.note)
