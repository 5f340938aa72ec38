"""Shared values of the tests of what is shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from memory_agent import MemoryAgent

# The in-memory agent is a module beside the tests; tests are imported by path and have no packages.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def application() -> QApplication:
    """Qt without a display: it draws windows into memory."""
    made = QApplication.instance()
    return made if isinstance(made, QApplication) else QApplication(["tests", "-platform", "offscreen"])


@pytest.fixture
def agreed(application: QApplication) -> MemoryAgent:
    """An agent of a study that was agreed to, without a recording."""
    from memory_agent import MOST, MemoryAgent, study_policy

    made = MemoryAgent()
    made.offer_study("/s.toml", study_policy())
    made.join("/s.toml")
    made.asked()
    made.accept(MOST, frozenset({"xterm"}), "en", "read")
    return made
