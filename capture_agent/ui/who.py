"""Who is there? Asked on a shared computer, at each start and after each unlock."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QSizePolicy

from capture_agent.core.language import say
from capture_agent.core.splitting import Reason
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.view_state import View


class WhoIsThere(QDialog):
    """*It is me* or *Not me*, equal in size and weight; closing it is neither, and nothing is recorded meanwhile."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(None)
        self._bridge = bridge
        self._asking = False
        self.setObjectName("whoDialog")
        self.setWindowTitle(say("Who is there?"))
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        agent = bridge.agent
        me = look.button(say("It is &me"), lambda: bridge.do(agent.it_is_me), name="itIsMeButton")
        not_me = look.button(say("&Not me"), lambda: bridge.do(agent.not_me), name="notMeHereButton")
        for made in (me, not_me):
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addWidget(look.heading(say("Who is there?")))
        layout.addWidget(look.text(say("Nothing is recorded before you say that it is you.")))
        layout.addWidget(
            look.muted(say("“Not me” pauses, and forgets what was recorded since the screen was locked last."))
        )
        layout.addLayout(look.row(me, not_me))
        look.fit(self, 440)
        bridge.changed.connect(self._follow)
        self._follow(bridge.view)

    def again(self) -> bool:
        """Ask again if it is still not said; return whether it asks."""
        if self._asking:
            self.show()
            self.raise_()
            self.activateWindow()
        return self._asking

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Let neither answer have the keyboard at first."""
        super().showEvent(event)
        self.setFocus()

    def _follow(self, _view: View) -> None:
        asking = self._bridge.snapshot.waiting is Reason.WHO
        if asking == self._asking:
            return
        self._asking = asking
        if asking:
            self.again()
        else:
            self.hide()
