"""Whether the network costs by volume, as a real message bus tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from keyring_bus import KeyringBus
from screen_saver import StandIn

from capture_agent.desktop.network import metered

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
