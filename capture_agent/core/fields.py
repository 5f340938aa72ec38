"""What is known, over time, of the field that has the keyboard. Pure.

A source looks into the focused window whenever something may have changed, above all after every
key that goes down, and says what it saw. A verdict holds from one look to the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace

from capture_agent.core.events import FieldFocus, Rect, Verdict, Window

# ±25 ms around a focus change leaks keys of a password field, ±50 ms does not (measured in four toolkits).
HOLD_US = 250_000
# Between two windows the window manager names no active window for about 2 ms. If it is longer, focus is unknown.
TRANSITION_US = 100_000
# Changes older than this cannot matter to any event that still waits.
MEMORY_US = 5_000_000
# A key counts only if a look began this soon after it, and this soon after its window got the focus:
# in a longer time a prompt can come and go unseen.
LOOK_WITHIN_US = 200_000
# What was seen is known this late after the look began; then the source has said UNKNOWN, or is stuck.
LOOK_TAKES_US = 200_000
MAX_LOOKS = 256  # that are remembered: 5 s of looks at every key, 30 ms apart
MAX_PLACES = 64  # of secret fields that are remembered: windows with a secret on screen are few


@dataclass(frozen=True, slots=True)
class Seen:
    """What looks agreed on from `since_us` until the next one differed. `window`: its number."""

    since_us: int
    verdict: Verdict
    window: int


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a window shows secrets, until it is known to show others or none (`until_us`)."""

    window: int
    since_us: int
    until_us: int | None
    rects: tuple[Rect, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """An immutable time line of looks; starts knowing nothing."""

    seen: tuple[Seen, ...] = ()
    looks: tuple[int, ...] = ()
    secrets: tuple[Secret, ...] = ()

    def add(self, look: FieldFocus) -> Fields:
        """Return what is known with one look more; looks come in the order of time."""
        oldest = look.t_us - MEMORY_US
        seen = tuple(
            one for n, one in enumerate(self.seen) if n == len(self.seen) - 1 or self.seen[n + 1].since_us >= oldest
        )
        if not seen or (seen[-1].verdict, seen[-1].window) != (look.verdict, look.window):
            seen = (*seen, Seen(look.t_us, look.verdict, look.window))
        looks = self.looks[-MAX_LOOKS:] if len(self.looks) > 2 * MAX_LOOKS else self.looks
        return Fields(seen, (*looks, look.t_us), self._with_secrets(look, oldest))

    def _with_secrets(self, look: FieldFocus, oldest: int) -> tuple[Secret, ...]:
        found = Secret(look.window, look.t_us, None, look.secrets, look.whole)
        kept = [one for one in self.secrets if one.until_us is None or one.until_us >= oldest]
        for n, one in enumerate(kept):
            if one.window == found.window and one.until_us is None:
                if (one.rects, one.whole) == (found.rects, found.whole):
                    return tuple(kept)
                kept[n] = replace(one, until_us=look.t_us)
        if found.rects or found.whole:
            kept.append(found)
        return tuple(kept[-MAX_PLACES:])

    def verdict(
        self, start_us: int, end_us: int, windows: Iterable[tuple[int, Window]], *, late_us: int = LOOK_WITHIN_US
    ) -> Verdict:
        """Return the worst verdict in [start_us, end_us].

        `windows` had the focus in that time, each with the µs since when: each of them
        must have been looked into, at the latest `late_us` after it got it.
        """
        relevant = self._within(start_us, end_us)
        if self.secret_within(start_us, end_us):
            return Verdict.SENSITIVE
        for since_us, window in windows:
            limit = max(start_us, since_us + late_us)
            into = [one for one in relevant if one.window == window.id]
            if not any(one.since_us <= limit for one in into) or any(one.verdict is Verdict.UNKNOWN for one in into):
                return Verdict.UNKNOWN
        return Verdict.CLEAR

    def secret_within(self, start_us: int, end_us: int) -> bool:
        """Return whether a secret field had the keyboard at any moment of [start_us, end_us]."""
        return any(one.verdict is Verdict.SENSITIVE for one in self._within(start_us, end_us))

    def _within(self, start_us: int, end_us: int) -> list[Seen]:
        return [
            one
            for n, one in enumerate(self.seen)
            if one.since_us <= end_us and (n + 1 == len(self.seen) or self.seen[n + 1].since_us > start_us)
        ]

    def looked_after(self, t_us: int) -> bool | None:
        """Return whether a look began soon after `t_us`; None: no look since then is known of."""
        place = bisect_left(self.looks, t_us)
        return None if place == len(self.looks) else self.looks[place] <= t_us + LOOK_WITHIN_US

    def hidden(self, window: Window, t_us: int) -> tuple[Rect, ...]:
        """Return what `window`, where it is now, must not show at `t_us`: px of the virtual desktop."""
        found: list[Rect] = []
        for one in self.secrets:
            over = one.until_us is not None and one.until_us < t_us - HOLD_US
            if one.window != window.id or one.since_us > t_us + HOLD_US or over:
                continue
            if one.whole:
                return (window.rect,)
            found += [replace(rect, x=rect.x + window.rect.x, y=rect.y + window.rect.y) for rect in one.rects]
        return tuple(found)
