"""Whether this session is used from another computer.

What is shown and typed is then somebody's who sits elsewhere, perhaps beside people who know of no recording. There is
no setting for it: at the computer itself, recording goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from capture_agent.desktop import x11_monitors

if TYPE_CHECKING:
    from capture_agent.desktop.x11_connection import Connection

# What a remote session's programs are started with: ssh(1) "ENVIRONMENT", xrdp since 0.10, X2Go, Chrome Remote Desktop.
_SET_BY = ("SSH_CONNECTION", "SSH_CLIENT", "XRDP_SESSION", "X2GO_SESSION", "CHROME_REMOTE_DESKTOP_SESSION")
_VNC = "VNC-EXTENSION"  # Xvnc of TigerVNC, TightVNC and TurboVNC, and their module for Xorg
# What Xvnc ("VNC-0") and xorgxrdp ("rdp0"; it sets no variable before 0.10) call their monitors.
_OUTPUTS = ("VNC-", "rdp")


def started_from_afar(env: Mapping[str, str]) -> bool:
    """Return whether a program with the environment `env` was started by somebody at another computer. Pure."""
    return any(env.get(name) for name in _SET_BY)


def is_remote(connection: Connection) -> bool:
    """Return whether the X server shows its picture on another computer."""
    extensions = frozenset(connection.display.list_extensions())
    return shows_elsewhere(connection.display.get_display_name(), extensions, x11_monitors.outputs(connection))


def shows_elsewhere(display: str, extensions: AbstractSet[str], outputs: AbstractSet[str]) -> bool:
    """Return whether an X server of the name `display` shows its picture on another computer. Pure.

    A name with a host in it is a display there, or ssh's way to one (X(7), "DISPLAY NAMES").
    """
    host = display.rpartition(":")[0]
    if host and host != "unix" and not host.startswith(("/", "unix:")):
        return True
    return _VNC in extensions or any(output.startswith(_OUTPUTS) for output in outputs)
