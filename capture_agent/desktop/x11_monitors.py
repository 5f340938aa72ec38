"""Monitors, as RandR 1.5 knows them: splits made with `xrandr --setmonitor` are monitors too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from Xlib import X
from Xlib.ext import randr

from capture_agent.core.events import Monitor, Rect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capture_agent.desktop.x11_connection import Connection

NORMAL_DPI = 96.0  # "Xft.dpi" of a desktop with scale 1


def read(connection: Connection) -> tuple[Monitor, ...]:
    """Return the monitors as they are now, numbered from 1 in the order of (x, y)."""
    found = connection.root.xrandr_get_monitors(True).monitors
    rects = [Rect(m.x, m.y, m.width_in_pixels, m.height_in_pixels) for m in found]
    if not rects:
        size = connection.root.get_geometry()
        rects = [Rect(0, 0, size.width, size.height)]
    return number(rects, scale(connection.octets(connection.root, "RESOURCE_MANAGER")))


def outputs(connection: Connection) -> frozenset[str]:
    """Return the names of the connectors, with a monitor or without: "HDMI-1", "screen"."""
    resources = connection.root.xrandr_get_screen_resources_current()
    stamp = resources.config_timestamp
    return frozenset(connection.display.xrandr_get_output_info(one, stamp).name for one in resources.outputs)


def number(rects: Iterable[Rect], factor: float) -> tuple[Monitor, ...]:
    """Number monitors in the order of (x, y); mirrored ones, which show the same pixels, count once."""
    ordered = sorted({rect for rect in rects if rect.area}, key=lambda rect: (rect.x, rect.y, rect.width, rect.height))
    return tuple(Monitor(n, rect, factor) for n, rect in enumerate(ordered, 1))


def scale(resources: bytes) -> float:
    """Return the scale factor that "Xft.dpi" in the X resources means; 1.0 if it is not there."""
    for line in resources.split(b"\n"):
        name, _, value = line.partition(b":")
        if name.strip() == b"Xft.dpi":
            try:
                dpi = float(value)
            except ValueError:
                return 1.0
            return dpi / NORMAL_DPI if dpi > 0 else 1.0
    return 1.0


def select_changes(connection: Connection) -> None:
    """Ask for the events that `is_change` knows. The root's other event mask must include StructureNotify."""
    connection.display.xrandr_query_version()
    connection.root.xrandr_select_input(
        randr.RRScreenChangeNotifyMask | randr.RRCrtcChangeNotifyMask | randr.RROutputChangeNotifyMask
    )


def is_change(connection: Connection, event: Any) -> bool:
    """Return whether `event` may mean that the monitors are not what they were.

    `xrandr --setmonitor` sends no RandR event but a ConfigureNotify of the root window.
    """
    if connection.is_extension_event(event, "ScreenChangeNotify", "CrtcChangeNotify", "OutputChangeNotify"):
        return True
    return bool(event.type == X.ConfigureNotify and event.window == connection.root)
