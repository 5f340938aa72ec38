"""Whether this computer is in a network, from what Linux wrote on real ones."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address, IPv4Network

import pytest

from capture_agent.core.network import NOWHERE, outward

LO6 = "00000000000000000000000000000001 01 80 10 80       lo\n"
LINK6 = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n"
WORLD6 = "20010db8000000000000000000000002 04 40 00 82     eth0\n"


def trie(*addresses: str) -> str:
    """Return /proc/net/fib_trie with these addresses, twice, as the kernel shows each in two tables."""
    leaves = "".join(f"           |-- {one}\n              /32 host LOCAL\n" for one in addresses)
    loopback = "        +-- 127.0.0.0/31 1 0 0\n           |-- 127.0.0.0\n              /8 host LOCAL\n"
    rest = "     |-- 0.0.0.0\n        /0 universe UNICAST\n        |-- 192.0.2.255\n           /32 link BROADCAST\n"
    return f"Main:\n{rest}Local:\n  +-- 0.0.0.0/0 3 0 5\n{loopback}{leaves}{leaves}"


def route(*ways: tuple[str, str]) -> str:
    """Return /proc/net/route with these networks of links."""

    def number(address: IPv4Address) -> str:
        return f"{int.from_bytes(address.packed, sys.byteorder):08X}"

    lines = ["Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT          "]
    for link, text in ways:
        network = IPv4Network(text)
        lines.append(
            f"{link}\t{number(network.network_address)}\t00000000\t0001\t0\t0\t0\t{number(network.netmask)}\t0\t0\t0   "
        )
    return "\n".join(lines) + "\n"


def test_without_a_network_only_the_loopback_has_an_address() -> None:
    assert outward(trie("127.0.0.1", "127.0.1.1"), LO6, route(), ()) == NOWHERE
    assert outward(trie("127.0.0.1"), "", route(), ()) == NOWHERE  # without IPv6
    assert outward(trie("127.0.0.1"), LO6 + LINK6, route(), ()) == NOWHERE  # Wi-Fi, before anybody gave it one


def test_an_address_of_either_kind_is_a_network_with_a_way_to_the_world_or_without() -> None:
    lan = route(("eth0", "192.0.2.0/24"))
    assert outward(trie("127.0.0.1", "192.0.2.7"), LO6, lan, ()) == {"192.0.2.7"}
    assert outward(trie("127.0.0.1", "192.0.2.7"), LO6, route(("eth0", "0.0.0.0/0")), ()) == {"192.0.2.7"}
    assert outward(trie("127.0.0.1"), LO6 + LINK6 + WORLD6, route(), ()) == {"2001:db8::2"}


def test_routes_in_another_table_than_the_main_one_are_no_reason_to_wait() -> None:
    assert outward(trie("127.0.0.1", "192.0.2.7"), LO6, route(), ["docker0"]) == {"192.0.2.7"}


def test_a_bridge_between_containers_is_no_network() -> None:
    told = trie("127.0.0.1", "172.17.0.1"), WORLD6.replace("eth0", "docker0"), route(("docker0", "172.17.0.0/16"))
    assert outward(*told, ["docker0"]) == NOWHERE
    assert outward(*told, []) == {"172.17.0.1", "2001:db8::2"}


def test_a_network_that_a_bridge_has_the_numbers_of_is_one() -> None:
    ways = route(("virbr0", "192.168.122.0/24"), ("wlan0", "192.168.122.0/24"))
    told = trie("127.0.0.1", "192.168.122.1", "192.168.122.77")
    assert "192.168.122.77" in outward(told, LO6, ways, ["virbr0"])


@pytest.mark.parametrize(
    ("fib_trie", "if_inet6", "ways"),
    [
        ("", "", route()),  # nothing is known, not even this computer
        ("Main:\n", LO6, route()),
        ("another format altogether\n", LO6, route()),
        (trie("127.0.0.1"), "what is this", route()),
        (trie("127.0.0.1"), LO6, "Iface\nwhat is this\n"),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_no_network(fib_trie: str, if_inet6: str, ways: str) -> None:
    with pytest.raises(ValueError):
        outward(fib_trie, if_inet6, ways, ())
