"""Shared values of the tests of what is shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

# The in-memory agent is a module beside the tests; tests are imported by path and have no packages.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def application() -> QApplication:
    """Qt without a display: it draws windows into memory."""
    made = QApplication.instance()
    return made if isinstance(made, QApplication) else QApplication(["tests", "-platform", "offscreen"])
