"""All that a person sees of the agent, put together: what `app` makes, one for each program."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog

from capture_agent.core.errors import CaptureAgentError
from capture_agent.desktop.base import Pick
from capture_agent.session.snapshot import Agent
from capture_agent.ui.ask import tell
from capture_agent.ui.beginning import Beginning
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.countdown import Countdown
from capture_agent.ui.day import DayDialog
from capture_agent.ui.forget import forget_dialog
from capture_agent.ui.icons import qicon
from capture_agent.ui.indicator import Indicator, Proof, embedded_window
from capture_agent.ui.main_window import MainWindow
from capture_agent.ui.monitoring import MonitoringNotes
from capture_agent.ui.newcomers import new_programs
from capture_agent.ui.optout import opt_out_dialog
from capture_agent.ui.panel import ConsentPanel
from capture_agent.ui.readers import Fingerprint
from capture_agent.ui.shared_soon import SharedSoon
from capture_agent.ui.tasks import task_dialog
from capture_agent.ui.tray import Tray
from capture_agent.ui.undo import UndoStrip
from capture_agent.ui.view_state import Command, Icon, Page, View
from capture_agent.ui.who import WhoIsThere

READ_MS = 6000  # how long quitting waits at the end of a day, so that its sums can be read


class Shell(QObject):
    """Tray, window, panel, dialogs and the proof that the state is shown. Main thread only.

    Args:
        agent: What is shown, and what may be asked.
        proved_shown: `Desktop.proved_shown`.
        fingerprint: `keys.age.fingerprint`.
        leave: Ends the program; called once everything is saved.
        pick: `Desktop.pick`; None: windows cannot be picked here.
    """

    def __init__(
        self,
        agent: Agent,
        proved_shown: Callable[[int], bool],
        fingerprint: Fingerprint,
        leave: Callable[[], None],
        pick: Callable[[], Pick] | None = None,
    ) -> None:
        super().__init__()
        self._agent = agent
        self._fingerprint = fingerprint
        self._leave = leave
        self._panel: ConsentPanel | None = None
        self._dialog: QDialog | None = None
        self._told: QDialog | None = None
        self._drawn: Icon | None = None
        self._seen = frozenset[str]()  # programs that ran at the start, or were listed in the panel
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setQuitOnLastWindowClosed(False)
        self.bridge = Bridge(agent, self, seen=_window_shown)
        self.tray = Tray(self.bridge, self)
        self.tray.menu.aboutToShow.connect(self.bridge.tell_time)
        self.tray.menu.aboutToShow.connect(self._name_new)
        self.tray.add.connect(self.ask)
        self.indicator = Indicator(self.bridge, self.tray, proved_shown, self)
        self.countdown = Countdown(self.bridge, proved_shown)
        self.beginning = Beginning(self.bridge, proved_shown)
        self.who = WhoIsThere(self.bridge)
        self.window = MainWindow(self.bridge, fingerprint, pick)
        self.undo = UndoStrip(self.bridge)
        self.monitoring = MonitoringNotes(self.bridge)
        self.soon = SharedSoon(self.bridge, self.notify, lambda: self.open(Command.RECORDINGS))
        self.indicator.fallback.opened = self.open
        self.tray.asked.connect(self.open)
        self.window.asked.connect(self.open)
        self.tray.forget.connect(self.forget)
        self.window.forget.connect(self.forget)
        self.window.change.connect(self.ask)
        self.window.first_run.joined.connect(self.ask)
        self.bridge.changed.connect(self._follow)
        self._follow(self.bridge.view)
        self._see()
        self.bridge.failed.connect(self._tell)

    def prove(self) -> Proof | None:
        """Return how the indicator is proved shown now, or None."""
        return self.indicator.prove()

    def announce_recording(self) -> None:
        """Draw the recording icon before an interval opens."""
        self.indicator.announce_recording()

    def countdown_shown(self) -> bool:
        """Return whether a countdown, of a pause or of a beginning, is proved to be in sight."""
        return self.countdown.shown() or self.beginning.shown()

    def notify(self, title: str, text: str) -> None:
        """Tell of the day: by the panel, or where there is none in a window of our own."""
        if self.tray.host_available():
            self.tray.tell(title, text)
        else:
            self._show(DayDialog(title, text))

    def click(self) -> None:
        """Do what a click on the icon does: pause, or else open the window."""
        if not self.tray.pause():
            self.open()

    def open(self, command: Command | None = None) -> None:
        """Do what `command` stands for, as far as it needs a window; None just shows the window."""
        self.bridge.refresh()  # what is shown may be a moment old, and a command may have changed it
        match command:
            case Command.START:
                self._start()
            case Command.TASK:
                self._show(task_dialog(self.bridge, self._parent()))
            case Command.OPT_OUT:
                self._show(opt_out_dialog(self.bridge, self._parent()))
            case Command.NOT_ME:
                self.bridge.do(self._agent.not_me)
                self.window.recordings.drop_shown()
            case Command.QUIT:
                self.quit()
            case None if self.who.again():
                pass
            case _:
                self.window.open(command)

    def forget(self, minutes: int) -> None:
        """Say what forgetting the last `minutes` takes, and ask whether to."""
        self.bridge.refresh()
        dialog = forget_dialog(self.bridge, minutes, self._parent())
        if dialog is not None:
            dialog.accepted.connect(self.window.recordings.drop_shown)
            self._show(dialog)

    def ask(self, program: str = "") -> None:
        """Show the consent panel, where it asks about `program` if that is named."""
        self.bridge.refresh()
        offer = self.bridge.snapshot.offer
        if offer is None:
            self.window.open()
            return
        if self._panel is None:
            self._panel = ConsentPanel(self.bridge, offer, self._fingerprint)
            self._panel.finished.connect(self._forget_panel)
            self._panel.leaving.connect(lambda: self.open(Command.OPT_OUT))
            self.bridge.do(self._agent.asked)
        self._see()
        self._panel.show()
        if program:
            self._panel.show_program(program)
        self._panel.raise_()
        self._panel.activateWindow()

    def _see(self) -> None:
        """Take the programs of now for known to the person."""
        with suppress(CaptureAgentError):  # a display that does not answer has no new programs
            self._seen |= frozenset(self._agent.known_apps())

    def _name_new(self) -> None:
        with suppress(CaptureAgentError):
            self.tray.name_new(new_programs(self.bridge.snapshot, self._agent.known_apps(), self._seen))

    def quit(self) -> None:
        """Save, then stop. If it cannot be saved, say so and stay."""
        if self.bridge.do(self._agent.stop):
            # What tells of the day goes with the program: it stays for a moment.
            QTimer.singleShot(READ_MS if self._agent.quitting() else 0, self._leave)

    def close(self) -> None:
        """Take down everything that is shown."""
        self.window.recordings.shut()
        self.window.recorded.never.stop()
        self.bridge.close()
        self.indicator.close()
        self.countdown.take_down()
        self.beginning.take_down()
        self.monitoring.close()
        self.tray.close()
        for window in (self._dialog, self._panel, self.undo, self.soon, self.who, self.window):
            if window is not None:
                window.close()

    def _start(self) -> None:
        """Start, or ask first: the same button leads to the panel as long as nothing is agreed to."""
        snapshot = self.bridge.snapshot
        if self.bridge.view.page is Page.FIRST_RUN:
            self.window.open()
        elif snapshot.must_ask or snapshot.refused or not snapshot.consented:
            self.ask()
        else:
            self.bridge.do(self._agent.start)

    def _show(self, dialog: QDialog) -> None:
        if self._dialog is not None:
            self._dialog.close()
        self._dialog = dialog
        dialog.finished.connect(lambda _result, mine=dialog: self._forget_dialog(mine))
        dialog.open()
        dialog.raise_()
        dialog.activateWindow()

    def _parent(self) -> MainWindow | None:
        return self.window if self.window.isVisible() else None

    def _follow(self, view: View) -> None:
        """Never leave a panel open that asks for something else than what is offered now."""
        if view.icon is not self._drawn:
            self._drawn = view.icon
            QApplication.setWindowIcon(qicon(view.icon))
        if self._panel is not None and self._panel.offer != self.bridge.snapshot.offer:
            self._panel.close()
            self._panel = None
            self.ask()

    def _forget_panel(self, _result: int) -> None:
        self._panel = None

    def _forget_dialog(self, dialog: QDialog) -> None:
        if self._dialog is dialog:
            self._dialog = None

    def _tell(self, error: CaptureAgentError) -> None:
        active = QApplication.activeWindow()
        self._told = tell(active or self._parent(), error)


def _window_shown() -> bool:
    """Return whether any of our windows is on the screen, beside the icon in the panel."""
    icon = embedded_window()
    return any(window.isVisible() and window is not icon for window in QGuiApplication.topLevelWindows())
