"""The time line of the player: what was recorded when, which windows and tasks, and where the gaps are.

A slider in everything but its looks: role, value and keys (arrows a second, Page Up and Down ten, Home, End).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSlider, QToolTip

from capture_agent.core.language import say
from capture_agent.held.cut import Span
from capture_agent.held.spans import Choice, typed
from capture_agent.held.timeline import InFront, TaskTime, Timeline
from capture_agent.ui import words
from capture_agent.ui.colours import blend
from capture_agent.ui.holes import draw_gap, draw_waiting, gap_words, said_at

MS_US = 1000
_STEP_MS, _PAGE_MS = 1_000, 10_000
_EDGE = 8  # px to the left and right, where the handle reaches beyond the ends
_TRACK = 20  # px
_GAP = 2  # px between lanes
_LEAST = 24  # px of a stretch that has its name in it
_HANDLE = 6.0  # px, half of its width
_NEAR = 3.0  # px; as far from a line as one may point to mean it, and as a hand may tremble meanwhile


def clock(t_us: int) -> str:
    """Return a session time as a player says it: "1:02:03", or "2:03" below an hour."""
    seconds = t_us // 1_000_000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


class TimeBar(QSlider):
    """Its value is the session time in ms. A click on what was typed picks that, as long as the value is within it."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.picked: Choice | None = None  # what was typed there
        self._pointed: float | None = None  # px: where the button went down; None since it is dragged
        self.timeline = Timeline(0)
        self.marked: tuple[int | None, int | None] = None, None  # µs: the stretch to cut
        self.cuts: tuple[Span, ...] = ()  # marked to be cut out
        self._shaded: tuple[Span, ...] = ()  # looked at before it is marked
        self._still: QPixmap | None = None
        self.setObjectName("timeBar")
        self.setAccessibleName(say("Time line"))
        self.setSingleStep(_STEP_MS)
        self.setPageStep(_PAGE_MS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.valueChanged.connect(self._unpick)

    def show_timeline(self, timeline: Timeline) -> None:
        """Show another session; the value becomes its beginning."""
        self.timeline, self.picked, self.marked = timeline, None, (None, None)
        self._still = None
        self.setRange(0, max(1, timeline.duration_us // MS_US))
        self.setValue(0)
        self.update()

    def mark(self, start_us: int | None, end_us: int | None) -> None:
        """Show what is marked to be cut; None: that end is not marked yet."""
        self.marked = start_us, end_us
        self.update()

    def mark_here(self, end: int) -> None:
        """Mark that the stretch to cut begins here, or (1) ends; the other end is let go if it is on the wrong side."""
        marked = list(self.marked)
        marked[end] = self.value() * MS_US
        start_us, end_us = marked
        if start_us is not None and end_us is not None and start_us >= end_us:
            marked[1 - end] = None
        self.mark(*marked)

    def show_cuts(self, cuts: tuple[Span, ...]) -> None:
        """Show what is marked to be cut out."""
        self.cuts = cuts
        self.update()

    def shade(self, spans: tuple[Span, ...]) -> None:
        """Show where something is that can be cut."""
        self._shaded = spans
        self.update()

    def cut_words(self, t_us: int) -> str:
        """Return that what was recorded at `t_us` is marked to be cut out; empty if it is not."""
        return say("Marked to be cut out") if any(span.holds(t_us) for span in self.cuts) else ""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the height of track and lanes."""
        return QSize(400, _TRACK + 2 * (self._lane() + _GAP) + 8)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the same height, and a width in which one can still point."""
        return QSize(160, self.sizeHint().height())

    # --- pointing

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go where the pointer is, and follow it; on what was typed, to the last key that it points at."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._pointed = event.position().x()
            found = self._typed_at(event.position())
            if found is None:
                self.setValue(self._time_at(self._pointed) // MS_US)
            else:
                self.picked, key_us = found
                self.setValue(_ms_after(key_us))
                self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the pointer while its button is down."""
        x = event.position().x()
        if self.isSliderDown() and (self._pointed is None or abs(x - self._pointed) > _NEAR):
            self._pointed = None
            self.setValue(self._time_at(x) // MS_US)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Stay there."""
        self.setSliderDown(False)

    def _unpick(self, value: int) -> None:
        if self.picked is not None:
            (span,) = self.picked.spans
            if not span.start_us // MS_US <= value <= _ms_after(span.end_us):
                self.picked = None
                self.update()

    def _typed_at(self, at: QPointF) -> tuple[Choice, int] | None:
        """Return what was typed whose lines are at this place, the nearest, and when its last key there went down."""
        near = [t_us for t_us in self._keys() if abs(self._x(t_us) - at.x()) <= _NEAR]
        if not near or at.y() > _TRACK + _GAP:
            return None
        nearest_us = min(near, key=lambda t_us: abs(self._x(t_us) - at.x()))
        found = next(one for one in typed(self.timeline) if one.spans[0].holds(nearest_us))
        return found, max(t_us for t_us in near if found.spans[0].holds(t_us))

    def event(self, event: QEvent) -> bool:
        """Say what is under the pointer when it rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.said(self._time_at(event.pos().x())), self)
            return True
        return super().event(event)

    def said(self, t_us: int) -> str:
        """Return what a tool tip says of a time: when that is, and `what_at`."""
        return "\n".join((clock(t_us), *self.what_at(t_us)))

    def what_at(self, t_us: int) -> tuple[str, ...]:
        """Return what was not recorded at a time and why, whether it is to be cut, which window, which task."""
        window, task = self.timeline.window_at(t_us), self.timeline.task_at(t_us)
        lines = [said_at(self.timeline, t_us), self.cut_words(t_us)]
        lines += [window_words(window)] if window is not None else []
        lines += [say("Task: {names}", names=task.text)] if task is not None and task.text else []
        return tuple(line for line in lines if line)

    # --- drawing

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Draw anew in the new width."""
        super().resizeEvent(event)
        self._still = None

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Draw anew in the new colours."""
        super().changeEvent(event)
        self._still = None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw what stays as it is once, and over it what moves."""
        ratio = self.devicePixelRatioF()
        if self._still is None or self._still.devicePixelRatio() != ratio:
            self._still = QPixmap((self.size().toSizeF() * ratio).toSize())
            self._still.setDevicePixelRatio(ratio)
            self._still.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._still)
            self._draw_still(painter)
            painter.end()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._still)
        self._draw_marked(painter)
        self._draw_handle(painter)
        painter.end()

    def _draw_still(self, painter: QPainter) -> None:
        palette = self.palette()
        accent, base = palette.color(QPalette.ColorRole.Highlight), palette.color(QPalette.ColorRole.Base)
        track = QRectF(_EDGE, 4, self._width(), _TRACK)
        painter.fillRect(track, blend(accent, base, 0.28))
        for hole in self.timeline.withheld:
            box = self._box(hole.start_us, hole.end_us, track.bottom() - 5, 5)
            painter.fillRect(box, palette.color(QPalette.ColorRole.WindowText))
        self._draw_ticks(painter, track, accent)
        for gap in self.timeline.gaps:
            box = self._box(gap.start_us, gap.end_us, track.top(), track.height())
            draw_gap(painter, box, gap, palette)
            self._draw_name(painter, box, gap_words(gap), ground=True)
        painter.setPen(palette.color(QPalette.ColorRole.Shadow))
        painter.drawRect(track)
        top = track.bottom() + _GAP
        self._draw_lane(painter, top, [(one, window_words(one)) for one in self.timeline.windows])
        top += self._lane() + _GAP
        self._draw_lane(painter, top, [(one, one.text) for one in self.timeline.tasks])

    def _draw_ticks(self, painter: QPainter, track: QRectF, colour: QColor) -> None:
        """Draw where keys and buttons went down: a line a pixel, however many there were."""
        painter.setPen(colour)
        wide, long_us = self._width(), max(1, self.timeline.duration_us)  # once, not for each of 50,000 keys
        for column in sorted({round(_EDGE + wide * t_us / long_us) for t_us in self._pressed()}):
            painter.drawLine(QPointF(column, track.top() + 4), QPointF(column, track.bottom() - 6))

    def _pressed(self) -> Iterator[int]:
        yield from (click.t_us for click in self.timeline.clicks)
        yield from self._keys()

    def _keys(self) -> Iterator[int]:
        for run in self.timeline.runs:
            yield from run.ends

    def _draw_lane(self, painter: QPainter, top: float, named: Sequence[tuple[InFront | TaskTime, str]]) -> None:
        palette = self.palette()
        grounds = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Button)
        before, number = "", 0
        for one, name in named:
            box = self._box(one.start_us, one.end_us, top, self._lane())
            number += name != before
            before = name
            painter.fillRect(box, grounds[number % 2])
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Dark), 1))
            painter.drawLine(box.topLeft(), box.bottomLeft())
            self._draw_name(painter, box, name)

    def _draw_name(self, painter: QPainter, box: QRectF, name: str, *, ground: bool = False) -> None:
        if box.width() < _LEAST:
            return
        room = box.adjusted(4, 0, -4, 0)
        shown = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(room.width()))
        if ground:
            needed = self.fontMetrics().horizontalAdvance(name)
            if needed + _LEAST > room.width():
                return  # its pattern says more than half a sentence; the rest stands in tool tip and caption
            painter.fillRect(
                QRectF(room.left() - 2, box.top() + 2, needed + 4, box.height() - 4),
                self.palette().color(QPalette.ColorRole.Base),
            )
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)

    def _draw_marked(self, painter: QPainter) -> None:
        start_us, end_us = self.marked
        for span in self.cuts:
            draw_waiting(painter, self._box(span.start_us, span.end_us, 4, _TRACK), self.palette())
        colour = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setPen(QPen(colour, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        shade = QColor(colour)
        shade.setAlpha(70)
        marked = () if start_us is None or end_us is None else (Span(start_us, end_us),)
        picked = () if self.picked is None else self.picked.spans
        for span in (*self._shaded, *picked, *marked):
            box = self._box(span.start_us, span.end_us, 2, _TRACK + 4)
            painter.fillRect(box, shade)
            painter.drawRect(box)
        for t_us, way in ((start_us, 1), (end_us, -1)):
            if t_us is not None:
                x = self._x(t_us)
                for y in (2.0, _TRACK + 6.0):
                    painter.drawLine(QPointF(x, y), QPointF(x + 6 * way, y))
                painter.drawLine(QPointF(x, 2), QPointF(x, _TRACK + 6))

    def _draw_handle(self, painter: QPainter) -> None:
        palette, x = self.palette(), self._x(self.value() * MS_US)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Base), 4))
        painter.drawLine(QPointF(x, 6), QPointF(x, self.height() - 2))
        painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 2))
        painter.drawLine(QPointF(x, 6), QPointF(x, self.height() - 2))
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Base), 1))
        painter.setBrush(palette.color(QPalette.ColorRole.WindowText))
        painter.drawPolygon(QPolygonF([QPointF(x - _HANDLE, 0), QPointF(x + _HANDLE, 0), QPointF(x, 9)]))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 3, 3)

    # --- places

    def _lane(self) -> int:
        return self.fontMetrics().height() + 2

    def _width(self) -> int:
        return max(1, self.width() - 2 * _EDGE)

    def _x(self, t_us: int) -> float:
        return _EDGE + self._width() * t_us / max(1, self.timeline.duration_us)

    def _time_at(self, x: float) -> int:
        share = min(1.0, max(0.0, (x - _EDGE) / self._width()))
        return round(share * self.timeline.duration_us)

    def _box(self, start_us: int, end_us: int, top: float, height: float) -> QRectF:
        """Return where a stretch is; a short one is at least two pixels wide, so that it is seen."""
        left = self._x(start_us)
        return QRectF(left, top, max(2.0, self._x(min(end_us, self.timeline.duration_us)) - left), height)


def _ms_after(t_us: int) -> int:
    """Return the first ms at which what happened at `t_us` has happened."""
    return -(-t_us // MS_US)


def window_words(window: InFront) -> str:
    """Return how a window is called: its program, and its title."""
    name = words.app_title(window.app, None)
    return f"{name}: {window.title}" if window.title else name
