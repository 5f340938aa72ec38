"""Questions and problems in small windows that wait for an answer without holding up anything else."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from capture_agent.core.errors import CaptureAgentError


def ask(
    parent: QWidget | None,
    *,
    name: str,
    title: str,
    words: str,
    yes: str,
    icon: QMessageBox.Icon,
    then: Callable[[], object],
) -> QMessageBox:
    """Ask whether to do something; Enter and Esc both mean no, because it cannot be undone."""
    box = _box(parent, name, title, words, icon)
    agree = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    agree.setObjectName("yesButton")
    cancel = box.addButton("&Cancel", QMessageBox.ButtonRole.RejectRole)
    cancel.setObjectName("noButton")
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    agree.clicked.connect(lambda _checked=False: then())
    box.open()
    return box


def tell(parent: QWidget | None, error: CaptureAgentError) -> QMessageBox:
    """Say what could not be done, and what to do next."""
    message = str(error)
    title = message[:1].upper() + message[1:]
    box = _box(parent, "problemDialog", title, error.hint, QMessageBox.Icon.Warning)
    box.addButton("&Close", QMessageBox.ButtonRole.AcceptRole).setObjectName("closeButton")
    box.open()
    return box


def _box(parent: QWidget | None, name: str, title: str, words: str, icon: QMessageBox.Icon) -> QMessageBox:
    box = QMessageBox(parent)
    box.setObjectName(name)
    box.setWindowTitle("Capture Agent")
    box.setAccessibleName(title)
    box.setIcon(icon)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(title)
    box.setInformativeText(words)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return box
