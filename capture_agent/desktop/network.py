"""What NetworkManager says of the network: whether it costs by volume.

org.freedesktop.NetworkManager, property Metered(u): 1 yes, 2 no, 3 and 4 a guess of both, 0 unknown (NM D-Bus API).
"""

from __future__ import annotations

import sys

_COSTS = frozenset({1, 3})  # a guess of it counts: a phone that lends its network is never declared


def metered() -> bool:
    """Return whether the network costs by volume; False if nobody says. Waits up to 2 s for an answer."""
    if sys.platform != "linux":
        return False
    from jeepney import DBusAddress

    from capture_agent.desktop.bus import ask_once

    manager = "org.freedesktop.NetworkManager"
    return ask_once("SYSTEM", DBusAddress("/org/freedesktop/NetworkManager", manager, manager), "Metered") in _COSTS
