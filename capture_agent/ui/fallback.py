"""The sign that stands in for a tray icon: a small window above everything, with the state and a Pause button.

It bypasses the window manager, because a full-screen program covers windows that merely "stay on
top". It never takes the keyboard: what is typed must not go anywhere else because it appeared.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from capture_agent.core.language import noted, say
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.icons import qicon
from capture_agent.ui.view_state import Click, Icon, View

MARGIN = 12  # px from the corner of the screen
_ICON = 18  # px
# Fixed colours, because it lies on top of other programs' windows, whatever theirs are; white on it is 15:1.
_STYLE = """
#fallbackSign { background: #22272e; border: 1px solid #6d7785; }
#fallbackSign QLabel { color: #ffffff; font-weight: 600; }
#fallbackSign QPushButton { color: #22272e; background: #ffffff; border: none; border-radius: 3px; padding: 4px 12px; }
#fallbackSign QPushButton:hover { background: #dfe5ec; }
"""
_WORDS = {
    Icon.OFF: noted("Not recording"),
    Icon.RECORDING: noted("Recording"),
    Icon.PAUSED: noted("Not recording now"),
    Icon.ATTENTION: noted("Not recording: look here"),
}


class FallbackSign(QWidget):
    """The small window. Shown and hidden by `Indicator` alone; can be dragged out of the way, not off the screen.

    Attributes:
        opened: Set by whoever owns it; called when the person clicks *Open*.
    """

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(
            None,
            Qt.WindowType.Tool
            | Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint
            | Qt.WindowType.WindowDoesNotAcceptFocus
            | Qt.WindowType.X11BypassWindowManagerHint,
        )
        self._bridge = bridge
        self._dragged: QPoint | None = None
        self._placed = False
        self._drawn: Icon | None = None
        self.opened: Callable[[], None] = lambda: None
        self.setObjectName("fallbackSign")
        self.setWindowTitle(say("Capture Agent: recording sign"))
        self.setAccessibleName(say("Recording sign"))
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(_STYLE)
        self._picture = QLabel()
        self._picture.setAccessibleName(say("State"))
        self._words = QLabel()
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self._button = QPushButton()
        self._button.setObjectName("fallbackButton")
        self._button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._button.setCursor(Qt.CursorShape.ArrowCursor)
        self._button.clicked.connect(self._clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self._picture)
        row.addWidget(self._words)
        row.addWidget(self._button)
        self.draw(bridge.view.icon)
        bridge.changed.connect(self._follow)

    def draw(self, icon: Icon) -> None:
        """Show the state, and hand it to the display before this returns."""
        if icon is self._drawn:
            return
        self._drawn = icon
        self._picture.setPixmap(qicon(icon).pixmap(_ICON, _ICON))
        self._picture.setAccessibleName(say(_WORDS[icon]))
        self._words.setText(say(_WORDS[icon]))
        self._button.setText(say("Pause") if icon is Icon.RECORDING else self._button_text())
        self._fit()

    def show_sign(self) -> None:
        """Show it in the corner of the screen, or where the person dragged it."""
        if self.isVisible():
            return
        self.draw(self._bridge.view.icon)
        if not self._placed:
            area = QGuiApplication.primaryScreen().availableGeometry()
            self.move(area.right() - self.width() - MARGIN, area.top() + MARGIN)
            self._placed = True
        self.show()
        self.raise_()

    def painted(self) -> bool:
        """Return whether it is on the screen and has been painted there, which comes a moment after it was mapped."""
        handle = self.windowHandle()
        return self.isVisible() and handle is not None and handle.isExposed()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of the sign."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._dragged = event.globalPosition().toPoint() - self.pos()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drag the sign, but never off the screen."""
        if self._dragged is None:
            return
        wanted = event.globalPosition().toPoint() - self._dragged
        area = self.screen().availableGeometry()
        self.move(
            max(area.left(), min(wanted.x(), area.right() - self.width())),
            max(area.top(), min(wanted.y(), area.bottom() - self.height())),
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go of the sign."""
        self._dragged = None

    def _fit(self) -> None:
        """Take the size of the words; the right edge stays."""
        right = self.x() + self.width()
        self.adjustSize()
        if self.isVisible():
            self.move(right - self.width(), self.y())
            self.repaint()

    def _button_text(self) -> str:
        return say("Pause") if self._bridge.view.click is Click.PAUSE else say("Open")

    def _follow(self, view: View) -> None:
        self.draw(view.icon)
        if self._button.text() != self._button_text():
            self._button.setText(self._button_text())
            self._fit()
        self._words.setToolTip(view.status)

    def _clicked(self) -> None:
        self._bridge.refresh()
        if self._bridge.view.click is Click.PAUSE:
            self._bridge.do(lambda: self._bridge.agent.pause(None))
        else:
            self.opened()
