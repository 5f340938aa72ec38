"""Whether a window can be seen: the proof that the recording indicator is there.

X says of a window that it is viewable if it and all windows around it are mapped; that holds for
an icon embedded in a panel too. Viewable does not mean seen: it may lie off every monitor, be cut
off by its panel, or under other windows. All of that is computed here.

The answer is kept until the server tells of a change, because it is asked for five times a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from Xlib import X

from capture_agent.core.events import Rect
from capture_agent.desktop import x11_windows
from capture_agent.desktop.x11_connection import GONE
from capture_agent.desktop.x11_layout import TOP_MASK

if TYPE_CHECKING:
    from Xlib.xobject.drawable import Window as XWindow

    from capture_agent.desktop.x11_connection import Connection
    from capture_agent.desktop.x11_layout import LayoutTracker

MIN_SIDE_PX = 8  # smaller than this no state can be read off an icon
MAX_COVERED = 0.5


def enough_seen(rect: Rect, inside: Iterable[Rect], monitors: Iterable[Rect], above: Iterable[Rect]) -> bool:
    """Return whether at least half of `rect` can be seen.

    Args:
        rect: The window, on the root.
        inside: The windows around it, which cut it off at their edges.
        monitors: What is shown at all.
        above: Whatever lies above it.
    """
    if min(rect.width, rect.height) < MIN_SIDE_PX:
        return False
    clipped = rect
    for outer in inside:
        clipped = clipped.intersect(outer)
    seen: list[Rect] = []
    for monitor in monitors:
        part = clipped.intersect(monitor)
        if part.area:
            # Monitors may overlap; no pixel counts twice.
            pieces = [part]
            for other in seen:
                pieces = [piece for p in pieces for piece in p.minus(other)]
            seen += pieces
    for cover in above:
        seen = [piece for part in seen for piece in part.minus(cover)]
    return sum(part.area for part in seen) >= (1 - MAX_COVERED) * rect.area


class Proof:
    """Answers for one window, and knows which windows' events make the answer stale."""

    def __init__(self, connection: Connection, window: int) -> None:
        """Watch `window` and the windows around it up to the root's child, which is watched by the tracker."""
        self._connection = connection
        self.window = window
        self.watched: frozenset[int] = frozenset()

    def prove(self, tracker: LayoutTracker, monitors: Iterable[Rect]) -> bool:
        """Return whether at least half of the window is seen now; a window that is gone is not."""
        window = self._connection.window(self.window)
        try:
            chain = self._chain(window)
            self._watch(chain)
            if window.get_attributes().map_state != X.IsViewable:
                return False
            rects = [x11_windows.place(self._connection, one) for one in chain]
            above = [*tracker.above(int(chain[-1].id)), *self._siblings_above(chain)]
        except GONE:
            return False
        known = [rect for rect in rects if rect is not None]
        if len(known) < len(rects):
            return False
        return enough_seen(known[0], known[1:], monitors, above)

    def _chain(self, window: XWindow) -> list[XWindow]:
        """Return the window and those around it, without the root."""
        chain = []
        while window != self._connection.root:
            chain.append(window)
            window = window.query_tree().parent
        return chain

    def _watch(self, chain: list[XWindow]) -> None:
        for window in chain:
            if int(window.id) not in self.watched:
                window.change_attributes(event_mask=TOP_MASK)
        self.watched = frozenset(int(window.id) for window in chain)

    def _siblings_above(self, chain: list[XWindow]) -> list[Rect]:
        """Return what covers each window of the chain inside the one around it."""
        result = []
        for inner, outer in pairwise(chain):
            children = outer.query_tree().children
            for sibling in children[children.index(inner) + 1 :]:
                attributes = sibling.get_attributes()
                if attributes.map_state == X.IsViewable and attributes.win_class != X.InputOnly:
                    rect = x11_windows.place(self._connection, sibling)
                    if rect is not None:
                        result.append(rect)
        return result
