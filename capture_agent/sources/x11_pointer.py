"""Moves, buttons, wheel and shape of the pointer on X11, from one connection that said XI 2.2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from Xlib import X
from Xlib.ext import xinput

from capture_agent.core.events import Button, InputEvent, Move, PointerShape, Scroll
from capture_agent.desktop import x11_cursor, x11_xi2
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.x11_clock import Ordered, measure
from capture_agent.desktop.x11_connection import Connection
from capture_agent.desktop.x11_xi2 import Kind, Raw
from capture_agent.sources.pointer import Point, positions

SCROLL = {4: (0, -1), 5: (0, 1), 6: (-1, 0), 7: (1, 0)}  # X core protocol: buttons 4 to 7 are the wheels
BUTTONS = {1: "left", 2: "middle", 3: "right", 8: "back", 9: "forward"}
_MASK = xinput.RawMotionMask | xinput.RawButtonPressMask | xinput.RawButtonReleaseMask


class PointerReader:
    """Reads what the pointer does."""

    def __init__(self, display: str | None) -> None:
        """Connect and select.

        Raises:
            DesktopError: No such display.
        """
        self.connection = Connection(display)
        self._clock = measure(self.connection)
        self._ordered = Ordered(self._clock)
        self.connection.root.change_attributes(event_mask=X.StructureNotifyMask)
        x11_cursor.select(self.connection)
        x11_xi2.select(self.connection, x11_xi2.POINTER, _MASK)
        self._devices = x11_xi2.devices(self.connection)
        size = self.connection.root.get_geometry()
        self._size: Point = (size.width, size.height)
        self._shape_changed: int | None = 0  # server time of the change; the shape at the start has none
        self._later: list[Raw] = []
        pointer = self.connection.root.query_pointer()
        self._at: Point = (pointer.root_x, pointer.root_y)

    @property
    def behind(self) -> bool:
        """Whether events were read whose position has to be asked for by another `read`."""
        return bool(self._later)

    def read(self) -> list[InputEvent]:
        """Return what the pointer did since the last call, the oldest first.

        When it returns, all that happened before the call has been read.
        """
        batch, self._later = self._later, []
        batch += self._translate(self.connection.drain())
        # The round trip, and the position after the last event of the batch. Events after the answer
        # carry its number: they belong to the next batch.
        pointer = self.connection.root.query_pointer()
        for raw in self._translate(self.connection.drain()):
            after = (raw.serial - pointer.sequence_number) & 0xFFFF < 0x8000
            (self._later if after else batch).append(raw)
        here = (pointer.root_x, pointer.root_y)
        places = positions(batch, self._devices, self._at, here, self._size)
        self._at = here
        result = [event for raw, at in zip(batch, places, strict=True) if (event := self._event(raw, at)) is not None]
        return [*result, *self._shape()]

    def _translate(self, events: list[Any]) -> list[Raw]:
        result: list[Raw] = []
        for event in events:
            if (raw := x11_xi2.parse(event)) is not None:
                result.append(raw)
            elif x11_cursor.is_change(self.connection, event):
                self._shape_changed = event.timestamp
            elif x11_xi2.is_hierarchy_change(event):
                self._devices = x11_xi2.devices(self.connection)
            elif event.type == X.ConfigureNotify and event.window == self.connection.root:
                self._size = (event.width, event.height)
        return result

    def _event(self, raw: Raw, at: Point) -> InputEvent | None:
        t_us = self._ordered.to_us(raw.time, now_us())
        injected = raw.source in self._devices.xtest
        if raw.kind is Kind.MOTION:
            # Smooth scrolling is motion of other valuators; the wheel's buttons tell of it too.
            return Move(t_us, *at, injected) if raw.x is not None or raw.y is not None else None
        down = raw.kind is Kind.BUTTON_DOWN
        if raw.detail in SCROLL:
            return Scroll(t_us, *SCROLL[raw.detail], *at, injected) if down else None
        return Button(t_us, down, BUTTONS.get(raw.detail, str(raw.detail)), *at, injected)

    def _shape(self) -> list[PointerShape]:
        """Return the pointer's new look, if it has one: the last of a batch, animated ones change fast."""
        if self._shape_changed is None:
            return []
        t_us, self._shape_changed = self._clock.to_us(self._shape_changed, now_us()), None
        return [x11_cursor.read(self.connection, t_us)]

    def close(self) -> None:
        """Give the connection back. Safe to call twice."""
        self.connection.close()


class ButtonWatch:
    """Says at once that a button went down, on a connection that is told nothing else.

    The reader's own connection is full of moves, which can wait; who waits for both would either
    wake for every move or hear of presses late.
    """

    def __init__(self, display: str | None, pressed: Callable[[int], None] | None) -> None:
        """Connect and select.

        Raises:
            DesktopError: No such display.
        """
        self.connection = Connection(display)
        self._pressed = pressed
        self._clock = measure(self.connection)
        x11_xi2.select(self.connection, x11_xi2.POINTER, xinput.RawButtonPressMask)
        self.connection.sync()

    def tell(self) -> None:
        """Pass on the presses that have arrived. The wheel counts: it makes things move."""
        for event in self.connection.drain():
            raw = x11_xi2.parse(event)
            if raw is not None and self._pressed is not None:
                self._pressed(self._clock.to_us(raw.time, now_us()))

    def close(self) -> None:
        """Give the connection back. Safe to call twice."""
        self.connection.close()
