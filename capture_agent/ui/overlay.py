"""A small window above everything that never takes the keyboard: what has to be seen, whatever is on the screen.

It bypasses the window manager, so that no full-screen program covers it, and who is typing when it appears does not
answer it by that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QGuiApplication, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.icons import qicon
from capture_agent.ui.view_state import Icon, View

_FROM_TOP = 0.2  # of the screen's height: above what most people look at, and not under the panel's icons
_ICON = 32  # px
_WIDTH = 440  # px


class Overlay(QWidget):
    """Shown while, and only while, `begin` was told that it is due. Main thread only."""

    def __init__(self, bridge: Bridge, proved_shown: Callable[[int], bool], name: str) -> None:
        """Follow `bridge` once `begin` is called; `proved_shown` is `Desktop.proved_shown`."""
        super().__init__(
            None,
            Qt.WindowType.Tool
            | Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint
            | Qt.WindowType.WindowDoesNotAcceptFocus
            | Qt.WindowType.X11BypassWindowManagerHint,
        )
        self.bridge = bridge
        self._proved_shown = proved_shown
        self._due: Callable[[], bool] = lambda: False
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._title = look.heading(name=f"{name}Title")

    def begin(
        self,
        due: Callable[[], bool],
        icon: Icon,
        said: str,
        lines: Sequence[QWidget],
        buttons: Sequence[QPushButton],
    ) -> None:
        """Put `lines` under the title and `buttons` under them, beside `icon` (which is `said`), and follow.

        `due` says whether it has to be seen now; it is asked at every change.
        """
        self._due = due
        picture = QLabel()
        picture.setPixmap(qicon(icon).pixmap(_ICON, _ICON))
        picture.setAccessibleName(said)
        texts = look.column()
        for line in (self._title, *lines):
            texts.addWidget(line)
        for made in buttons:
            made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        top = look.row(picture)
        top.setSpacing(look.SPACE)
        top.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        top.addLayout(texts, 1)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addLayout(top)
        layout.addLayout(look.row(*buttons, push=True))
        self.bridge.changed.connect(self._follow)
        self._follow(self.bridge.view)

    def shown(self) -> bool:
        """Return whether it is proved to be in sight, painted."""
        handle = self.windowHandle()
        if not self.isVisible() or handle is None or not handle.isExposed():
            return False
        if self._proved_shown(int(self.winId())):
            return True
        self.raise_()  # something else that bypasses the window manager lies on it
        return False

    def take_down(self) -> None:
        """Take it down for good."""
        self.bridge.changed.disconnect(self._follow)
        self.hide()
        self.deleteLater()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the line around it that a window manager would."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(look.muted_colour(self.palette()))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Window))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _follow(self, view: View) -> None:
        if not self._due():
            self.hide()
            return
        self._title.setText(view.status)
        self.setAccessibleName(view.status)
        if self.isVisible():
            return
        look.fit(self, _WIDTH)
        area = QGuiApplication.primaryScreen().availableGeometry()
        self.move(area.center().x() - self.width() // 2, area.top() + int(area.height() * _FROM_TOP))
        self.show()
        self.raise_()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
