"""Which windows may be recorded, and what must be painted over because of those that may not. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from capture_agent.core.events import Category, Layout, Rect, Verdict, Window
from capture_agent.core.never import folded, is_private

DESKTOP_APP = "desktop"  # the background, where there is no window


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be recorded now. `excluded` wins over `apps`; our own process is always out, and so is private browsing.

    `private` are the numbers of windows that said so on the accessibility bus; others say it in their title.
    """

    categories: frozenset[Category] = frozenset()
    apps: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    own_pid: int | None = None
    private: frozenset[int] = frozenset()
    titles: frozenset[str] = frozenset()  # texts that no title may have, as `never.folded` makes them

    def judge(self, window: Window | None) -> Verdict:
        """Return what may be kept of something that happens in `window`."""
        if window is None:
            return Verdict.UNKNOWN
        if self.own_pid is not None and window.pid == self.own_pid:
            return Verdict.SENSITIVE
        if window.id in self.private or is_private(window.title):
            return Verdict.SENSITIVE
        if self.titles and any(text in folded(window.title) for text in self.titles):
            return Verdict.SENSITIVE
        names = {window.app, *window.aliases}
        if names & self.excluded or window.app not in self.apps:
            return Verdict.SENSITIVE
        return Verdict.CLEAR

    def keeping_out(self, other: Rules) -> Rules:
        """Return these rules, which also keep out what `other` does: for what was seen before `other` came."""
        return replace(self, excluded=self.excluded | other.excluded, titles=self.titles | other.titles)

    def covered(
        self,
        layout: Layout,
        area: Rect,
        secrets: Callable[[Window], tuple[Rect, ...]] = lambda _: (),
        still: tuple[Window, ...] = (),
    ) -> tuple[Rect, ...]:
        """Return disjoint rectangles of `area` that must be painted over, from the windows bottom to top.

        `secrets` names the places of a window that must not be seen although the window may. `still`: what is not in
        the layout any more, and may be on the screen.
        """
        bare = DESKTOP_APP in self.apps and DESKTOP_APP not in self.excluded
        hidden: tuple[Rect, ...] = () if bare else (area,)
        for window in layout.windows:
            seen = window.rect.intersect(area)
            if not seen.area:
                continue
            hidden = tuple(piece for rect in hidden for piece in rect.minus(seen))
            if self.judge(window) is not Verdict.CLEAR:
                hidden = (*hidden, seen)
                continue
            for place in secrets(window):
                hidden = _with(hidden, place.intersect(seen))
        for window in still:
            if self.judge(window) is not Verdict.CLEAR:
                hidden = _with(hidden, window.rect.intersect(area))
        return hidden


def _with(hidden: tuple[Rect, ...], place: Rect) -> tuple[Rect, ...]:
    """Return disjoint rectangles with one more, which may overlap them, or be empty."""
    if not place.area:
        return hidden
    return (*(piece for rect in hidden for piece in rect.minus(place)), place)
