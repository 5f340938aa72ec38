"""What has been drawn: the DAMAGE extension, with XFixes regions, which python-xlib does not know.

A damage object reports once when something is drawn and then keeps quiet until it is emptied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from Xlib.ext import damage, xfixes
from Xlib.protocol import rq, structs

from capture_agent.core.events import Rect

if TYPE_CHECKING:
    from capture_agent.desktop.x11_connection import Connection


class _CreateRegion(rq.Request):
    """XFixes 2, request 5: of no rectangles."""

    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(5), rq.RequestLength(), rq.Card32("region"))


class _FetchRegion(rq.ReplyRequest):
    """XFixes 2, request 19."""

    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(19), rq.RequestLength(), rq.Card32("region"))
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Object("extents", structs.Rectangle),
        rq.Pad(16),
        rq.Binary("rectangles"),
    )


class Damage:
    """What is drawn on the root window, in any window on it."""

    def __init__(self, connection: Connection) -> None:
        """Watch from now on."""
        self._connection = connection
        display = connection.display
        display.damage_query_version()
        display.xfixes_query_version()
        self._fixes = display.display.get_extension_major(xfixes.extname)
        self._region = display.display.allocate_resource_id()
        _CreateRegion(display=display.display, opcode=self._fixes, region=self._region)
        self._damage = connection.root.damage_create(damage.DamageReportNonEmpty)

    def take(self) -> tuple[Rect, int]:
        """Return the rectangle around all that was drawn since the last call, and start anew.

        With it comes a sequence number: reports from before it are about what was just taken. When
        this returns, what is drawn will be reported again.
        """
        display = self._connection.display
        display.damage_subtract(self._damage, 0, self._region)
        found = _FetchRegion(display=display.display, opcode=self._fixes, region=self._region)
        extents = found.extents
        # The request before this one has emptied the damage.
        return Rect(extents.x, extents.y, extents.width, extents.height), (found.sequence_number - 1) & 0xFFFF


def is_report(connection: Connection, event: Any) -> bool:
    """Return whether `event` says that something was drawn."""
    return connection.is_extension_event(event, "DamageNotify")


def is_older(event: Any, number: int) -> bool:
    """Return whether `event` was sent before the request with sequence number `number` (16 bits) was carried out."""
    return bool((event.sequence_number - number) & 0xFFFF >= 0x8000)
