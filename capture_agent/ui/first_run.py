"""The first page: record for oneself, or join a study after having seen who is behind it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QWidget

from capture_agent.core.language import noted, say
from capture_agent.core.policy import Policy
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.readers import Fingerprint, readers
from capture_agent.ui.receipts import SaveReceipts

STUDY_FILES = noted("Study files (*.toml);;All files (*)")


class FirstRunPage(QStackedWidget):
    """Two choices; a chosen study is shown before it is joined. Nothing is recorded by either.

    Signals:
        joined: a study or "for myself" was chosen; the consent panel comes next.
    """

    joined = Signal()

    def __init__(self, bridge: Bridge, fingerprint: Fingerprint) -> None:
        super().__init__()
        self._bridge = bridge
        self._fingerprint = fingerprint
        self.setObjectName("firstRun")
        self.receipts = SaveReceipts(bridge)
        self.addWidget(look.scrolled(self._choices(), said=say("First steps")))

    def show_study(self, path: str) -> None:
        """Show the study in the file `path`, with a button to join it."""
        self._bridge.do(lambda: self._bridge.agent.read_study(path), lambda policy: self._show(policy, path))

    def _choices(self) -> QWidget:
        page = QWidget()
        layout = look.column(page, margin=look.SPACE, gap=look.SPACE)
        top = look.column(gap=4)
        top.addWidget(look.heading(say("Nothing is recorded until you say so")))
        top.addWidget(look.muted(say("Choose what this is for. You are then asked what may be recorded.")))
        layout.addLayout(top)
        for name, title, explained, action in (
            (
                "ownButton",
                say("Record for &myself"),
                say("Recordings stay on this computer, encrypted. Only you can open them. Kept for 30 days."),
                self._choose_own,
            ),
            (
                "joinButton",
                say("&Join a study…"),
                say("You have a study file from a researcher. See who is behind it before you join."),
                self._choose_file,
            ),
        ):
            frame, inner = look.card(said=title.replace("&", ""))
            made = look.button(title, action, name=name)
            made.setAccessibleDescription(explained)
            inner.addLayout(look.row(made, push=True))
            inner.addWidget(look.muted(explained))
            layout.addWidget(frame)
        layout.addWidget(self.receipts)  # of whoever took part before, and left
        layout.addStretch(1)
        return page

    def _choose_own(self) -> None:
        if self._bridge.do(self._bridge.agent.choose_own):
            self.joined.emit()

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, say("Join a study"), "", say(STUDY_FILES))
        dialog.setObjectName("studyFileDialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.fileSelected.connect(self.show_study)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show(self, policy: Policy, path: str) -> None:
        self._drop_study()
        page = QWidget()
        layout = look.column(page, margin=look.SPACE, gap=look.SPACE)
        top = look.column(gap=4)
        top.addWidget(look.heading(policy.title, name="studyTitle", title=True))
        top.addWidget(look.text(words.run_by(policy), name="studyController"))
        layout.addLayout(top)
        frame, inner = look.card(said=say("Who can read what you share"))
        inner.addWidget(look.strong(say("Who can read what you share")))
        inner.addWidget(look.muted(say("Compare the nine words with those that the researchers gave you.")))
        inner.addWidget(readers(policy, self._fingerprint))
        layout.addWidget(frame)
        layout.addStretch(1)
        join = look.button(say("&Join this study"), lambda: self._join(path), name="joinThisButton")
        back = look.button(say("&Back"), self._drop_study, name="backButton")
        whole = QWidget()
        outer = look.column(whole)
        outer.addWidget(look.scrolled(page, said=say("The study")), 1)
        buttons = look.row(join, back, push=True)
        buttons.setContentsMargins(look.SPACE, 0, look.SPACE, look.SPACE)
        outer.addLayout(buttons)
        self.addWidget(whole)
        self.setCurrentWidget(whole)
        back.setFocus()

    def _join(self, path: str) -> None:
        if self._bridge.do(lambda: self._bridge.agent.join(path)):
            self._drop_study()
            self.joined.emit()

    def _drop_study(self) -> None:
        while self.count() > 1:
            page = self.widget(1)
            if page is not None:
                self.removeWidget(page)
                page.deleteLater()
