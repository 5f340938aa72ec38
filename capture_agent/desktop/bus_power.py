"""What the system bus says of the battery: UPower, and power-profiles-daemon under its new name and its old one.

- org.freedesktop.UPower: OnBattery(b); of its DisplayDevice, which stands for all batteries, WarningLevel(u).
- org.freedesktop.UPower.PowerProfiles, before version 0.20 net.hadess.PowerProfiles: ActiveProfile(s).
"""

from __future__ import annotations

from typing import Any

from jeepney import DBusAddress, MatchRule, Message

from capture_agent.core.splitting import saves_battery
from capture_agent.desktop.bus import DAEMON, PROPERTIES, Bus, Listener

_UPOWER = "org.freedesktop.UPower"
_BATTERY = f"{_UPOWER}.Device"
_PROFILES = f"{_UPOWER}.PowerProfiles"
_OLD_PROFILES = "net.hadess.PowerProfiles"
# Of each interface one property.
_WATCHED = {
    _UPOWER: (DBusAddress("/org/freedesktop/UPower", _UPOWER, _UPOWER), "OnBattery"),
    _BATTERY: (DBusAddress("/org/freedesktop/UPower/devices/DisplayDevice", _UPOWER, _BATTERY), "WarningLevel"),
    _PROFILES: (DBusAddress("/org/freedesktop/UPower/PowerProfiles", _PROFILES, _PROFILES), "ActiveProfile"),
    _OLD_PROFILES: (DBusAddress("/net/hadess/PowerProfiles", _OLD_PROFILES, _OLD_PROFILES), "ActiveProfile"),
}


class BusPower:
    """Implements `presence.Power`: listens to the system bus from the moment it is made."""

    def __init__(self) -> None:
        self._said: dict[str, object] = {}  # interface → its property; whole entries, so no lock
        self._listener = Listener("SYSTEM", self._listen)

    def saving(self) -> bool:
        """See `Power.saving`. With a service gone, nothing is known of what it said."""
        self._listener.check()
        on_battery, warning = self._said.get(_UPOWER), self._said.get(_BATTERY)
        return saves_battery(
            str(self._said.get(_PROFILES) or self._said.get(_OLD_PROFILES) or ""),
            on_battery if isinstance(on_battery, bool) else None,
            warning if isinstance(warning, int) else 0,
        )

    def close(self) -> None:
        """See `Power.close`."""
        self._listener.close()

    def _listen(self, bus: Bus) -> None:
        for where, _ in _WATCHED.values():
            name, path = where.bus_name, where.object_path
            bus.match(MatchRule(type="signal", sender=name, interface=PROPERTIES, path=path))
            bus.match(MatchRule(type="signal", sender=DAEMON, member="NameOwnerChanged"), (0, str(name)))
        self._said = {interface: bus.get(*watched) for interface, watched in _WATCHED.items()}

        def heard(_message: Message, member: str, body: tuple[Any, ...]) -> None:
            match member, body:
                case "PropertiesChanged", (str(interface), dict(changed), _) if interface in _WATCHED:
                    name = _WATCHED[interface][1]
                    if name in changed:
                        self._said[interface] = changed[name][1]
                case "NameOwnerChanged", (str(name), _, _):  # the service came, went or came anew
                    for interface, (where, wanted) in _WATCHED.items():
                        if where.bus_name == name:
                            self._said[interface] = bus.get(where, wanted)

        bus.listen(heard)
