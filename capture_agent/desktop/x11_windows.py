"""What a window says of itself: program, title, process, place (ICCCM and EWMH properties)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from Xlib import X

from capture_agent.core.events import Rect, Window
from capture_agent.desktop.x11_connection import GONE

if TYPE_CHECKING:
    from Xlib.xobject.drawable import Window as XWindow

    from capture_agent.desktop.x11_connection import Connection

# A frame holds its client at most this deep: reparenting window managers use one to three levels.
MAX_FRAME_DEPTH = 4
MAX_TITLE_CHARS = 1024  # longer ones are cut: a title is for reading
# A change of one of these makes `identity` say something else.
IDENTITY_PROPERTIES = ("_NET_WM_NAME", "_NET_WM_VISIBLE_NAME", "WM_NAME", "WM_CLASS", "WM_STATE", "_NET_WM_PID")


def title(connection: Connection, window: XWindow) -> str:
    """Return a window's title.

    WM_NAME may be of any type and encoding (xterm sends COMPOUND_TEXT), so it comes last and is
    read as UTF-8, then as Latin-1, which cannot fail.
    """
    for name in ("_NET_WM_NAME", "_NET_WM_VISIBLE_NAME", "WM_NAME"):
        octets = connection.octets(window, name)
        if octets:
            return _text(octets)
    return ""


def _text(octets: bytes) -> str:
    try:
        return octets.decode()[:MAX_TITLE_CHARS]
    except UnicodeDecodeError:
        # The property may have been cut in the middle of a character; if that is not it, it is not UTF-8.
        cut = octets[:-3].decode("utf-8", "replace")
        return (octets.decode("latin-1") if "\ufffd" in cut else cut)[:MAX_TITLE_CHARS]


def class_names(connection: Connection, window: XWindow) -> tuple[str, str]:
    """Return WM_CLASS as (class, instance) in lower case, empty strings if it has none."""
    parts = connection.octets(window, "WM_CLASS").split(b"\0")
    if len(parts) < 2:
        return "", ""
    return parts[1].decode("latin-1").lower(), parts[0].decode("latin-1").lower()


def program(pid: int | None) -> str:
    """Return the name of the program file of a process of this user, empty if it is not known."""
    if pid is None:
        return ""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.lower()
    except OSError:
        return ""


def identity(connection: Connection, window: XWindow, rect: Rect, client: Rect, *, app: str = "") -> Window:
    """Return what is known of a client window. `app` is used if it has no WM_CLASS of its own."""
    name, instance = class_names(connection, window)
    pids = connection.words(window, "_NET_WM_PID")
    pid = pids[0] if pids else None
    app = name or app
    aliases = tuple(sorted({instance, program(pid)} - {"", app}))
    return Window(int(window.id), app, title(connection, window), rect, client, pid, aliases)


def find_client(
    connection: Connection, top: XWindow, met: Callable[[XWindow], None], depth: int = MAX_FRAME_DEPTH
) -> XWindow | None:
    """Return the program's own window inside a top-level one: the first with WM_STATE, or None.

    `met` is called with every window before it is asked: window managers set WM_STATE when they like,
    so who wants to know when it comes has to watch the window first.
    """
    met(top)
    if connection.words(top, "WM_STATE"):
        return top
    if not depth:
        return None
    try:
        children = top.query_tree().children
    except GONE:
        return None
    for child in children:
        found = find_client(connection, child, met, depth - 1)
        if found is not None:
            return found
    return None


def place(connection: Connection, window: XWindow) -> Rect | None:
    """Return where a window is on the root, its border included, or None if it is gone."""
    try:
        size = window.get_geometry()
        corner = connection.root.translate_coords(window, 0, 0)
    except GONE:
        return None
    edge = size.border_width
    return Rect(corner.x - edge, corner.y - edge, size.width + 2 * edge, size.height + 2 * edge)


def top_level(connection: Connection, window: XWindow) -> XWindow | None:
    """Return the child of the root that holds `window`, or None if it is gone or is the root."""
    try:
        while True:
            tree = window.query_tree()
            if tree.parent == X.NONE:
                return None
            if tree.parent == connection.root:
                return window
            window = tree.parent
    except GONE:
        return None


def active(connection: Connection) -> int:
    """Return the number of the active window that the window manager names, 0 if none."""
    named = connection.words(connection.root, "_NET_ACTIVE_WINDOW")
    return named[0] if named else 0


def composited(connection: Connection) -> bool:
    """Return whether a compositor draws the screen: EWMH, `_NET_WM_CM_Sn`."""
    name = f"_NET_WM_CM_S{connection.display.get_default_screen()}"
    return bool(connection.display.get_selection_owner(connection.atom(name)))
