"""What the panel's StatusNotifierWatcher says of our tray icon, asked over D-Bus without making the window wait.

Specification: freedesktop.org, StatusNotifierItem, "StatusNotifierWatcher". Items are listed as
"<unique bus name>/<path>"; a watcher may outlive the panel that shows the items, so the panel
("host") has to be registered too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage, QDBusPendingCallWatcher, QDBusVariant

FRESH_S = 0.25  # an answer older than this proves nothing
WAIT_MS = 15  # how long a window may wait for each of at most three answers; a watcher that lives answers in 1 ms
LATER_MS = 200  # how long an answer in the background may take; later it would not be fresh anyway
SULK_S = 1.0  # after a watcher let us wait that long, it is asked only in the background for this long

_NAME = "org.kde.StatusNotifierWatcher"
_ITEMS = "RegisteredStatusNotifierItems"
_HOST = "IsStatusNotifierHostRegistered"


class Watcher(QObject):
    """Whether a panel lists an icon of this process. Asks only when asked."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = QDBusConnection.sessionBus()
        self._ours: dict[str, bool] = {}  # unique bus name → whether its owner is this process; names are never reused
        self._answer = False
        self._answered = self._began = self._sulked = float("-inf")

    def lists_us(self) -> bool:
        """Return whether a panel lists us, by an answer that is at most `FRESH_S` old.

        Every call asks anew in the background, so that whoever calls four times a second never
        waits; whoever calls rarely waits once, for at most `WAIT_MS` a question.
        """
        now = time.monotonic()
        if now - self._answered > FRESH_S and now - self._sulked > SULK_S:
            self._take(self._now(_HOST), self._now(_ITEMS))
            if time.monotonic() - now > WAIT_MS / 1000:
                self._sulked = time.monotonic()
        self._ask_later()
        return self._answer and time.monotonic() - self._answered <= FRESH_S

    def _take(self, host: object, items: object) -> None:
        listed = items if isinstance(items, list) else []
        self._answer = host is True and any(self._is_ours(str(item).split("/", maxsplit=1)[0]) for item in listed)
        self._answered = time.monotonic()

    def _ask_later(self) -> None:
        """Ask in the background; what comes back counts from when it was asked."""
        if time.monotonic() - self._began < FRESH_S / 3:
            return
        self._began = time.monotonic()

        def host_came(host: object) -> None:
            self._later(_ITEMS, lambda items: self._take(host, items))

        self._later(_HOST, host_came)

    def _later(self, name: str, then: Callable[[object], None]) -> None:
        call = QDBusPendingCallWatcher(self._bus.asyncCall(_get(name), LATER_MS), self)

        def came() -> None:
            then(_value(call.reply()))
            call.deleteLater()

        call.finished.connect(came)

    def _now(self, name: str) -> object:
        return _value(self._bus.call(_get(name), QDBus.CallMode.Block, WAIT_MS))

    def _is_ours(self, name: str) -> bool:
        """Ask the bus itself, which answers at once, whose name that is; once for each name."""
        if name not in self._ours:
            ask = QDBusMessage.createMethodCall(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixProcessID"
            )
            ask.setArguments([name])
            reply = self._bus.call(ask, QDBus.CallMode.Block, WAIT_MS)
            if reply.type() is not QDBusMessage.MessageType.ReplyMessage:
                return False
            self._ours[name] = reply.arguments() == [os.getpid()]
        return self._ours[name]


def _get(name: str) -> QDBusMessage:
    message = QDBusMessage.createMethodCall(_NAME, "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties", "Get")
    message.setArguments([_NAME, name])
    message.setAutoStartService(False)
    return message


def _value(reply: QDBusMessage) -> object:
    """Return the property in `reply`; None if there is none, whatever the reason: that proves nothing."""
    arguments = reply.arguments()
    if reply.type() is not QDBusMessage.MessageType.ReplyMessage or not arguments:
        return None
    value: object = arguments[0]
    return value.variant() if isinstance(value, QDBusVariant) else value
