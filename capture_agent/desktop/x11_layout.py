"""All visible top-level windows in stacking order, kept up to date by events instead of asking again.

The server tells a client that selected SubstructureNotify on the root of every creation, move,
restacking, mapping and end of a top-level window, in the order in which they happened. After a
round trip every event of the time before has arrived, so `LayoutTracker.layout` is then what the
server shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from Xlib import X

from capture_agent.core.afterimage import AfterImages, Pane
from capture_agent.core.events import Layout, Rect, Window
from capture_agent.desktop import x11_windows
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.x11_connection import GONE

if TYPE_CHECKING:
    from Xlib.xobject.drawable import Window as XWindow

    from capture_agent.desktop.x11_connection import Connection

NOWHERE = Rect(0, 0, 0, 0)
ROOT_MASK = X.SubstructureNotifyMask
TOP_MASK = X.SubstructureNotifyMask | X.PropertyChangeMask


@dataclass(frozen=True, slots=True)
class _Top:
    """One child of the root. `rect` includes its border; `known` is None until it was mapped and asked."""

    rect: Rect
    mapped: bool = False
    shown: bool = True  # False: InputOnly, it has no pixels
    client: int = 0
    known: Window | None = None


class LayoutTracker:
    """The windows of one display, on a connection whose events are all given to `handle`."""

    def __init__(self, connection: Connection, *, root_mask: int = 0) -> None:
        """Read the windows that are there. `root_mask`: further events the owner wants of the root."""
        self._connection = connection
        self._tops: dict[int, _Top] = {}
        self._order: list[int] = []  # bottom to top
        self._watched: dict[int, int] = {}  # windows whose properties are watched, and the top-level one of each
        self._layout: Layout | None = None
        self._stale: set[int] = set()  # windows that have to be asked again who they are
        self._images = AfterImages()
        # X client number of a window is its id without the lower bits; menus without a class belong to their client.
        self._client_mask = ~connection.display.display.info.resource_id_mask
        self._names = {connection.atom(name) for name in x11_windows.IDENTITY_PROPERTIES}
        # Nothing may move between the list and the details; a few ms, once.
        connection.display.grab_server()
        try:
            connection.root.change_attributes(event_mask=ROOT_MASK | root_mask)
            for window in connection.root.query_tree().children:
                self._add(window)
        finally:
            connection.display.ungrab_server()
            connection.sync()

    def _add(self, window: XWindow, *, new: bool = False) -> None:
        """Take in a window. That a new one is mapped an event says, even if it is by now: what it covers was seen."""
        number = int(window.id)
        self._order.append(number)
        try:
            attributes = window.get_attributes()
            size = window.get_geometry()
        except GONE:
            # It has its place in the order until its end is told: others may have been put above it.
            self._tops[number] = _Top(NOWHERE, shown=False)
            return
        edge = 2 * size.border_width
        self._tops[number] = _Top(
            Rect(size.x, size.y, size.width + edge, size.height + edge),
            mapped=not new and attributes.map_state != X.IsUnmapped,
            shown=attributes.win_class != X.InputOnly,
        )
        self._stale.add(number)

    def handle(self, event: Any) -> None:
        """Learn from one event; those that say nothing of windows are ignored."""
        match event.type:
            case X.PropertyNotify:
                if event.atom in self._names:
                    self._doubt(self._watched.get(int(event.window.id), 0))
                return
            case X.CreateNotify:
                parent = event.parent
            case X.DestroyNotify | X.UnmapNotify | X.MapNotify | X.ConfigureNotify | X.ReparentNotify:
                parent = event.event
            case X.GravityNotify | X.CirculateNotify:
                parent = event.event
            case _:
                return
        if parent == self._connection.root:
            self._handle_top(event)
        else:
            # Something moved inside a frame: its client came, went or changed its size.
            self._doubt(self._watched.get(int(parent.id), 0))

    def _doubt(self, number: int) -> None:
        if number in self._tops:
            self._stale.add(number)
            self._layout = None

    def _handle_top(self, event: Any) -> None:
        number = int(event.window.id)
        if event.type == X.CreateNotify or (event.type == X.ReparentNotify and event.parent == self._connection.root):
            if number not in self._tops:
                self._add(event.window, new=True)
                self._layout = None
            return
        if number not in self._tops:
            return
        top = self._tops[number]
        match event.type:
            case X.DestroyNotify | X.ReparentNotify:
                if top.mapped:
                    self._changes(number, None)
                del self._tops[number]
                self._order.remove(number)
                self._stale.discard(number)
                self._watched = {inner: outer for inner, outer in self._watched.items() if outer != number}
            case X.MapNotify:
                if not top.mapped:
                    self._changes(number, top.rect)
                self._tops[number] = replace(top, mapped=True)
                self._stale.add(number)
            case X.UnmapNotify:
                if top.mapped:
                    self._changes(number, None)
                self._tops[number] = replace(top, mapped=False)
            case X.ConfigureNotify:
                self._configure(number, top, event)
            case X.GravityNotify:
                rect = replace(top.rect, x=event.x, y=event.y)
                if top.mapped:
                    self._changes(number, rect)
                self._tops[number] = _moved(top, rect)
            case X.CirculateNotify:
                if top.mapped:
                    self._changes(number, top.rect)
                self._order.remove(number)
                self._order.insert(len(self._order) if event.place == X.PlaceOnTop else 0, number)
            case _:
                return
        self._layout = None

    def _configure(self, number: int, top: _Top, event: Any) -> None:
        edge = 2 * event.border_width
        rect = Rect(event.x, event.y, event.width + edge, event.height + edge)
        if (rect.width, rect.height) != (top.rect.width, top.rect.height):
            self._stale.add(number)
        below = int(event.above_sibling.id) if event.above_sibling else 0
        order = [n for n in self._order if n != number]
        order.insert(order.index(below) + 1 if below in self._tops else 0, number)
        if top.mapped and (rect != top.rect or order != self._order):
            self._changes(number, rect)
        self._tops[number], self._order = _moved(top, rect), order

    def _changes(self, number: int, rect: Rect | None) -> None:
        """Remember what is seen where window `number` is and will be (`rect`; None: nowhere), before it changes."""
        top = self._tops[number]
        if not top.shown:
            return
        panes = [Pane(n, _window(n, self._tops[n])) for n in self._order if self._is_visible(self._tops[n])]
        places = [place for place in (top.rect if top.mapped else None, rect) if place is not None]
        moved = not top.mapped or rect != top.rect
        self._images = self._images.change(now_us(), panes, Pane(number, _window(number, top)), places, moved=moved)

    @property
    def changed_us(self) -> int:
        """When a visible window last came, went, moved or was restacked; 0: not since the start."""
        return self._images.changed_us

    def lately(self, since_us: int) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
        """Return what was seen where until `since_us` or later, and which windows came, went or moved since then.

        Windows say who they are a moment after they appear: those that are still there say so now.
        """
        still, moved = self._images.since(since_us)
        return tuple(map(self._named, still)), tuple(map(self._named, moved))

    def _named(self, pane: Pane) -> Window:
        top = self._tops.get(pane.number)
        return pane.window if top is None or top.known is None else replace(top.known, rect=pane.window.rect)

    def layout(self) -> Layout:
        """Return the visible windows, bottom to top; asks the server about windows that are new or have changed.

        The same object is returned as long as nothing has changed.
        """
        if self._layout is None or self._stale:
            self._refresh()
            windows = tuple(top.known for top in self._visible() if top.known is not None)
            if self._layout is None or self._layout.windows != windows:
                self._layout = Layout(windows)
        return self._layout

    def _visible(self) -> list[_Top]:
        return [top for top in (self._tops[number] for number in self._order) if self._is_visible(top)]

    @staticmethod
    def _is_visible(top: _Top) -> bool:
        return bool(top.mapped and top.shown and top.rect.area)

    def _refresh(self) -> None:
        """Ask every visible window that has to be asked again who it is."""
        for number in [n for n in self._stale if self._tops[n].mapped]:
            self._stale.discard(number)
            if self._tops[number].shown:
                self._tops[number] = self._identified(number, self._tops[number])

    def _identified(self, number: int, top: _Top) -> _Top:
        """Return `top` with what it says of itself now. One without a class gets its X client's."""
        connection = self._connection
        window = connection.window(number)
        client = x11_windows.find_client(connection, window, lambda met: self._watch(met, number))
        own = client or window
        app = next((app for w, app in self._apps() if w & self._client_mask == own.id & self._client_mask), "")
        place = (x11_windows.place(connection, own) if client is not None else None) or top.rect
        known = x11_windows.identity(connection, own, top.rect, place, app=app)
        return replace(top, client=int(client.id) if client is not None else 0, known=known)

    def _apps(self) -> list[tuple[int, str]]:
        known = (top.known for top in self._tops.values() if top.client and top.known is not None)
        return [(window.id, window.app) for window in known if window.app]

    def _watch(self, window: XWindow, top: int) -> None:
        if int(window.id) not in self._watched:
            window.change_attributes(event_mask=TOP_MASK)
        self._watched[int(window.id)] = top

    def above(self, number: int) -> tuple[Rect, ...]:
        """Return the rectangles of visible top-level windows above top-level window `number`."""
        if number not in self._tops:
            return ()
        return tuple(
            self._tops[n].rect
            for n in self._order[self._order.index(number) + 1 :]
            if self._tops[n].mapped and self._tops[n].shown
        )


def _window(number: int, top: _Top) -> Window:
    """Return a top-level window at its place; of one that nobody has asked yet only that."""
    return replace(top.known, rect=top.rect) if top.known is not None else Window(number, "", "", top.rect, top.rect)


def _moved(top: _Top, rect: Rect) -> _Top:
    """Return `top` at its new place, its client with it."""
    known = top.known
    if known is None:
        return replace(top, rect=rect)
    dx, dy = rect.x - top.rect.x, rect.y - top.rect.y
    client = replace(known.client, x=known.client.x + dx, y=known.client.y + dy)
    return replace(top, rect=rect, known=replace(known, rect=rect, client=client))
