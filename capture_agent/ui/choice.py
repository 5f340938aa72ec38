"""A radio button drawn like the switches: a ring that is plain to see on any palette, filled when chosen."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QRadioButton

from capture_agent.ui import look
from capture_agent.ui.switch import outline_colour

RING = 16.0  # px
_DOT = 8.0  # px


class Choice(QRadioButton):
    """A radio button in everything but its looks."""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of ring and text."""
        shown = self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, self.text())
        return QSize(int(RING) + look.GAP + shown.width() + 6, max(int(RING), shown.height()) + 6)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw a ring, with a dot in it when chosen."""
        palette = self.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QPointF(RING / 2 + 1, self.height() / 2)
        line = palette.color(QPalette.ColorRole.Highlight) if self.isChecked() else outline_colour(palette)
        painter.setPen(QPen(line, 1.5))
        painter.drawEllipse(centre, RING / 2 - 1, RING / 2 - 1)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(line)
            painter.drawEllipse(centre, _DOT / 2, _DOT / 2)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        text = self.rect().adjusted(int(RING) + look.GAP, 0, 0, 0)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextShowMnemonic
        painter.drawText(text, int(flags), self.text())
        if self.hasFocus():
            painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 1, Qt.PenStyle.DotLine))
            width = self.sizeHint().width() - RING - look.GAP + 2
            painter.drawRoundedRect(QRectF(text.left() - 3, 1, width, self.height() - 2), 3, 3)
        painter.end()
