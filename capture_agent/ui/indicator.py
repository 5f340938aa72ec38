"""The proof that a person can see whether something is recorded: tray icon, or a small window instead.

An icon in the tray is no proof of itself: Qt says "visible" while no panel shows it (no host, host
gone, host of the other kind come late). So the panel is asked: over D-Bus where it speaks
StatusNotifierItem, by looking at the icon's window on the X server where it embeds windows. As
long as neither answers, a window of our own is shown, and has to pass the same look.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication, QWindow
from shiboken6 import isValid

from capture_agent.ui.bridge import Bridge
from capture_agent.ui.fallback import FallbackSign
from capture_agent.ui.tray import Tray
from capture_agent.ui.view_state import Icon, icon_of
from capture_agent.ui.watcher import Watcher

# How often the tray is looked at, so that the fallback comes before anybody asks for a proof. Longer than the time
# between two proofs: while recording nothing is looked at twice.
LOOK_MS = 250
# A tray icon that is not docked is made anew, at most this often: docking takes panels up to 0.5 s.
REHOST_S = 2.0
# The fallback goes when the tray has been proved for this long, so that it does not flicker with a panel that restarts.
STEADY_S = 1.0
_XEMBED_WINDOW = "QSystemTrayIconSysWindow"  # Qt's name for the icon's window where panels embed windows


class Proof(StrEnum):
    """How the indicator is proved shown."""

    STATUS_NOTIFIER = "status-notifier"  # the panel's watcher lists our item, and a panel is there
    EMBEDDED = "embedded"  # the icon's window lies uncovered in the panel
    FALLBACK = "fallback"  # our own small window lies uncovered on the screen


class Indicator(QObject):
    """Shows the state, and proves that it is shown. Lives on the main thread.

    `proved_shown(window_id)` says whether a window is mapped, on a monitor and not covered:
    `Desktop.proved_shown`.
    """

    def __init__(
        self, bridge: Bridge, tray: Tray, proved_shown: Callable[[int], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._tray = tray
        self._proved_shown = proved_shown
        self._watcher = Watcher(self)
        self._fallback = FallbackSign(bridge)
        self._tray_proved_since: float | None = None
        self._rehosted = time.monotonic()
        self._embedded: QWindow | None = None  # the icon's window, as long as it is there: finding it costs 50 µs
        bridge.changed.connect(self._show)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    @property
    def fallback(self) -> FallbackSign:
        """The small window that stands in for the tray icon."""
        return self._fallback

    def prove(self) -> Proof | None:
        """Return how the indicator is proved shown now, with the icon of the agent's state; None if it is not.

        Costs a round trip to the X server if something changed, or once a second; never blocks for longer than three
        times `watcher.WAIT_MS`.
        """
        self._bridge.follow()
        true = icon_of(self._bridge.snapshot)
        if self._tray.icon is not true:  # announced, and then it did not come to be
            self._tray.draw(true)
            self._fallback.draw(true)
        return self.look()

    def announce_recording(self) -> None:
        """Draw the recording icon and hand it to the display, before anything is recorded.

        The controller calls it right before it opens an interval, so that capture never begins
        under an icon that says otherwise. If capture does not begin, the next `prove` draws what is true.
        """
        self._tray.draw(Icon.RECORDING)
        self._fallback.draw(Icon.RECORDING)

    def look(self) -> Proof | None:
        """Look at the tray, show or hide the fallback accordingly, and return what is proved."""
        now = time.monotonic()
        if self._timer.isActive():
            self._timer.start()  # the next look is due this much later
        proof = self._tray_proof()
        if proof is not None:
            self._tray_proved_since = now if self._tray_proved_since is None else self._tray_proved_since
            if now - self._tray_proved_since >= STEADY_S:
                self._fallback.hide()
            return proof
        self._tray_proved_since = None
        self._rehost(now)
        self._show()
        if self._fallback.isVisible():
            if self._fallback.painted() and self._proved_shown(int(self._fallback.winId())):
                return Proof.FALLBACK
            self._fallback.raise_()  # something else that bypasses the window manager lies on it
        return None

    def close(self) -> None:
        """Take down whatever is shown."""
        self._timer.stop()
        self._fallback.hide()
        self._fallback.deleteLater()

    def _show(self) -> None:
        if self._bridge.view.sign_needed and self._tray_proved_since is None:
            self._fallback.show_sign()
        elif not self._bridge.view.sign_needed:
            self._fallback.hide()

    def _tray_proof(self) -> Proof | None:
        window = self._embedded
        if window is None or not isValid(window) or not window.isVisible():
            window = self._embedded = embedded_window()
        if window is not None:
            # Qt paints a window in the moment it learns that it is exposed: what is only mapped may still be empty.
            painted = window.isExposed()
            return Proof.EMBEDDED if painted and self._proved_shown(int(window.winId())) else None
        return Proof.STATUS_NOTIFIER if self._watcher.lists_us() else None

    def _rehost(self, now: float) -> None:
        """Make the icon anew for a panel that came late; one that is docked but covered stays as it is."""
        if now - self._rehosted < REHOST_S or not self._tray.host_available():
            return
        if embedded_window() is not None and self._tray.docked():
            return
        self._rehosted = now
        self._tray.make()


def embedded_window() -> QWindow | None:
    """Return the window of our tray icon where panels embed windows, or None."""
    for window in QGuiApplication.allWindows():
        if window.objectName() == _XEMBED_WINDOW and window.isVisible():
            return window
    return None
