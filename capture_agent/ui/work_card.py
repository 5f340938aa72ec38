"""The card at the foot of the normal window: the work that is going on, and what came of the last one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from capture_agent.core.language import say
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.jobs import Job

_BAR = 80, 200  # px of the bar at least, where anybody sees it move, and at most
_WIDE = 600  # px of the card, from which there is room for both what is being done and its step


class WorkCard(QWidget):
    """Shows how far slow work has come, and stops it. There only while there is something to say."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._folder: Path | None = None
        frame, inner = look.card(name="progress", said=say("Work that is going on"))
        self._going(inner)
        self._came(inner)
        around = look.column(self)
        around.setContentsMargins(look.SPACE, 0, look.SPACE, 0)
        around.addWidget(frame)
        bridge.busy.connect(self._tell_busy)
        bridge.stopped.connect(self._tell_stopped)
        self._tell_busy(())

    def tell(self, words: str, folder: Path | None = None) -> None:
        """Say what came of a job, until it is closed or the next one begins; `folder` can be shown."""
        self._folder = folder
        self._told.setText(words)
        self._show()

    def _tell_stopped(self) -> None:
        self.tell(say("Cancelled. Nothing was written, and your recording is as it was."))

    def _going(self, inner: QVBoxLayout) -> None:
        self._doing = look.text(name="doingLine")
        self._bar = QProgressBar()
        self._bar.setObjectName("progressBar")
        self._bar.setAccessibleName(say("Progress"))
        self._bar.setTextVisible(False)  # beside it: on its two colours no text keeps its contrast
        self._bar.setMinimumWidth(_BAR[0])
        self._bar.setMaximumWidth(_BAR[1])
        self._percent = look.text(name="percentLine")
        self._percent.setWordWrap(False)
        self._cancel = look.button(say("&Cancel this"), self._stop, name="cancelWorkButton")
        self._cancel_waiting = look.button(
            say("Cancel what wa&its"), self._bridge.cancel_waiting, name="cancelWaitingButton"
        )
        self._work = QWidget()
        line = look.row(self._doing, self._bar, self._percent, self._cancel, self._cancel_waiting)
        line.setStretch(0, 2)
        line.setStretch(1, 1)
        look.column(self._work).addLayout(line)
        inner.addWidget(self._work)

    def _came(self, inner: QVBoxLayout) -> None:
        self._told = look.text(name="toldLine")
        self._show_folder = look.button(say("&Show folder"), self._open_folder, name="showFolderButton")
        self._dismiss = look.button(say("&Close"), lambda: self.tell(""), name="dismissButton")
        self._end = QWidget()
        line = look.row(self._told, self._show_folder, self._dismiss)
        line.setStretch(0, 1)
        look.column(self._end).addLayout(line)
        inner.addWidget(self._end)

    def _tell_busy(self, labels: tuple[str, ...]) -> None:
        """Show the first job as it is now, and how many wait behind it."""
        job = self._bridge.first
        if job is not None and job.step is None:
            self._told.setText("")  # a new one: what came of the last one was read
        waiting = max(0, len(labels) - 1)
        percent = job.step.percent if job is not None and job.step is not None and not job.cancelled else None
        more = say(" ({count} more waiting)", count=waiting) if waiting else ""
        self._doing.setText(self._words(job) + more if job is not None else "")
        self._bar.setRange(0, 0 if percent is None else 100)
        self._bar.setValue(percent or 0)
        self._percent.setText("" if percent is None else say("{percent} %", percent=percent))
        self._percent.setVisible(percent is not None)
        self._cancel.setVisible(job is not None and job.watched)
        self._cancel.setEnabled(job is not None and not job.cancelled)
        # One button at a time: when what runs is cancelled, what waited runs, and can be cancelled in its turn.
        self._cancel_waiting.setVisible(waiting > 0 and job is not None and not job.watched)
        self._show()

    def _words(self, job: Job[object]) -> str:
        if job.cancelled:
            return say("Cancelling…")
        step = job.step.words if job.step is not None else ""
        return f"{job.label} {step}" if step and self.width() >= _WIDE else step or job.label

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Say as much as there is room for."""
        super().resizeEvent(event)
        self._tell_busy(self._bridge.labels)

    def _show(self) -> None:
        going, came = self._bridge.first is not None, bool(self._told.text())
        self._work.setVisible(going)
        self._end.setVisible(came)
        self._show_folder.setVisible(self._folder is not None)
        self._dismiss.setVisible(not going)  # its letter is that of Cancel
        self.setVisible(going or came)

    def _stop(self) -> None:
        job = self._bridge.first
        if job is not None:
            self._bridge.cancel(job)

    def _open_folder(self) -> None:
        if self._folder is not None:
            show_folder(self._folder)


def show_folder(folder: Path) -> None:
    """Open `folder` in the person's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
