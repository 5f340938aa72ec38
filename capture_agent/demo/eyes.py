"""Find what a person would see: widgets by their accessible name, over AT-SPI with plain D-Bus calls."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

from jeepney import DBusAddress, DBusErrorResponse, MessageType, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from capture_agent.core.errors import DesktopError

ACCESSIBLE = "org.a11y.atspi.Accessible"
COMPONENT = "org.a11y.atspi.Component"
ROOT = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
ON_SCREEN = 0  # ATSPI_COORD_TYPE_SCREEN
STATES = {"checked": 4, "enabled": 8, "focused": 12, "showing": 25}  # AtspiStateType in atspi-constants.h
CALL_S = 5.0  # a busy program answers late
WAIT_S = 20.0
POLL_S = 0.05
MAX_DEPTH = 30
MAX_CHILDREN = 300  # of one widget: longer lists (a document's lines) are not buttons

Name: TypeAlias = str | re.Pattern[str]
"""A widget's whole name, or a pattern that is searched for in it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One widget: its place in the program, its role ("push button"), its name, and where it is, in px."""

    ref: tuple[str, str]
    role: str
    name: str
    x: int
    y: int
    width: int
    height: int
    states: frozenset[str]

    @property
    def centre(self) -> tuple[int, int]:
        """Where to click it."""
        return self.x + self.width // 2, self.y + self.height // 2


class Eyes:
    """Looks at one desktop through its accessibility bus."""

    def __init__(self, session_bus: str) -> None:
        """Connect to the accessibility bus that belongs to this session bus (its D-Bus address)."""
        with open_dbus_connection(bus=session_bus) as session:
            ask = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
            address = session.send_and_get_reply(ask, timeout=CALL_S).body[0]
        self._bus: DBusConnection = open_dbus_connection(bus=address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._bus.close()

    def all(self) -> Iterator[Seen]:
        """Yield every widget on screen that has a name, of all programs, the newest program first."""
        for ref in self._showing():
            seen = self._look(ref)
            if seen is not None and seen.name:
                yield seen

    def find(self, name: Name, role: str | None = None) -> Seen | None:
        """Return the first widget on screen with that name (and role), or None."""
        for ref in self._showing():
            # Asked one by one, because most widgets are not the one.
            try:
                if _fits(self._name(ref), name) and (role is None or self._role(ref) == role):
                    seen = self._look(ref)
                    if seen is not None and seen.width > 0:
                        return seen
            except DBusErrorResponse:
                continue  # it went away while we looked
        return None

    def wait(self, name: Name, role: str | None = None, *, within_s: float = WAIT_S) -> Seen:
        """Return the widget once it is there, can be used, and has stopped moving.

        Raises:
            DesktopError: It did not come; the hint lists what is there instead.
        """
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            seen = self.find(name, role)
            while seen is not None:
                time.sleep(POLL_S)
                again = self._look(seen.ref)
                if again == seen and "enabled" in seen.states:
                    return seen
                if again is None or "showing" not in again.states or time.monotonic() > deadline:
                    break
                seen = again
            time.sleep(POLL_S)
        raise DesktopError(f"no {role or 'widget'} named {_words(name)}", hint=self._there())

    def again(self, seen: Seen) -> Seen:
        """Return the same widget as it is now.

        Raises:
            DesktopError: It is gone.
        """
        now = self._look(seen.ref)
        if now is None:
            raise DesktopError(f"{seen.name!r} is gone", hint="The program closed it.")
        return now

    def wait_gone(self, name: Name, role: str | None = None, *, within_s: float = WAIT_S) -> None:
        """Return once nothing on screen has that name.

        Raises:
            DesktopError: It stayed; the hint lists what else is there.
        """
        deadline = time.monotonic() + within_s
        while self.find(name, role) is not None:
            if time.monotonic() > deadline:
                raise DesktopError(f"{_words(name)} is still there", hint=self._there())
            time.sleep(POLL_S)

    def _there(self) -> str:
        """Say what is on screen, for who reads of a failure; a program that is not named never told of itself."""
        programs = [seen.name for ref in self._children(ROOT) if (seen := self._look(ref)) is not None]
        widgets = sorted({f"{seen.role} {seen.name!r}" for seen in self.all()})
        return f"On screen of {', '.join(programs) or 'no program'}: {', '.join(widgets) or 'nothing'}."

    def _showing(self) -> Iterator[tuple[str, str]]:
        """Yield every widget that says it is on screen, parents first."""
        for app in reversed(self._children(ROOT)):
            for window in self._children(app):
                yield from self._below(window, 0)

    def _below(self, ref: tuple[str, str], depth: int) -> Iterator[tuple[str, str]]:
        try:
            if "showing" not in self._states(ref):
                return
        except DBusErrorResponse:
            return  # it went away while we looked
        yield ref
        if depth < MAX_DEPTH:
            for child in self._children(ref)[:MAX_CHILDREN]:
                yield from self._below(child, depth + 1)

    def _look(self, ref: tuple[str, str]) -> Seen | None:
        """Return a widget, or None if it went away while we looked."""
        try:
            role, name, states = self._role(ref), self._name(ref), self._states(ref)
        except DBusErrorResponse:
            return None
        try:
            x, y, width, height = self._call(ref, COMPONENT, "GetExtents", "u", (ON_SCREEN,))[0]
        except DBusErrorResponse:
            x = y = width = height = 0  # some have no place of their own
        return Seen(ref, role, name, x, y, width, height, states)

    def _role(self, ref: tuple[str, str]) -> str:
        return str(self._call(ref, ACCESSIBLE, "GetRoleName")[0])

    def _name(self, ref: tuple[str, str]) -> str:
        return str(self._call(ref, "org.freedesktop.DBus.Properties", "Get", "ss", (ACCESSIBLE, "Name"))[0][1])

    def _states(self, ref: tuple[str, str]) -> frozenset[str]:
        low, high = self._call(ref, ACCESSIBLE, "GetState")[0]
        return frozenset(state for state, bit in STATES.items() if (low | high << 32) >> bit & 1)

    def _children(self, ref: tuple[str, str]) -> list[tuple[str, str]]:
        try:
            return [(str(name), str(path)) for name, path in self._call(ref, ACCESSIBLE, "GetChildren")[0]]
        except DBusErrorResponse:
            return []  # the program ended

    def _call(
        self, ref: tuple[str, str], interface: str, method: str, signature: str = "", body: tuple[Any, ...] = ()
    ) -> tuple[Any, ...]:
        call = new_method_call(DBusAddress(ref[1], ref[0], interface), method, signature or None, body)
        reply = self._bus.send_and_get_reply(call, timeout=CALL_S)
        if reply.header.message_type is MessageType.error:
            raise DBusErrorResponse(reply)
        result: tuple[Any, ...] = reply.body
        return result


def _fits(name: str, wanted: Name) -> bool:
    return name == wanted if isinstance(wanted, str) else wanted.search(name) is not None


def _words(name: Name) -> str:
    return repr(name) if isinstance(name, str) else f"/{name.pattern}/"
