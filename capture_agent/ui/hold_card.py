"""The choice whether recordings are shared by themselves after a hold."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QSpinBox

from capture_agent.core.hold import HOLD_LIMIT_DAYS
from capture_agent.core.language import say, say_many
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge

_DAYS = 3  # what the field shows first; nothing is chosen by that


class HoldCard:
    """Says what is chosen now; a click chooses days, another one goes back to sharing by hand."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        title = say("Sharing that happens by itself")
        self.frame: QFrame
        self.frame, inner = look.card(said=title)
        inner.addWidget(look.strong(title))
        self._now = look.text(name="holdLine")
        inner.addWidget(self._now)
        self._days = QSpinBox()
        self._days.setRange(1, HOLD_LIMIT_DAYS)
        self._days.setValue(_DAYS)
        self._days.setAccessibleName(say("Days of use"))
        self._days.setMinimumHeight(self._days.sizeHint().height() + look.GAP)
        line = look.row()
        line.addLayout(look.labelled(say("Days of use"), self._days))
        line.addStretch(1)
        inner.addLayout(line)
        self._use = look.button(say("&Share after these days"), self._choose, name="holdButton")
        self._never = look.button(say("Only by my cli&ck"), self._drop, name="byHandButton")
        inner.addLayout(look.row(self._use, self._never, push=True))
        inner.addWidget(
            look.muted(
                say(
                    "Only days on which you use this computer with Capture Agent count. A day before, you are told and "
                    "can keep, share or delete each recording. What you look at or cut is held anew. Cuts that still "
                    "wait then are made before it is shared, and cannot be undone any more."
                )
            )
        )
        self._days.valueChanged.connect(lambda _days: self.show())
        self.show()

    def show(self) -> None:
        """Show what is chosen now; nobody to share with, nothing to choose."""
        snapshot = self._bridge.snapshot
        joined = snapshot.joined
        self.frame.setVisible(joined is not None and not joined.is_own)
        if joined is not None:
            self._days.setMinimum(joined.min_hold_days)
        days = snapshot.hold_days
        self._now.setText(
            say("Now: never. Recordings are shared by your click alone.")
            if days is None
            else say_many("Now: after {count} day of use", "Now: after {count} days of use", days)
        )
        self._use.setEnabled(bool(snapshot.consented) and self._days.value() != days)
        self._never.setEnabled(days is not None)

    def _choose(self) -> None:
        days = self._days.value()
        self._bridge.do(lambda: self._bridge.agent.choose_hold(days))

    def _drop(self) -> None:
        self._bridge.do(lambda: self._bridge.agent.choose_hold(None))
