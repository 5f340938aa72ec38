"""What programs say over AT-SPI of the widget that has the keyboard. Plain D-Bus calls, from one thread.

Asked actively, because events alone miss a change now and then: `Collection.GetMatches` on a
program's root finds the focused widget in 1 to 4 ms. Only roles, states and places are asked for;
never a text, a value, or a name, but for those of Chromium's windows: whether one is of private
browsing stands nowhere else. The name goes no further.

Specification: org.a11y.atspi, xml/ in at-spi2-core.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from jeepney import DBusAddress, HeaderFields, MatchRule, MessageType, message_bus, new_method_call
from jeepney.auth import AuthenticationError
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.low_level import SizeLimitError

from capture_agent.core.asking import INVALID, PASSWORD_TEXT, Widget, may_hide, plain_hides
from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Rect
from capture_agent.core.never import is_private
from capture_agent.desktop.base import LOOK_S, AnswerError

Ref: TypeAlias = tuple[str, str]
"""A widget: the bus name of its program, and its path there."""

CONNECT_S = 1.0  # to either bus; nobody waits for it
MAX_FOCUSED = 16  # a widget and the documents around it; Chromium names three
MAX_EVENTS = 64  # of focus between two looks: each change sends two to six
MAX_SECRETS = 8  # secret fields in one program whose places are asked for
MAX_PROGRAMS = 512  # bus names whose process is remembered
MAX_WIDGETS = 300  # of a program that has to be walked through: 0.4 ms each, and LOOK_S ends it anyway

_ACCESSIBLE = "org.a11y.atspi.Accessible"
_APPLICATION = "org.a11y.atspi.Application"
_REGISTRY = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus")
_ACTIVE = 1  # AtspiStateType
_SHOWING = 25
_VISIBLE = 30
_FOCUSED = 12
_ON_SCREEN = 0  # AtspiCoordType
_ALL, _ANY = 1, 2  # AtspiCollectionMatchType
_MATCH = "(aiia{ss}iaiiasib)uib"


class BusGoneError(DesktopError):
    """There is no accessibility bus, or it has gone: connect anew."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a program says: its focused widgets, and where it shows secret fields (px of the desktop).

    `lost`: it shows a secret field and does not say where. `private`: its active window is one of private browsing.
    """

    focused: tuple[Widget, ...]
    secrets: tuple[Rect, ...]
    lost: bool
    plain_hides: bool
    private: bool = False


@dataclass(slots=True)
class _Walked:
    """What a walk through a program of GTK 4 found: its windows and the active ones, what has the keyboard, secrets."""

    windows: tuple[tuple[Ref, bool], ...] = ()
    focused: tuple[Ref, ...] = ()
    passwords: tuple[Ref, ...] = ()


class Accessibility:
    """One connection to the accessibility bus. Every method but `fileno` and `close` raises `BusGoneError`."""

    def __init__(self, session_bus: str | None = None) -> None:
        """Connect. `session_bus`: its D-Bus address; None: the environment's. Changes nothing in the session."""
        with _speaking():
            with open_dbus_connection(
                bus=session_bus or os.environ["DBUS_SESSION_BUS_ADDRESS"], auth_timeout=CONNECT_S
            ) as session:
                ask = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
                (address,) = _body(session.send_and_get_reply(ask, timeout=CONNECT_S), "s")
            self._bus: DBusConnection = open_dbus_connection(bus=address, auth_timeout=CONNECT_S)
        self._deadline = time.monotonic() + CONNECT_S
        self._pids: dict[str, int] = {}
        self._roots: dict[int, list[Ref]] = {}
        self._hides: dict[Ref, bool] = {}
        self._names_tell: dict[Ref, bool] = {}
        self._walked: dict[str, _Walked] = {}
        self._events: deque[Any] = deque(maxlen=MAX_EVENTS)
        rule = MatchRule(type="signal", interface="org.a11y.atspi.Event.Object", member="StateChanged")
        rule.add_arg_condition(0, "focused")
        self._bus.filter(rule, queue=self._events)
        try:
            with _speaking():
                self._bus.send_and_get_reply(message_bus.AddMatch(rule), timeout=CONNECT_S)
                registry = DBusAddress("/org/a11y/atspi/registry", _REGISTRY[0], "org.a11y.atspi.Registry")
                event = "object:state-changed:focused"
                call = new_method_call(registry, "RegisterEvent", "s", (event,))
                self._bus.send_and_get_reply(call, timeout=CONNECT_S)
        except DesktopError:
            self.close()
            raise

    def fileno(self) -> int:
        """Return what to wait on."""
        return int(self._bus.sock.fileno())

    def close(self) -> None:
        """Give the connection back. Safe to call twice."""
        self._bus.close()

    def newly_focused(self) -> tuple[Widget, ...]:
        """Return the widgets that have got the keyboard since the last call.

        Of one that does not answer or has gone already, and of an entry of GTK 4, which may be a hidden one, nothing is
        known but that it was there: its role is `INVALID`.
        """
        self._deadline = time.monotonic() + LOOK_S
        with _speaking():
            while True:
                try:
                    self._bus.recv_messages(timeout=0)
                except TimeoutError:
                    break
        found = [Widget(INVALID)] if len(self._events) == MAX_EVENTS else []  # there may have been more of them
        while self._events:
            event = self._events.popleft()
            fields = event.header.fields
            if len(event.body) > 1 and event.body[1] == 1:
                ref = (fields[HeaderFields.sender], fields[HeaderFields.path])
                try:
                    role = self._call(ref, "GetRole", returns="u")
                    hides = ref[0] in self._walked and may_hide(Widget(role, self._states(ref)))
                except AnswerError:
                    role, hides = INVALID, False
                found.append(Widget(INVALID if hides else role))
                if (walked := self._walked.get(ref[0])) is not None:
                    walked.focused = (ref,)
                    if role == PASSWORD_TEXT and ref not in walked.passwords:
                        walked.passwords = (*walked.passwords, ref)
        return tuple(found)

    def look(self, pid: int) -> Shown | None:
        """Return what the program `pid` says; None: it is not on the bus.

        Waits for `LOOK_S` in all.

        Raises:
            AnswerError: It did not answer, or does not have what is asked for.
        """
        self._deadline = time.monotonic() + LOOK_S
        roots = self._roots.get(pid) or self._find(pid)
        if not roots:
            return None
        try:
            shown = [self._look_into(root) for root in roots]
        except AnswerError:
            self._roots.pop(pid, None)  # it may have gone, and be there anew
            raise
        return Shown(
            tuple(widget for one in shown for widget in one.focused),
            tuple(rect for one in shown for rect in one.secrets),
            any(one.lost for one in shown),
            any(one.plain_hides for one in shown),
            any(self._is_private(root) for root in roots),
        )

    def _find(self, pid: int) -> list[Ref]:
        """Return the roots of the programs of `pid` on the bus."""
        if len(self._pids) > MAX_PROGRAMS:
            self._pids.clear()
            self._hides.clear()
            self._names_tell.clear()
            self._walked.clear()
        apps = self._call(_REGISTRY, "GetChildren", returns="a(so)")
        found = [app for app in apps if self._pid(app[0]) == pid]
        if found:
            self._roots[pid] = found
        return found

    def _pid(self, name: str) -> int:
        if name not in self._pids:
            self._pids[name] = self._call(_BUS, "GetConnectionUnixProcessID", "s", (name,), _BUS[0], returns="u")
        return self._pids[name]

    def _look_into(self, root: Ref) -> Shown:
        if self._plain_hides(root):
            return self._look_through(root)
        focused = [
            Widget(self._call(ref, "GetRole", returns="u"))
            for ref in self._matches(root, states=(1 << _FOCUSED, 0), limit=MAX_FOCUSED)
        ]
        secrets, lost = [], False
        roles = (0, 1 << (PASSWORD_TEXT - 32), 0, 0)
        for ref in self._matches(root, roles=roles, limit=MAX_SECRETS):
            if _SHOWING not in self._states(ref):
                continue
            place = self._place(ref)
            lost = lost or place is None
            secrets += [place] if place is not None else []
        return Shown(tuple(focused), tuple(secrets), lost, plain_hides=False)

    def _look_through(self, root: Ref) -> Shown:
        """Look into a program of GTK 4, which answers no `GetMatches` and does not know where its widgets are.

        It is walked through when it is new, has other windows or another active one, or what had the keyboard has
        it no more; in between the focus follows its events.
        """
        found = self._walked.setdefault(root[0], _Walked())
        windows = tuple((ref, self._is(_ACTIVE, ref)) for ref in self._call(root, "GetChildren", returns="a(so)"))
        keep = windows == found.windows and found.focused and all(self._is(_FOCUSED, ref) for ref in found.focused)
        if not keep:
            self._walked[root[0]] = found = self._walk(windows)
        focused = tuple(Widget(self._call(ref, "GetRole", returns="u"), self._states(ref)) for ref in found.focused)
        return Shown(focused, (), any(self._is(_VISIBLE, ref) for ref in found.passwords), plain_hides=True)

    def _walk(self, windows: tuple[tuple[Ref, bool], ...]) -> _Walked:
        focused: list[Ref] = []
        passwords: list[Ref] = []
        todo, seen = [ref for ref, _ in windows], 0
        while todo:
            ref = todo.pop()
            seen += 1
            if seen > MAX_WIDGETS:
                raise AnswerError("a program shows too many widgets")
            if self._call(ref, "GetRole", returns="u") == PASSWORD_TEXT:
                passwords.append(ref)
            if self._is(_FOCUSED, ref):
                focused.append(ref)
            todo += self._call(ref, "GetChildren", returns="a(so)")
        return _Walked(windows, tuple(focused), tuple(passwords))

    def _is(self, state: int, ref: Ref) -> bool:
        """Return whether a widget is in this state; it is in none if it has gone."""
        try:
            return state in self._states(ref)
        except AnswerError:
            if time.monotonic() >= self._deadline:
                raise
            return False

    def _plain_hides(self, root: Ref) -> bool:
        if root not in self._hides:
            toolkit, version = (self._property(root, name, _APPLICATION) for name in ("ToolkitName", "Version"))
            self._hides[root] = plain_hides(toolkit, version)
        return self._hides[root]

    def _is_private(self, root: Ref) -> bool:
        """Return whether the active window of a browser is one of private browsing; if it has none, whether any is."""
        if root not in self._names_tell:
            self._names_tell[root] = self._property(root, "ToolkitName", _APPLICATION) == "Chromium"
        if not self._names_tell[root]:
            return False
        windows = self._call(root, "GetChildren", returns="a(so)")
        active = [ref for ref in windows if self._is(_ACTIVE, ref)]
        return any(is_private(self._property(ref, "Name", _ACCESSIBLE)) for ref in active or windows)

    def _matches(
        self, root: Ref, *, states: tuple[int, ...] = (), roles: tuple[int, ...] = (), limit: int
    ) -> list[Ref]:
        """Return the widgets below `root` with these states, or with one of these roles (bits)."""
        rule: tuple[Any, ...] = (list(states), _ALL, {}, _ALL, list(roles), _ANY if roles else _ALL, [], _ALL, False)
        found: list[Ref] = self._call(
            root, "GetMatches", _MATCH, (rule, 1, limit, True), "org.a11y.atspi.Collection", returns="a(so)"
        )
        return found

    def _states(self, ref: Ref) -> frozenset[int]:
        words = self._call(ref, "GetState", returns="au")
        return frozenset(bit + 32 * n for n, word in enumerate(words) for bit in range(32) if word >> bit & 1)

    def _place(self, ref: Ref) -> Rect | None:
        """Return where a widget is; None if it does not say. Firefox does so at the second question only."""
        for _ in range(2):
            rect = Rect(
                *self._call(ref, "GetExtents", "u", (_ON_SCREEN,), "org.a11y.atspi.Component", returns="(iiii)")
            )
            if rect.width > 0 and rect.height > 0:
                return rect
        return None

    def _property(self, ref: Ref, name: str, interface: str) -> str:
        body = (interface, name)
        kind, value = self._call(ref, "Get", "ss", body, "org.freedesktop.DBus.Properties", returns="v")
        return value if kind == "s" else ""

    def _call(
        self,
        ref: Ref,
        method: str,
        signature: str = "",
        body: tuple[Any, ...] = (),
        interface: str = _ACCESSIBLE,
        *,
        returns: str,
    ) -> Any:
        """Return the one value of type `returns` that a method returns, within what is left of the time."""
        call = new_method_call(DBusAddress(ref[1], ref[0], interface), method, signature or None, body)
        with _speaking():
            left = max(0.0, self._deadline - time.monotonic())
            (value,) = _body(self._bus.send_and_get_reply(call, timeout=left), returns)
        return value


def _body(reply: Any, signature: str) -> tuple[Any, ...]:
    """Return what a reply carries; anything else than `signature` is of no use, whoever sent it."""
    if reply.header.message_type is not MessageType.method_return:
        raise AnswerError("a program does not tell what it shows")
    if reply.header.fields.get(HeaderFields.signature, "") != signature:
        raise AnswerError("a program tells what it shows in an unknown way")
    body: tuple[Any, ...] = reply.body
    return body


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn whatever goes wrong on a bus into a `DesktopError`."""
    try:
        yield
    except TimeoutError:
        raise AnswerError("a program does not say in time what it shows") from None
    except (OSError, KeyError, ValueError, RuntimeError, AuthenticationError, SizeLimitError) as error:
        # No address is a KeyError, an odd one a ValueError or RuntimeError.
        raise BusGoneError("the accessibility bus cannot be used ({kind})", kind=type(error).__name__) from None
