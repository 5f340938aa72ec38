"""A tick box drawn as a switch: on and off differ by place and shape, and are plain to see on any palette."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QCheckBox

from capture_agent.ui import look
from capture_agent.ui.colours import blend

WIDTH, HEIGHT = 34.0, 18.0  # px of the switch itself
_KNOB = 12.0  # px
_OUTLINE = 0.62  # share of the text colour in the outline: at least 3:1 on the ground (WCAG 2.2, 1.4.11)


def outline_colour(palette: QPalette) -> QColor:
    """Return the colour of outline and knob of a switch that is off."""
    return blend(palette.color(QPalette.ColorRole.Text), palette.color(QPalette.ColorRole.Base), _OUTLINE)


class Switch(QCheckBox):
    """A check box in everything but its looks: role, name, keys and mnemonic stay those of a check box."""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of switch and text."""
        metrics = self.fontMetrics()
        shown = metrics.size(Qt.TextFlag.TextShowMnemonic, self.text())
        return QSize(int(WIDTH) + look.GAP + shown.width() + 6, max(int(HEIGHT), metrics.height()) + 6)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Let a long name be cut off in a narrow window, rather than widen it."""
        return QSize(int(WIDTH) + look.GAP, self.sizeHint().height())

    def hitButton(self, pos: QPoint) -> bool:  # noqa: N802 - Qt's name
        """Take clicks on the switch and on its text."""
        return 0 <= pos.x() < self.sizeHint().width()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw a pill with a knob: left and hollow when off, right and filled when on."""
        palette = self.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = (self.height() - HEIGHT) / 2
        pill = QRectF(1, top + 0.5, WIDTH - 2, HEIGHT - 1)
        on = self.isChecked()
        line = palette.color(QPalette.ColorRole.Highlight) if on else outline_colour(palette)
        painter.setPen(QPen(line, 1.5))
        painter.setBrush(line if on else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(pill, HEIGHT / 2, HEIGHT / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(QPalette.ColorRole.HighlightedText) if on else line)
        centre = QPointF(pill.right() - HEIGHT / 2 if on else pill.left() + HEIGHT / 2, top + HEIGHT / 2)
        painter.drawEllipse(centre, _KNOB / 2, _KNOB / 2)
        text = self.rect().adjusted(int(WIDTH) + look.GAP, 0, 0, 0)
        colour = palette.color(QPalette.ColorRole.WindowText)
        painter.setPen(colour)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextShowMnemonic
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, int(flags), shown)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
            around = QRectF(text).adjusted(-3, 1, 0, -1)
            around.setWidth(min(around.width(), self.sizeHint().width() - WIDTH - look.GAP + 2))
            painter.drawRoundedRect(around, 3, 3)
        painter.end()
