"""The try-it box of the consent panel: a painted sample desktop, and what would be stored of what one does on it.

It sees the events of its own widgets and of nothing else; no source is made. What is typed lives
in its two fields and in `sample.Trial`, and is gone when the panel closes.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QBoxLayout, QLineEdit, QWidget

from capture_agent.core.events import Button, Category, Event, Key, Move, Rect, Scroll, TaskStarted, Window
from capture_agent.core.language import noted, say
from capture_agent.core.privacy import MASK_BGRX
from capture_agent.ui import look
from capture_agent.ui.colours import blend
from capture_agent.ui.sample import HEIGHT, LAYOUT, MAIL, NOTES, SHOWN, TASK, WIDTH, Trial, covered, window_at

_STORED_WIDTH = 220  # px of the stored picture beside the sample
_LIMIT = 30  # characters in a field of the sample
_BAR = 22  # px of a sample window's title bar
_MODS = (
    (Qt.KeyboardModifier.ControlModifier, "ctrl"),
    (Qt.KeyboardModifier.AltModifier, "alt"),
    (Qt.KeyboardModifier.MetaModifier, "super"),
    (Qt.KeyboardModifier.ShiftModifier, "shift"),
)
# The keys that type nothing and are named otherwise by Qt; what comes of a key is decided by its name.
_NAMED: dict[int, str] = {
    Qt.Key.Key_Shift: "Shift_L",
    Qt.Key.Key_Control: "Control_L",
    Qt.Key.Key_Alt: "Alt_L",
    Qt.Key.Key_AltGr: "ISO_Level3_Shift",
    Qt.Key.Key_Meta: "Super_L",
    Qt.Key.Key_CapsLock: "Caps_Lock",
    Qt.Key.Key_Backspace: "BackSpace",
    Qt.Key.Key_Delete: "Delete",
    Qt.Key.Key_Enter: "KP_Enter",
    Qt.Key.Key_Return: "Return",
    Qt.Key.Key_Escape: "Escape",
    Qt.Key.Key_Insert: "Insert",
    Qt.Key.Key_PageUp: "Prior",
    Qt.Key.Key_PageDown: "Next",
}
_BUTTONS = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.MiddleButton: "middle",
    Qt.MouseButton.RightButton: "right",
}
# A picture of a desktop has its own colours, in light and in dark: each text on its ground is above 7:1.
_GROUND, _WINDOW, _TITLE, _INK, _EDGE = (QColor(c) for c in ("#3b5a78", "#ffffff", "#dde5ee", "#1d2733", "#8b99a8"))
_MASK = QColor(MASK_BGRX[2], MASK_BGRX[1], MASK_BGRX[0])
_NAMES = {NOTES.id: noted("Notes"), MAIL.id: noted("Mail")}
_LINES = {NOTES.id: noted("Dear Ms Miller,"), MAIL.id: noted("From: a colleague")}


def _field_box(window: Window) -> QRect:
    box = window.rect
    shown = min((other.rect.x for other in LAYOUT.windows if other.rect.x > box.x), default=box.right) - box.x
    return QRect(box.x + 10, box.bottom - 40, shown - 20, 28)  # not under the other window


def paint_sample(painter: QPainter, typed: dict[int, str]) -> None:
    """Draw the sample desktop, WIDTH × HEIGHT, with what was `typed` into its windows."""
    painter.fillRect(0, 0, WIDTH, HEIGHT, _GROUND)
    for window in LAYOUT.windows:
        box = QRect(window.rect.x, window.rect.y, window.rect.width, window.rect.height)
        painter.fillRect(box, _WINDOW)
        painter.fillRect(QRect(box.topLeft(), QSize(box.width(), _BAR)), _TITLE)
        painter.setPen(_EDGE)
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        painter.setPen(_INK)
        bar = QRect(box.left() + 10, box.top(), box.width() - 20, _BAR)
        painter.drawText(bar, Qt.AlignmentFlag.AlignVCenter, f"{say(_NAMES[window.id])} – {say(window.title)}")
        line = QRect(bar.left(), bar.bottom() + 8, bar.width(), 24)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, say(_LINES[window.id]))
        field = _field_box(window)
        painter.setPen(_EDGE)
        painter.drawRect(field.adjusted(0, 0, -1, -1))
        painter.setPen(_INK)
        painter.drawText(field.adjusted(6, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter, typed[window.id])


class SampleDesktop(QWidget):
    """The sample that one can type and click in. `tried` is called with each event and its window."""

    def __init__(self, tried: Callable[[Event, Window | None], None]) -> None:
        super().__init__()
        self._tried = tried
        self.setObjectName("sampleDesktop")
        self.setAccessibleName(say("Sample desktop"))
        self.setFixedSize(WIDTH, HEIGHT)
        self.setMouseTracking(True)
        self.fields = {window.id: self._field(window) for window in LAYOUT.windows}

    def typed(self) -> dict[int, str]:
        """Return what stands in the fields now."""
        return {number: field.text() for number, field in self.fields.items()}

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """See the keys and the pointer of the two fields, and take nothing from them."""
        window = next((w for w in LAYOUT.windows if self.fields.get(w.id) is watched), None)
        if window is not None and isinstance(watched, QLineEdit):
            if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                self._key(event, window)
            elif isinstance(event, QMouseEvent):
                self._pointer(event, watched.mapTo(self, event.position().toPoint()))
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show what would be stored of a click."""
        self._pointer(event, event.position().toPoint())
        window = window_at(event.position().toPoint().x(), event.position().toPoint().y())
        if window is not None:
            self.fields[window.id].setFocus()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show what would be stored of a movement."""
        self._pointer(event, event.position().toPoint())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Show what would be stored of the wheel, and let it scroll the panel all the same."""
        at = event.position().toPoint()
        self._tried(Scroll(0, 0, -1 if event.angleDelta().y() > 0 else 1, at.x(), at.y(), injected=False), None)
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the desktop; its fields are real ones."""
        painter = QPainter(self)
        paint_sample(painter, dict.fromkeys(self.fields, ""))
        painter.end()

    def _field(self, window: Window) -> QLineEdit:
        field = look.line_edit(say("Type here"), _LIMIT, name=f"try-{window.app}")
        field.setParent(self)
        field.setGeometry(_field_box(window))
        field.setAccessibleName(say("Try it in {name}", name=say(_NAMES[window.id])))
        palette = field.palette()
        for role, colour in (
            (QPalette.ColorRole.Button, _WINDOW),
            (QPalette.ColorRole.Window, _TITLE),
            (QPalette.ColorRole.Base, _WINDOW),
            (QPalette.ColorRole.Text, _INK),
            (QPalette.ColorRole.PlaceholderText, blend(_INK, _WINDOW, look.MUTED)),
        ):
            palette.setColor(role, colour)
        field.setPalette(palette)
        field.setMouseTracking(True)
        field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # a click here is a sample, too
        field.installEventFilter(self)
        return field

    def _key(self, event: QKeyEvent, window: Window) -> None:
        mods = tuple(name for flag, name in _MODS if event.modifiers() & flag)
        chord = bool({"ctrl", "alt", "super"} & set(mods))
        sym = _NAMED.get(event.key()) or QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.NativeText)
        self._tried(Key(0, True, 0, sym, None if chord else event.text(), mods, injected=False), window)

    def _pointer(self, event: QMouseEvent, at: QPoint) -> None:
        if event.type() == QEvent.Type.MouseMove:
            self._tried(Move(0, at.x(), at.y(), injected=False), None)
        elif event.type() == QEvent.Type.MouseButtonPress and event.button() in _BUTTONS:
            button = Button(0, True, _BUTTONS[event.button()], at.x(), at.y(), injected=False)
            self._tried(button, window_at(at.x(), at.y()))


class StoredPicture(QWidget):
    """The sample as it would be stored: painted over where the gate says so, or not there at all."""

    def __init__(self, typed: Callable[[], dict[int, str]]) -> None:
        super().__init__()
        self._typed = typed
        self._hidden: tuple[Rect, ...] | None = None
        self.setObjectName("storedPicture")
        self.setFixedSize(_STORED_WIDTH, _STORED_WIDTH * HEIGHT // WIDTH)

    def show_stored(self, hidden: tuple[Rect, ...] | None) -> None:
        """Show the picture with `hidden` painted over; None: no picture is stored."""
        self._hidden = hidden
        self.setAccessibleName(
            say("No picture: Screen is not ticked.") if hidden is None else say("The stored picture")
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the stored picture, smaller."""
        painter = QPainter(self)
        palette = self.palette()
        if self._hidden is None:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 1, Qt.PenStyle.DashLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(8, 8, -8, -8), flags, self.accessibleName())
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.scale(self.width() / WIDTH, self.height() / HEIGHT)
            paint_sample(painter, self._typed())
            for box in self._hidden:
                painter.fillRect(QRectF(box.x, box.y, box.width, box.height), _MASK)
        painter.end()


class TryIt(QWidget):
    """Sample, stored picture and rows; side by side where there is room, else one below the other."""

    def __init__(self) -> None:
        super().__init__()
        self._trial = Trial()
        self._categories: frozenset[Category] = frozenset()
        self.setObjectName("tryIt")
        self.setAccessibleName(say("Try it"))
        self._desktop = SampleDesktop(self._tried)
        self._picture = StoredPicture(self._desktop.typed)
        self._rows = look.text(name="storedRows")
        self._rows.setMinimumHeight(self._rows.fontMetrics().lineSpacing() * SHOWN)
        self._rows.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._why = look.strong(name="notStored")
        self._why.setMinimumHeight(self._why.fontMetrics().lineSpacing() * 2)
        self._why.setAlignment(Qt.AlignmentFlag.AlignTop)
        left = look.column()
        left.addWidget(look.muted(say("A sample desktop: Notes is ticked, Mail is not.")))
        left.addWidget(self._desktop)
        left.addWidget(self._why)
        left.addStretch(1)
        right = look.column()
        right.addWidget(look.muted(say("What would be stored:")))
        right.addWidget(self._picture)
        right.addWidget(self._rows)
        right.addStretch(1)
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._sides.setContentsMargins(0, 0, 0, 0)
        self._sides.setSpacing(look.SPACE)
        self._sides.addLayout(left)
        self._sides.addLayout(right, 1)
        self.follow(frozenset())

    def follow(self, categories: AbstractSet[Category]) -> None:
        """Show what would be stored if `categories` were ticked, also of what was done before."""
        if Category.TASKS in categories and Category.TASKS not in self._categories:
            self._trial = self._trial.add(TaskStarted(0, "sample", TASK), None)
        self._categories = frozenset(categories)
        self._show()

    def forget(self) -> None:
        """Forget everything that was typed and done here."""
        self._trial = Trial()
        for field in self._desktop.fields.values():
            field.clear()
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the two sides beside or below each other, as there is room."""
        super().resizeEvent(event)
        beside = event.size().width() >= WIDTH + look.SPACE + _STORED_WIDTH
        ways = QBoxLayout.Direction
        self._sides.setDirection(ways.LeftToRight if beside else ways.TopToBottom)

    def _tried(self, event: Event, window: Window | None) -> None:
        self._trial = self._trial.add(event, window)
        self._show()

    def _show(self) -> None:
        rows = self._trial.rows(self._categories)
        self._rows.setText(
            "\n".join(rows) or say("Nothing yet.") if self._categories else say("Nothing: nothing is ticked.")
        )
        why_not = self._trial.why_not(self._categories) or say("This would be stored.")
        self._why.setText(why_not if self._trial.events else say("Type or click in the sample."))
        self._picture.show_stored(covered(self._categories) if Category.SCREEN in self._categories else None)
