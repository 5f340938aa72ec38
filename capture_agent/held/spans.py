"""The spans that a person means by a program, a task, or what was typed in a field. Pure: a time line in, spans out.

All that was recorded while it went on is inside, and of the keyboard nothing of anything else. How long a key was held
does not matter: `held.cut` takes the release of a key with its press.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby, pairwise
from typing import NamedTuple

from capture_agent.held.cut import FOREVER_US, Span, merged
from capture_agent.held.timeline import Run, TaskTime, Timeline


class What(StrEnum):
    """What a cut was chosen by."""

    STRETCH = "stretch"  # from here to there
    PROGRAM = "program"
    TASK = "task"
    TYPED = "typed"
    ALL_BUT_TASK = "all-but-task"


class Choice(NamedTuple):
    """Something to cut: `name` is that of the program or the task, or what was typed; `keys`: their number alone.

    With `What.ALL_BUT_TASK` it is that of the task that stays.
    """

    what: What
    spans: tuple[Span, ...]
    name: str
    keys: int = 0


class _Typed(NamedTuple):
    """A key that went down at `t_us`, or those that were counted up to then, and the field that it went to."""

    field: tuple[int, tuple[int, int] | None, bool]
    start_us: int
    t_us: int
    text: str
    keys: int


def choices(timeline: Timeline) -> tuple[Choice, ...]:
    """Return everything that can be cut by its name: programs, the longest first, then tasks and what was typed."""
    return tuple(each_choice(timeline))


def each_choice(timeline: Timeline) -> Iterator[Choice]:
    """Yield them one by one."""
    yield from programs(timeline)
    yield from tasks(timeline)
    yield from typed(timeline)


def programs(timeline: Timeline) -> tuple[Choice, ...]:
    """Return each program with the times in which it had the keyboard."""
    times: dict[str, list[Span]] = {}
    for one in timeline.windows:
        times.setdefault(one.app, []).append(Span(one.start_us, _end(timeline, one.end_us)))
    return tuple(Choice(What.PROGRAM, merged(times[app]), app) for app in timeline.apps)


def tasks(timeline: Timeline) -> tuple[Choice, ...]:
    """Return each task with its time, what was said at its end included; one that was not judged has none."""
    return tuple(Choice(What.TASK, (_of_task(timeline, one),), one.text) for one in timeline.tasks if one.text)


def all_but(timeline: Timeline, task: TaskTime) -> Choice | None:
    """Return everything that is no part of a task; no spans if that is nothing.

    None if the task cannot be told from others: it has no words or no time, or another one begins or ends with it.
    """
    span = _of_task(timeline, task)
    others = [one for one in timeline.tasks if one != task]
    edges = [one.start_us for one in others] + [one.end_us for one in others if one.outcome]
    if not task.text or task.start_us >= task.end_us or any(map(span.holds, edges)):
        return None
    return Choice(What.ALL_BUT_TASK, merged([Span(0, span.start_us), Span(span.end_us)]), task.text)


def _of_task(timeline: Timeline, task: TaskTime) -> Span:
    return Span(task.start_us, min(_end(timeline, task.end_us) + (task.outcome != ""), FOREVER_US))


def typed(timeline: Timeline) -> tuple[Choice, ...]:
    """Return what was typed, a field at a time: until another program comes to the front, or a click elsewhere."""
    pieces = []
    for field, keys in groupby(_typed(timeline), key=lambda key: key.field):
        those = list(keys)
        span = Span(those[0].start_us, those[-1].t_us + 1)
        text = "" if field[2] else "".join(key.text for key in those)
        pieces.append(Choice(What.TYPED, (span,), text, sum(key.keys for key in those)))
    return tuple(pieces)


def _end(timeline: Timeline, end_us: int) -> int:
    """Return where a stretch ends; one that goes on to the end of the session leaves nothing after it."""
    return FOREVER_US if end_us >= timeline.duration_us else end_us


def _typed(timeline: Timeline) -> Iterator[_Typed]:
    """Yield every key. A `Run` can go on in another program whose window is in the same place; its keys cannot."""
    starts = [one.start_us for one in timeline.windows]
    turns = _turns(timeline)

    def turn(t_us: int) -> int:
        at = bisect_right(starts, t_us) - 1
        if at < 0 or t_us < timeline.windows[at].end_us:
            return turns[at] if at >= 0 else -1
        return -2 - at  # after that window came one that is not known

    for run in timeline.runs:
        for t_us, text in zip(run.ends, run.text, strict=True):
            yield _Typed((turn(t_us), run.place, run.keys > 0), _begin(run, t_us), t_us, text, run.keys)


def _begin(run: Run, t_us: int) -> int:
    return run.start_us if run.keys else t_us


def _turns(timeline: Timeline) -> list[int]:
    """Return for each window the how-manieth program it is: another title, or another place, is no other turn."""
    turns = [0] if timeline.windows else []
    for before, one in pairwise(timeline.windows):
        goes_on = before.app == one.app and before.end_us == one.start_us
        turns.append(turns[-1] + (not goes_on))
    return turns
