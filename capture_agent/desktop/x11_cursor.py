"""The look of the pointer: XFixes, whose image-with-name request python-xlib does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from Xlib.ext import xfixes
from Xlib.protocol import rq

from capture_agent.core.events import PointerShape

if TYPE_CHECKING:
    from capture_agent.desktop.x11_connection import Connection


class _GetCursorImageAndName(rq.ReplyRequest):
    """XFixes 2, request 25."""

    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(25), rq.RequestLength())
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card16("hot_x"),
        rq.Card16("hot_y"),
        rq.Card32("serial"),
        rq.Card32("atom"),
        rq.Card16("name_length"),
        rq.Pad(2),
        rq.Binary("rest"),
    )


def select(connection: Connection) -> None:
    """Ask for the events that `is_change` knows."""
    connection.display.xfixes_query_version()
    # python-xlib's own function for this passes a field that the request does not have.
    xfixes.SelectCursorInput(
        display=connection.display.display,
        opcode=connection.display.display.get_extension_major(xfixes.extname),
        window=connection.root,
        mask=xfixes.XFixesDisplayCursorNotifyMask,
    )


def is_change(connection: Connection, event: Any) -> bool:
    """Return whether `event` says that the pointer looks different now."""
    return connection.is_extension_event(event, "DisplayCursorNotify")


def read(connection: Connection, t_us: int) -> PointerShape:
    """Return the pointer's look now, as an event at `t_us`; the name is empty if the program gave none."""
    display = connection.display.display
    found = _GetCursorImageAndName(display=display, opcode=display.get_extension_major(xfixes.extname))
    size = found.width * found.height * 4  # one 32-bit ARGB word a pixel; in this byte order that is BGRA
    rest = bytes(found.rest)
    name = rest[size : size + found.name_length].decode("latin-1")
    return PointerShape(t_us, name, found.width, found.height, found.hot_x, found.hot_y, rest[:size])
