"""Two small dialogs: what one sets out to do, and how it went."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QListWidget,
    QPlainTextEdit,
    QWidget,
)

from capture_agent.core.events import Outcome
from capture_agent.core.language import say
from capture_agent.session.snapshot import Task
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.choice import Choice

TEXT_LIMIT = 500  # characters of a task's text; a sentence or two
NOTE_LIMIT = 2000  # characters of a note
_LIST_ROWS = 5


class StartTaskDialog(QDialog):
    """Asks what the person sets out to do: typed, or picked from the study's list."""

    def __init__(self, bridge: Bridge, offered: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.setObjectName("startTaskDialog")
        self.setWindowTitle(say("Start a task"))
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        self._text = look.line_edit(say("For example: book a room for Tuesday"), TEXT_LIMIT, name="taskText")
        layout.addLayout(look.labelled(say("&What do you set out to do?"), self._text))
        if offered:
            tasks = QListWidget()
            tasks.setObjectName("taskList")
            tasks.addItems(list(offered))
            tasks.setMaximumHeight(tasks.sizeHintForRow(0) * _LIST_ROWS + 2 * tasks.frameWidth())
            tasks.currentTextChanged.connect(self._text.setText)
            tasks.itemActivated.connect(lambda _item: self._start())
            layout.addLayout(look.labelled(say("&Or pick one of the study's tasks:"), tasks))
        self._go = look.button(say("&Start"), self._start, name="startTaskButton")
        self._go.setDefault(True)
        self._go.setEnabled(False)
        self._text.textChanged.connect(lambda typed: self._go.setEnabled(bool(typed.strip())))
        cancel = look.button(say("&Cancel"), self.reject, name="cancelTaskButton")
        layout.addLayout(look.row(self._go, cancel, push=True))
        self._text.setFocus()
        look.fit(self, 460)

    def _start(self) -> None:
        typed = self._text.text().strip()
        if typed and self._bridge.do(lambda: self._bridge.agent.start_task(typed)):
            self.accept()


class Judgement(QWidget):
    """Asks how a task went. No answer is picked in advance; difficulty and note may stay empty.

    Signals:
        picked: an outcome was.
    """

    picked = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = look.column(self, gap=look.SPACE)
        outcomes = look.column(gap=4)
        outcomes.addWidget(look.text(say("How did it go?")))
        self._outcomes = QButtonGroup(self)
        for number, (outcome, said) in enumerate(words.OUTCOME_WORDS.items()):
            choice = Choice(say(said))
            choice.setObjectName(f"outcome-{outcome.value}")
            self._outcomes.addButton(choice, number)
            outcomes.addWidget(choice)
        layout.addLayout(outcomes)
        self._difficulty = QComboBox()
        self._difficulty.setObjectName("difficulty")
        self._difficulty.addItems([say(answer) for answer in words.DIFFICULTY_WORDS])
        layout.addLayout(look.labelled(say("How &hard was it? (you need not say)"), self._difficulty))
        self._note = QPlainTextEdit()
        self._note.setObjectName("taskNote")
        self._note.setTabChangesFocus(True)
        self._note.setMaximumHeight(self._note.fontMetrics().lineSpacing() * 4)
        layout.addLayout(look.labelled(say("No&te (you need not write one)"), self._note))
        self._outcomes.idToggled.connect(lambda _id, _on: self.picked.emit())

    def show_judged(self, outcome: str, difficulty: int | None, note: str) -> None:
        """Show what was answered before; an empty outcome: nothing was."""
        if outcome:
            self._outcomes.button(list(words.OUTCOME_WORDS).index(Outcome(outcome))).setChecked(True)
        self._difficulty.setCurrentIndex(difficulty or 0)
        self._note.setPlainText(note)

    @property
    def outcome(self) -> Outcome | None:
        """What was picked, if anything."""
        picked = self._outcomes.checkedId()
        return list(words.OUTCOME_WORDS)[picked] if picked >= 0 else None

    @property
    def difficulty(self) -> int | None:
        """From 1, easy, to 5, hard; None: no answer."""
        return self._difficulty.currentIndex() or None

    @property
    def note(self) -> str:
        """What was written, at most `NOTE_LIMIT` characters."""
        return self._note.toPlainText().strip()[:NOTE_LIMIT]


class FinishTaskDialog(QDialog):
    """Asks how the task that goes on went."""

    def __init__(self, bridge: Bridge, task: Task, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.setObjectName("finishTaskDialog")
        self.setWindowTitle(say("Finish the task"))
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addWidget(look.strong(task.text, name="taskName"))
        self._judged = Judgement()
        layout.addWidget(self._judged)
        self._go = look.button(say("&Finish"), self._finish, name="finishTaskButton")
        self._go.setEnabled(False)
        self._judged.picked.connect(lambda: self._go.setEnabled(True))
        cancel = look.button(say("&Cancel"), self.reject, name="cancelFinishButton")
        layout.addLayout(look.row(self._go, cancel, push=True))
        look.fit(self, 440)

    def _finish(self) -> None:
        outcome = self._judged.outcome
        if outcome is None:
            return
        difficulty, note = self._judged.difficulty, self._judged.note
        if self._bridge.do(lambda: self._bridge.agent.finish_task(outcome, difficulty, note)):
            self.accept()


def task_dialog(bridge: Bridge, parent: QWidget | None) -> QDialog:
    """Return the dialog that fits: one to finish the task that goes on, or one to start a task."""
    snapshot = bridge.snapshot
    dialog: QDialog
    if snapshot.task is not None:
        dialog = FinishTaskDialog(bridge, snapshot.task, parent)
    else:
        offered = snapshot.joined.tasks if snapshot.joined is not None else ()
        dialog = StartTaskDialog(bridge, offered, parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog
