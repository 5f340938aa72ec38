"""A private desktop for each test that needs one, and what runs on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_driver import AgentDriver

from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.desktop import awake


@pytest.fixture
def desktop() -> Iterator[PrivateDesktop]:
    """A new desktop with window manager, tray host, keyring and accessibility bus; nothing on it is shared."""
    with PrivateDesktop() as private:
        yield private


@pytest.fixture
def awake_desktop(desktop: PrivateDesktop, monkeypatch: pytest.MonkeyPatch) -> PrivateDesktop:
    """A desktop with accessibility switched on, as by the agent after the person's click."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.env["DBUS_SESSION_BUS_ADDRESS"])
    awake.wake(True)
    return desktop


@pytest.fixture
def recording(desktop: PrivateDesktop) -> Iterator[AgentDriver]:
    """The running agent, agreed to for oneself, that records a terminal which has the keyboard."""
    driver = AgentDriver(desktop)
    driver.set_up()
    driver.record()
    driver.work_in_terminal()
    yield driver
    driver.close()


@pytest.fixture
def two_monitors(desktop: PrivateDesktop) -> PrivateDesktop:
    """The desktop, split into two monitors side by side."""
    desktop.split()
    return desktop


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """An empty 8 MiB disk: the runner mounts one for each worker and names it in CAPTURE_AGENT_SMALL_DISKS."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    disks = os.environ.get("CAPTURE_AGENT_SMALL_DISKS")
    if not disks:
        pytest.fail("no small disk: run the tests with `make test` (as root), which mounts them")
    with tempfile.TemporaryDirectory(dir=Path(disks) / worker) as folder:
        yield Path(folder)
