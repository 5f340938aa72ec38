"""Which window has the keyboard: the active window, if the server's own input focus lies inside it.

The window manager's word alone would be believed too much: while a program that it does not know
holds the input focus, the property still names another window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capture_agent.desktop import x11_windows
from capture_agent.desktop.x11_connection import GONE

if TYPE_CHECKING:
    from Xlib.xobject.drawable import Window as XWindow

    from capture_agent.core.events import Window
    from capture_agent.desktop.x11_connection import Connection


def focused(connection: Connection) -> Window | None:
    """Return the active window if the input focus lies inside it, else None."""
    number = x11_windows.active(connection)
    if not number:
        return None
    client = connection.window(number)
    top = x11_windows.top_level(connection, client)
    if top is None or not has_focus(connection, client):
        return None
    frame, own = x11_windows.place(connection, top), x11_windows.place(connection, client)
    if frame is None or own is None:
        return None
    return x11_windows.identity(connection, client, frame, own)


def has_focus(connection: Connection, client: XWindow) -> bool:
    """Return whether the input focus is `client` or a window inside it."""
    holder = connection.display.get_input_focus().focus
    try:
        while not isinstance(holder, int):  # PointerRoot and None are numbers
            if holder == client:
                return True
            holder = holder.query_tree().parent
    except GONE:
        return False
    return False
