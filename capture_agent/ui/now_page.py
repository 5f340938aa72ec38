"""The first page: the task that goes on, and what is not recorded now."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from capture_agent.core.events import Category
from capture_agent.core.language import say
from capture_agent.ui import look, words
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.view_state import Command, View
from capture_agent.ui.waking import WakingCard


class NowPage(QWidget):
    """What goes on now."""

    def __init__(self, bridge: Bridge, task: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("nowPage")
        content = QWidget()
        layout = look.column(content, margin=look.SPACE, gap=look.SPACE)
        frame, inner = look.card(said=say("Task"))
        inner.addWidget(look.strong(say("Task")))
        self._task = look.text(name="taskLine")
        inner.addWidget(self._task)
        self._button = look.button(say("Start a &task…"), task, name="taskButton")
        inner.addLayout(look.row(self._button, push=True))
        layout.addWidget(frame)
        frame, inner = look.card(said=say("Not recorded now"))
        inner.addWidget(look.strong(say("Not recorded now")))
        self._not_recorded = look.text(name="notRecordedLines")
        inner.addWidget(self._not_recorded)
        inner.addWidget(look.muted(say(words.NEVER_RECORDED)))
        layout.addWidget(frame)
        self._waking = WakingCard()
        self._waking.switch.clicked.connect(lambda on: bridge.do(lambda: bridge.agent.choose_waking(on)))
        layout.addWidget(self._waking)
        layout.addStretch(1)
        look.column(self).addWidget(look.scrolled(content, said=say("Now")))
        self._bridge = bridge
        bridge.changed.connect(self._show)
        self._show(bridge.view)

    def _show(self, view: View) -> None:
        entry = view.entries[Command.TASK]
        self._task.setText(view.task or say("No task. Say what you set out to do, if you like."))
        self._button.setText(entry.text)
        self._button.setEnabled(entry.enabled)
        snapshot = self._bridge.snapshot
        self._waking.offer(Category.KEYBOARD in snapshot.consented)
        self._waking.switch.setChecked(snapshot.waking)
        self._not_recorded.setText("\n".join(view.not_recorded))
        self._not_recorded.setVisible(bool(view.not_recorded))
