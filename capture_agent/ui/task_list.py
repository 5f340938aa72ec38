"""The tasks of a recording that is looked at: worded, judged, moved, marked and deleted in a window over the player."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QWidget

from capture_agent.core.events import Outcome
from capture_agent.core.language import say
from capture_agent.core.progress import Progress
from capture_agent.held.spans import Choice, all_but
from capture_agent.held.timeline import TaskTime, Timeline
from capture_agent.session.retelling import Edit
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui import look, words
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.flow import Flow
from capture_agent.ui.jobs import Job
from capture_agent.ui.tasks import TEXT_LIMIT, Judgement
from capture_agent.ui.time_bar import clock

_LIST_PX = 120  # about six tasks
_FORM_PX = 460


class Spot(NamedTuple):
    """Where the player stands, what is marked in it (None: that end is not), and how long the recording is; µs."""

    here_us: int
    marked: tuple[int | None, int | None]
    length_us: int

    @property
    def stretch(self) -> tuple[int, int] | None:
        """What is marked, if both its ends are."""
        start_us, end_us = self.marked
        return None if start_us is None or end_us is None else (start_us, end_us)


def task_line(task: TaskTime) -> str:
    """Return a task in one line: when, which, how it went."""
    text = task.text or say("without words")
    went = say(words.OUTCOME_WORDS[Outcome(task.outcome)]).replace("&", "") if task.outcome else say("not judged")
    return f"{clock(task.start_us)} – {clock(task.end_us)} · {text} · {went}"


class TaskList(QDialog):
    """Lists the tasks of a recording. What is told anew is written on the bridge's thread, one edit after the other.

    Edits can be undone as long as it is open: old words are kept here alone. What is being written when it closes is
    written to its end.

    Signals:
        told: a task was told anew, or deleted: the recording has to be opened again, then `show_tasks`.
        wanted: the person wants to see this time, µs.
        alone: one task is to be shared without the rest, which this `Choice` is.
    """

    told = Signal()
    wanted = Signal(object)
    alone = Signal(object)

    def __init__(self, bridge: Bridge, session: HeldSession, spot: Spot, parent: QWidget) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._session = session
        self._spot = spot
        self._tasks: tuple[TaskTime, ...] = ()
        self._timeline = Timeline(0)
        self._edits: list[Edit] = []  # what can be undone, the last one at the end
        self._job: Job[Edit] | None = None  # what is being written
        self._undoing = self._left = False
        self._form: TaskForm | None = None
        self.setObjectName("tasksDialog")
        self.setWindowTitle(say("Tasks in this recording"))
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addWidget(look.heading(say("Tasks in this recording")))
        layout.addWidget(look.muted(say("What you say here is marked as said afterwards."), name="tasksNote"))
        self._says = look.muted(name="tasksSays")
        layout.addWidget(self._says)
        self._list = QListWidget()
        self._list.setObjectName("tasksList")
        self._list.setAccessibleName(say("Tasks in this recording"))
        self._list.setMinimumHeight(_LIST_PX)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.itemDoubleClicked.connect(lambda _item: self._change())
        self._list.currentRowChanged.connect(lambda _row: self._allow())
        layout.addWidget(self._list, 1)
        self._edit = look.button(say("&Change…"), self._change, name="changeTaskButton")
        self._see = look.button(say("&Go there"), self._go, name="goToTaskButton")
        self._delete = look.button(say("De&lete…"), self._ask_delete, name="deleteTaskButton")
        self._new = look.button(say("&New task…"), self._ask_new, name="newTaskButton")
        self._share = look.button(say("&Share only this…"), self._share_alone, name="shareTaskButton")
        self._undo = look.button(say("&Undo"), self._undo_last, name="undoTaskButton")
        self._undo.setToolTip(say("Key: {letter}", letter=say("Ctrl+Z")))
        QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self, self._undo_last)
        close = look.button(say("Cl&ose"), self.accept, name="closeTasksButton")
        layout.addLayout(Flow(self._edit, self._see, self._share, self._delete, self._new, self._undo, close))
        joined = bridge.snapshot.joined
        self._share.setVisible(joined is not None and not joined.is_own and session.state == "held")
        bridge.busy.connect(self._follow_work)
        bridge.ended.connect(self._ended)
        self.finished.connect(self._leave)
        self._allow()
        look.fit(self, 560)

    def show_tasks(self, timeline: Timeline) -> None:
        """Show what is in the recording now."""
        row = self._list.currentRow()
        self._timeline, self._tasks = timeline, timeline.tasks
        self._list.clear()
        for task in self._tasks:
            item = QListWidgetItem(task_line(task))
            item.setToolTip(item.text())
            self._list.addItem(item)
        self._list.setCurrentRow(min(max(row, 0), len(self._tasks) - 1))
        self._allow()
        self._list.setFocus()

    def _allow(self) -> None:
        idle = self._job is None
        for button in (self._edit, self._see, self._delete):
            button.setEnabled(idle and self._chosen() is not None)
        self._share.setEnabled(idle and self._rest() is not None)
        self._new.setEnabled(idle)
        self._undo.setEnabled(idle and bool(self._edits))
        kept = say("You can undo what you change here until you close this window.")
        self._says.setText(kept if self._job is None else self._job.said)

    def _chosen(self) -> TaskTime | None:
        row = self._list.currentRow()
        return self._tasks[row] if 0 <= row < len(self._tasks) else None

    def _rest(self) -> Choice | None:
        task = self._chosen()
        return None if task is None else all_but(self._timeline, task)

    def _share_alone(self) -> None:
        rest = self._rest()
        if rest is not None:
            self.accept()
            self.alone.emit(rest)

    def _go(self) -> None:
        task = self._chosen()
        if task is not None:
            self.wanted.emit(task.start_us)
            self.accept()

    def _ask_new(self) -> None:
        start_us, end_us = self._spot.stretch or (self._spot.here_us, self._spot.length_us)
        self._open(TaskTime(start_us, end_us, ""))

    def _change(self) -> None:
        task = self._chosen()
        if task is not None:
            self._open(task)

    def _open(self, task: TaskTime) -> None:
        self._form = TaskForm(task, self._spot, self._put, self)
        self._form.stopped.connect(self._stop)
        self._form.finished.connect(self._forget_form)
        self._form.open()

    def _forget_form(self, _result: int) -> None:
        self._form = None

    def _put(self, task: TaskTime) -> None:
        agent, session = self._bridge.agent, self._session.id
        self._write(lambda progress: agent.put_task(session, task, progress))

    def _undo_last(self) -> None:
        if not self._undo.isEnabled():
            return
        agent, session, edit = self._bridge.agent, self._session.id, self._edits[-1]
        self._undoing = True
        self._write(lambda progress: agent.undo_edit(session, edit, progress))

    def _ask_delete(self) -> None:
        task = self._chosen()
        if task is None:
            return
        lines = [
            say("What you said of it goes for good when you close the list of tasks; until then you can undo it."),
            say("What was recorded meanwhile stays. Cut it out if it is to go, too."),
        ]
        if task.again:
            lines.append(say("It began in an earlier recording, which keeps it."))
        if self._session.is_shared:
            lines.append(say("What you already shared of it keeps it; you can withdraw that."))
        ask(
            self,
            name="deleteTaskDialog",
            title=say("Delete the task “{text}”?", text=task.text or say("without words")),
            explained=" ".join(lines),
            yes=say("&Delete"),
            then=lambda: self._delete_now(task),
        )

    def _delete_now(self, task: TaskTime) -> None:
        agent, session = self._bridge.agent, self._session.id
        self._write(lambda progress: agent.remove_task(session, task.id, progress))

    def _write(self, work: Callable[[Progress], Edit]) -> None:
        self._job = self._bridge.run_watched(say("Saving the tasks…"), work, lambda _edit: None)
        self._follow_work()

    def _stop(self) -> None:
        if self._job is not None:
            self._bridge.cancel(self._job)

    def _follow_work(self, _labels: object = ()) -> None:
        if self._job is not None:
            self._allow()
            if self._form is not None:
                self._form.say_saving(self._job.said)

    def _ended(self, job: object, edit: Edit | None) -> None:
        if self._job is None or job is not self._job:
            return
        form, undone = self._form, self._undoing
        self._job, self._undoing = None, False
        if edit is None:
            self._allow()
            if form is not None:
                form.go_on()
        else:
            if undone:
                self._edits.pop()
            elif not self._left:
                self._edits.append(edit)
            self._tasks = ()  # what is listed is not so any more
            self._allow()
            if form is not None:
                form.accept()
            self.told.emit()
        if self._left:
            self.deleteLater()

    def _leave(self, _result: int) -> None:
        """Keep no old words any more; stay only until what is being written is written."""
        self._edits.clear()
        self._left = True
        if self._job is None:
            self.deleteLater()


class TaskForm(QDialog):
    """One task: its words, when it began and ended, how it went. It stays until what `put` began is done.

    Signals:
        stopped: the person does not want it to be saved after all.
    """

    stopped = Signal()

    def __init__(self, task: TaskTime, spot: Spot, put: Callable[[TaskTime], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._task = task
        self._put = put
        self._saving = False
        # Where a task ended is kept with how it went: who says where it ends has to say that, too.
        self._needs_outcome = not task.id or bool(task.outcome)
        self.setObjectName("taskForm")
        self.setWindowTitle(say("Change the task") if task.id else say("New task"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._body = body = QWidget()
        layout = look.column(body, gap=look.SPACE)
        self._text = look.line_edit(say("For example: book a room for Tuesday"), TEXT_LIMIT, name="taskText")
        self._text.setText(task.text)
        layout.addLayout(look.labelled(say("&What did you set out to do?"), self._text))
        times = look.column(gap=4)
        self._when = look.text(name="taskWhen")
        times.addWidget(self._when)
        here = clock(spot.here_us)
        self._from = look.button(
            say("&Begins at {time}", time=here), lambda: self._move(spot.here_us), name="beginsHere"
        )
        self._to = look.button(
            say("&Ends at {time}", time=here), lambda: self._move(None, spot.here_us), name="endsHere"
        )
        buttons = [self._from, self._to]
        stretch = spot.stretch
        if stretch is not None:
            since, until = map(clock, stretch)
            marked = say("As &marked: {since} to {until}", since=since, until=until)
            buttons.append(look.button(marked, lambda: self._move(*stretch), name="asMarked"))
        times.addLayout(Flow(*buttons))
        layout.addLayout(times)
        self._judged = Judgement()
        self._judged.show_judged(task.outcome, task.difficulty, task.note)
        layout.addWidget(self._judged)
        self._save = look.button(say("&Save"), self._tell, name="saveTaskButton")
        self._save.setDefault(True)
        cancel = look.button(say("&Cancel"), self.reject, name="cancelTaskButton")
        outer = look.column(self, margin=look.SPACE, gap=look.SPACE)
        outer.addWidget(look.scrolled(body, said=self.windowTitle()), 1)
        self._says = look.muted(name="savingText")
        self._says.hide()
        outer.addWidget(self._says)
        outer.addLayout(look.row(self._save, cancel, push=True))
        self._text.textChanged.connect(lambda _typed: self._allow())
        self._judged.picked.connect(self._allow)
        self._allow()
        self._text.setFocus()
        needed = layout.totalHeightForWidth(_FORM_PX - 2 * look.SPACE)
        look.fit(self, _FORM_PX, needed + self._save.sizeHint().height() + 4 * look.SPACE)

    def _move(self, start_us: int | None, end_us: int | None = None) -> None:
        if start_us is not None:
            self._task = self._task._replace(start_us=start_us)
        if end_us is not None:
            self._task = self._task._replace(end_us=end_us)
            self._needs_outcome = True
        self._allow()

    def _allow(self) -> None:
        since, until = clock(self._task.start_us), clock(self._task.end_us)
        if self._needs_outcome or self._judged.outcome is not None:
            self._when.setText(say("From {since} to {until}", since=since, until=until))
        else:
            self._when.setText(
                say("From {since} until the next task begins; you did not say how it went.", since=since)
            )
        answered = self._judged.outcome is not None or not self._needs_outcome
        self._save.setEnabled(bool(self._text.text().strip()) and answered and not self._saving)

    def say_saving(self, said: str) -> None:
        """Say how far it is; nothing can be changed meanwhile."""
        self._saving = True
        self._says.setText(said)
        self._says.show()
        self._body.setEnabled(False)
        self._allow()

    def go_on(self) -> None:
        """Let the person go on: it was not saved."""
        self._saving = False
        self._says.hide()
        self._body.setEnabled(True)
        self._allow()
        self._text.setFocus()

    def reject(self) -> None:
        """Close; or, while it is saved, take that back and let the person go on."""
        if self._saving:
            self.stopped.emit()
        else:
            super().reject()

    def _tell(self) -> None:
        task = self._task._replace(
            text=self._text.text().strip(),
            outcome=str(self._judged.outcome or ""),
            difficulty=self._judged.difficulty,
            note=self._judged.note,
        )
        self._put(task)
