"""Secrets by their form in what is typed, taken out before it is encoded. Pure.

A `Run` is what is typed into one window, as text. A key waits in it as long as what comes next can still make a secret
of it (`scrub.undecided`): the digits of a number, the beginning of a token, the value after `password=`. All other keys
pass at once. A run ends with the focus, a click, a chord, or a key that moves the caret; and a key waits no longer than
`IDLE_US` without another one, or `HOLD_US` in all: so much of what may be a secret is lost by a crash.

Of a secret goes every key between the character before it and the one after it: what was corrected by Backspace and
what was held for it, too. It leaves when it began and ended, for a mark in whole seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from capture_agent.core.events import Key
from capture_agent.core.keyboard import CHORD_MODS, MODIFIERS, is_command
from capture_agent.core.scrub import private_key_ends, private_key_is_open, secrets_in, undecided

IDLE_US = 10_000_000  # to look at a card between two groups of its digits takes some seconds
HOLD_US = 30_000_000  # whoever takes longer for one number has it kept in part; below `outbox.order.LATE_US`
MAX_WAITING = 4096  # keys; more than any secret has but a private key, and that waits for nothing
CONTEXT = 128  # characters that have passed: as far back as a name before a secret can be
# Held for longer, Backspace may have repeated, and how much it took away is not known.
REPEATS_US = 300_000
LIKELY = 6  # characters; where so many may be a secret, one that does not fit may be a slip
SLIP = 4  # characters in a row that do not fit and are still taken for one, to be taken away by Backspace

_BACK = "BackSpace"
_WHITE = {"Return": "\n", "KP_Enter": "\n", "Tab": "\t"}


class Span(NamedTuple):
    """When a secret was typed, µs: its first and its last key."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Decided:
    """The run to use next, the keys that have passed, and the secrets that have not."""

    run: Run
    kept: tuple[Key, ...] = ()
    secrets: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What was typed and is not decided: a value that returns its successor.

    Attributes:
        before: The text that has passed, its last `CONTEXT` characters.
        typed: The text that waits.
        places: For each character of `typed`, which key of `waiting` typed it.
        begins: For each, where in `typed` what may become a secret began when it was typed.
        waiting: The keys that wait, and of each whether it belongs to a secret whatever comes.
        erased: The last of them was Backspace: what it took away belongs to what comes.
        dropped: Keys that went down in a secret and are down still.
        private: When the first and the last key were typed of a private key that has no end yet.
    """

    before: str = ""
    typed: str = ""
    places: tuple[int, ...] = ()
    begins: tuple[int, ...] = ()
    waiting: tuple[tuple[Key, bool], ...] = ()
    erased: bool = False
    dropped: frozenset[tuple[int, str]] = frozenset()
    private: Span | None = None

    @property
    def is_new(self) -> bool:
        """Whether nothing was typed since it began."""
        return not self.before and not self.waiting and self.private is None

    def take(self, key: Key) -> Decided:
        """Return what is decided once `key` went down or up."""
        if self.private is not None:
            return self._hide(key, self.private)
        if key.down and _leaves(key):
            over = self.end()
            return replace(over, kept=(*over.kept, key))
        run = replace(self, waiting=(*self.waiting, (key, False)))
        if key.sym == _BACK:
            return run._erase() if key.down else run._erased_for(key)
        text = (_WHITE.get(key.sym) or key.text or "") if key.down and key.sym not in MODIFIERS else ""
        if not text:
            return Decided(run) if self.waiting else run._pass(1)
        return run._append(text, len(self.waiting))

    def end(self) -> Decided:
        """Return what is decided when nothing more comes that belongs to it."""
        over = self._flush()
        left = () if self.private is None else (self.private,)
        return replace(over, run=Run(dropped=over.run.dropped), secrets=(*over.secrets, *left))

    def due(self, known_us: int) -> Decided:
        """Return what is decided by time alone, if all keys up to `known_us` are known."""
        if not self.waiting:
            return Decided(self)
        late = known_us - self.waiting[0][0].t_us >= HOLD_US or known_us - self.waiting[-1][0].t_us >= IDLE_US
        return self._flush() if late else Decided(self)

    def _append(self, text: str, place: int) -> Decided:
        typed = self.typed + text
        if private_key_is_open(self.before + typed):
            key, _ = self.waiting[place]
            over = replace(self, typed=typed, places=(*self.places, *(place for _ in text)))
            whole = (span for span in secrets_in(self.before + typed) if span[1] < len(self.before + typed))
            passed = over._mark(whole)._pass(len(self.waiting))
            return replace(passed, run=replace(passed.run, private=Span(key.t_us, key.t_us)))
        begins = max(0, undecided(self.before + typed) - len(self.before))
        return replace(
            self,
            typed=typed,
            places=(*self.places, *(place for _ in text)),
            begins=(*self.begins, *(begins for _ in text)),
            erased=False,
        )._settle()

    def _settle(self) -> Decided:
        if len(self.waiting) > MAX_WAITING:
            return self._flush()
        own = len(self.typed)
        for number in range(max(0, len(self.typed) - 1 - SLIP), len(self.typed)):
            last = number == len(self.typed) - 1
            if last or number + 1 - self.begins[number] >= LIKELY:
                own = min(own, self.begins[number])
        passed = len(self.before) + own
        run = self._mark(span for span in secrets_in(self.before + self.typed) if span[1] <= passed)
        if own == len(self.typed) and not self.erased:
            return run._pass(len(self.waiting))
        return run._pass(self.places[own - 1] + 1 if own else 0)

    def _flush(self) -> Decided:
        """Decide everything as it stands. What is typed next is still held against the text before it."""
        return self._mark(secrets_in(self.before + self.typed))._pass(len(self.waiting))

    def _mark(self, spans: Iterable[tuple[int, int]]) -> Run:
        """Let the keys of these parts of the text belong to secrets."""
        waiting, passed = list(self.waiting), len(self.before)
        for start, end in spans:
            if end <= passed:
                continue
            first, next_ = max(0, start - passed), end - passed
            low = self.places[first - 1] + 1 if first else 0
            high = self.places[next_] if next_ < len(self.places) else len(waiting)
            waiting[low:high] = [(key, True) for key, _ in waiting[low:high]]
        return replace(self, waiting=tuple(waiting))

    def _erase(self) -> Decided:
        """Take a character away. If it made a whole secret, that was typed all the same."""
        if len(self.waiting) == 1:
            return replace(self, before=self.before[:-1])._pass(1)
        marked = self._mark(secrets_in(self.before + self.typed))
        if self.typed:
            marked = replace(marked, typed=self.typed[:-1], places=self.places[:-1], begins=self.begins[:-1])
        else:
            marked = replace(marked, before=self.before[:-1])
        return replace(marked, erased=True)._settle()

    def _erased_for(self, up: Key) -> Decided:
        """Backspace came up. Held for long it took away nobody knows how much: what waits is taken for the worst."""
        downs = (key.t_us for key, _ in reversed(self.waiting) if key.down and key.sym == _BACK)
        if len(self.waiting) == 1 or up.t_us - next(downs, up.t_us) < REPEATS_US:
            return Decided(self) if len(self.waiting) > 1 else self._pass(1)
        likely = len(self.typed) >= LIKELY
        run = replace(self, waiting=tuple((key, gone or likely) for key, gone in self.waiting))
        passed = run._pass(len(run.waiting))
        return replace(passed, run=Run(dropped=passed.run.dropped))

    def _pass(self, count: int) -> Decided:
        """Let the first `count` keys that wait go: on, or away with the secret that they belong to."""
        kept, secrets, dropped = list[Key](), list[Span](), set(self.dropped)
        inside = False
        for key, gone in self.waiting[:count]:
            which = (key.code, key.sym)
            if key.down and gone:
                start = secrets.pop().start_us if inside else key.t_us
                secrets.append(Span(start, key.t_us))
                inside = True
                dropped.add(which)
            elif key.down:
                inside = False
                dropped.discard(which)
                kept.append(key)
            elif which in dropped:
                dropped.discard(which)
            else:
                kept.append(key)
        passed = bisect_left(self.places, count)
        run = Run(
            (self.before + self.typed[:passed])[-CONTEXT:],
            self.typed[passed:],
            tuple(place - count for place in self.places[passed:]),
            tuple(max(0, begins - passed) for begins in self.begins[passed:]),
            self.waiting[count:],
            self.erased and count < len(self.waiting),
            frozenset(dropped),
        )
        return Decided(run, tuple(kept), tuple(secrets))

    def _hide(self, key: Key, so_far: Span) -> Decided:
        """Keep nothing inside of a private key; it ends with its last line, or with the run."""
        which = (key.code, key.sym)
        if not key.down:
            kept = () if which in self.dropped else (key,)
            return Decided(replace(self, dropped=self.dropped - {which}), kept)
        if _leaves(key):
            return Decided(Run(dropped=self.dropped), (key,), (so_far,))
        now = Span(so_far.start_us, key.t_us)
        typed = self.before[:-1] if key.sym == _BACK else self.before + (_WHITE.get(key.sym) or key.text or "")
        text = typed[-CONTEXT:]
        run = replace(self, before=text, dropped=self.dropped | {which}, private=now)
        return Decided(replace(run, private=None), (), (now,)) if private_key_ends(text) else Decided(run)


def _leaves(key: Key) -> bool:
    """Whether a key moves the caret, or does anything else that the text does not show."""
    if key.sym in MODIFIERS:
        return False
    chord = bool(CHORD_MODS & set(key.mods)) and key.text is None
    return chord or (is_command(key) and key.sym != _BACK and key.sym not in _WHITE and not key.text)
