"""Forget the last minutes: a menu that asks how many, and a window that says what will go before anything does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QMenu, QPushButton, QVBoxLayout, QWidget

from capture_agent.core.language import say, say_many
from capture_agent.session.snapshot import Forgotten, Shared, Withdrawn
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.view_state import FORGETS
from capture_agent.ui.withdraw import ask_withdraw, told

_WIDTH = 520  # px
_MOST_NAMED = 4  # tasks, or sharings: more have no room on a small screen, and are counted


def forget_menu(does: Callable[[int], object], parent: QWidget) -> QMenu:
    """Return the menu of how much to forget; `does` is called with the minutes."""
    menu = QMenu(parent)
    menu.setObjectName("forgetMenu")
    menu.setAccessibleName(say("Forget the last"))
    for text, minutes in FORGETS:
        menu.addAction(say(text)).triggered.connect(lambda _checked=False, wanted=minutes: does(wanted))
    return menu


class ForgetDialog(QDialog):
    """Says what goes and what cannot go any more; *Forget* does it, everything else does nothing."""

    def __init__(self, bridge: Bridge, minutes: int, told: Forgotten, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._minutes = minutes
        self._offers: list[tuple[Shared, QPushButton]] = []
        self.setObjectName("forgetDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = say_many("Forget the last {count} minute?", "Forget the last {count} minutes?", minutes)
        self.setWindowTitle(title)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        lines = look.column()
        lines.addWidget(look.heading(title))
        if told.recordings:
            self._say_what_goes(lines, told)
        else:
            lines.addWidget(look.text(say("Nothing that is on this computer was recorded in this time.")))
        layout.addLayout(lines)
        if told.shared:
            layout.addWidget(self._shared(told.shared))
        go = look.button(say("&Forget"), self._forget, name="forgetButton")
        go.setVisible(bool(told.recordings))
        stay = look.button(say("&Cancel"), self.reject, name="forgetCancelButton")
        layout.addLayout(look.row(go, stay, push=True))
        stay.setDefault(True)
        stay.setFocus()
        look.fit(self, _WIDTH)

    def _say_what_goes(self, lines: QVBoxLayout, told: Forgotten) -> None:
        lines.addWidget(
            look.text(
                say(
                    "Everything that was recorded from {since} to {until} goes: "
                    "keys, mouse, windows, screen and tasks.",
                    since=_clock(told.since),
                    until=_clock(told.until),
                )
            )
        )
        part = told.recordings - told.whole
        whole = say_many("{count} recording goes completely.", "{count} recordings go completely.", told.whole)
        rest = say_many(
            "{count} recording loses that time.",
            "{count} recordings lose that time.",
            part,
        )
        lines.addWidget(look.text(" ".join([*([whole] if told.whole else []), *([rest] if part else [])])))
        if told.tasks:
            named = "; ".join(told.tasks[-_MOST_NAMED:])
            lines.addWidget(
                look.text(say_many("Task: {names}", "{count} tasks: {names}", len(told.tasks), names=named))
            )
        lines.addWidget(look.muted(say("It can never be opened again, by anyone, and this cannot be undone.")))

    def _shared(self, shared: tuple[Shared, ...]) -> QWidget:
        frame, inner = look.card(name="sharedCard", said=say("What was shared already"))
        inner.addWidget(look.strong(say("What was shared already is out of reach from here")))
        for one in shared[-_MOST_NAMED:]:
            to = words.join_words(list(one.to))
            line = look.text(say("Shared on {day} with {names}", day=words.moment(one.when), names=to))
            go = look.button(say("Withdraw…"), partial(self._ask_withdraw, one, shared), name="withdrawButton")
            go.setAccessibleDescription(line.text())
            self._offers.append((one, go))
            row = look.row(line, go)
            row.setStretchFactor(line, 1)
            inner.addLayout(row)
            if one.withdrawn:
                self._said_withdrawn(go)
        if len(shared) > _MOST_NAMED:
            more = len(shared) - _MOST_NAMED
            inner.addWidget(look.text(say_many("and {count} time before that", "and {count} times before that", more)))
        self._done = look.muted(name="withdrawnText")
        self._done.hide()
        inner.addWidget(self._done)
        return frame

    def _ask_withdraw(self, one: Shared, shared: tuple[Shared, ...]) -> None:
        to = dict.fromkeys(name for other in shared if other.session == one.session for name in other.to)
        ask_withdraw(self, self._bridge, one.session, list(to), self._withdrawn)

    def _withdrawn(self, withdrawn: Withdrawn) -> None:
        for one, offer in self._offers:
            if one.session == withdrawn.session:
                self._said_withdrawn(offer)
        said, folder = told(withdrawn)
        self._done.setText(said if folder is None else f"{said}\n{folder}")
        self._done.show()
        look.fit(self, _WIDTH)

    def _said_withdrawn(self, offer: QPushButton) -> None:
        offer.setText(say("Withdrawn"))
        offer.setEnabled(False)

    def _forget(self) -> None:
        agent = self._bridge.agent
        if self._bridge.do(lambda: agent.forget(self._minutes)):
            self._bridge.run(say("Forgetting…"), agent.finish_forgetting, lambda _none: None)
            self.accept()


def forget_dialog(bridge: Bridge, minutes: int, parent: QWidget | None) -> ForgetDialog | None:
    """Return the window that asks; None if it cannot be known what would go, which has been said then."""
    found: list[Forgotten] = []
    if not bridge.do(lambda: bridge.agent.would_forget(minutes), found.append):
        return None
    dialog = ForgetDialog(bridge, minutes, found[0], parent)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    return dialog


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M")
