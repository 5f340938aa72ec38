"""Whether this computer is in a network, as a real kernel tells it, and what that costs, as a real message bus does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from keyring_bus import KeyringBus
from screen_saver import StandIn

from capture_agent.desktop.network import addresses, metered

MANAGER = "org.freedesktop.NetworkManager"


def test_what_networkmanager_says_or_guesses_counts_and_without_it_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with KeyringBus(tmp_path, keyring=False) as bus:
        address = bus.env["DBUS_SESSION_BUS_ADDRESS"]
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        assert metered() is False  # nobody is there
        for said, costs in {0: False, 1: True, 2: False, 3: True, 4: False}.items():
            with StandIn(address, MANAGER, None, {"Metered": ("u", said)}):
                assert metered() is costs
        with StandIn(address, MANAGER):
            assert metered() is False  # it does not know the property
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    assert metered() is False


# In a network of its own, with links of its own, which takes no rights: the namespaces of Linux (user_namespaces(7)).
CHANGES = """
set -e
tell() { echo "$1"; "$python" -c "$look"; }
mount -t sysfs none /sys
ip link set lo up
tell nothing

ip link add docker0 type bridge
ip link add inside type veth peer name container
ip link set inside master docker0
ip addr add 172.17.0.1/16 dev docker0
for link in inside container docker0; do ip link set $link up; done
tell containers

ip link add wlan0 type veth peer name far
for link in wlan0 far; do ip link set $link up; done
ip addr add 192.0.2.7/24 dev wlan0
tell wireless

ip addr flush dev wlan0
tell gone

ip addr add 2001:db8::7/64 dev wlan0 nodad
tell new

ip addr flush dev wlan0
ip link add link wlan0 name outside type macvlan
ip link set outside master docker0
tell joined
"""
LOOK = "import json; from capture_agent.desktop.network import addresses; print(json.dumps(list(addresses())))"


def test_a_network_that_comes_and_goes_is_seen_and_bridges_between_containers_are_none() -> None:
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", CHANGES],
        env={**os.environ, "python": sys.executable, "look": LOOK},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert {name: json.loads(found) for name, found in zip(lines[::2], lines[1::2], strict=False)} == {
        "nothing": [],
        "containers": [],
        "wireless": ["192.0.2.7"],
        "gone": [],
        "new": ["2001:db8::7"],
        "joined": ["172.17.0.1"],  # the bridge leads elsewhere now
    }


def test_this_computer_says_where_it_is() -> None:
    assert addresses() is not None
