"""The session's switch for accessibility: whether its programs tell over AT-SPI what they show.

`IsEnabled` of `org.a11y.Status`. Programs of Qt, Firefox and Chromium obey it while they run. It outlasts the session:
at-spi-bus-launcher keeps it in the person's settings (`org.gnome.desktop.interface toolkit-accessibility`).
A screen reader has a switch of its own, `ScreenReaderEnabled`, and needs this one on.
"""

from __future__ import annotations

import os
import sys

from capture_agent.core.errors import DesktopError

SWITCH = "IsEnabled"
_READER = "ScreenReaderEnabled"
ANSWER_S = 1.0  # measured: 1 to 20 ms, the start of the service included. The main thread waits

CAN_WAKE = sys.platform == "linux"  # elsewhere fields are asked for in other ways, and nothing has to be switched on


def is_awake() -> bool:
    """Return whether accessibility is on.

    Raises:
        DesktopError: There is no session bus, or nobody on it who knows.
    """
    return _get(SWITCH)


def wake(on: bool) -> None:
    """Switch accessibility on or off; it is left on while a screen reader needs it.

    Raises:
        DesktopError: As `is_awake`.
    """
    if on or not _get(_READER):
        _call("Set", "ssv", ("org.a11y.Status", SWITCH, ("b", on)))


def _get(name: str) -> bool:
    reply = _call("Get", "ss", ("org.a11y.Status", name))
    return reply == (("b", True),)


def _call(method: str, signature: str, body: tuple[object, ...]) -> tuple[object, ...]:
    from jeepney import DBusAddress, MessageType, new_method_call
    from jeepney.auth import AuthenticationError
    from jeepney.io.blocking import open_dbus_connection

    properties = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.freedesktop.DBus.Properties")
    try:
        address = os.environ["DBUS_SESSION_BUS_ADDRESS"]
        with open_dbus_connection(bus=address, auth_timeout=ANSWER_S) as bus:
            reply = bus.send_and_get_reply(new_method_call(properties, method, signature, body), timeout=ANSWER_S)
    except (OSError, KeyError, ValueError, RuntimeError, AuthenticationError) as error:
        # No address is a KeyError, an odd one a ValueError or RuntimeError, no answer in time an OSError.
        raise _unknown() from error
    if reply.header.message_type is not MessageType.method_return:
        raise _unknown()
    found: tuple[object, ...] = reply.body
    return found


def _unknown() -> DesktopError:
    return DesktopError(
        "accessibility cannot be switched: its service does not answer", hint="Install at-spi2-core, and log in anew."
    )
