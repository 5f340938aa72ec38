"""A recording in the player, drawn into memory: fixtures for tests of the player and of what it opens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from memory_agent import MemoryAgent
from PySide6.QtWidgets import QDialog, QPushButton
from waiting import until

from capture_agent.session.snapshot import HeldSession
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.player import Player
from capture_agent.ui.recordings import RecordingsPage

SESSION = "0" * 32


@pytest.fixture
def agent(agreed: MemoryAgent) -> MemoryAgent:
    """An agent of a study, with one recording."""
    agreed.put(HeldSession(SESSION, "desk-work", datetime.now(UTC), 600.0, 10**6, "held", complete=True, days_left=60))
    return agreed


@pytest.fixture
def page(agent: MemoryAgent) -> Iterator[RecordingsPage]:
    bridge = Bridge(agent)
    made = RecordingsPage(bridge)
    yield made
    made.shut()
    bridge.close()


def opened(page: RecordingsPage) -> Player:
    player = page.play(page._bridge.agent.sessions()[0])
    until(lambda: player._review is not None)
    return player


def press(where: QDialog | None, name: str) -> None:
    assert where is not None
    button = where.findChild(QPushButton, name)
    assert button is not None and button.isVisibleTo(where) and button.isEnabled(), name
    button.click()
