"""The monitoring notice of an employer: read and acknowledged in a window of its own. It permits nothing.

It takes no keyboard and blocks nothing. With `daily` it comes again on each day, as a note to close.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.language import language, say
from capture_agent.core.policy import Notice
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.notice import NoticeView

LOOK_EVERY_MS = 600_000  # whether another day has begun is looked at every ten minutes


class MonitoringWindow(QDialog):
    """Shows the notice; *I have read this* is noted, closing it is not."""

    def __init__(self, bridge: Bridge, study: str, notice: Notice, *, acknowledge: bool) -> None:
        super().__init__()
        self._bridge = bridge
        self._locale = notice.locale
        self.setObjectName("monitoringWindow")
        self.setWindowTitle(f"{words.PRODUCT}: {study}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._notice = NoticeView(notice)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        content = QWidget()
        content.setMaximumWidth(look.READING_WIDTH)
        inner = look.column(content)
        inner.setContentsMargins(0, 0, look.GAP, 0)
        inner.addWidget(self._notice)
        layout.addWidget(look.scrolled(content, said=say("Notice")), 1)
        self._foot = look.muted(say("This is for you to know. It asks for no consent, and no recording begins by it."))
        layout.addWidget(self._foot)
        later = look.button(say("&Close"), self.reject, name="monitoringCloseButton")
        if acknowledge:
            read = look.button(say("I have &read this"), self._read, name="monitoringReadButton")
            layout.addLayout(look.row(read, later, push=True))
        else:
            layout.addLayout(look.row(later, push=True))
        look.fit(self, 560, 460)

    def shown_text(self) -> str:
        """Return what is shown, as the widgets rendered it."""
        return "\n".join([self._notice.toPlainText(), self._foot.text()])

    def _read(self) -> None:
        if self._bridge.do(lambda: self._bridge.agent.acknowledge(self._locale, self.shown_text())):
            self.accept()


Seen = tuple[tuple[Notice, ...], date]  # which notice, on which day


def is_time(shown: Seen | None, now: Seen, *, acknowledge: bool, daily: bool) -> bool:
    """Return whether the notice is to be shown, when it was `shown` last in this run. Pure."""
    if shown == now:
        return False
    if shown is None or shown[0] != now[0]:
        return acknowledge or daily
    return daily


class MonitoringNotes(QObject):
    """Shows the notice once until it is acknowledged, and again each day if the study wants that."""

    def __init__(self, bridge: Bridge, today: Callable[[], date] = date.today) -> None:
        super().__init__(bridge)
        self._bridge = bridge
        self._today = today
        self._shown: Seen | None = None
        self.window: MonitoringWindow | None = None
        bridge.changed.connect(self.look)
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self.look()

    def look(self) -> None:
        """Show the window if it is time."""
        snapshot = self._bridge.snapshot
        study = snapshot.joined
        if study is None or study.monitoring is None:
            return
        now = (study.monitoring.notices, self._today())
        if not is_time(self._shown, now, acknowledge=snapshot.acknowledge, daily=study.monitoring.daily):
            return
        self._shown = now
        self.close()
        notice = study.monitoring.notice(language())
        self.window = MonitoringWindow(self._bridge, study.title, notice, acknowledge=snapshot.acknowledge)
        self.window.finished.connect(lambda _result, mine=self.window: self._forget(mine))
        self.window.show()

    def close(self) -> None:
        """Take the window down."""
        if self.window is not None:
            self.window.close()

    def _forget(self, window: MonitoringWindow) -> None:
        if self.window is window:
            self.window = None
