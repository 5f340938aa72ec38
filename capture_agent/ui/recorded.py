"""What is recorded: what was agreed to, of which programs, who can read it and for how long it is kept."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPushButton, QWidget

from capture_agent.core.events import Category
from capture_agent.core.language import say
from capture_agent.core.policy import Policy
from capture_agent.desktop.base import Pick
from capture_agent.session.snapshot import Snapshot
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.never import NeverCard
from capture_agent.ui.readers import Fingerprint, readers
from capture_agent.ui.receipts import SaveReceipts
from capture_agent.ui.view_state import View


class RecordedPage(QWidget):
    """The agreement in force, the way to change it, and what is never recorded."""

    def __init__(
        self,
        bridge: Bridge,
        fingerprint: Fingerprint,
        change: Callable[[], object],
        pick: Callable[[], Pick] | None = None,
    ) -> None:
        super().__init__()
        self._bridge = bridge
        self._fingerprint = fingerprint
        self._shown: object = None
        self.setObjectName("recordedPage")
        content = QWidget()
        outer = look.column(content, margin=look.SPACE, gap=look.SPACE)
        self._cards = look.column(gap=look.SPACE)
        outer.addLayout(self._cards)
        self.never = NeverCard(bridge, pick)
        outer.addWidget(self.never)
        self._change = look.button(say("C&hange what is recorded…"), change, name="changeButton")
        self.receipts = SaveReceipts(bridge)
        outer.addStretch(1)
        page = look.column(self, gap=0)
        self._area = look.scrolled(content, said=say("What is recorded"))
        page.addWidget(self._area, 1)
        buttons = look.row(self._change, self.receipts)  # below what scrolls: always in sight
        buttons.setStretch(1, 1)
        buttons.setAlignment(self._change, Qt.AlignmentFlag.AlignTop)
        buttons.setContentsMargins(look.SPACE, look.GAP, look.SPACE, look.GAP)
        page.addLayout(buttons)
        bridge.changed.connect(self._show)
        self._show(bridge.view)

    def show_never(self) -> None:
        """Scroll to what is never recorded."""
        QTimer.singleShot(0, self.never, lambda: self._area.verticalScrollBar().setValue(self.never.y()))

    def _show(self, _view: View) -> None:
        snapshot = self._bridge.snapshot
        key = (snapshot.joined, snapshot.consented, snapshot.apps, snapshot.agreed_until)
        if key == self._shown:
            return
        self._shown = key
        look.clear(self._cards)
        if snapshot.joined is not None:
            self._agreed(snapshot)
            self._programs(snapshot)
            self._facts(snapshot.joined)

    def _agreed(self, snapshot: Snapshot) -> None:
        frame, inner = look.card(said=say("You agreed to"))
        inner.addWidget(look.strong(say("You agreed to")))
        if not snapshot.consented:
            inner.addWidget(look.text(say("Nothing yet."), name="agreedNothing"))
        for category, said in words.CATEGORY_WORDS.items():
            if category in snapshot.consented:
                line = look.row(look.text(said.name, name=f"agreed-{category.value}"))
                line.addStretch(1)
                line.addWidget(self._stop_button(category, said.name))
                inner.addLayout(line)
                inner.addWidget(look.muted(said.example))
        if snapshot.agreed_until is not None:
            until = f"{snapshot.agreed_until.astimezone():%F}"
            inner.addWidget(look.text(say("Until {day}; then you are asked again.", day=until), name="agreedUntil"))
        inner.addWidget(look.muted(say(words.NEVER_RECORDED)))
        self._cards.addWidget(frame)

    def _stop_button(self, category: Category, name: str) -> QPushButton:
        """Return what takes one thing back. There is none for the other way: that is agreeing, in the panel."""
        bridge = self._bridge
        stop = look.button(
            say("Stop recording this"),
            lambda: bridge.do(lambda: bridge.agent.withdraw_category(category)),
            name=f"stop-{category.value}",
        )
        stop.setAccessibleName(say("Stop recording this: {what}", what=name))
        return stop

    def _programs(self, snapshot: Snapshot) -> None:
        frame, inner = look.card(said=say("Programs"))
        inner.addWidget(look.strong(say("In these programs only")))
        known = self._bridge.agent.known_apps()
        titles = sorted(words.app_title(app, known.get(app)) for app in snapshot.apps)
        inner.addWidget(look.text("\n".join(titles) or say(words.NO_PROGRAMS), name="agreedPrograms"))
        self._cards.addWidget(frame)

    def _facts(self, policy: Policy) -> None:
        frame, inner = look.card(said=say("Who can read it, where and how long"))
        inner.addWidget(look.strong(say("Who can read it")))
        inner.addWidget(readers(policy, self._fingerprint))
        inner.addWidget(look.strong(say("Where")))
        inner.addWidget(look.text(words.where(policy)))
        inner.addWidget(look.strong(say("How long")))
        inner.addWidget(look.text(words.how_long(policy)))
        self._cards.addWidget(frame)
