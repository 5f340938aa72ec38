"""What the system says of the network: whether this computer is in one, and whether that costs by volume.

Costs: org.freedesktop.NetworkManager, property Metered(u): 1 yes, 2 no, 3 and 4 a guess of both, 0 unknown (NM D-Bus
API). Addresses: files of Linux, `core.network`; reading them opens no connection.
"""

from __future__ import annotations

import sys
from pathlib import Path

from capture_agent.core.network import Addresses, outward

_COSTS = frozenset({1, 3})  # a guess of it counts: a phone that lends its network is never declared
_TOLD = Path("/proc/net")
_LINKS = Path("/sys/class/net")


def addresses() -> Addresses | None:
    """Return the addresses that other computers could know this one by; None: the system does not say. Cheap."""
    if sys.platform != "linux":
        return None
    try:
        ipv6 = _TOLD / "if_inet6"  # not there where IPv6 is switched off
        return outward(
            (_TOLD / "fib_trie").read_text(),
            ipv6.read_text() if ipv6.exists() else "",
            (_TOLD / "route").read_text(),
            _inner(),
        )
    except (OSError, ValueError):
        return None


def _inner() -> frozenset[str]:
    """Return the bridges that only join what runs on this computer: Docker's and libvirt's always have an address.

    A bridge to elsewhere joins a device, or a link that stands on one (Documentation/ABI/testing/sysfs-class-net).
    """

    def leads_out(member: Path) -> bool:
        link = _LINKS / member.name
        return (link / "device").exists() or any(link.glob("lower_*"))

    bridges = [path.parent for path in _LINKS.glob("*/bridge")]
    return frozenset(one.name for one in bridges if not any(map(leads_out, (one / "brif").iterdir())))


def metered() -> bool:
    """Return whether the network costs by volume; False if nobody says. Waits up to 2 s for an answer."""
    if sys.platform != "linux":
        return False
    from jeepney import DBusAddress

    from capture_agent.desktop.bus import ask_once

    manager = "org.freedesktop.NetworkManager"
    return ask_once("SYSTEM", DBusAddress("/org/freedesktop/NetworkManager", manager, manager), "Metered") in _COSTS
