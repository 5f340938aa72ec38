"""The window that tells that a timed pause is over: recording goes on unless the person says no.

It bypasses the window manager, so that no full-screen program covers it, and never takes the
keyboard: who is typing when it appears must not resume by that. The keys that pause keep it paused.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QCloseEvent, QGuiApplication, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QWidget

from capture_agent.core.language import say
from capture_agent.core.recording import State
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.icons import qicon
from capture_agent.ui.view_state import Icon, View

MORE_MINUTES = 15
_FROM_TOP = 0.2  # of the screen's height: above what most people look at, and not under the panel's icons
_ICON = 32  # px
_WIDTH = 440  # px


class Countdown(QWidget):
    """Shown while, and only while, a pause is counted down. Main thread only."""

    def __init__(self, bridge: Bridge, proved_shown: Callable[[int], bool]) -> None:
        """Follow `bridge`; `proved_shown` is `Desktop.proved_shown`."""
        super().__init__(
            None,
            Qt.WindowType.Tool
            | Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint
            | Qt.WindowType.WindowDoesNotAcceptFocus
            | Qt.WindowType.X11BypassWindowManagerHint,
        )
        self._bridge = bridge
        self._proved_shown = proved_shown
        self.setObjectName("countdown")
        self.setWindowTitle(say("The pause is over"))
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._title = look.heading(name="countdownTitle")
        self._keys = look.muted(name="countdownKeys")
        picture = QLabel()
        picture.setPixmap(qicon(Icon.PAUSED).pixmap(_ICON, _ICON))
        picture.setAccessibleName(say("Paused"))
        agent = bridge.agent
        buttons = [
            look.button(say("Stay paused"), lambda: bridge.do(lambda: agent.pause(None)), name="stayPausedButton"),
            look.button(
                say("15 more minutes"), lambda: bridge.do(lambda: agent.pause(MORE_MINUTES)), name="moreMinutesButton"
            ),
            look.button(say("Resume now"), lambda: bridge.do(agent.resume), name="resumeNowButton"),
        ]
        for made in buttons:
            made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        lines = look.column()
        lines.addWidget(self._title)
        lines.addWidget(look.text(say("Your pause is over. If you do nothing, recording goes on.")))
        lines.addWidget(self._keys)
        line = look.row(picture)
        line.setSpacing(look.SPACE)
        line.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        line.addLayout(lines, 1)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addLayout(line)
        layout.addLayout(look.row(*buttons, push=True))
        bridge.changed.connect(self._follow)
        self._follow(bridge.view)

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
        self._bridge.changed.disconnect(self._follow)
        self.hide()
        self.deleteLater()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stay paused: to close it is not to agree."""
        event.ignore()
        self._bridge.do(lambda: self._bridge.agent.pause(None))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the line around it that a window manager would."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(look.muted_colour(self.palette()))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Window))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _follow(self, view: View) -> None:
        snapshot = self._bridge.snapshot
        if snapshot.state is not State.PAUSED or snapshot.resumes_in is None:
            self.hide()
            return
        self._title.setText(view.status)
        self.setAccessibleName(view.status)
        self._keys.setVisible(bool(snapshot.pause_keys))
        self._keys.setText(say("{keys} keeps it paused.", keys=keys_in_words(snapshot.pause_keys)))
        if self.isVisible():
            return
        look.fit(self, _WIDTH)
        area = QGuiApplication.primaryScreen().availableGeometry()
        self.move(area.center().x() - self.width() // 2, area.top() + int(area.height() * _FROM_TOP))
        self.show()
        self.raise_()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))


def keys_in_words(combination: str) -> str:
    """Return "Ctrl+Shift+F9" for "ctrl+shift+f9"."""
    return "+".join(part.capitalize() for part in combination.split("+"))
