"""The moment after opting out in which one can still keep the recordings: a window that counts down."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QProgressBar, QWidget

from capture_agent.core.language import say, say_many
from capture_agent.session.snapshot import Going
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.view_state import View

_WIDTH = 420  # px
_STEP_MS = 100  # the bar moves smoothly; the words change once a second


class UndoStrip(QWidget):
    """Says what is about to be destroyed and when; *Undo* keeps it. Closing it changes nothing. Shown by `follow`."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(None, Qt.WindowType.Dialog | Qt.WindowType.WindowStaysOnTopHint)
        self._bridge = bridge
        self._going: Going | None = None
        self._whole = 1.0
        self.setObjectName("undoStrip")
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        lines = look.column()
        title = say("You have opted out")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        lines.addWidget(look.heading(title, name="undoTitle"))
        lines.addWidget(look.text(say("Nothing is recorded any more."), name="undoStopped"))
        self._words = look.text(name="undoWords")
        lines.addWidget(self._words)
        layout.addLayout(lines)
        self._bar = QProgressBar()
        self._bar.setAccessibleName(say("Time left to undo"))
        self._bar.setTextVisible(False)
        layout.addWidget(self._bar)
        self._undo = look.button(say("&Undo: keep the recordings"), self._keep, name="undoButton")
        layout.addLayout(look.row(self._undo, push=True))
        self._timer = QTimer(self, interval=_STEP_MS)
        self._timer.timeout.connect(self._count)
        bridge.changed.connect(self.follow)

    def follow(self, _view: View) -> None:
        """Show the window while something can be undone, from its beginning to its end."""
        going = self._bridge.snapshot.going
        if going is not None and self._going is None:
            self._whole = max(1.0, _seconds(going))
            self._bar.setRange(0, int(self._whole * 1000))
            self._going = going
            self._count()
            look.fit(self, _WIDTH)
            self._place()
            self.show()
            self.raise_()
            self.activateWindow()
            self._undo.setFocus()
            self._timer.start()
        elif going is None:
            self._end()
        self._going = going

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop counting; what was going to happen happens."""
        self._timer.stop()
        super().closeEvent(event)

    def _count(self) -> None:
        if self._going is None:
            return
        left = max(0.0, _seconds(self._going))
        self._bar.setValue(int(left * 1000))
        said = say_many(
            "{count} recording will be destroyed in {seconds} s. After that, nobody can open it, ever.",
            "{count} recordings will be destroyed in {seconds} s. After that, nobody can open them, ever.",
            self._going.recordings,
            seconds=math.ceil(left),
        )
        if said != self._words.text():
            self._words.setText(said)

    def _keep(self) -> None:
        self._bridge.do(self._bridge.agent.undo)

    def _end(self) -> None:
        self._timer.stop()
        self.hide()

    def _place(self) -> None:
        area = (self.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        self.move(area.center() - self.rect().center())


def _seconds(going: Going) -> float:
    return (going.until - datetime.now(UTC)).total_seconds()
