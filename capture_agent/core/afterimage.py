"""What the screen may still show although the windows are elsewhere by now. Pure.

Where a window went, its pixels stay until those below have painted themselves anew; a compositor paints
late and lets windows fade. So what was seen where something changed counts as still there for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from capture_agent.core.events import Rect, Window

# Three times the longest fade that was measured: xcompmgr shows a window for 0.31 s after it is unmapped. Without a
# compositor a program that gets free space paints it within milliseconds; on a busy machine it took more than 0.5 s.
LASTS_US = 1_000_000
MAX_PIECES = 16  # of one window; a window that is dragged leaves more, which become the rectangle around them


@dataclass(frozen=True, slots=True)
class Pane:
    """A top-level window: its number, and what is known of it; `window.rect` is its place."""

    number: int
    window: Window


@dataclass(frozen=True, slots=True)
class AfterImages:
    """What was seen where windows changed, each with the µs until when; starts empty.

    `moved` are the windows that came, went, moved or changed their size themselves.
    """

    seen: tuple[tuple[int, Pane], ...] = ()
    moved: tuple[tuple[int, Pane], ...] = ()
    changed_us: int = 0

    def change(
        self, t_us: int, panes: Sequence[Pane], changed: Pane, places: Sequence[Rect], *, moved: bool
    ) -> AfterImages:
        """Return what is known once `changed` is different in `places`, where it was and where it will be.

        `panes` are the visible windows just before, bottom to top.
        """
        left: tuple[Rect, ...] = ()
        for place in places:
            left = (*left, *_without(place, left))
        found: list[tuple[int, Pane]] = []
        for pane in reversed(panes):
            if not left:
                break
            rect = pane.window.rect
            parts = (rect.intersect(place) for place in left)
            found += [(t_us, Pane(pane.number, replace(pane.window, rect=part))) for part in parts if part.area]
            left = tuple(piece for place in left for piece in place.minus(rect))
        since = t_us - LASTS_US
        return AfterImages(
            (*(one for one in self.seen if one[0] >= since), *found),
            (*(one for one in self.moved if one[0] >= since), *([(t_us, changed)] if moved else [])),
            t_us,
        )

    def since(self, t_us: int) -> tuple[tuple[Pane, ...], tuple[Pane, ...]]:
        """Return what was seen until `t_us` or later and may still show, and which windows changed since then."""
        pieces: dict[int, list[Pane]] = {}
        for until_us, pane in self.seen:
            if until_us >= t_us:
                pieces.setdefault(pane.number, []).append(pane)
        shown = tuple(pane for panes in pieces.values() for pane in _few(panes))
        moved = {pane.number: pane for until_us, pane in self.moved if until_us >= t_us}
        return shown, tuple(moved.values())


def _without(place: Rect, others: Iterable[Rect]) -> tuple[Rect, ...]:
    pieces: tuple[Rect, ...] = (place,)
    for other in others:
        pieces = tuple(part for piece in pieces for part in piece.minus(other))
    return tuple(piece for piece in pieces if piece.area)


def _few(panes: list[Pane]) -> list[Pane]:
    """Return the pieces of one window, or the rectangle around them if they are many."""
    rects = {pane.window.rect for pane in panes}
    if len(rects) > MAX_PIECES:
        x, y = min(rect.x for rect in rects), min(rect.y for rect in rects)
        rects = {Rect(x, y, max(rect.right for rect in rects) - x, max(rect.bottom for rect in rects) - y)}
    last = panes[-1]
    return [Pane(last.number, replace(last.window, rect=rect)) for rect in rects]
