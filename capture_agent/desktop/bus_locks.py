"""What the message buses say of a locked screen: the desktop's screen saver, and logind.

Each bus has a thread of its own, because a bus may be missing, hang or die; whoever asks never waits.
Signals are taken from the owner of a name alone, which the bus itself checks (D-Bus specification,
"Match Rules", `sender`): another program can neither lock nor unlock here.

- org.freedesktop, gnome, mate, cinnamon, xfce .ScreenSaver: signal ActiveChanged(b), method GetActive.
- org.freedesktop.login1 (systemd, org.freedesktop.login1(5)): of our own session the properties LockedHint and
  Active and the signals Lock and Unlock; of the manager the signal PrepareForSleep(b).
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, Message, MessageType, message_bus, new_method_call
from jeepney.auth import AuthenticationError
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.low_level import MessageFlag
from jeepney.wrappers import DBusErrorResponse

from capture_agent.core.errors import FaultError
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.waker import Waker

ANSWER_S = 2.0  # a bus or service that has not answered by then is left alone until the next try
RETRY_S = 30.0  # how long until a bus that is not there, or has gone, is looked for again
JOIN_S = 3.0  # how long closing waits for a thread, which may be waiting for an answer
ASKED_US = 10_000_000  # a request to lock that nothing has confirmed by then came to nothing

SAVERS: Mapping[str, str] = MappingProxyType(
    {
        "org.freedesktop.ScreenSaver": "/org/freedesktop/ScreenSaver",
        "org.gnome.ScreenSaver": "/org/gnome/ScreenSaver",
        "org.mate.ScreenSaver": "/org/mate/ScreenSaver",
        "org.cinnamon.ScreenSaver": "/org/cinnamon/ScreenSaver",
        "org.xfce.ScreenSaver": "/org/xfce/ScreenSaver",
    }
)
LOGIND = "org.freedesktop.login1"
_MANAGER = DBusAddress("/org/freedesktop/login1", LOGIND, f"{LOGIND}.Manager")
_DBUS = "org.freedesktop.DBus"
_SESSION = f"{LOGIND}.Session"
_PROPERTIES = "org.freedesktop.DBus.Properties"
# An address that is missing or cannot be read is a KeyError or RuntimeError of jeepney's, a timeout an OSError.
_NO_BUS = (OSError, KeyError, RuntimeError, AuthenticationError, DBusErrorResponse)
_ASKED = "asked"  # logind's request to lock, as one of the reasons


class BusLocks:
    """Implements `presence.Locks`: listens to both buses from the moment it is made."""

    def __init__(self) -> None:
        self._reasons: dict[str, int] = {}  # who says that it is locked → since when; whole entries, so no lock
        self._listeners = (
            _Listener("SESSION", self._listen_session),
            _Listener("SYSTEM", self._listen_system),
        )

    def locked_since(self) -> int | None:
        """See `Locks.locked_since`. With a bus gone, a screen that was locked still is, as far as is known."""
        for listener in self._listeners:
            listener.check()
        reasons = dict(self._reasons)
        asked = reasons.get(_ASKED)
        if asked is not None and len(reasons) == 1 and now_us() - asked > ASKED_US:
            return None
        return min(reasons.values(), default=None)

    @property
    def listening(self) -> tuple[bool, bool]:
        """Whether the session bus and the system bus are listened to now."""
        session, system = self._listeners
        return session.listening, system.listening

    def close(self) -> None:
        """See `Locks.close`."""
        for listener in self._listeners:
            listener.close()

    def _set(self, who: str, locked: object) -> None:
        if locked is True:
            self._reasons.setdefault(who, now_us())
        else:
            self._reasons.pop(who, None)
            self._reasons.pop(_ASKED, None)

    # --- the session bus

    def _listen_session(self, bus: _Bus) -> None:
        for name in SAVERS:
            bus.match(MatchRule(type="signal", sender=name, interface=name, member="ActiveChanged"))
            bus.match(MatchRule(type="signal", sender=_DBUS, member="NameOwnerChanged"), (0, name))
        for name, path in SAVERS.items():
            if (active := bus.ask(DBusAddress(path, name, name), "GetActive")) is not None:
                self._set(name, active[0])

        def heard(message: Message, member: str, body: tuple[Any, ...]) -> None:
            match member, body:
                case "ActiveChanged", (bool(active),):
                    self._set(str(message.header.fields[HeaderFields.interface]), active)
                case "NameOwnerChanged", (str(name), _, "") if name in SAVERS:
                    self._set(name, False)  # what had locked the screen is gone, and its window with it

        bus.listen(heard)

    # --- the system bus

    def _listen_system(self, bus: _Bus) -> None:
        session = _own_session(bus)
        bus.match(MatchRule(type="signal", sender=LOGIND, interface=_MANAGER.interface, member="PrepareForSleep"))
        if session:
            bus.match(MatchRule(type="signal", sender=LOGIND, interface=_SESSION, path=session))
            bus.match(MatchRule(type="signal", sender=LOGIND, interface=_PROPERTIES, path=session))
            for name in ("LockedHint", "Active"):
                where = DBusAddress(session, LOGIND, _PROPERTIES)
                if (value := bus.ask(where, "Get", "ss", (_SESSION, name))) is not None:
                    self._property(name, value[0][1])

        def heard(_message: Message, member: str, body: tuple[Any, ...]) -> None:
            match member, body:
                case "PrepareForSleep", (bool(asleep),):
                    self._set("sleep", asleep)
                case "Lock", ():
                    self._set(_ASKED, True)
                case "Unlock", ():
                    self._set(_ASKED, False)
                case "PropertiesChanged", (_, dict(changed), _):
                    for name, value in changed.items():
                        self._property(name, value[1])

        bus.listen(heard)

    def _property(self, name: str, value: object) -> None:
        if name == "LockedHint":
            self._set(name, value)
        elif name == "Active":  # another user's session has the screen
            self._set("elsewhere", value is False)


def _own_session(bus: _Bus) -> str:
    """Return the path of the session that this process belongs to, "" if logind knows none."""
    for method, signature, value in (
        ("GetSessionByPID", "u", os.getpid()),
        ("GetSession", "s", os.environ.get("XDG_SESSION_ID", "")),
    ):
        if value and (found := bus.ask(_MANAGER, method, signature, (value,))) is not None:
            return str(found[0])
    return ""


class _Bus:
    """One connection, on the thread that listens."""

    def __init__(self, connection: DBusConnection, waker: Waker, closing: Callable[[], bool]) -> None:
        self._connection = connection
        self._waker = waker
        self._closing = closing
        self._early: list[Message] = []  # signals that came while an answer was waited for

    def match(self, rule: MatchRule, argument: tuple[int, str] | None = None) -> None:
        """Want the signals of `rule`."""
        if argument is not None:
            rule.add_arg_condition(*argument)
        self._send(message_bus.AddMatch(rule))

    def ask(self, where: DBusAddress, method: str, signature: str = "", body: tuple[Any, ...] = ()) -> Any:
        """Return the answer's body, or None: nobody has that name, or it says no. Starts no service."""
        message = new_method_call(where, method, signature or None, body)
        message.header.flags |= MessageFlag.no_auto_start
        return self._send(message)

    def _send(self, message: Message) -> Any:
        serial = next(self._connection.outgoing_serial)
        self._connection.send(message, serial=serial)
        while True:
            came = self._connection.receive(timeout=ANSWER_S)
            if came.header.fields.get(HeaderFields.reply_serial) == serial:
                return None if came.header.message_type is MessageType.error else came.body
            self._early.append(came)

    def listen(self, heard: Callable[[Message, str, tuple[Any, ...]], None]) -> None:
        """Call `heard` with every signal until the end. Raises OSError if the bus goes."""
        while not self._closing():
            for message in self._arrived():
                if message.header.message_type is MessageType.signal:
                    heard(message, str(message.header.fields.get(HeaderFields.member)), tuple(message.body))
            select.select((self._connection.sock, self._waker), (), ())

    def _arrived(self) -> list[Message]:
        found, self._early = self._early, []
        while True:
            try:
                found.append(self._connection.receive(timeout=0))
            except TimeoutError:
                return found


class _Listener:
    """A thread that keeps listening to one bus, whatever happens to it."""

    def __init__(self, name: str, listen: Callable[[_Bus], None]) -> None:
        self._name = name
        self._listen = listen
        self._waker = Waker()
        self._closing = False
        self._died = ""
        self.listening = False
        self._thread = threading.Thread(target=self._run, name=f"{name.lower()}-bus", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `FaultError` if the thread has died."""
        if self._died:
            raise FaultError(
                "what says that the screen is locked has died ({kind})", hint="Start again.", kind=self._died
            )

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self._waker.wake()
        self._thread.join(JOIN_S)
        if not self._thread.is_alive():
            self._waker.close()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._once()
                if not self._closing:
                    select.select((self._waker,), (), (), RETRY_S)
        except BaseException as error:  # noqa: BLE001 - the thread's one boundary: whatever it is becomes a fault
            self._died = type(error).__name__

    def _once(self) -> None:
        try:
            with open_dbus_connection(bus=self._name, auth_timeout=ANSWER_S) as connection:
                bus = _Bus(connection, self._waker, lambda: self._closing)
                self.listening = True
                self._listen(bus)
        except _NO_BUS:
            self.listening = False  # there is none, or it does not answer, or it has gone
