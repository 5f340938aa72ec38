"""Waiting for what a window does, which is done by Qt's events."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

WAIT_S = 30.0  # on a machine that is busy; a test that passes does not wait


def until(true: Callable[[], object]) -> None:
    """Return once it is true."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, "did not come true"
        QCoreApplication.processEvents()
        time.sleep(0.002)
