"""Pick a window with the pointer on X11: pointer and keyboard are grabbed, so that no program sees the click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from Xlib import XK, X, Xcursorfont

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Layout, Rect, Window
from capture_agent.desktop.base import Picked
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.x11_connection import Connection, wrapped

PICK_US = 30_000_000  # as long as it lasts no locker can take the keyboard; nobody needs longer to find a window
_LEFT = 1
_BLACK, _WHITE = (0, 0, 0), (0xFFFF, 0xFFFF, 0xFFFF)


class X11Pick:
    """The X11 side of `Pick`, on a connection of its own: what is grabbed is free again when that ends."""

    def __init__(self, display: str | None, layout: Callable[[], Layout]) -> None:
        """Make the pointer a cross; `layout` tells which windows there are at the click.

        Raises:
            DesktopError: Another program holds pointer or keyboard.
        """
        self._layout = layout
        self._until_us = now_us() + PICK_US
        self._chosen: Picked | None = None  # told once key or button have come up: that no program sees, either
        self._connection = Connection(display)
        try:
            with wrapped():
                self._escape: int = self._connection.display.keysym_to_keycode(XK.XK_Escape)
                self._grab()
        except DesktopError:
            self._connection.close()
            raise

    def _grab(self) -> None:
        root = self._connection.root
        font: Any = self._connection.display.open_font("cursor")  # python-xlib names its methods at run time
        shape = Xcursorfont.crosshair
        cursor = font.create_glyph_cursor(font, shape, shape + 1, _BLACK, _WHITE)
        buttons = X.ButtonPressMask | X.ButtonReleaseMask
        modes = (X.GrabModeAsync, X.GrabModeAsync)
        taken = root.grab_pointer(False, buttons, *modes, X.NONE, cursor, X.CurrentTime) != X.GrabSuccess
        if taken or root.grab_keyboard(False, *modes, X.CurrentTime) != X.GrabSuccess:
            raise DesktopError(
                "Another program holds the pointer or the keyboard, so no window can be picked now.",
                hint="Close its menu or dialog and try again, or type the program's name.",
            )

    def poll(self) -> Picked | None:
        """See `Pick.poll`."""
        with wrapped():
            for event in self._connection.drain():
                if self._chosen is None:
                    self._chosen = self._choice(event)
                elif event.type in {X.ButtonRelease, X.KeyRelease}:
                    return self._chosen
        return Picked(None, cancelled=True) if now_us() >= self._until_us else None

    def _choice(self, event: Any) -> Picked | None:
        """Return what a button or key that goes down decides; None: nothing yet."""
        if event.type == X.ButtonPress and event.detail == _LEFT:
            return Picked(_at(self._layout(), event.root_x, event.root_y))
        others = event.type == X.ButtonPress or (event.type == X.KeyPress and event.detail == self._escape)
        return Picked(None, cancelled=True) if others else None

    def close(self) -> None:
        """See `Pick.close`."""
        self._connection.close()


def _at(layout: Layout, x: int, y: int) -> Window | None:
    """Return the topmost window at a place."""
    at = Rect(x, y, 1, 1)
    return next((window for window in reversed(layout.windows) if window.rect.intersect(at).area), None)
