"""The four icons as vector art, told apart by shape and not by colour alone.

A hollow ring, a filled disc, two bars, a triangle with an exclamation mark. Each colour keeps a
contrast of at least 3:1 on light and on dark panels (WCAG 2.2, 1.4.11). Drawing needs no display.
"""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPainterPath, QPixmap, QPolygonF

from capture_agent.ui.view_state import Icon

SIZES = (16, 18, 20, 22, 24, 32, 48, 64)  # px, what panels ask for; drawn one by one, so that edges stay crisp
COLOURS: dict[Icon, str] = {
    Icon.OFF: "#7b7b7b",
    Icon.RECORDING: "#e0283c",
    Icon.PAUSED: "#2b80d0",
    Icon.ATTENTION: "#b87400",
}
_GRID = 16.0  # the art's own units a side; every edge that is axis-parallel lies on whole units


def _ring() -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QRectF(1.5, 1.5, 13, 13))
    path.addEllipse(QRectF(4, 4, 8, 8))
    return path


def _disc() -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QRectF(1, 1, 14, 14))
    return path


def _bars() -> QPainterPath:
    path = QPainterPath()
    path.addRect(QRectF(3, 2, 4, 12))
    path.addRect(QRectF(9, 2, 4, 12))
    return path


def _warning() -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(8, 0.5), QPointF(15.8, 15), QPointF(0.2, 15)]))
    path.closeSubpath()
    path.addRect(QRectF(7, 5, 2, 5))  # odd-even filling cuts the mark out of the triangle
    path.addRect(QRectF(7, 11, 2, 2))
    return path


_SHAPES = {Icon.OFF: _ring, Icon.RECORDING: _disc, Icon.PAUSED: _bars, Icon.ATTENTION: _warning}


def draw(icon: Icon, size: int) -> QImage:
    """Return `icon`, size × size px, on a transparent ground."""
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / _GRID, size / _GRID)
    path = _SHAPES[icon]()
    path.setFillRule(Qt.FillRule.OddEvenFill)
    painter.fillPath(path, QColor(COLOURS[icon]))
    painter.end()
    return image


@cache
def qicon(icon: Icon) -> QIcon:
    """Return `icon` in every size, drawn once. Needs a QGuiApplication."""
    made = QIcon()
    for size in SIZES:
        made.addPixmap(QPixmap.fromImage(draw(icon, size)))
    return made
