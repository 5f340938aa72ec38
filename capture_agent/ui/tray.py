"""The tray icon and its menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon, QWidget

from capture_agent.core.language import say
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.forget import forget_menu
from capture_agent.ui.icons import qicon
from capture_agent.ui.view_state import PAUSES, Click, Command, Icon, View

TELL_MS = 15_000  # five lines are read twice in that time
_XEMBED_WIDGET = "QSystemTrayIconSys"  # the class of Qt's own widget where panels embed windows

# None is the line between groups.
_ORDER: tuple[Command | None, ...] = (
    None,
    Command.PAUSE,
    Command.RESUME,
    Command.NOT_ME,
    None,
    Command.TASK,
    None,
    Command.RECORDINGS,
    Command.RECORDED,
    Command.NEVER,
    Command.HABITS,
    None,
    Command.FORGET,
    Command.OPT_OUT,
    None,
    Command.QUIT,
)


class Tray(QObject):
    """The icon, true at every moment, and the menu. Made anew by `make` when a panel comes late.

    Signals:
        asked: the person wants the window and, in it, what this `Command` stands for; None: just the window.
        forget: the person wants to forget this many minutes; nothing is forgotten before they confirm it.
        add: the person wants to be asked about this program.
    """

    add = Signal(str)
    asked = Signal(object)
    forget = Signal(int)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._icons: Mapping[Icon, QIcon] = {icon: qicon(icon) for icon in Icon}
        self.icon = bridge.view.icon
        self.menu = QMenu()
        self.menu.setObjectName("trayMenu")
        self.menu.setAccessibleName("Capture Agent")
        self._status = self._action("", lambda: self.asked.emit(None))
        self._actions: dict[Command, QAction] = {}
        self._new: list[QAction] = []
        self._fill()
        self._tray: QSystemTrayIcon
        self.make()
        bridge.changed.connect(self._show)

    def make(self) -> None:
        """Make the icon anew: Qt chooses how to speak to the panel once, when an icon is made."""
        if hasattr(self, "_tray"):
            self._tray.hide()
            self._tray.deleteLater()
        self._tray = QSystemTrayIcon(self._icons[self.icon], self)
        self._tray.setContextMenu(self.menu)
        self._tray.activated.connect(self._clicked)
        self._show(self._bridge.view)
        self._tray.show()

    def draw(self, icon: Icon) -> None:
        """Show `icon`, and hand it to the display before this returns."""
        self.icon = icon
        self._tray.setIcon(self._icons[icon])
        for widget in QApplication.topLevelWidgets():
            if widget.metaObject().className() == _XEMBED_WIDGET:
                widget.repaint()  # paints and flushes now, where update() would wait for the event loop

    def host_available(self) -> bool:
        """Return whether some panel takes icons, which does not say that it shows ours."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def geometry(self) -> tuple[int, int, int, int]:
        """Return x, y, width, height of the icon in Qt's own coordinates; all 0 where panels draw icons themselves."""
        place = self._tray.geometry()
        return place.x(), place.y(), place.width(), place.height()

    def docked(self) -> bool:
        """Return whether a panel has given the icon a place; always False where panels draw icons themselves."""
        return not self._tray.geometry().isEmpty()

    def tell(self, title: str, text: str) -> None:
        """Show a notification."""
        self._tray.showMessage(title, text, self._icons[self.icon], TELL_MS)

    def name_new(self, programs: Sequence[str]) -> None:
        """Say below the status which programs are new and therefore not recorded."""
        for action in self._new:
            self.menu.removeAction(action)
            action.deleteLater()
        self._new = [
            self._action(say("Not recorded: {name} (new)…", name=name.replace("&", "&&")), partial(self.add.emit, name))
            for name in programs
        ]
        self.menu.insertActions(self.menu.actions()[1], self._new)

    def close(self) -> None:
        """Take the icon away."""
        self._tray.hide()
        self._tray.deleteLater()
        self.menu.deleteLater()

    def _show(self, view: View) -> None:
        if self.icon is not view.icon:
            self.draw(view.icon)
        self._tray.setToolTip(view.tooltip)
        self._status.setText(view.status)
        for command, action in self._actions.items():
            entry = view.entries[command]
            action.setText(entry.text)
            action.setEnabled(entry.enabled)
            if command is Command.NOT_ME:
                action.setVisible(entry.visible)

    def _clicked(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        """A left click pauses what is recorded, at once; in every other state it opens the window.

        Two clicks in a row come as one click and one double click. The second one pauses too, should something be
        recorded again by then; it opens nothing, or who clicked twice to pause would get a window.
        """
        reasons = QSystemTrayIcon.ActivationReason
        if reason in {reasons.Trigger, reasons.DoubleClick} and not self.pause() and reason is reasons.Trigger:
            self.asked.emit(None)

    def pause(self) -> bool:
        """Pause, or stay paused, if a click does that now; return whether it does."""
        self._bridge.refresh()
        if self._bridge.view.click is not Click.PAUSE:
            return False
        self._bridge.do(lambda: self._bridge.agent.pause(None))
        return True

    def _fill(self) -> None:
        for command in _ORDER:
            if command is None:
                self.menu.addSeparator()
            elif command is Command.PAUSE:
                self._actions[command] = self.menu.addMenu(pause_menu(self._bridge, self.menu))
            elif command is Command.FORGET:
                self._actions[command] = self.menu.addMenu(forget_menu(self.forget.emit, self.menu))
            elif command is Command.RESUME:
                self._actions[command] = self._action("", lambda: self._bridge.do(self._bridge.agent.resume))
            else:
                self._actions[command] = self._action("", partial(self.asked.emit, command))

    def _action(self, text: str, does: Callable[[], object]) -> QAction:
        action = QAction(text, self.menu)
        action.triggered.connect(lambda _checked=False: does())
        self.menu.addAction(action)
        return action


def pause_menu(bridge: Bridge, parent: QWidget) -> QMenu:
    """Return the menu that pauses for 15 minutes, an hour, or until one resumes."""
    menu = QMenu(parent)
    menu.setObjectName("pauseMenu")
    menu.setAccessibleName(say("Pause"))
    for text, minutes in PAUSES:
        action = menu.addAction(say(text))
        action.triggered.connect(lambda _checked=False, wanted=minutes: bridge.do(lambda: bridge.agent.pause(wanted)))
    return menu
