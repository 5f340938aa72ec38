"""What the message buses say of who has the screen: the desktop's screen saver, and logind.

- org.freedesktop, gnome, mate, cinnamon, xfce .ScreenSaver: signal ActiveChanged(b), method GetActive.
- org.freedesktop.login1 (systemd, org.freedesktop.login1(5)): of our own session the properties LockedHint, Active and
  Remote and the signals Lock and Unlock; of the manager the signals PrepareForSleep(b) and PrepareForShutdown(b).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, Message

from capture_agent.core.splitting import Reason
from capture_agent.desktop.base import Away
from capture_agent.desktop.bus import DAEMON, PROPERTIES, Bus, Listener
from capture_agent.desktop.clock import now_us

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
_SESSION = f"{LOGIND}.Session"
_ASKED = "asked"  # logind's request to lock, as one of those who say so
_ACTIVE = "Active"
# What a signal of the manager announces, and the property that says so, too.
_GOING: Mapping[str, tuple[str, Reason]] = MappingProxyType(
    {
        "PrepareForSleep": ("PreparingForSleep", Reason.ASLEEP),
        "PrepareForShutdown": ("PreparingForShutdown", Reason.SHUTDOWN),
    }
)
# Everybody else who says something here says that the screen is locked.
_MEANS: Mapping[str, Reason] = MappingProxyType({_ACTIVE: Reason.ELSEWHERE, **dict(_GOING.values())})


class BusLocks:
    """Implements `presence.Locks`: listens to both buses from the moment it is made."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}  # who says that nobody is here → since when; whole entries, so no lock
        self._remote = False
        self._listeners = (
            Listener("SESSION", self._listen_session),
            Listener("SYSTEM", self._listen_system),
        )

    def away(self) -> Away | None:
        """See `Locks.away`. With a bus gone, a screen that was locked still is, as far as is known."""
        for listener in self._listeners:
            listener.check()
        said = dict(self._said)
        asked = said.get(_ASKED)
        if not said or (asked is not None and len(said) == 1 and now_us() - asked > ASKED_US):
            return None
        return Away(min(said.values()), frozenset(_MEANS.get(who, Reason.LOCKED) for who in said))

    def remote(self) -> bool:
        """See `Locks.remote`."""
        return self._remote

    @property
    def listening(self) -> tuple[bool, bool]:
        """Whether the session bus and the system bus are listened to now."""
        session, system = self._listeners
        return session.listening, system.listening

    def close(self) -> None:
        """See `Locks.close`."""
        for listener in self._listeners:
            listener.close()

    def _set(self, who: str, away: object) -> None:
        if away is True:
            self._said.setdefault(who, now_us())
        else:
            self._said.pop(who, None)
            if who not in _MEANS:  # that the computer woke up, or the session came back, unlocks nothing
                self._said.pop(_ASKED, None)

    # --- the session bus

    def _listen_session(self, bus: Bus) -> None:
        for name in SAVERS:
            bus.match(MatchRule(type="signal", sender=name, interface=name, member="ActiveChanged"))
            bus.match(MatchRule(type="signal", sender=DAEMON, member="NameOwnerChanged"), (0, name))
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

    def _listen_system(self, bus: Bus) -> None:
        session = _own_session(bus)
        for member, (name, _) in _GOING.items():
            bus.match(MatchRule(type="signal", sender=LOGIND, interface=_MANAGER.interface, member=member))
            self._set(name, bus.get(_MANAGER, name))
        if session:
            bus.match(MatchRule(type="signal", sender=LOGIND, interface=_SESSION, path=session))
            bus.match(MatchRule(type="signal", sender=LOGIND, interface=PROPERTIES, path=session))
            for name in ("LockedHint", _ACTIVE, "Remote"):
                self._property(name, bus.get(DBusAddress(session, LOGIND, _SESSION), name))

        def heard(_message: Message, member: str, body: tuple[Any, ...]) -> None:
            match member, body:
                case "Lock", ():
                    self._set(_ASKED, True)
                case "Unlock", ():
                    self._set(_ASKED, False)
                case "PropertiesChanged", (_, dict(changed), _):
                    for name, value in changed.items():
                        self._property(name, value[1])
                case _, (bool(going),) if member in _GOING:
                    self._set(_GOING[member][0], going)

        bus.listen(heard)

    def _property(self, name: str, value: object) -> None:
        if name == "LockedHint":
            self._set(name, value)
        elif name == _ACTIVE:  # if not, another user's session has the screen
            self._set(name, value is False)
        elif name == "Remote":
            self._remote = value is True


def _own_session(bus: Bus) -> str:
    """Return the path of the session that this process belongs to, "" if logind knows none."""
    for method, signature, value in (
        ("GetSessionByPID", "u", os.getpid()),
        ("GetSession", "s", os.environ.get("XDG_SESSION_ID", "")),
        ("GetSession", "s", "auto"),  # a program that the user's service manager started: the one with the display
    ):
        if value and (found := bus.ask(_MANAGER, method, signature, (value,))) is not None:
            return str(found[0])
    return ""
