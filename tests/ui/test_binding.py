from __future__ import annotations

import sys

from PySide6.QtCore import QObject

CALLS = 500


def test_the_qt_binding_keeps_count_of_none() -> None:
    """PySide6 6.12.0 on Python 3.11 drops a reference whenever a call returns None, and aborts within minutes."""
    lonely = QObject()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        lonely.parent()
    assert abs(sys.getrefcount(None) - before) < CALLS // 10
