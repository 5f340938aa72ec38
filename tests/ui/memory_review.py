"""A recording in memory for the player: real events through the real encoder of events, and painted pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from capture_agent.core.errors import StorageError
from capture_agent.core.events import (
    Button,
    Focus,
    Gap,
    GapReason,
    Key,
    Monitor,
    Monitors,
    Move,
    Outcome,
    Rect,
    TaskFinished,
    TaskStarted,
    Window,
    Withheld,
)
from capture_agent.core.privacy import Cleared
from capture_agent.core.progress import Progress, silent
from capture_agent.encode.event_log import encode
from capture_agent.encode.records import TASKS, Message
from capture_agent.held.cut import Span
from capture_agent.held.retell import TOPICS, put, removed
from capture_agent.held.spans import What
from capture_agent.held.timeline import Screen, TaskTime, Timeline, build
from capture_agent.session.retelling import Edit
from capture_agent.session.review import Begun, Picture
from capture_agent.session.snapshot import WaitingCut

SECOND = 1_000_000
LENGTH_US = 600 * SECOND
FIRST, SECOND_SCREEN = Rect(0, 0, 1280, 720), Rect(1280, 0, 800, 600)
EDITOR = Window(7, "mousepad", "Bericht.txt", Rect(80, 60, 700, 500), Rect(80, 84, 700, 476))
TERMINAL = Window(8, "xterm", "~/thesis", Rect(500, 200, 640, 400), Rect(500, 222, 640, 378))
SAID = "Liebe Kollegin, der Bericht ist fertig."


def events():
    found = [
        Monitors(0, (Monitor(1, FIRST), Monitor(2, SECOND_SCREEN))),
        TaskStarted(5 * SECOND, "t", "Bericht"),
        Focus(1 * SECOND, EDITOR),
        Focus(300 * SECOND, TERMINAL),
        Focus(480 * SECOND, EDITOR),
        TaskFinished(420 * SECOND, "t", Outcome.DONE, 2, ""),
        Withheld(250 * SECOND, 210 * SECOND, "secret-field"),
        Button(29 * SECOND, True, "left", 300, 250, False),
        Button(31 * SECOND + 500_000, True, "right", 900, 450, False),
        Gap(200 * SECOND, 120 * SECOND, GapReason.PAUSED),
        Gap(400 * SECOND, 360 * SECOND, GapReason.INDICATOR),
        Gap(475 * SECOND, 440 * SECOND, GapReason.FORGOTTEN),
        Gap(560 * SECOND, 530 * SECOND, GapReason.GUARD),
        Gap(580 * SECOND, 570 * SECOND, GapReason.FAULT),
    ]
    found += [Move(n * SECOND, 200 + n, 150 + n % 400, False) for n in range(1, 600, 3)]
    for start in (30, 60, 210, 310, 490):
        for n, letter in enumerate(SAID):
            found.append(Key((start * SECOND) + n * 60_000, True, 38, letter, letter, (), False))
    return found


def painted(monitor, t_us):
    """Return a picture that changes with the time: two windows on a desktop."""
    rect = FIRST if monitor == 1 else SECOND_SCREEN
    pixels = np.full((rect.height, rect.width, 3), (59, 90, 120), np.uint8)
    if monitor == 1:
        for window, colour in ((EDITOR, (255, 255, 255)), (TERMINAL, (30, 30, 30))):
            box = window.rect
            pixels[box.y : box.bottom, box.x : box.right] = (221, 229, 238)
            pixels[window.client.y : window.client.bottom, window.client.x : window.client.right] = colour
    width = max(4, (rect.width - 40) * t_us // LENGTH_US)
    pixels[rect.height - 30 : rect.height - 20, 20 : 20 + width] = (255, 210, 63)
    return pixels


class MemoryBeginning:
    """See `session.review.Beginning`."""

    def __init__(self):
        self.timeline = Timeline(LENGTH_US, screens=((0, (Screen(1, FIRST),)),))
        self.monitor = 1
        self.picture = self.near(0)

    def near(self, t_us):
        return Picture(t_us, painted(1, t_us), exact=False)


def messages():
    return sorted((encode(Cleared(event), 0) for event in events()), key=lambda message: message.t_us)


class MemoryReview:
    """See `session.review.Review`; `tasks` take the place of those that were recorded."""

    def __init__(self, session, *, complete=True, tasks=None):
        made = messages() if tasks is None else [*(one for one in messages() if one.topic != TASKS), *tasks]
        made.sort(key=lambda message: message.t_us)
        self.timeline = build(made, LENGTH_US)
        self.session = session
        self.complete = complete
        self.monitors = (1, 2)

    def unseen_us(self, t_us):
        return -t_us % (9 * SECOND)

    def near(self, monitor, t_us, without=()):
        key = t_us // (10 * SECOND) * 10 * SECOND
        while any(span.holds(key) for span in without):
            key -= 10 * SECOND
        return self.at(monitor, key)

    def at(self, monitor, t_us):
        return Picture(t_us, painted(monitor, t_us), exact=True)


class MemoryCuts:
    """What is marked to be cut out, by session: the part of the agent that the player asks for it."""

    calls: list[str]
    _wait: Callable[[], None]

    def __init__(self) -> None:
        self.full = False  # whether no cut can be noted
        self.reading: Callable[[Progress], None] = lambda progress: None  # what opening a recording tells
        self._cuts: defaultdict[str, list[WaitingCut]] = defaultdict(list)

    def _read(self, progress: Progress, begun: Begun | None) -> None:
        if begun is not None:
            begun(MemoryBeginning())
        self._wait()
        self.reading(progress)

    def cut(self, session: str, spans: Sequence[Span], what: What) -> None:
        if self.full:
            raise StorageError("the disk is full")
        self.calls.append(f"cut {session} {what.value} {' '.join(f'{span.start_us}-{span.end_us}' for span in spans)}")
        self._cuts[session].append(WaitingCut(len(self.calls), what, tuple(spans)))

    def cuts(self, session: str) -> tuple[WaitingCut, ...]:
        return tuple(self._cuts[session])

    def undo_cut(self, session: str, number: int) -> None:
        self.calls.append(f"undo_cut {session}")
        self._cuts[session] = [one for one in self._cuts[session] if one.number != number]

    def cut_for_good(self, session: str, progress: Progress = silent) -> None:
        self.calls.append(f"cut_for_good {session}")
        self._cuts[session].clear()


class MemoryTasks:
    """What is told of tasks, by session, as `session.retelling` tells it anew."""

    calls: list[str]
    retelling: Callable[[], object] = staticmethod(lambda: None)  # what takes long about it

    def __init__(self) -> None:
        self._told: dict[str, list[Message]] = {}

    def put_task(self, session: str, task: TaskTime, progress: Progress = silent) -> Edit:
        self.calls.append(f"put_task {session} {task.id} {task[:6]}")
        return self._retell(session, lambda told: put(told, task if task.id else task._replace(id="new"), LENGTH_US))

    def remove_task(self, session: str, task: str, progress: Progress = silent) -> Edit:
        self.calls.append(f"remove_task {session} {task}")
        return self._retell(session, lambda told: removed(told, task))

    def undo_edit(self, session: str, edit: Edit, progress: Progress = silent) -> Edit:
        self.calls.append(f"undo_edit {session}")
        return self._retell(session, lambda _told: list(edit.before))

    def _retell(self, session: str, anew: Callable[[list[Message]], list[Message]]) -> Edit:
        self.retelling()
        rest = [one for one in messages() if one.topic in TOPICS and one.topic != TASKS]
        before = self._told.get(session, [one for one in messages() if one.topic == TASKS])
        after = self._told[session] = anew(sorted([*rest, *before], key=lambda message: message.t_us))
        return Edit(tuple(before), tuple(after))
