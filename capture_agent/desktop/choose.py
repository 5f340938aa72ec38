"""The one place that asks which operating system this is, for what the desktop knows."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from capture_agent.core.errors import DesktopError
from capture_agent.desktop.base import InputBackEnd, Problem

if TYPE_CHECKING:
    from capture_agent.desktop.base import Desktop, FieldEyes, Hotkeys
    from capture_agent.desktop.presence import Lookout

_ELSEWHERE = Problem(
    "system",
    f"this version records on X11 only, and this is {sys.platform}",
    "use Linux with an X11 session",
)


def check(env: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Return what hinders recording here. Starts no Qt, and never aborts. `env`: by default the environment."""
    if sys.platform == "win32" or sys.platform == "darwin":
        return (_ELSEWHERE,)
    from capture_agent.desktop import x11_check

    return x11_check.check(os.environ if env is None else env)


def open_desktop(display: str | None = None) -> Desktop:
    """Return a connection to this desktop, to be used by the thread that asks.

    Raises:
        DesktopError: There is none, or not one that this version knows.
    """
    if sys.platform == "win32" or sys.platform == "darwin":
        raise DesktopError(_ELSEWHERE.what, hint=_ELSEWHERE.hint)
    from capture_agent.desktop.x11 import X11Desktop

    return X11Desktop(display)


def input_back_end(display: str | None = None) -> InputBackEnd:
    """Return how keyboard and pointer can be read here.

    Raises:
        DesktopError: There is no such display.
    """
    if sys.platform == "win32" or sys.platform == "darwin":
        return InputBackEnd.PYNPUT
    from capture_agent.desktop import x11_check

    return x11_check.input_back_end(display)


def open_lookout(desktop: Desktop) -> Lookout:
    """Return what tells whether the person is here, to be used by the thread that opened `desktop`.

    A bus that is not there is waited for in the background: nothing here fails or waits.
    """
    from capture_agent.desktop.bus_locks import BusLocks
    from capture_agent.desktop.bus_power import BusPower
    from capture_agent.desktop.presence import Lookout
    from capture_agent.desktop.x11_remote import started_from_afar

    remote = desktop.is_remote() or started_from_afar(os.environ)
    return Lookout(desktop, BusLocks(), BusPower(), remote=remote)


def open_fields(session_bus: str | None = None) -> FieldEyes:
    """Return what sees into the fields of this system, to be used by the thread that asks.

    What it asks is reached for when it looks: nothing here fails or waits. `session_bus`: a D-Bus address.
    """
    if sys.platform == "win32":
        from capture_agent.desktop.windows_calls import UserInterface
        from capture_agent.desktop.windows_fields import WindowsFields

        return WindowsFields(UserInterface())
    if sys.platform == "darwin":
        from capture_agent.desktop.macos_calls import Frameworks
        from capture_agent.desktop.macos_fields import MacFields

        return MacFields(Frameworks())
    from capture_agent.desktop.linux_fields import LinuxFields

    return LinuxFields(session_bus)


def open_hotkeys(display: str | None = None) -> Hotkeys:
    """Return the hotkeys of this desktop, none grabbed yet.

    Raises:
        DesktopError: There is no desktop, or not one that this version knows.
    """
    if sys.platform == "win32" or sys.platform == "darwin":
        raise DesktopError(_ELSEWHERE.what, hint=_ELSEWHERE.hint)
    from capture_agent.desktop.x11_hotkeys import X11Hotkeys

    return X11Hotkeys(display)
