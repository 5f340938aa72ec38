"""Whether this computer has an address that another one could know it by, from what Linux writes in /proc/net. Pure.

Without one there is no way out, whatever else is configured. With one nobody knows, so it is tried. NetworkManager is
not asked: of a link that it does not look after it says "disconnected", and of a network without a way to its own
server "limited", and either may lead to the store. Routes alone would not do: `/proc/net/route` is the main table, and
a system may have others.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address

# A computer's addresses; none of them: it is in no network. None: the system does not say.
Addresses = frozenset[str]
NOWHERE: Addresses = frozenset()

_HOST, _LINK = 0x10, 0x20  # scopes of an IPv6 address that reach no further than this computer, or this link


def outward(fib_trie: str, if_inet6: str, route: str, inner: Collection[str]) -> Addresses:
    """Return the addresses of this computer that are neither its own affair nor of one of the links `inner`.

    The first three are the texts of /proc/net/fib_trie (every IPv4 table), /proc/net/if_inet6, and /proc/net/route
    (which link has which network: proc(5)).

    Raises:
        ValueError: They are not as they should be; not even the loopback has an address, for example.
    """
    own = _ipv4(fib_trie)
    if not own:
        raise ValueError("no address at all")
    networks = _networks(route)
    found = set()
    for address in own:
        links = {link for link, network in networks if address in network}
        # On several links, or on none that the main table knows: it may lead out.
        if not address.is_loopback and not (links and links <= set(inner)):
            found.add(str(address))
    for line in if_inet6.splitlines():
        address6, _index, _length, scope, _flags, link = line.split()
        if int(scope, 16) not in {_HOST, _LINK} and link not in inner:
            found.add(str(IPv6Address(int(address6, 16))))
    return frozenset(found)


def _ipv4(fib_trie: str) -> set[IPv4Address]:
    """Return the addresses of this computer: leaves with "/32 host LOCAL" below them."""
    found, leaf = set(), ""
    for line in fib_trie.splitlines():
        match line.split():
            case ["|--", leaf]:
                pass
            case ["/32", "host", "LOCAL", *_]:
                found.add(IPv4Address(leaf))
    return found


def _networks(route: str) -> list[tuple[str, IPv4Network]]:
    """Return the networks that links lead to, but not all the rest of the world."""
    found = []
    for line in route.splitlines()[1:]:
        link, destination, *_, mask = line.split()[:8]
        bits = int(mask, 16).bit_count()
        if bits:
            # In hexadecimal, as this machine keeps the four bytes.
            found.append((link, IPv4Network((int(destination, 16).to_bytes(4, sys.byteorder), bits))))
    return found
