"""One monitor as it was at one moment: its picture, and over it the pointer, the clicks and what was typed, in place.

Pictures are never written anywhere; what is typed is drawn, so it can be neither selected nor copied.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from capture_agent.core.language import noted, say, say_many
from capture_agent.encode.frames import Pixels
from capture_agent.held.timeline import CLICK_SHOWN_US, Click, Run, Screen, Timeline
from capture_agent.ui import look
from capture_agent.ui.holes import draw_gap, gap_words

_LEAST = QSize(160, 60)  # px; small, for a screen at twice the size
_RING = 14.0  # px, radius of a click's ring
_BUTTONS = {"right": noted("right click"), "middle": noted("middle click")}
_MOST_TYPED = 48  # characters: of a longer text the end is shown
# Drawn over pictures of any colour: a light line with a dark one around it.
_FRONT, _AROUND, _TEXT_GROUND = QColor("#ffd23f"), QColor("#1b1f24"), QColor(27, 31, 36, 225)
_POINTER = ((0, 0), (0, 15), (4, 11), (7, 17), (9, 16), (6, 10), (11, 10))  # px, the usual arrow


class ScreenView(QWidget):
    """Shows what it is told of; keeps the proportions of the monitor."""

    def __init__(self) -> None:
        super().__init__()
        self._timeline = Timeline(0)
        self._monitor = 1
        self._t_us = 0
        self._image: QImage | None = None
        self._pixels: Pixels | None = None  # what the image shows: Qt does not keep it
        self.setObjectName("screenView")
        self.setMinimumSize(_LEAST)

    def show_timeline(self, timeline: Timeline, monitor: int) -> None:
        """Show another time line, or another monitor: that without a picture for now."""
        if monitor != self._monitor:
            self.show_picture(None)
        self._timeline, self._monitor = timeline, monitor
        self.update()
        self.setAccessibleName(say("Screen {number}", number=monitor))

    def show_picture(self, pixels: Pixels | None) -> None:
        """Show this picture, (height, width, 3) uint8 RGB."""
        self._pixels, self._image = pixels, None
        if pixels is not None:
            height, width = pixels.shape[:2]
            self._image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self.update()

    def show_time(self, t_us: int) -> None:
        """Show what was done at this session time."""
        self._t_us = t_us
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size in which text of a recorded screen can be read."""
        return QSize(800, 450)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw picture and what was done, or why there is none."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        gap = self._timeline.gap_at(self._t_us)
        screen = self._screen()
        box = self._fitted(screen)
        painter.fillRect(box, self.palette().color(QPalette.ColorRole.Base))
        if gap is not None:
            draw_gap(painter, box, gap, self.palette())
            self._draw_words(painter, box, say("Not recorded: {why}", why=gap_words(gap)))
        elif self._image is not None:
            painter.drawImage(box, self._image)
        else:
            self._draw_words(painter, box, say("There is no picture of the screen here."))
        if gap is None and screen is not None:
            self._draw_done(painter, box, screen)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Shadow), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _screen(self) -> Screen | None:
        screens = self._timeline.screens_at(self._t_us)
        return next((screen for screen in screens if screen.number == self._monitor), None)

    def _fitted(self, screen: Screen | None) -> QRectF:
        """Return where the monitor is drawn: as large as there is room for, in the middle."""
        wide, high = (16.0, 9.0) if screen is None or not screen.rect.area else (screen.rect.width, screen.rect.height)
        scale = min(self.width() / wide, self.height() / high)
        size = QRectF(0, 0, wide * scale, high * scale)
        size.moveCenter(QRectF(self.rect()).center())
        return size

    def _draw_words(self, painter: QPainter, box: QRectF, said: str) -> None:
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        needed = painter.boundingRect(box.adjusted(20, 8, -20, -8), flags, said).adjusted(-10, -6, 10, 6)
        painter.fillRect(needed, self.palette().color(QPalette.ColorRole.Base))
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.drawText(needed, flags, said)

    def _draw_done(self, painter: QPainter, box: QRectF, screen: Screen) -> None:
        painter.setClipRect(box)

        def placed(x: int, y: int) -> QPointF | None:
            rect = screen.rect
            if not (rect.x <= x <= rect.right and rect.y <= y <= rect.bottom and rect.area):
                return None
            scale = box.width() / rect.width
            return QPointF(box.left() + (x - rect.x) * scale, box.top() + (y - rect.y) * scale)

        for click in self._timeline.clicks_at(self._t_us):
            at = placed(click.x, click.y)
            if at is not None:
                self._draw_click(painter, at, click)
        pointer = self._timeline.pointer_at(self._t_us)
        at = None if pointer is None else placed(*pointer)
        if at is not None:
            _draw_pointer(painter, at)
        run = self._timeline.typing_at(self._t_us)
        if run is not None:
            at = placed(*run.place) if run.place is not None else QPointF(box.left(), box.bottom())
            if at is not None:
                self._draw_typed(painter, box, at, run)
        painter.setClipping(False)

    def _draw_click(self, painter: QPainter, at: QPointF, click: Click) -> None:
        """Draw a ring that grows while the click grows old; another button than the left one by its name."""
        age = (self._t_us - click.t_us) / CLICK_SHOWN_US
        radius = _RING * (0.6 + 0.6 * age)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((_AROUND, 5.0), (_FRONT, 2.5)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(at, radius, radius)
        if click.button != "left":
            named = _BUTTONS.get(click.button)
            label = click.button if named is None else say(named)
            self._draw_label(painter, at + QPointF(_RING + 6, 2 * _RING), label)  # what is typed stands above

    def _draw_typed(self, painter: QPainter, box: QRectF, at: QPointF, run: Run) -> None:
        typed = run.until(self._t_us)[-_MOST_TYPED:]
        if run.keys:
            typed = say_many("{count} key", "{count} keys", run.keys)
        if typed:
            self._draw_label(painter, at, typed, box)

    def _draw_label(self, painter: QPainter, at: QPointF, said: str, within: QRectF | None = None) -> None:
        """Draw words on a dark ground, just above `at`, and not beyond `within`."""
        metrics = self.fontMetrics()
        wide, high = metrics.horizontalAdvance(said) + 2 * look.GAP, metrics.height() + look.GAP
        ground = QRectF(at.x(), at.y() - high - 4, wide, high)
        if within is not None:
            ground.moveLeft(max(within.left() + 2, min(ground.left(), within.right() - wide - 2)))
            ground.moveTop(max(within.top() + 2, min(ground.top(), within.bottom() - high - 2)))
        painter.setPen(QPen(_FRONT, 1))
        painter.setBrush(_TEXT_GROUND)
        painter.drawRoundedRect(ground, 4, 4)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(ground, int(Qt.AlignmentFlag.AlignCenter), said)


def _draw_pointer(painter: QPainter, at: QPointF) -> None:
    painter.setPen(QPen(QColor("#ffffff"), 1.5))
    painter.setBrush(_AROUND)
    painter.drawPolygon(QPolygonF([at + QPointF(x, y) for x, y in _POINTER]))
