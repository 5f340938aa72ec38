"""What happened when in a session, as its owner looks at it. Pure: messages in, values out; times are session time, µs.

Everything that is kept is shown, and as it is kept: what was typed and then erased is in the recording, so it reads
"secret⌫⌫⌫⌫⌫⌫" here.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from capture_agent.core.errors import VerificationError
from capture_agent.core.events import GapReason, Rect
from capture_agent.core.keyboard import MODIFIERS, PRINTABLE
from capture_agent.encode.event_log import Message
from capture_agent.encode.records import COUNTS, KEYBOARD, MARKS, POINTER, SHORTCUTS, TASKS, WINDOWS

CLICK_SHOWN_US = 1_000_000  # how long a click stays in sight
TYPING_SHOWN_US = 3_000_000  # and what was typed, after its last key
_RUN_ENDS_US = 2_000_000  # without a key for so long, the next one begins another run
_MAX_RUN = 400  # characters; longer ones go on in another run
_AT_ONCE = 1000  # events of which JSON is read in one go: in half the time that one by one takes
# Keys that type nothing that can be read, as a reader of keyboards draws them.
_SIGNS = {
    "Return": "⏎", "KP_Enter": "⏎", "BackSpace": "⌫", "Delete": "⌦", "Tab": "⇥", "ISO_Left_Tab": "⇤", "Escape": "⎋",
    "Left": "←", "Right": "→", "Up": "↑", "Down": "↓", "space": "␣", PRINTABLE: "▯",
}  # fmt: skip


class Hole(NamedTuple):
    """A stretch of which nothing was recorded, or in which input was not kept, and why (a `GapReason`, or a class)."""

    start_us: int
    end_us: int
    reason: str


class InFront(NamedTuple):
    """The window that had the keyboard from `start_us` to `end_us`; `rect` in physical pixels."""

    start_us: int
    end_us: int
    app: str
    title: str
    rect: Rect


class TaskTime(NamedTuple):
    """A task, from its beginning to its end; if it was not judged, up to the next one, and `outcome` is empty."""

    start_us: int
    end_us: int
    text: str
    outcome: str = ""
    difficulty: int | None = None
    note: str = ""
    id: str = ""
    again: bool = False  # it had begun in an earlier session


class Click(NamedTuple):
    """A button that went down at (x, y), in physical pixels of the virtual desktop."""

    t_us: int
    button: str
    x: int
    y: int


class Run(NamedTuple):
    """What was typed in one go. `ends` says for each character when its key went down.

    `place` is that of the click before it, or of its window's lower edge; None if neither is known. `keys`: how many,
    where only their number was kept.
    """

    start_us: int
    text: str
    ends: tuple[int, ...]
    place: tuple[int, int] | None
    keys: int = 0

    @property
    def end_us(self) -> int:
        """When its last key went down."""
        return self.ends[-1]

    def until(self, t_us: int) -> str:
        """Return what of it was typed by `t_us`."""
        return self.text[: bisect_right(self.ends, t_us)]


class Screen(NamedTuple):
    """One monitor: its number, and where it is in the virtual desktop."""

    number: int
    rect: Rect


class _Begins(Protocol):
    @property
    def start_us(self) -> int: ...

    @property
    def end_us(self) -> int: ...


T = TypeVar("T", bound=_Begins)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A session by time. Every tuple is in order."""

    duration_us: int
    gaps: tuple[Hole, ...] = ()
    withheld: tuple[Hole, ...] = ()
    windows: tuple[InFront, ...] = ()
    tasks: tuple[TaskTime, ...] = ()
    clicks: tuple[Click, ...] = ()
    runs: tuple[Run, ...] = ()
    moves: tuple[tuple[int, int, int], ...] = ()  # time, x, y
    screens: tuple[tuple[int, tuple[Screen, ...]], ...] = ()  # from when on

    def gap_at(self, t_us: int) -> Hole | None:
        """Return the gap that `t_us` is in; of several, the one that the person made."""
        found = [gap for gap in self.gaps if gap.start_us <= t_us < gap.end_us]
        return next((gap for gap in found if gap.reason == GapReason.FORGOTTEN), found[-1] if found else None)

    def withheld_at(self, t_us: int) -> Hole | None:
        """Return the stretch around `t_us` in which input was not kept."""
        return _around(self.withheld, t_us)

    def window_at(self, t_us: int) -> InFront | None:
        """Return the window in front at `t_us`; None in a gap, or if it is not known."""
        return None if self.gap_at(t_us) else _around(self.windows, t_us)

    def task_at(self, t_us: int) -> TaskTime | None:
        """Return the task that was going on at `t_us`."""
        return _around(self.tasks, t_us)

    def clicks_at(self, t_us: int) -> tuple[Click, ...]:
        """Return the clicks of the second before `t_us`."""
        last = bisect_right(self.clicks, t_us, key=lambda click: click.t_us)
        return tuple(click for click in self.clicks[max(0, last - 10) : last] if click.t_us > t_us - CLICK_SHOWN_US)

    def typing_at(self, t_us: int) -> Run | None:
        """Return what is being typed at `t_us`, or was a moment before."""
        at = bisect_right(self.runs, t_us, key=lambda run: run.start_us) - 1
        return self.runs[at] if at >= 0 and t_us <= self.runs[at].end_us + TYPING_SHOWN_US else None

    def pointer_at(self, t_us: int) -> tuple[int, int] | None:
        """Return where the pointer was last seen by `t_us`."""
        at = bisect_right(self.moves, t_us, key=lambda move: move[0]) - 1
        return self.moves[at][1:] if at >= 0 else None

    def screens_at(self, t_us: int) -> tuple[Screen, ...]:
        """Return the monitors at `t_us`; before the first was told of, those."""
        at = bisect_right(self.screens, t_us, key=lambda told: told[0]) - 1
        return self.screens[max(0, at)][1] if self.screens else ()

    @property
    def apps(self) -> tuple[str, ...]:
        """The programs that were in front, the longest first."""
        times: dict[str, int] = {}
        for one in self.windows:
            times[one.app] = times.get(one.app, 0) + one.end_us - one.start_us
        return tuple(sorted(times, key=lambda app: (-times[app], app)))

    @property
    def withheld_us(self) -> int:
        """How much input was not kept, outside of gaps."""
        covered, reached_us = 0, 0
        for one in self.withheld:
            start_us, end_us = max(one.start_us, reached_us), min(one.end_us, self.duration_us)
            covered += max(0, end_us - start_us)
            reached_us = max(reached_us, end_us)
        return covered


def build(messages: Iterable[Message], duration_us: int) -> Timeline:
    """Return the timeline of a session of which `messages`, by time, are the events.

    Raises:
        VerificationError: One of them is not as any version writes it.
    """
    making, coming = _Making(duration_us), iter(messages)
    while some := list(islice(coming, _AT_ONCE)):
        try:
            # Not `decode`: these were opened as our own, and looking for doubled names takes four times as long.
            read = json.loads(b"[%b]" % b",".join([message.data for message in some]))
            for message, fields in zip(some, read, strict=True):
                making.take(message.topic, message.t_us, fields)
        except (KeyError, TypeError, ValueError) as error:
            raise VerificationError(
                "an event of the recording is damaged ({kind})", kind=type(error).__name__
            ) from None
    return making.timeline()


def _around(stretches: Sequence[T], t_us: int) -> T | None:
    at = bisect_right(stretches, t_us, key=lambda one: one.start_us) - 1
    # What began last may be over while what began before it is not.
    return next((one for one in reversed(stretches[max(0, at - 8) : at + 1]) if t_us < one.end_us), None)


class _Making:
    """The timeline while events pass in the order of time."""

    def __init__(self, duration_us: int) -> None:
        self._end_us = duration_us
        self._gaps: list[Hole] = []
        self._withheld: list[Hole] = []
        self._windows: list[InFront] = []
        self._tasks: dict[str, TaskTime] = {}
        self._clicks: list[Click] = []
        self._runs: list[Run] = []
        self._typed: list[str] = []  # of the run that goes on, character by character
        self._ends: list[int] = []
        self._typed_at: tuple[int, int] | None = None
        self._moves: list[tuple[int, int, int]] = []
        self._screens: list[tuple[int, tuple[Screen, ...]]] = []
        self._place: tuple[int, int] | None = None

    def timeline(self) -> Timeline:
        self._end_run()
        return Timeline(
            self._end_us,
            tuple(sorted(self._gaps)),
            tuple(sorted(self._withheld)),
            tuple(one for one in self._windows if one.app and self._lasts(one)),
            tuple(sorted(self._tasks.values(), key=attrgetter("start_us"))),
            tuple(self._clicks),
            tuple(self._runs),
            tuple(self._moves),
            tuple(self._screens),
        )

    def _lasts(self, one: InFront) -> bool:
        """Leave out what gave way at once; what came with the last event of all has no time either, but is there."""
        return one.start_us < one.end_us or one.start_us == self._end_us

    def take(self, topic: str, t_us: int, fields: Mapping[str, Any]) -> None:
        match fields["kind"]:
            case "move" if topic == POINTER:
                self._moves.append((t_us, int(fields["x"]), int(fields["y"])))
            case "key" if topic in {KEYBOARD, SHORTCUTS}:
                self._key(t_us, fields)
            case "count" if topic == COUNTS:
                start_us, keys = int(fields["start_us"]), int(fields["keys"])
                self._end_run()
                self._runs.append(Run(start_us, " ", (t_us,), None, keys))
            case "button" if topic == POINTER:
                self._button(t_us, fields)
            case "focus" if topic == WINDOWS:
                self._focus(t_us, fields["window"])
            case kind if topic == TASKS:
                self._task(t_us, kind, fields)
            case "monitors" if topic == MARKS:
                listed = tuple(Screen(int(one["number"]), Rect(*one["rect"])) for one in fields["monitors"])
                self._screens.append((t_us, listed))
            case ("gap" | "withheld") as kind if topic == MARKS:
                holes = self._gaps if kind == "gap" else self._withheld
                holes.append(Hole(int(fields["start_us"]), t_us, str(fields["reason"])))

    def _button(self, t_us: int, fields: Mapping[str, Any]) -> None:
        if fields["down"]:
            click = Click(t_us, str(fields["button"]), int(fields["x"]), int(fields["y"]))
            self._clicks.append(click)
            self._moves.append((t_us, click.x, click.y))
            self._place = (click.x, click.y)

    def _focus(self, t_us: int, window: Mapping[str, Any] | None) -> None:
        if self._windows:
            self._windows[-1] = self._windows[-1]._replace(end_us=t_us)
        app, title, rect = "", "", Rect(0, 0, 0, 0)
        if window is not None:
            app, title, rect = str(window["app"]), str(window["title"]), Rect(*window["client"])
        # Another window, or it moved: what is typed now is not where the last click was.
        if self._place is not None and not _inside(self._place, rect):
            self._place = None
        self._windows.append(InFront(t_us, self._end_us, app, title, rect))

    def _task(self, t_us: int, kind: str, fields: Mapping[str, Any]) -> None:
        task = str(fields["task"])
        if kind == "started" and task not in self._tasks:
            for name, one in self._tasks.items():
                if not one.outcome and one.end_us > t_us:  # one task at a time
                    self._tasks[name] = one._replace(end_us=t_us)
            self._tasks[task] = TaskTime(t_us, self._end_us, str(fields["text"]), id=task, again=bool(fields["again"]))
        elif kind == "finished":
            begun = self._tasks.get(task, TaskTime(0, t_us, "", id=task))
            said = str(fields["outcome"]), fields["difficulty"], str(fields["note"])
            self._tasks[task] = TaskTime(begun.start_us, t_us, begun.text, *said, task, begun.again)

    def _key(self, t_us: int, fields: Mapping[str, Any]) -> None:
        if not fields["down"]:
            return
        typed = _sign(str(fields["sym"]), fields.get("text"), [str(mod) for mod in fields["mods"]])
        if not typed:
            return
        place = self._where()
        # Another place ends a run: that of a click, or of another window.
        if self._ends and (
            place != self._typed_at or len(self._ends) >= _MAX_RUN or t_us - self._ends[-1] > _RUN_ENDS_US
        ):
            self._end_run()
        self._typed_at = place
        self._typed += typed
        self._ends += [t_us] * len(typed)

    def _end_run(self) -> None:
        if self._ends:
            self._runs.append(Run(self._ends[0], "".join(self._typed), tuple(self._ends), self._typed_at))
            self._typed, self._ends = [], []

    def _where(self) -> tuple[int, int] | None:
        if self._place is not None or not self._windows or not self._windows[-1].rect.area:
            return self._place
        rect = self._windows[-1].rect
        return rect.x, rect.bottom


def _inside(place: tuple[int, int], rect: Rect) -> bool:
    return rect.x <= place[0] < rect.right and rect.y <= place[1] < rect.bottom


def _sign(sym: str, text: str | None, mods: Sequence[str]) -> str:
    """Return how a key that went down is shown; empty for one that only waits for others."""
    if sym in MODIFIERS:
        return ""
    if text and text.isprintable():
        return text
    chord = [mod.capitalize() for mod in mods if mod in {"ctrl", "alt", "super"}]
    named = _SIGNS.get(sym, sym)
    if chord:
        return f" {'+'.join([*chord, named])} "
    return named if sym in _SIGNS else f" {named} "
