"""Where the pointer was at each raw event: a pure function.

Raw events carry no position on the screen. What they carry depends on the device: a mouse sends
deltas, a tablet coordinates of its own, programs (XTEST) either the place itself or a delta. One
question to the server after each batch gives the position after its last event; the deltas then
lead back from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capture_agent.desktop.x11_xi2 import Devices, Raw

Point = tuple[int, int]


def positions(batch: Sequence[Raw], devices: Devices, before: Point, after: Point, size: Point) -> list[Point]:
    """Return the position after each event of `batch`.

    Args:
        batch: Raw pointer events in order.
        devices: What sends places and what sends deltas.
        before: The position before the first event.
        after: The position after the last one, as the server says.
        size: Width and height of the root window in px.
    """
    placed = _placed_by_program(batch, devices, after, size)
    result: list[Point] = [after] * len(batch)
    x, y = float(after[0]), float(after[1])
    for n in range(len(batch) - 1, -1, -1):
        event = batch[n]
        result[n] = _inside((x, y), size)
        if not _moves(event):
            continue
        if event.source in devices.xtest and placed:
            x, y = _last_place(batch[:n], devices, before)
        elif event.source in devices.absolute:
            continue  # its coordinates are its own: the end of the batch, at most 8 ms later, is the best there is
        else:
            x, y = x - (event.x or 0.0), y - (event.y or 0.0)
    return result


def _moves(event: Raw) -> bool:
    return event.x is not None or event.y is not None


def _placed_by_program(batch: Sequence[Raw], devices: Devices, after: Point, size: Point) -> bool:
    """Whether the valuators of programs' events are places: the last one says where the pointer is now."""
    for event in reversed(batch):
        if _moves(event):
            if event.source not in devices.xtest or event.x is None or event.y is None:
                return False
            return _inside((event.x, event.y), size) == after
    return False


def _last_place(batch: Sequence[Raw], devices: Devices, before: Point) -> tuple[float, float]:
    for event in reversed(batch):
        if event.source in devices.xtest and event.x is not None and event.y is not None:
            return event.x, event.y
    return float(before[0]), float(before[1])


def _inside(point: tuple[float, float], size: Point) -> Point:
    return min(max(int(point[0]), 0), size[0] - 1), min(max(int(point[1]), 0), size[1] - 1)
