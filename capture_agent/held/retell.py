"""Tasks as their owner words, judges and moves them afterwards: which messages then tell of them. Pure.

What is told afterwards says so with `afterwards`, for good. Of two tasks one goes on at a time, as while recording: one
that was not judged ends where the next one begins. Nothing has a time at which nothing was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Outcome, TaskFinished, TaskStarted
from capture_agent.encode.records import MARKS, TASKS, Message, decode, task_fields, to_json
from capture_agent.held.timeline import Hole, TaskTime, build

TOPICS = frozenset({TASKS, MARKS})  # what has to be known of a session

_TIME = attrgetter("t_us")


def put(told: Sequence[Message], task: TaskTime, length_us: int) -> list[Message]:
    """Return the messages of tasks with `task` as it is to stand; it is a new one if its id is.

    `told` are the messages of `TOPICS` of a session of `length_us`, by time. A task without an outcome was not judged,
    and ends where the next one begins. A time inside a gap moves to its edge, and one that is another task's beside it.

    Raises:
        ConsentError: There are no words, or no time is left, or another task is there.
    """
    text = " ".join(task.text.split())
    if not text:
        raise ConsentError("a task needs a few words", hint="Say what you set out to do.")
    task = task._replace(text=text)
    times = build(told, length_us)
    mine = [message for message in told if _is_of(message, task.id)]
    others = [message for message in told if message.topic == TASKS and not _is_of(message, task.id)]
    rest = [one for one in times.tasks if one.id != task.id]
    was = next((one for one in times.tasks if one.id == task.id), None)
    if was is None or not was.text or _span(was) != _span(task):
        task = _placed(task, times.gaps, rest, length_us)
        _refuse_two_at_once(task, rest)
        others = [one for one in others if not _goes_on_after(one, task.start_us, rest)]
    again = [decode(one) for one in mine if decode(one)["kind"] == "started"]
    starts = {task.start_us: bool(again and again[0]["again"])}
    next_us = min((one.start_us for one in rest if one.start_us > task.start_us), default=length_us + 1)
    ends_us = task.end_us if task.outcome else next_us
    starts.update({one["t_us"]: True for one in again[1:] if task.start_us < one["t_us"] < ends_us})
    begun = [_message(TaskStarted(t_us, task.id, text, again=on)) for t_us, on in starts.items()]
    judged: list[Message] = []
    if task.outcome:
        finished = TaskFinished(task.end_us, task.id, Outcome(task.outcome), task.difficulty, task.note.strip())
        judged.append(_message(finished))
    if judged and task.end_us == task.start_us:
        return sorted([*others, *begun, *judged], key=_TIME)  # judged in a pause: told at once when recording went on
    # At one time, what ends comes before what begins.
    return sorted([*judged, *others, *begun], key=_TIME)


def removed(told: Iterable[Message], task: str) -> list[Message]:
    """Return the messages of tasks without one: its words, its judgement, and where it was."""
    return [message for message in told if message.topic == TASKS and not _is_of(message, task)]


class Retold:
    """Takes a session's parts in their order, and puts other messages in the place of its tasks. Use each once."""

    def __init__(self, before: Iterable[Message], after: Iterable[Message]) -> None:
        """`before`: all messages of tasks in the session; `after`: those that take their place, by time."""
        self._gone_us = [message.t_us for message in before]
        self._waiting = sorted(after, key=_TIME)

    def touches(self, times: tuple[int, int] | None) -> bool:
        """Return whether a part with messages from the first to the last of `times` changes."""
        if times is None:
            return False
        first_us, last_us = times
        here = any(first_us <= t_us <= last_us for t_us in self._gone_us)
        return here or bool(self._waiting and self._waiting[0].t_us <= last_us)

    def keep(self, messages: Sequence[Message]) -> list[Message]:
        """Return what a part holds then."""
        last_us = max((message.t_us for message in messages), default=-1)
        due = [message for message in self._waiting if message.t_us <= last_us]
        del self._waiting[: len(due)]
        return sorted([*(message for message in messages if message.topic != TASKS), *due], key=_TIME)

    def finish(self, _end_us: int) -> list[Message]:
        """Return what is told after the last part."""
        return self._waiting


def _is_of(message: Message, task: str) -> bool:
    return message.topic == TASKS and decode(message)["task"] == task


def _message(event: TaskStarted | TaskFinished) -> Message:
    fields: dict[str, Any] = {**task_fields(event), "afterwards": True}
    return Message(TASKS, event.t_us, to_json(fields).encode("utf-8", "replace"))


def _span(task: TaskTime) -> tuple[int, int | None]:
    return task.start_us, task.end_us if task.outcome else None


def _placed(task: TaskTime, gaps: Sequence[Hole], others: Sequence[TaskTime], length_us: int) -> TaskTime:
    """Return the task with its ends where something was recorded, and not where another one ends or begins.

    What is told at one time cannot be told apart by a cut: the words of one task would go or stay with the other's.
    """
    start_us, end_us = max(0, task.start_us), min(task.end_us, length_us)
    ended = [(one.end_us, one.end_us + 1) for one in others if one.outcome]
    for since_us, until_us in sorted([*(gap[:2] for gap in gaps), *ended]):
        if since_us <= start_us < until_us:
            start_us = until_us
    begun = [(one.start_us, one.start_us + 1) for one in others]
    for since_us, until_us in sorted([*(gap[:2] for gap in gaps), *begun], reverse=True):
        if since_us <= end_us < until_us:
            end_us = since_us - 1
    if start_us >= (end_us if task.outcome else length_us):
        raise ConsentError(
            "nothing was recorded between the beginning and the end of this task",
            hint="Choose a later end, or an earlier beginning.",
        )
    return task._replace(start_us=start_us, end_us=end_us)


def _refuse_two_at_once(task: TaskTime, others: Iterable[TaskTime]) -> None:
    end_us = task.end_us if task.outcome else task.start_us + 1
    for one in others:
        within = task.start_us <= one.start_us < end_us
        if within or (one.outcome and one.start_us <= task.start_us < one.end_us):
            raise ConsentError("another task is there already", hint="Choose another stretch, or move that task first.")


def _goes_on_after(message: Message, start_us: int, tasks: Iterable[TaskTime]) -> bool:
    """Return whether a message says that a task which ends at `start_us`, since another one begins, goes on."""
    fields = decode(message)
    began_before = any(one.id == fields["task"] and one.start_us < start_us for one in tasks)
    return began_before and fields["kind"] == "started" and message.t_us >= start_us
