"""A stand-in for services of a desktop: owns a screen saver's name, or logind's, and says what it is told to say."""

from __future__ import annotations

import os
import threading
from typing import Any, Self

from jeepney import DBusAddress, HeaderFields, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import open_dbus_connection

SAVER = DBusAddress("/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver", "org.freedesktop.ScreenSaver")
LOGIND = "org.freedesktop.login1"
UPOWER = DBusAddress("/org/freedesktop/UPower", "org.freedesktop.UPower", "org.freedesktop.UPower")
BATTERY = DBusAddress(
    "/org/freedesktop/UPower/devices/DisplayDevice", "org.freedesktop.UPower", "org.freedesktop.UPower.Device"
)
PROFILES = {
    name: DBusAddress(path, name, name)
    for name, path in (
        ("org.freedesktop.UPower.PowerProfiles", "/org/freedesktop/UPower/PowerProfiles"),
        ("net.hadess.PowerProfiles", "/net/hadess/PowerProfiles"),
    )
}
SESSION_PATH = "/org/freedesktop/login1/session/_31"
SESSION = DBusAddress(SESSION_PATH, LOGIND, f"{LOGIND}.Session")
PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGER = DBusAddress("/org/freedesktop/login1", LOGIND, f"{LOGIND}.Manager")


class StandIn:
    """Owns `name` on the bus at `address` while `with` lasts.

    Answers `answers` ({method: (signature, body)}), and `Get` with `properties` ({name: (signature, value)}).
    """

    def __init__(
        self,
        address: str,
        name: str,
        answers: dict[str, tuple[str, tuple[Any, ...]]] | None = None,
        properties: dict[str, tuple[str, Any]] | None = None,
    ) -> None:
        self.bus = open_dbus_connection(bus=address)
        if name:
            assert self.bus.send_and_get_reply(message_bus.RequestName(name)).body == (1,)
        self._answers = answers or {}
        self._properties = properties or {}
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join()
        self.bus.close()

    def say(self, where: DBusAddress, member: str, signature: str = "", body: tuple[Any, ...] = ()) -> None:
        """Send a signal."""
        self.bus.send(new_signal(where, member, signature or None, body))

    def active(self, active: bool) -> None:
        """Say that the screen saver is on, or off."""
        self._answers["GetActive"] = ("b", (active,))
        self.say(SAVER, "ActiveChanged", "b", (active,))

    def changed(self, name: str, value: Any, of: DBusAddress = SESSION) -> None:
        """Say that a property has changed: of the session, or of another object."""
        kind = self._properties[name][0]
        self._properties[name] = (kind, value)
        where = DBusAddress(of.object_path, of.bus_name, PROPERTIES)
        self.say(where, "PropertiesChanged", "sa{sv}as", (of.interface, {name: (kind, value)}, []))

    def _serve(self) -> None:
        while not self._closing:
            try:
                asked = self.bus.receive(timeout=0.05)
            except TimeoutError:
                continue
            if asked.header.message_type is not MessageType.method_call:
                continue
            method = str(asked.header.fields[HeaderFields.member])
            answer = self._answers.get(method)
            if method == "Get" and asked.body[1] in self._properties:
                answer = ("v", (self._properties[asked.body[1]],))
            if answer is None:
                self.bus.send(new_error(asked, "org.freedesktop.DBus.Error.UnknownMethod"))
            else:
                self.bus.send(new_method_return(asked, answer[0], answer[1]))


def logind(address: str, **properties: bool) -> StandIn:
    """Return a logind that knows one session, which is active, here and not locked, or as `properties` say."""
    assert os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", address) == address, "the real system bus is never touched"
    said = {"Active": True, "LockedHint": False, "Remote": False}
    said |= {"PreparingForSleep": False, "PreparingForShutdown": False} | properties
    return StandIn(
        address,
        LOGIND,
        {"GetSessionByPID": ("o", (SESSION_PATH,))},
        {name: ("b", value) for name, value in said.items()},
    )


def upower(address: str) -> StandIn:
    """Return an UPower of a laptop on battery that is full."""
    return StandIn(address, str(UPOWER.bus_name), None, {"OnBattery": ("b", True), "WarningLevel": ("u", 1)})


def profiles(address: str, name: str, profile: str) -> StandIn:
    """Return a power-profiles-daemon of one of its two names in `PROFILES`, with `profile` on."""
    return StandIn(address, name, None, {"ActiveProfile": ("s", profile)})
