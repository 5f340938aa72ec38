"""The sample desktop of the try-it box, and what would be stored of what is done on it. Pure: no Qt, no file.

Two windows: one whose program is ticked in the sample, one whose is not. The real gate decides,
with the real rules, so that the sample shows what a recording would hold, and nothing prettier.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from capture_agent.core.events import (
    CATEGORY_OF,
    Button,
    Category,
    Event,
    FieldFocus,
    Focus,
    Key,
    KeyCount,
    Layout,
    Move,
    Rect,
    Scroll,
    Shortcut,
    TaskStarted,
    Verdict,
    Window,
    Withheld,
)
from capture_agent.core.fields import HOLD_US
from capture_agent.core.intervals import Intervals
from capture_agent.core.keyboard import CHORD_MODS, MODES, PRINTABLE, SHIFTS, widest
from capture_agent.core.language import noted, say, say_many
from capture_agent.core.privacy import Gate
from capture_agent.core.rules import Rules
from capture_agent.core.stretches import Reason

WIDTH, HEIGHT = 376, 176  # px; fits beside the margins of a panel on 1024×768 at twice the size
STEP_US = 4 * HOLD_US  # between two events, so that none lies in the hold window of another
KEPT = 60  # events; more than anybody looks at, and bounded
SHOWN = 7  # rows

_NOTES_BOX = Rect(12, 14, 200, 108)
_MAIL_BOX = Rect(180, 56, 184, 108)
NOTES = Window(1, "notes", noted("letter.txt"), _NOTES_BOX, _NOTES_BOX)
MAIL = Window(2, "mail", noted("inbox"), _MAIL_BOX, _MAIL_BOX)
LAYOUT = Layout((NOTES, MAIL))
AREA = Rect(0, 0, WIDTH, HEIGHT)
TICKED = frozenset({NOTES.app})
TASK = noted("Book a room")

_BUTTONS = {
    "left": noted("left click at {x}, {y}"),
    "middle": noted("middle click at {x}, {y}"),
    "right": noted("right click at {x}, {y}"),
}
_WHY_NOT = {
    Category.KEYBOARD: noted("Not stored: Keyboard is not ticked."),
    Category.POINTER: noted("Not stored: Mouse is not ticked."),
}


def rules(categories: AbstractSet[Category]) -> Rules:
    """Return the rules of the sample: `categories` as ticked in the panel, and one of the two programs."""
    return Rules(widest(categories), TICKED)


def covered(categories: AbstractSet[Category]) -> tuple[Rect, ...]:
    """Return what of the sample desktop is painted over in a stored picture."""
    return rules(categories).covered(LAYOUT, AREA)


def window_at(x: int, y: int) -> Window | None:
    """Return the uppermost window of the sample at a point, or None for its background."""
    for window in reversed(LAYOUT.windows):
        box = window.rect
        if box.x <= x < box.right and box.y <= y < box.bottom:
            return window
    return None


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried so far, and in which window the keyboard is: a value that returns its successor."""

    before: Window | None = NOTES  # where the keyboard was before the oldest of `events`
    events: tuple[Event, ...] = ()
    focus: Window | None = NOTES

    def add(self, event: Event, window: Window | None) -> Trial:
        """Return the trial with `event`, done in `window` (None: where the keyboard is anyway)."""
        focus = self.focus if window is None else window
        moved = (Focus(0, focus),) if focus is not self.focus else ()
        events = (*self.events, *moved, event)
        gone = [old for old in events[:-KEPT] if isinstance(old, Focus)]
        return Trial(gone[-1].window if gone else self.before, events[-KEPT:], focus)

    def rows(self, categories: AbstractSet[Category]) -> tuple[str, ...]:
        """Return one sentence for each thing that would be stored, oldest first, at most `SHOWN`."""
        said, moving = list[str](), False
        stored = self._stored(categories)
        for event in stored:
            if isinstance(event, KeyCount | Withheld):
                continue
            moves = isinstance(event, Move)
            if moves and moving:
                said.pop()  # where the pointer went in between is stored too; here the last place is enough
            said.append(row(event))
            moving = moves
        if any(isinstance(event, Withheld) and event.reason == Reason.SECRET_TEXT for event in stored):
            said.append(say("that a secret was typed, and not which"))
        # The sample's clock counts steps, not seconds: of the numbers of keys it shows the sum.
        if keys := sum(event.keys for event in stored if isinstance(event, KeyCount)):
            said.append(say_many("{count} key, and not which", "{count} keys, and not which", keys))
        picture = (_picture(categories),) if Category.SCREEN in categories else ()
        return (*picture, *said[len(picture) - SHOWN :])

    def _stored(self, categories: AbstractSet[Category]) -> tuple[Event, ...]:
        """Return what the gate would let through if recording ended now. The steps of the sample are its time."""
        line = (Focus(0, self.before), *self.events)
        gate, stored = Gate(rules(categories)), list[Event]()
        where = self.before
        allowed = Intervals(((-STEP_US, (len(line) + 1) * STEP_US),))
        for number, untimed in enumerate(line):
            event = replace(untimed, t_us=number * STEP_US)
            if isinstance(event, Focus):
                gate, where = gate.observe(event), event.window
            if where is not None:  # no field of the sample is a secret one
                gate = gate.observe(FieldFocus(event.t_us, Verdict.CLEAR, where.id))
            gate, kept = gate.clear(event, allowed)
            stored += (cleared.event for cleared in kept.cleared)
        _, told = gate.close_hidden(allowed)
        return (*stored, *(cleared.event for cleared in told))

    def why_not(self, categories: AbstractSet[Category]) -> str:
        """Return why nothing would be stored of what was done last, in a sentence; "" if something would."""
        category = CATEGORY_OF[type(self.events[-1])] if self.events else None
        if category not in _WHY_NOT:
            return ""
        if not categories & (set(MODES) if category in MODES else {category}):
            return say(_WHY_NOT[category])
        last = self.events[-1]
        if isinstance(last, Key) and last.sym in SHIFTS and Category.KEYBOARD not in categories:
            return say("Not stored: such a key tells which letters are capitals.")
        if self.focus is not NOTES:
            return say("Not stored: in this sample, Mail is not ticked.")
        now_us = len(self.events) * STEP_US
        hidden = (event for event in self._stored(categories) if isinstance(event, Withheld))
        if isinstance(last, Key) and any(one.reason == Reason.SECRET_TEXT and one.t_us >= now_us for one in hidden):
            return say("Not stored: it looks like the number of a card or an account, a key or a password.")
        return ""


def _picture(categories: AbstractSet[Category]) -> str:
    hidden = sum(box.area for box in covered(categories)) * 100 // AREA.area
    return say("a picture, {share} % of it painted over", share=hidden)


def row(event: Event) -> str:
    """Return what is stored of one event, in words."""
    match event:
        case Shortcut(sym=sym) if sym == PRINTABLE:
            return say("a key, and not which")
        case Key(sym=sym, mods=mods) | Shortcut(sym=sym, mods=mods) if CHORD_MODS & set(mods):
            chord = "+".join(mod.capitalize() for mod in mods if mod in CHORD_MODS)
            return say("keys {name}", name=f"{chord}+{sym}")
        case Shortcut(sym=sym):
            return say("key {name}", name=sym)
        case Key(sym=sym, text=text):
            if text and text.isprintable() and text != " ":
                return say("key “{name}”", name=text)
            return say("key {name}", name=sym)
        case Move(x=x, y=y):
            return say("pointer at {x}, {y}", x=x, y=y)
        case Button(button=button, x=x, y=y):
            return say(_BUTTONS[button], x=x, y=y)
        case Scroll(x=x, y=y):
            return say("wheel turned at {x}, {y}", x=x, y=y)
        case Focus(window=None):
            return say("another window; which one is not stored")
        case Focus(window=Window(title=title, rect=box)):
            return say("window “{title}”, {width} × {height}", title=say(title), width=box.width, height=box.height)
        case TaskStarted(text=text):
            return say("task “{text}”", text=say(text))
    raise AssertionError  # the sample makes no other events
