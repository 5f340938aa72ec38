"""The end of a day in a window of our own, where no panel shows notifications."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from capture_agent.core.language import say
from capture_agent.ui import look


class DayDialog(QDialog):
    """Title, sums and a way to close it. It asks for nothing."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(None)
        self.setObjectName("dayDialog")
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addWidget(look.heading(title))
        layout.addWidget(look.text(text, name="dayLines"))
        layout.addLayout(look.row(look.button(say("&Close"), self.accept, name="dayCloseButton"), push=True))
        look.fit(self, 420)
