"""The normal window: everything that the tray's menu has, and what it has no room for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QTabWidget, QWidget

from capture_agent.core.language import noted, say
from capture_agent.desktop.base import Pick
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.first_run import FirstRunPage
from capture_agent.ui.flow import Flow
from capture_agent.ui.forget import forget_menu
from capture_agent.ui.habits import HabitsPage
from capture_agent.ui.icons import qicon
from capture_agent.ui.now_page import NowPage
from capture_agent.ui.readers import Fingerprint
from capture_agent.ui.recorded import RecordedPage
from capture_agent.ui.recordings import RecordingsPage
from capture_agent.ui.tray import pause_menu
from capture_agent.ui.view_state import Command, Icon, Page, View
from capture_agent.ui.work_card import WorkCard

_ICON = 40  # px
_BANNER_ICON = 22  # px
_STATES = {
    Icon.OFF: noted("State: off"),
    Icon.RECORDING: noted("State: recording"),
    Icon.PAUSED: noted("State: paused"),
    Icon.ATTENTION: noted("State: attention"),
}
_PAGES = (None, Command.RECORDINGS, Command.RECORDED, Command.HABITS)  # the tabs, by the command that leads to them


class MainWindow(QWidget):
    """Status, start, pause, resume, tasks, recordings, agreement, opting out. Closing it only hides it.

    Signals:
        asked: the person wants what a `Command` stands for and this window does not do itself.
        forget: the person wants to forget this many minutes; nothing is forgotten before they confirm it.
        change: the person wants to look at the agreement again, and perhaps change it.
    """

    asked = Signal(object)
    forget = Signal(int)
    change = Signal()

    def __init__(self, bridge: Bridge, fingerprint: Fingerprint, pick: Callable[[], Pick] | None = None) -> None:
        super().__init__()
        self._bridge = bridge
        self._drawn: Icon | None = None
        self.setObjectName("mainWindow")
        self.setWindowTitle(words.PRODUCT)
        self.setAccessibleName(words.PRODUCT)
        self.first_run = FirstRunPage(bridge, fingerprint)
        self.recordings = RecordingsPage(bridge)
        self._tabs = QTabWidget()
        self._tabs.setObjectName("pages")
        self._tabs.setAccessibleName(say("Pages"))
        self._tabs.tabBar().setAccessibleName(say("Pages"))
        self._tabs.setDocumentMode(True)
        self._tabs.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its bar takes the keyboard
        self._tabs.addTab(NowPage(bridge, lambda: self.asked.emit(Command.TASK)), say("&Now"))
        self._tabs.addTab(look.scrolled(self.recordings, said=say("My recordings")), say("My recordin&gs"))
        self.recorded = RecordedPage(bridge, fingerprint, self.change.emit, pick)
        self._tabs.addTab(self.recorded, say("&What is recorded"))
        self._tabs.addTab(HabitsPage(bridge), say("When it &begins"))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.first_run)
        self._stack.addWidget(self._tabs)
        outer = look.column(self, gap=0)
        outer.addLayout(self._header())
        outer.addWidget(self._banner())
        outer.addWidget(self._stack, 1)
        self._work = WorkCard(bridge)
        outer.addWidget(self._work)
        outer.addLayout(self._footer())
        for page in (self.recordings, self.recorded.receipts, self.first_run.receipts):
            page.told.connect(self._tell_done)
        # Making the lines of 10,000 recordings takes a tenth of a second, which nobody has to wait for who looks here.
        self._listed = QTimer(self, singleShot=True, interval=0)
        self._listed.timeout.connect(self.recordings.reload)
        bridge.changed.connect(self._show)
        self._show(bridge.view)
        self.setMinimumWidth(440)
        look.fit(self, 760, 620)

    def open(self, command: Command | None = None) -> None:
        """Show the window, on the page that `command` leads to."""
        page = Command.RECORDED if command is Command.NEVER else command
        if page in _PAGES and self._bridge.view.page is Page.MAIN:
            self._tabs.setCurrentIndex(_PAGES.index(page))
        if not self.isVisible():
            self._listed.start()
        self.showNormal() if self.isMinimized() else self.show()
        if command is Command.NEVER:
            self.recorded.show_never()
        self.raise_()
        self.activateWindow()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the status whole in a narrow window."""
        super().resizeEvent(event)
        self._keep_whole()

    def _keep_whole(self) -> None:
        """Let the page below give way, never what is said here: Qt would cut the last line of it on a low screen."""
        for line in (self._status, self._reminder):
            line.setMinimumHeight(line.heightForWidth(max(1, line.width())) if line.text() else 0)

    def _header(self) -> QHBoxLayout:
        self._picture = QLabel()
        self._picture.setObjectName("stateIcon")
        self._picture.setFixedSize(_ICON, _ICON)
        self._status = look.heading(name="statusLine")
        self._study = look.muted(name="studyLine")
        self._buttons: dict[Command, QWidget] = {}
        agent, do = self._bridge.agent, self._bridge.do
        self._start = look.button("", lambda: self.asked.emit(Command.START), name="startButton")
        self._resume = look.button(say("&Resume"), lambda: do(agent.resume), name="resumeButton")
        self._pause = look.button(say("&Pause"), lambda: do(lambda: agent.pause(None)), name="pauseButton")
        self._pause_for = look.button(say("Pause &for…"), lambda: None, name="pauseForButton")
        self._pause_for.setMenu(pause_menu(self._bridge, self._pause_for))
        self._stop = look.button(say("Stop and sa&ve"), lambda: do(agent.stop), name="stopButton")
        self._not_me = look.button("", lambda: self.asked.emit(Command.NOT_ME), name="notMeButton")
        buttons = (self._start, self._resume, self._pause, self._pause_for, self._stop, self._not_me)
        self._row = Flow(*buttons)
        lines = look.column(gap=2)
        lines.addWidget(self._status)
        lines.addWidget(self._study)
        self._reminder = look.muted(name="reminderLine")
        lines.addWidget(self._reminder)
        lines.addSpacing(look.GAP)
        lines.addLayout(self._row)
        layout = look.row()
        layout.setContentsMargins(look.SPACE, look.SPACE, look.SPACE, look.SPACE - 4)
        layout.setSpacing(look.SPACE)
        side = look.column()
        side.addWidget(self._picture)
        side.addStretch(1)
        layout.addLayout(side)
        layout.addLayout(lines, 1)
        return layout

    def _banner(self) -> QWidget:
        frame, inner = look.card(name="problemBanner", said=say("Problem"))
        picture = QLabel()
        picture.setPixmap(qicon(Icon.ATTENTION).pixmap(_BANNER_ICON, _BANNER_ICON))
        picture.setAccessibleName(say("Attention"))
        self._problem = look.strong(name="problemLine")
        self._hint = look.text(name="hintLine")
        lines = look.column(gap=2)
        lines.addWidget(self._problem)
        lines.addWidget(self._hint)
        line = look.row(picture)
        line.addLayout(lines, 1)
        inner.addLayout(line)
        self._problem_frame = frame
        return _inset(frame)

    def _footer(self) -> QHBoxLayout:
        self._opt_out = look.button("", lambda: self.asked.emit(Command.OPT_OUT), name="optOutButton")
        self._quit = look.button("", lambda: self.asked.emit(Command.QUIT), name="quitButton")
        self._forget = look.button(say("Forget the last &minutes…"), lambda: None, name="forgetMinutesButton")
        self._forget.setMenu(forget_menu(self.forget.emit, self._forget))
        layout = look.row()
        layout.addLayout(Flow(self._opt_out, self._forget), 1)
        layout.addWidget(self._quit, 0, Qt.AlignmentFlag.AlignBottom)
        layout.setContentsMargins(look.SPACE, look.SPACE - 4, look.SPACE, look.SPACE - 4)
        return layout

    def _show(self, view: View) -> None:
        if view.icon is not self._drawn:
            self._drawn = view.icon
            self._picture.setPixmap(qicon(view.icon).pixmap(_ICON, _ICON))
            self._picture.setAccessibleName(say(_STATES[view.icon]))
        self._status.setText(view.status)
        joined = self._bridge.snapshot.joined
        self._study.setText("" if joined is None else words.own(joined, joined.title))
        self._study.setVisible(joined is not None)
        self._reminder.setText(view.reminder)
        self._reminder.setVisible(bool(view.reminder))
        self._keep_whole()
        for command, made in (
            (Command.START, self._start),
            (Command.PAUSE, self._pause),
            (Command.PAUSE, self._pause_for),
            (Command.RESUME, self._resume),
            (Command.STOP, self._stop),
            (Command.NOT_ME, self._not_me),
            (Command.OPT_OUT, self._opt_out),
            (Command.FORGET, self._forget),
            (Command.QUIT, self._quit),
        ):
            entry = view.entries[command]
            if made not in {self._pause_for, self._forget} and made.text() != entry.text:
                made.setText(entry.text)
            made.setEnabled(entry.enabled)
            made.setVisible(entry.visible)
        self._forget.setVisible(view.page is Page.MAIN)
        self._opt_out.setVisible(view.page is Page.MAIN)
        # Paused already: the buttons that matter then are Resume, and a longer or shorter pause.
        self._pause.setVisible(view.entries[Command.PAUSE].visible and not view.entries[Command.RESUME].visible)
        self._problem.setText(view.problem)
        self._hint.setText(view.hint)
        self._hint.setVisible(bool(view.hint))
        self._problem_frame.setVisible(bool(view.problem))
        self._stack.setCurrentIndex(0 if view.page is Page.FIRST_RUN else 1)

    def _tell_done(self, words: str, folder: Path | None) -> None:
        self._work.tell(words, folder)
        self.recordings.reload()


def _inset(frame: QWidget) -> QWidget:
    """Return `frame` with the window's margin to its left and right."""
    around = QWidget()
    layout = look.column(around)
    layout.setContentsMargins(look.SPACE, 0, look.SPACE, 0)
    layout.addWidget(frame)
    return around
