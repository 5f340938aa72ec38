"""The gate: the only place that turns an `Event` into a `Cleared`.

A `Gate` is a value that returns its successor and starts knowing nothing. It sees every event
in the order of time, `HOLD_US` late, so that it can look at what came shortly after an event as
well as before. Three answers: CLEAR, SENSITIVE, UNKNOWN; only CLEAR keeps content.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from capture_agent.core.events import (
    CATEGORY_OF,
    Button,
    Category,
    Event,
    Focus,
    Frame,
    Gap,
    InputEvent,
    Key,
    Layout,
    Monitors,
    Move,
    PointerShape,
    Rect,
    Scroll,
    TaskFinished,
    TaskStarted,
    Window,
    Withheld,
)
from capture_agent.core.intervals import Intervals, Place

# ±25 ms around a focus change leaks keys of a password field, ±50 ms does not (measured in four toolkits).
HOLD_US = 250_000
# Between two windows the window manager names no active window for about 2 ms. If it is longer, focus is unknown.
TRANSITION_US = 100_000
# Focus changes older than this cannot matter to any event that still waits.
FOCUS_MEMORY_US = 5_000_000
MASK_BGRX = (64, 64, 64, 255)  # painted-over pixels are dark grey: visible as a mask, cheap to encode
_MASK_WORD = int.from_bytes(bytes(MASK_BGRX), "little")
DESKTOP_APP = "desktop"  # the background, where there is no window
WHOLE_SECOND_US = 1_000_000

_CHORD_MODS = frozenset({"ctrl", "alt", "super"})
# Keysyms that type nothing. A list, because "exclam" and "dead_acute" have long names and no text when they come up.
_COMMANDS = frozenset(
    f"""BackSpace Tab ISO_Left_Tab Return Escape Delete Home Left Up Right Down Prior Next End Insert Menu Pause Print
    Caps_Lock Num_Lock Scroll_Lock Shift_L Shift_R Control_L Control_R Alt_L Alt_R Meta_L Meta_R Super_L Super_R
    ISO_Level3_Shift KP_Enter KP_Home KP_Left KP_Up KP_Right KP_Down KP_Prior KP_Next KP_End KP_Insert KP_Delete
    {" ".join(f"F{n}" for n in range(1, 36))}""".split()
)


class Verdict(StrEnum):
    """What the gate thinks of a window."""

    CLEAR = "clear"
    SENSITIVE = "sensitive"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why something was not kept; a class, never a program or a title."""

    NOT_AGREED = "not-agreed"  # its category
    OUTSIDE = "outside"  # paused, suspended, before or after
    PROGRAM = "program"  # not a program that may be recorded
    FOCUS_UNKNOWN = "focus-unknown"


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be recorded now. `excluded` wins over `apps`; our own process is always out."""

    categories: frozenset[Category] = frozenset()
    apps: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    own_pid: int | None = None

    def judge(self, window: Window | None) -> Verdict:
        """Return what may be kept of something that happens in `window`."""
        if window is None:
            return Verdict.UNKNOWN
        if self.own_pid is not None and window.pid == self.own_pid:
            return Verdict.SENSITIVE
        names = {window.app, *window.aliases}
        if names & self.excluded or window.app not in self.apps:
            return Verdict.SENSITIVE
        return Verdict.CLEAR

    def covered(self, layout: Layout, area: Rect) -> tuple[Rect, ...]:
        """Return disjoint rectangles of `area` that must be painted over, from the windows bottom to top."""
        bare = DESKTOP_APP in self.apps and DESKTOP_APP not in self.excluded
        hidden: tuple[Rect, ...] = () if bare else (area,)
        for window in layout.windows:
            seen = window.rect.intersect(area)
            if not seen.area:
                continue
            hidden = tuple(piece for rect in hidden for piece in rect.minus(seen))
            if self.judge(window) is not Verdict.CLEAR:
                hidden = (*hidden, seen)
        return hidden


class Cleared:
    """Something that passed the gate and may be written. Only this module makes one; a test says so."""

    __slots__ = ("event",)

    def __init__(self, event: Event) -> None:
        self.event = event


@dataclass(frozen=True, slots=True)
class Kept:
    """What the gate says of one event: what may be written of it, and if nothing, why.

    `painted` is the share of a frame's pixels that was painted over.
    """

    cleared: tuple[Cleared, ...] = ()
    reason: Reason | None = None
    painted: float = 0.0


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate's memory: the rules in force and where the keyboard focus was lately.

    `focus` holds (µs, window) changes, oldest first. `hidden_since_us` is when focus left the
    programs that may be recorded, `hidden_until_us` when it came back: until the whole second in
    which it did is over, nothing is said of the stretch. Both None while nothing is to be said.
    """

    rules: Rules = field(default_factory=Rules)
    focus: tuple[tuple[int, Window | None], ...] = ()
    epoch_us: int = 0  # session time 0, to which whole seconds refer
    hidden_since_us: int | None = None
    hidden_until_us: int | None = None
    hidden_reason: Reason | None = None
    last_focus: Window | None = None

    def observe(self, focus: Focus) -> Gate:
        """Learn a focus change as soon as it arrives, ahead of the events that wait."""
        recent = tuple(
            pair
            for n, pair in enumerate(self.focus)
            if n == len(self.focus) - 1 or self.focus[n + 1][0] >= focus.t_us - FOCUS_MEMORY_US
        )
        return replace(self, focus=(*recent, (focus.t_us, focus.window)))

    def forget_focus(self) -> Gate:
        """Know nothing of focus any more: sources were stopped and what they would say is not known."""
        return replace(self, focus=(), last_focus=None)

    def focus_verdict(self, start_us: int, end_us: int) -> Verdict:
        """Return the worst verdict of the focus in [start_us, end_us].

        A short moment without an active window between two programs that may both be recorded
        is CLEAR: what was typed went to one of them.
        """
        worst = Verdict.CLEAR
        known = False
        changes = self.focus
        for n, (since, window) in enumerate(changes):
            until = changes[n + 1][0] if n + 1 < len(changes) else None
            if since > end_us or (until is not None and until <= start_us):
                continue
            known = known or since <= start_us
            verdict = self.rules.judge(window)
            if verdict is Verdict.SENSITIVE:
                return Verdict.SENSITIVE
            if verdict is Verdict.UNKNOWN and not (n > 0 and until is not None and until - since <= TRANSITION_US):
                worst = Verdict.UNKNOWN
        return worst if known else Verdict.UNKNOWN

    def clear(self, event: Event, intervals: Intervals) -> tuple[Gate, Kept]:
        """Return the gate to use next, and what may be kept of `event`.

        `event` is the oldest that waits, and `waiting` said that its time has come.
        """
        start, end = hold_window(event)
        # Where the holes are is said even though it happened in the hole.
        if not isinstance(event, Gap | Withheld) and intervals.place(start, end) is not Place.INSIDE:
            return self, Kept(reason=Reason.OUTSIDE)
        if isinstance(event, Focus):
            return self._clear_focus(event)
        category = CATEGORY_OF[type(event)]
        if category is not None and category not in self.rules.categories:
            return self, Kept(reason=Reason.NOT_AGREED)
        match event:
            case Gap() | Withheld() | Monitors() | TaskStarted() | TaskFinished():
                return self, Kept((Cleared(event),))
            case Frame():
                return self, self._paint(event)
            case Key() | Move() | Button() | Scroll() | PointerShape():
                return self, self._clear_input(event)

    def _clear_input(self, event: InputEvent) -> Kept:
        verdict = self.focus_verdict(event.t_us - HOLD_US, event.t_us + HOLD_US)
        if verdict is Verdict.CLEAR:
            return Kept((Cleared(event),))
        if verdict is Verdict.SENSITIVE:
            return Kept(reason=Reason.PROGRAM)
        if isinstance(event, Key) and _is_command(event):
            return Kept((Cleared(replace(event, text=None)),))
        return Kept(reason=Reason.FOCUS_UNKNOWN)

    def _clear_focus(self, event: Focus) -> tuple[Gate, Kept]:
        agreed = Category.WINDOWS in self.rules.categories
        verdict = self.rules.judge(event.window)
        if verdict is not Verdict.CLEAR:
            reason = Reason.PROGRAM if verdict is Verdict.SENSITIVE else Reason.FOCUS_UNKNOWN
            since = event.t_us if self.hidden_since_us is None else self.hidden_since_us
            worst = Reason.PROGRAM if self.hidden_reason is Reason.PROGRAM else reason
            gate = replace(self, hidden_since_us=since, hidden_until_us=None, hidden_reason=worst)
            # That the focus left is part of the record; where it went is not.
            bare = (Cleared(Focus(event.t_us, None)),) if agreed and self.last_focus is not None else ()
            return replace(gate, last_focus=None), Kept(bare, reason)
        gate = self._shown_again(event.t_us)
        if event.window == self.last_focus:
            return gate, Kept()
        kept = (Cleared(event),) if agreed else ()
        return replace(gate, last_focus=event.window), Kept(kept, None if agreed else Reason.NOT_AGREED)

    def _shown_again(self, now_us: int) -> Gate:
        since = self.hidden_since_us
        if since is None or self.hidden_until_us is not None:
            return self
        if self.hidden_reason is Reason.FOCUS_UNKNOWN and now_us - since <= TRANSITION_US:
            return replace(self, hidden_since_us=None, hidden_reason=None)
        return replace(self, hidden_until_us=now_us)

    def close_hidden(self, intervals: Intervals) -> tuple[Gate, tuple[Cleared, ...]]:
        """End the stretch in which input was withheld, if it is over, and return its marker.

        Its bounds are whole seconds of session time, but never beyond the allowed interval that it is in: a
        pause, too, ends it, and nothing is marked with a time inside a pause.
        """
        since = self.hidden_since_us
        if since is None:
            return self, ()
        opened, ended = intervals.bounds(since)
        until = self.hidden_until_us if ended is None else min(self.hidden_until_us or ended, ended)
        if until is None:
            return self, ()
        end = self.epoch_us - (self.epoch_us - until) // WHOLE_SECOND_US * WHOLE_SECOND_US
        if ended is None and intervals.place(end, end) is not Place.INSIDE:
            return self, ()  # the second is not over yet, and a pause may begin in it
        end = end if ended is None else min(end, ended)
        start = max(opened, self.epoch_us + (since - self.epoch_us) // WHOLE_SECOND_US * WHOLE_SECOND_US)
        gate = replace(self, hidden_since_us=None, hidden_until_us=None, hidden_reason=None)
        return gate, (Cleared(Withheld(end, start, str(self.hidden_reason))),)

    def _paint(self, frame: Frame) -> Kept:
        """Paint over what may not be seen, on a copy: the source still compares with what it grabbed."""
        area = frame.monitor.rect
        covered = tuple(self.rules.covered(frame.layout, area))
        if not covered:
            return Kept((Cleared(frame),))
        pixels = frame.pixels.copy()
        painted = 0
        words = pixels.view("<u4")[..., 0]  # a pixel at a time: 1.7 ms become 0.05 for 800 × 600
        for rect in covered:
            top, left = rect.y - area.y, rect.x - area.x
            words[top : top + rect.height, left : left + rect.width] = _MASK_WORD
            painted += rect.area
        return Kept((Cleared(replace(frame, pixels=pixels)),), painted=painted / max(1, area.area))


def hold_window(event: Event) -> tuple[int, int]:
    """Return the span of time that must be allowed for `event` to be kept.

    Input needs `HOLD_US` on both sides, because a pause or a change of focus is noticed a little
    late. A frame or a mark is true at its own moment.
    """
    if isinstance(event, Key | Button | Scroll | Move | PointerShape):
        return event.t_us - HOLD_US, event.t_us + HOLD_US
    return event.t_us, event.t_us


def waiting(event: Event, intervals: Intervals) -> bool:
    """Return whether `event` must still wait: what follows it within `HOLD_US` is not known yet."""
    return intervals.place(event.t_us, event.t_us + HOLD_US) is Place.NOT_YET


def _is_command(key: Key) -> bool:
    """Whether a key says nothing of what is typed: a chord, or a key with a name of its own."""
    return bool(_CHORD_MODS & set(key.mods)) or key.sym in _COMMANDS
