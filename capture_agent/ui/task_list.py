"""The tasks of a recording that is looked at: worded, judged, moved, marked and deleted in a window over the player."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QWidget

from capture_agent.core.events import Outcome
from capture_agent.core.language import say
from capture_agent.held.spans import Choice, all_but
from capture_agent.held.timeline import TaskTime, Timeline
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui import look, words
from capture_agent.ui.ask import ask
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.flow import Flow
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
    """Lists the tasks of a recording.

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
        self.setObjectName("tasksDialog")
        self.setWindowTitle(say("Tasks in this recording"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addWidget(look.heading(say("Tasks in this recording")))
        layout.addWidget(look.muted(say("What you say here is marked as said afterwards."), name="tasksNote"))
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
        new = look.button(say("&New task…"), self._new, name="newTaskButton")
        self._share = look.button(say("&Share only this…"), self._share_alone, name="shareTaskButton")
        close = look.button(say("Cl&ose"), self.accept, name="closeTasksButton")
        layout.addLayout(Flow(self._edit, self._see, self._share, self._delete, new, close))
        joined = bridge.snapshot.joined
        self._share.setVisible(joined is not None and not joined.is_own and session.state == "held")
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
        for button in (self._edit, self._see, self._delete):
            button.setEnabled(self._chosen() is not None)
        self._share.setEnabled(self._rest() is not None)

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

    def _new(self) -> None:
        start_us, end_us = self._spot.stretch or (self._spot.here_us, self._spot.length_us)
        self._open(TaskTime(start_us, end_us, ""))

    def _change(self) -> None:
        task = self._chosen()
        if task is not None:
            self._open(task)

    def _open(self, task: TaskTime) -> None:
        TaskForm(task, self._spot, self._put, self).open()

    def _put(self, task: TaskTime) -> bool:
        done = self._bridge.do(lambda: self._bridge.agent.put_task(self._session.id, task))
        if done:
            self._told()
        return done

    def _ask_delete(self) -> None:
        task = self._chosen()
        if task is None:
            return
        lines = [
            say("What you said of it goes for good; this cannot be undone."),
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
        if self._bridge.do(lambda: self._bridge.agent.remove_task(self._session.id, task.id)):
            self._told()

    def _told(self) -> None:
        self._tasks = ()  # what is listed is not so any more
        self._allow()
        self.told.emit()


class TaskForm(QDialog):
    """One task: its words, when it began and ended, how it went. `put` says whether it could be told."""

    def __init__(self, task: TaskTime, spot: Spot, put: Callable[[TaskTime], bool], parent: QWidget) -> None:
        super().__init__(parent)
        self._task = task
        self._put = put
        # Where a task ended is kept with how it went: who says where it ends has to say that, too.
        self._needs_outcome = not task.id or bool(task.outcome)
        self.setObjectName("taskForm")
        self.setWindowTitle(say("Change the task") if task.id else say("New task"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        body = QWidget()
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
        self._save.setEnabled(bool(self._text.text().strip()) and answered)

    def _tell(self) -> None:
        task = self._task._replace(
            text=self._text.text().strip(),
            outcome=str(self._judged.outcome or ""),
            difficulty=self._judged.difficulty,
            note=self._judged.note,
        )
        if self._put(task):
            self.accept()
