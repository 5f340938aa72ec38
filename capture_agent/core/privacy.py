"""The gate: the only place that turns an `Event` into a `Cleared`.

A `Gate` is a value that returns its successor and starts knowing nothing. It sees every event
in the order of time, `HOLD_US` late, so that it can look at what came shortly after an event as
well as before. Three answers: CLEAR, SENSITIVE, UNKNOWN; only CLEAR keeps content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from capture_agent.core.asking import is_terminal
from capture_agent.core.events import (
    CATEGORY_OF,
    Button,
    Category,
    Event,
    FieldFocus,
    Focus,
    Frame,
    Gap,
    InputEvent,
    Key,
    KeyCount,
    Monitors,
    Move,
    Picture,
    PointerShape,
    Rect,
    Scroll,
    Shortcut,
    TaskFinished,
    TaskStarted,
    Verdict,
    Window,
    Withheld,
)
from capture_agent.core.fields import HOLD_US, LOOK_TAKES_US, LOOK_WITHIN_US, TRANSITION_US, Fields
from capture_agent.core.intervals import Intervals, Place
from capture_agent.core.keyboard import COMPANIONS, MODES, SETTLE_US, Reduced, is_command
from capture_agent.core.presses import Presses
from capture_agent.core.rules import Rules
from capture_agent.core.scrub import scrub, secrets_in
from capture_agent.core.stretches import Reason, Stretches
from capture_agent.core.typed import Decided, Run

# Focus changes older than this cannot matter to any event that still waits.
FOCUS_MEMORY_US = 5_000_000
# A title that changes twice is told as a moment of 0 to 2 ms without a window; no dialog comes and goes in that.
BLINK_US = 10_000
MASK_BGRX = (64, 64, 64, 255)  # painted-over pixels are dark grey: visible as a mask, cheap to encode
_MASK_WORD = int.from_bytes(bytes(MASK_BGRX), "little")


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
    """The gate's memory: the rules in force, and where the keyboard focus was lately, by window and by field.

    `focus` holds (µs, window) changes, oldest first; `pictures`, by monitor, the number of the frame that was kept
    last and what was painted over on it.
    """

    rules: Rules = field(default_factory=Rules)
    focus: tuple[tuple[int, Window | None], ...] = ()
    fields: Fields = field(default_factory=Fields)
    hidden: Stretches = field(default_factory=Stretches)
    last_focus: Window | None = None
    reduced: Reduced = field(default_factory=Reduced)
    typed: Run = field(default_factory=Run)  # what may become a secret
    pictures: Mapping[int, tuple[int, tuple[Rect, ...]]] = field(default_factory=dict)
    withheld: frozenset[int] = frozenset()  # keys whose going down was not kept; then neither is their coming up
    presses: Presses = field(default_factory=Presses)

    def observe(self, focus: Focus | FieldFocus | Key | Button) -> Gate:
        """Learn a change of focus, a look, or a press as soon as it arrives, ahead of the events that wait."""
        if isinstance(focus, Key | Button):
            presses = self.presses.arrived(focus)
            return self if presses is self.presses else replace(self, presses=presses)
        if isinstance(focus, FieldFocus):
            rules = self.rules
            if focus.private is not None and focus.private != (focus.window in rules.private):
                rules = replace(rules, private=rules.private ^ {focus.window})
            return replace(self, rules=rules, fields=self.fields.add(focus))
        recent = tuple(
            pair
            for n, pair in enumerate(self.focus)
            if n == len(self.focus) - 1 or self.focus[n + 1][0] >= focus.t_us - FOCUS_MEMORY_US
        )
        return replace(self, focus=(*recent, (focus.t_us, focus.window)))

    def forget_focus(self) -> Gate:
        """Know nothing of focus any more: sources were stopped and what they would say is not known."""
        # What is on the screen stays there: secrets that were seen are painted over until they are seen to be gone.
        return replace(self, focus=(), fields=Fields(secrets=self.fields.secrets), last_focus=None)

    def focus_verdict(self, start_us: int, end_us: int, typed_us: int | None = None) -> Verdict:
        """Return the worst verdict of the focused windows in [start_us, end_us].

        A short moment without an active window between two programs that may both be recorded
        is CLEAR, but for what was typed in it (`typed_us`): a dialog can come, take a password and go
        before anybody saw more of it than that moment.
        """
        worst = Verdict.CLEAR
        known = False
        for since, until, window in self._focused(start_us, end_us):
            known = known or since <= start_us
            verdict = self.rules.judge(window)
            if verdict is Verdict.SENSITIVE:
                return Verdict.SENSITIVE
            first = since == self.focus[0][0]
            short = not first and until is not None and until - since <= TRANSITION_US
            lasting = until is not None and until - since > BLINK_US
            inside = lasting and typed_us is not None and since - TRANSITION_US <= typed_us <= (until or since)
            if verdict is Verdict.UNKNOWN and (inside or not short):
                worst = Verdict.UNKNOWN
        return worst if known else Verdict.UNKNOWN

    def _focused(self, start_us: int, end_us: int) -> list[tuple[int, int | None, Window | None]]:
        """Return (since, until, window) of what had the focus in [start_us, end_us]."""
        ends = [*(since for since, _ in self.focus[1:]), None]  # one too many if nothing is known
        spans = ((since, until, window) for (since, window), until in zip(self.focus, ends, strict=False))
        return [one for one in spans if one[0] <= end_us and (one[1] is None or one[1] > start_us)]

    def field_verdict(self, event: InputEvent) -> Verdict:
        """Return what the field was that `event` went to, from `HOLD_US` before to `HOLD_US` after it.

        Of what goes down on the keyboard nothing is CLEAR until somebody has looked since then.
        """
        start, end = hold_window(event)
        windows = [(since, window) for since, _, window in self._focused(start, end) if window is not None]
        # The pointer types nothing by itself: a look that comes late is enough.
        late = LOOK_WITHIN_US if isinstance(event, Key) else end - start
        if isinstance(event, Key) and self.fields.secret_within(start, max(end, self.presses.told_until(event))):
            return Verdict.SENSITIVE
        verdict = self.fields.verdict(start, end, windows, late_us=late)
        if not isinstance(event, Key) or not event.down:
            return verdict
        unseen = not self.fields.looked_after(event.t_us) or self.presses.stayed_briefly(event)
        return Verdict.UNKNOWN if unseen and verdict is Verdict.CLEAR else verdict

    def awaits(self, event: Event, now_us: int) -> bool:
        """Return whether a look at the field of a key is still to come; a source that is stuck is not waited for."""
        if not isinstance(event, Key) or not event.down:
            return False
        stuck = now_us > event.t_us + LOOK_WITHIN_US + LOOK_TAKES_US
        return now_us < self.presses.told_until(event) or (not stuck and self.fields.looked_after(event.t_us) is None)

    def clear(self, event: Event, intervals: Intervals) -> tuple[Gate, Kept]:
        """Return the gate to use next, and what may be kept of `event`.

        `event` is the oldest that waits, and `waiting` said that its time has come.
        """
        return self._pressed(event)._decide(event, intervals)

    def _decide(self, event: Event, intervals: Intervals) -> tuple[Gate, Kept]:
        start, end = hold_window(event)
        if self._ends_the_run(event, intervals):
            gate, passed = self._typed(self.typed.end(), intervals)
            after, kept = gate._decide(event, intervals)
            return after, replace(kept, cleared=(*passed, *kept.cleared))
        # Where the holes are is said even though it happened in the hole.
        if not isinstance(event, Gap | Withheld) and intervals.place(start, end) is not Place.INSIDE:
            return self, Kept(reason=Reason.OUTSIDE)
        if isinstance(event, Focus):
            return self._clear_focus(event)
        if isinstance(event, FieldFocus):
            return self._turn(event), Kept()
        category = CATEGORY_OF[type(event)]
        if category is not None and not self.rules.categories.intersection(
            MODES if isinstance(event, Key) else (category,)
        ):
            return self, Kept(reason=Reason.NOT_AGREED)
        match event:
            case Gap() | Withheld() | Monitors() | TaskStarted() | TaskFinished():
                return self, Kept((Cleared(event),))
            case Frame():
                return self._paint(event)
            case Key():
                gate, kept = self._clear_input(event)
                return gate._in_its_modes(event, kept, intervals)
            case Move() | Button() | Scroll() | PointerShape():
                return self._clear_input(event)
            case Shortcut() | KeyCount() | Picture():
                raise AssertionError  # the gate makes them; no source does

    def _clear_input(self, event: InputEvent) -> tuple[Gate, Kept]:
        kept = self._judge_input(event)
        told = kept.reason is Reason.FIELD_UNKNOWN and not isinstance(event, PointerShape)
        hidden = self.hidden.withheld() if told else self.hidden
        withheld = self.withheld
        if isinstance(event, Key):
            if not event.down and event.code in withheld:
                kept = Kept(reason=kept.reason or Reason.FIELD_UNKNOWN)
            withheld = withheld | {event.code} if event.down and not kept.cleared else withheld - {event.code}
        same = hidden is self.hidden and withheld == self.withheld  # as for nearly every move of the pointer
        return self if same else replace(self, hidden=hidden, withheld=withheld), kept

    def _in_its_modes(self, key: Key, kept: Kept, intervals: Intervals) -> tuple[Gate, Kept]:
        """Keep of a key what its modes keep; `kept` is what would be kept of its text."""
        passed = tuple(one.event for one in kept.cleared if isinstance(one.event, Key))
        if not passed:
            gate, cleared = self._typed(self.typed.end(), intervals) if key.down else (self, ())
        elif Category.KEYBOARD in self.rules.categories:
            gate, cleared = self._typed(self.typed.take(*passed), intervals)
        else:
            gate, cleared = self._told(passed, intervals)
        return gate, replace(kept, cleared=cleared)

    def _typed(self, decided: Decided, intervals: Intervals) -> tuple[Gate, tuple[Cleared, ...]]:
        """Keep what was decided to be no secret, and say where one was."""
        hidden = self.hidden
        for secret in decided.secrets:
            hidden = hidden.hide(*secret)
        return replace(self, typed=decided.run, hidden=hidden)._told(decided.kept, intervals)

    def _told(self, keys: tuple[Key, ...], intervals: Intervals) -> tuple[Gate, tuple[Cleared, ...]]:
        agreed, reduced, cleared = self.rules.categories, self.reduced, list[Cleared]()
        for key in keys:
            if Category.KEYBOARD in agreed:
                cleared.append(Cleared(key))
            if Category.SHORTCUTS in agreed:
                reduced, told = reduced.shortcut(key)
                cleared += map(Cleared, told)
            if Category.COUNTS in agreed:
                reduced = reduced.count(key, intervals)
        return (self if reduced is self.reduced else replace(self, reduced=reduced)), tuple(cleared)

    def _pressed(self, event: Event) -> Gate:
        """Take note of a press that may move the focus; in a terminal no field is told of."""
        if not isinstance(event, Key | Button):
            return self
        moves = self.last_focus is None or not is_terminal(self.last_focus)
        presses = self.presses.decided(event, moves=moves)
        return self if presses is self.presses else replace(self, presses=presses)

    def _ends_the_run(self, event: Event, intervals: Intervals) -> bool:
        """Whether what is typed from `event` on goes elsewhere than what was typed before it."""
        if self.typed.is_new or not isinstance(event, Key | Button | Focus | Gap):
            return False
        if isinstance(event, Key):
            waits = self.typed.waiting
            return bool(waits) and intervals.bounds(waits[-1][0].t_us)[0] != intervals.bounds(event.t_us)[0]
        if isinstance(event, Focus):
            return self.last_focus is None or event.window is None or event.window.id != self.last_focus.id
        return isinstance(event, Gap) or event.down

    def _judge_input(self, event: InputEvent) -> Kept:
        verdict = self.focus_verdict(*hold_window(event), event.t_us if isinstance(event, Key) else None)
        if verdict is Verdict.SENSITIVE:
            return Kept(reason=Reason.PROGRAM)
        of_field = self.field_verdict(event)
        if of_field is Verdict.SENSITIVE:
            return Kept(reason=Reason.SECRET_FIELD)
        if verdict is Verdict.UNKNOWN:
            if isinstance(event, Key) and is_command(event):
                return Kept((Cleared(replace(event, text=None)),))
            return Kept(reason=Reason.FOCUS_UNKNOWN)
        if of_field is Verdict.CLEAR:
            return Kept((Cleared(event),))
        if isinstance(event, Key):
            if is_command(event) and event.sym not in COMPANIONS:
                return Kept((Cleared(replace(event, text=None)),))
        elif self._inside(event):
            return Kept((Cleared(event),))
        return Kept(reason=Reason.FIELD_UNKNOWN)

    def _inside(self, event: Move | Button | Scroll | PointerShape) -> bool:
        """Whether the pointer is over the window that has the keyboard: an on-screen keyboard lies beside it."""
        if isinstance(event, PointerShape):
            return False  # programs hide the pointer while somebody types
        at = Rect(event.x, event.y, 1, 1)
        windows = (window for _, _, window in self._focused(*hold_window(event)) if window is not None)
        return any(window.rect.intersect(at).area for window in windows)

    def _clear_focus(self, event: Focus) -> tuple[Gate, Kept]:
        agreed = Category.WINDOWS in self.rules.categories
        verdict = self.rules.judge(event.window)
        if verdict is not Verdict.CLEAR:
            reason = Reason.PROGRAM if verdict is Verdict.SENSITIVE else Reason.FOCUS_UNKNOWN
            gate = replace(self, hidden=self.hidden.turn(event.t_us, reason), last_focus=None)
            # That the focus left is part of the record; where it went is not.
            bare = (Cleared(Focus(event.t_us, None)),) if agreed and self.last_focus is not None else ()
            return gate, Kept(bare, reason)
        if event.window == self.last_focus:
            return self, Kept()
        gate = self
        if self.last_focus is None or event.window is None or event.window.id != self.last_focus.id:
            gate = replace(self, hidden=self.hidden.turn(event.t_us, None))  # until somebody looks into the window
        kept = (Cleared(_scrubbed(event)),) if agreed else ()
        return replace(gate, last_focus=event.window), Kept(kept, None if agreed else Reason.NOT_AGREED)

    def _turn(self, look: FieldFocus) -> Gate:
        """Note what a look says of the window with the focus, if that may be recorded."""
        if self.last_focus is None or look.window != self.last_focus.id:
            return self
        reason = {Verdict.SENSITIVE: Reason.SECRET_FIELD, Verdict.UNKNOWN: Reason.FIELD_UNKNOWN}.get(look.verdict)
        return replace(self, hidden=self.hidden.turn(look.t_us, reason))

    def obey(self, rules: Rules) -> Gate:
        """Decide by other rules from now on. What waits of what was typed was for the old ones: it is not kept."""
        rules = replace(rules, private=self.rules.private)
        return self if rules == self.rules else replace(self, rules=rules, typed=Run())

    @property
    def rests(self) -> bool:
        """Whether `close_hidden` has nothing to say, whatever time it is."""
        waits = self.typed.waiting or self.typed.private or self.reduced.counted
        return not waits and not self.hidden.over and self.hidden.lasts is None

    def close_hidden(self, intervals: Intervals) -> tuple[Gate, tuple[Cleared, ...]]:
        """Return what time alone decides: keys that wait for others, stretches of withheld input, numbers of keys."""
        gate, keys = self._in_time(intervals) if self.typed.waiting or self.typed.private else (self, ())
        hidden, marks = gate.hidden.due(intervals)
        reduced, counts = gate.reduced.due(intervals)
        if hidden is not gate.hidden or reduced is not gate.reduced:
            gate = replace(gate, hidden=hidden, reduced=reduced)
        return gate, (*keys, *map(Cleared, marks), *map(Cleared, counts))

    def _in_time(self, intervals: Intervals) -> tuple[Gate, tuple[Cleared, ...]]:
        last_us = self.typed.private.end_us if self.typed.private else self.typed.waiting[-1][0].t_us
        if intervals.bounds(last_us)[1] is not None:
            return self._typed(self.typed.end(), intervals)
        return self._typed(self.typed.due(intervals.marked_us - SETTLE_US), intervals)

    def _paint(self, frame: Frame) -> tuple[Gate, Kept]:
        """Paint over what may not be seen, on a copy: the source still compares with what it grabbed.

        Rows in which neither the screen nor what is painted over can have changed since the picture before are left
        out: to copy a whole frame costs as much as all other deciding together.

        While a compositor shows a forbidden window on its way, no place is known to be free of it: nothing is kept.
        """
        if any(self.rules.judge(window) is not Verdict.CLEAR for window in frame.moving):
            return self, Kept(reason=Reason.PROGRAM)
        area = frame.monitor.rect
        secrets = partial(self.fields.hidden, t_us=frame.t_us)
        covered = self.rules.covered(frame.layout, area, secrets, frame.still)
        number = frame.monitor.number
        follows = self.pictures.get(number) == (frame.number - 1, covered)
        top, bottom = frame.rows if follows and frame.rows is not None else (0, frame.pixels.shape[0])
        pixels = frame.pixels[top:bottom]
        within = [rect for rect in covered if rect.y - area.y < bottom and rect.bottom - area.y > top]
        if within:  # mostly a panel is, far from what was drawn: nothing needs to be copied then
            pixels = pixels.copy()
            words = pixels.view("<u4")[..., 0]  # a pixel at a time: 1.7 ms become 0.05 for 800 × 600
            for rect in within:
                first, left = rect.y - area.y - top, rect.x - area.x
                words[max(0, first) : max(0, first + rect.height), left : left + rect.width] = _MASK_WORD
        gate = replace(self, pictures={**self.pictures, number: (frame.number, covered)})
        share = sum(rect.area for rect in covered) / max(1, area.area)
        return gate, Kept((Cleared(Picture(frame.t_us, frame.monitor, top, pixels)),), painted=share)


def _scrubbed(focus: Focus) -> Focus:
    """Return `focus` without the secrets that stand in the window's title."""
    if focus.window is None or not secrets_in(focus.window.title):
        return focus
    return replace(focus, window=replace(focus.window, title=scrub(focus.window.title)))


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
