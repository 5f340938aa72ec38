"""Windows of a desktop as its window manager knows them: which there are, which is active, and where to put them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from Xlib import X, display
from Xlib.error import BadDrawable, BadWindow
from Xlib.protocol import event

from capture_agent.core.errors import DesktopError

WAIT_S = 20.0
POLL_S = 0.02
FROM_PAGER = 2  # source indication of _NET_ACTIVE_WINDOW in EWMH: a direct wish of the person


@dataclass(frozen=True, slots=True)
class Placed:
    """A window of a program: its class in lower case, title, and its inside in px."""

    id: int
    app: str
    title: str
    x: int
    y: int
    width: int
    height: int

    @property
    def centre(self) -> tuple[int, int]:
        """The middle of the window."""
        return self.x + self.width // 2, self.y + self.height // 2


class Windows:
    """Reads and arranges the windows of one display."""

    def __init__(self, display_name: str) -> None:
        """Connect to the display."""
        self._server = display.Display(display_name)
        self._root = self._server.screen().root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def all(self) -> list[Placed]:
        """Return the windows that the window manager manages, the oldest first."""
        found = []
        for number in self._numbers("_NET_CLIENT_LIST"):
            try:
                found.append(self._placed(number))
            except (BadWindow, BadDrawable):
                continue  # it was closed while we looked
        return found

    def active(self) -> Placed | None:
        """Return the window that has the keyboard, or None."""
        numbers = [number for number in self._numbers("_NET_ACTIVE_WINDOW") if number]
        return next((window for window in self.all() if window.id in numbers), None)

    def wait(self, app: str, title: str = "") -> Placed:
        """Return the first window of `app` whose title contains `title`, once it is there.

        Raises:
            DesktopError: It does not come.
        """
        return self._until(
            lambda: next((one for one in self.all() if one.app == app and title in one.title), None),
            f"no window of {app}",
        )

    def wait_active(self, app: str) -> Placed:
        """Return the active window once it is one of `app`.

        Raises:
            DesktopError: It does not become active.
        """

        def ready() -> Placed | None:
            window = self.active()
            return window if window is not None and window.app == app else None

        return self._until(ready, f"{app} does not get the keyboard")

    def place(self, window: Placed, x: int, y: int, width: int, height: int) -> None:
        """Put a window's frame at (x, y) and give its inside this size, as a pager asks for it."""
        client = self._server.create_resource_object("window", window.id)
        client.configure(x=x, y=y, width=width, height=height)
        self._server.sync()

    def activate(self, window: Placed) -> None:
        """Raise a window and give it the keyboard, as a task bar does."""
        self._ask(window.id, "_NET_ACTIVE_WINDOW", (FROM_PAGER, X.CurrentTime, 0, 0, 0))

    def close(self, window: Placed) -> None:
        """Close a window, as its button does, and return once it is gone.

        Only then has the window manager given its keyboard to another, and does not take it from one that is activated
        next.

        Raises:
            DesktopError: It stays.
        """
        self._ask(window.id, "_NET_CLOSE_WINDOW", (X.CurrentTime, FROM_PAGER, 0, 0, 0))
        self._until(
            lambda: None if window.id in self._numbers("_NET_CLIENT_LIST") else window,
            f"the window of {window.app} does not close",
        )

    def tray_icons(self) -> list[Placed]:
        """Return what is embedded in the tray (XEmbed) and shown, from left to right."""
        found: list[Placed] = []
        # Every window of Qt says that it could be embedded; those of the window manager are not.
        managed = set(self._numbers("_NET_CLIENT_LIST"))
        self._embedded(self._root, self._server.intern_atom("_XEMBED_INFO"), found)
        return sorted((icon for icon in found if icon.id not in managed), key=lambda icon: icon.x)

    def wait_popup(self, app: str) -> Placed:
        """Return a menu of `app` once it is open: a window that the window manager is not asked about.

        Raises:
            DesktopError: None opens.
        """
        return self._until(lambda: next(self._popups(app), None), f"no menu of {app} opens")

    def wait_tray_icon(self) -> Placed:
        """Return the leftmost icon in the tray, once there is one.

        Raises:
            DesktopError: None comes.
        """
        return self._until(lambda: next(iter(self.tray_icons()), None), "no icon in the tray")

    def _popups(self, app: str) -> Iterator[Placed]:
        for window in self._root.query_tree().children:
            try:
                attributes = window.get_attributes()
                if attributes.override_redirect and attributes.map_state == X.IsViewable:
                    placed = self._placed(window.id)
                    if placed.app == app:
                        yield placed
            except (BadWindow, BadDrawable):
                continue  # it was closed while we looked

    def _embedded(self, window: Any, atom: int, found: list[Placed]) -> None:
        try:
            for child in window.query_tree().children:
                shown = child.get_attributes().map_state == X.IsViewable
                if shown and child.get_full_property(atom, X.AnyPropertyType) is not None:
                    found.append(self._placed(child.id))
                else:
                    self._embedded(child, atom, found)
        except (BadWindow, BadDrawable):
            return  # it went away while we looked

    def _placed(self, number: int) -> Placed:
        window = self._server.create_resource_object("window", number)
        title = window.get_full_property(self._server.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
        named = window.get_wm_class()
        place = window.get_geometry()
        corner = window.translate_coords(self._root, 0, 0)
        return Placed(
            number,
            (named[1] if named else "").lower(),
            _text(title.value) if title else "",
            -corner.x,
            -corner.y,
            place.width,
            place.height,
        )

    def _numbers(self, name: str) -> list[int]:
        found = self._root.get_full_property(self._server.intern_atom(name), X.AnyPropertyType)
        return [int(number) for number in found.value] if found else []

    def _ask(self, window: int, message: str, data: tuple[int, int, int, int, int]) -> None:
        """Send the window manager a message about a window, as EWMH describes."""
        asked = event.ClientMessage(window=window, client_type=self._server.intern_atom(message), data=(32, data))
        self._root.send_event(asked, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._server.sync()

    def _until(self, ready: Callable[[], Placed | None], otherwise: str) -> Placed:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            found = ready()
            if found is not None:
                return found
            time.sleep(POLL_S)
        there = ", ".join(f"{window.app} {window.title!r}" for window in self.all())
        raise DesktopError(otherwise, hint=f"There are: {there or 'no windows'}.")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
