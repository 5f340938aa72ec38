"""One connection to a message bus, on a thread of its own: a bus may be missing, hang or die, and nobody waits for it.

Signals are taken from the owner of a name alone, which the bus itself checks (D-Bus specification,
"Match Rules", `sender`): no other program can say anything in its place.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, Message, MessageType, message_bus, new_method_call
from jeepney.auth import AuthenticationError
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.low_level import MessageFlag
from jeepney.wrappers import DBusErrorResponse

from capture_agent.core.errors import FaultError
from capture_agent.desktop.waker import Waker

ANSWER_S = 2.0  # a bus or service that has not answered by then is left alone until the next try
RETRY_S = 30.0  # how long until a bus that is not there, or has gone, is looked for again
JOIN_S = 3.0  # how long closing waits for a thread, which may be waiting for an answer

DAEMON = "org.freedesktop.DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"
# An address that is missing or cannot be read is a KeyError or RuntimeError of jeepney's, a timeout an OSError.
_NO_BUS = (OSError, KeyError, RuntimeError, AuthenticationError, DBusErrorResponse)


class Bus:
    """One connection, on the thread that listens."""

    def __init__(
        self, connection: DBusConnection, waker: Waker, closing: Callable[[], bool], listening: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._waker = waker
        self._closing = closing
        self._listening = listening
        self._early: list[Message] = []  # signals that came while an answer was waited for

    def match(self, rule: MatchRule, argument: tuple[int, str] | None = None) -> None:
        """Want the signals of `rule`."""
        if argument is not None:
            rule.add_arg_condition(*argument)
        self._send(message_bus.AddMatch(rule))

    def get(self, where: DBusAddress, name: str) -> Any:
        """Return the property `name` of `where`, or None as `ask` does."""
        answer = self.ask(
            DBusAddress(where.object_path, where.bus_name, PROPERTIES), "Get", "ss", (where.interface, name)
        )
        return None if answer is None else answer[0][1]

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
        self._listening()
        while not self._closing():
            for message in self._arrived():
                if message.header.message_type is MessageType.signal:
                    heard(message, str(message.header.fields.get(HeaderFields.member)), tuple(message.body))
            if not self._early:  # `heard` may have asked, and a signal come before the answer
                select.select((self._connection.sock, self._waker), (), ())

    def _arrived(self) -> list[Message]:
        found, self._early = self._early, []
        while True:
            try:
                found.append(self._connection.receive(timeout=0))
            except TimeoutError:
                return found


class Listener:
    """A thread that keeps listening to one bus, whatever happens to it."""

    def __init__(self, name: str, listen: Callable[[Bus], None]) -> None:
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
                "what listens to messages of the desktop has died ({kind})", hint="Start again.", kind=self._died
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

    def _began(self) -> None:
        """Say so only now: what is signalled before all is wanted that `listen` wants is not heard."""
        self.listening = True

    def _once(self) -> None:
        try:
            with open_dbus_connection(bus=self._name, auth_timeout=ANSWER_S) as connection:
                self._listen(Bus(connection, self._waker, lambda: self._closing, self._began))
        except _NO_BUS:
            self.listening = False  # there is none, or it does not answer, or it has gone


def ask_once(name: str, where: DBusAddress, wanted: str) -> Any:
    """Return the property `wanted` of `where` on the bus `name`; None if nobody answers. Waits up to `ANSWER_S`."""
    waker = Waker()
    try:
        with open_dbus_connection(bus=name, auth_timeout=ANSWER_S) as connection:
            return Bus(connection, waker, lambda: False, lambda: None).get(where, wanted)
    except _NO_BUS:
        return None
    finally:
        waker.close()
