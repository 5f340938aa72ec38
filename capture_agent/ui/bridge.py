"""Between the agent and the windows: snapshots in, requests out, slow work on one thread, errors as words.

All of it lives on the main thread, but for the body of `_work`, which runs slow calls one after
the other and hands their results back through a queued signal.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from capture_agent.core.errors import CaptureAgentError, FaultError
from capture_agent.core.language import noted
from capture_agent.core.progress import CancelledError, Progress
from capture_agent.session.snapshot import Agent, Snapshot
from capture_agent.ui.jobs import Job, Step, telling
from capture_agent.ui.view_state import View, view

# What was changed elsewhere is on the screen after at most this; what a person does here, and another state
# (`follow`), at once.
POLL_MS = 1_000
SECONDS_MS = 1000  # how often the texts that say for how long are made anew while a window shows them
UNSEEN_TICKS = 10  # of those, until they are made anew for a tool tip alone: telling everybody costs 6 ms
JOIN_S = 5.0  # how long closing waits for a slow call that is running
STOP_S = 2.0  # and then, if it can be stopped, for it to stop: at its next part, which a slow disk may hold up

T = TypeVar("T")


def in_words(error: BaseException) -> CaptureAgentError:
    """Return `error` as one that people can read: message and hint, never a traceback, never a value.

    A stranger becomes a `FaultError` that names its type and code line.
    """
    if isinstance(error, CaptureAgentError):
        return error
    trace: TracebackType | None = error.__traceback__
    where = ""
    while trace is not None:
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return FaultError(
        "something went wrong inside Capture Agent ({kind} at {place})",
        hint="What was recorded until now is safe. Quit, start again, and report this line.",
        kind=type(error).__name__,
        place=where or noted("an unknown place"),
    )


class Bridge(QObject):
    """The one way from windows to the agent.

    Signals:
        changed: snapshot or `View` is another one; carries the `View`.
        failed: something could not be done; carries the `CaptureAgentError`.
        busy: jobs came, went, or came further; carries the labels of those that run or wait, in order, as a tuple.
        stopped: a job that ran was cancelled and has ended; it left nothing behind.
        ended: a job has ended or was taken back; carries it, and its result: None if it was not done.
    """

    changed = Signal(object)
    failed = Signal(object)
    busy = Signal(object)
    stopped = Signal()
    ended = Signal(object, object)
    _stepped = Signal(object, object)  # job, step: from the worker to the main thread
    _finished = Signal(object, object, object)  # job, result, error: from the worker to the main thread

    def __init__(self, agent: Agent, parent: QObject | None = None, seen: Callable[[], bool] = lambda: True) -> None:
        """Ask `agent` from now on; `seen` says whether a window is open that tells for how long."""
        super().__init__(parent)
        self.agent = agent
        self._seen = seen
        self._unseen_ticks = 0
        self._snapshot = agent.snapshot()
        self._view = view(self._snapshot, datetime.now(UTC))
        self._jobs: list[Job[object]] = []
        self._queue: queue.SimpleQueue[Job[object] | None] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._stepped.connect(self._step, Qt.ConnectionType.QueuedConnection)
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self.refresh)
        self._poll.start()
        self._seconds = QTimer(self, interval=SECONDS_MS)
        self._seconds.timeout.connect(self._tick)
        self._seconds.start()

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that is shown."""
        return self._snapshot

    @property
    def view(self) -> View:
        """What is shown."""
        return self._view

    @property
    def first(self) -> Job[object] | None:
        """The job that runs, or is about to; its `step` says how far it has come."""
        return self._jobs[0] if self._jobs else None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the jobs that run or wait, in order."""
        return tuple(job.label for job in self._jobs)

    def refresh(self) -> None:
        """Show the agent's state as it is now; receivers of `changed` have drawn it when this returns."""
        if self._poll.isActive():
            self._poll.start()  # the next look is due this much later
        snapshot = self.agent.snapshot()
        if snapshot is self._snapshot or snapshot == self._snapshot:
            return
        self._snapshot = snapshot
        self._view = view(snapshot, datetime.now(UTC))
        self.changed.emit(self._view)  # also if the view is the same: pages show more of a snapshot than its view

    def follow(self) -> None:
        """Show the agent's state if it is another one: costs nothing otherwise, and is called many times a second."""
        if self.agent.recording_state is not self._snapshot.state:
            self.refresh()

    def do(self, ask: Callable[[], T], then: Callable[[T], None] | None = None) -> bool:
        """Ask the agent for something now; return whether it was done.

        What cannot be done is said by `failed`. Other exceptions pass: they are faults of ours,
        and `fault` tells of them.
        """
        try:
            result = ask()
        except CaptureAgentError as error:
            self.failed.emit(error)
            return False
        finally:
            self.refresh()
        if then is not None:
            then(result)
        return True

    def run(self, label: str, work: Callable[[], T], done: Callable[[T], None]) -> Job[T]:
        """Run the slow call `work` on the worker thread, then `done` with its result on this one."""
        return self._take(Job(label, lambda _progress: work(), done))

    def run_watched(self, label: str, work: Callable[[Progress], T], done: Callable[[T], None]) -> Job[T]:
        """As `run`, for work that tells how far it has come and that can be stopped while it runs."""
        return self._take(Job(label, work, done, watched=True))

    def _take(self, job: Job[T]) -> Job[T]:
        self._jobs.append(job)  # type: ignore[arg-type]  # a job feeds its own result to its own `done`
        self._queue.put(job)  # type: ignore[arg-type]
        if self._worker is None:
            # A daemon, so that a call that hangs cannot keep a person from quitting.
            self._worker = threading.Thread(target=self._work, name="ui-worker", daemon=True)
            self._worker.start()
        self._tell_busy()
        return job

    def cancel(self, job: Job[T]) -> bool:
        """Take back a job that has not begun, or ask a watched one to stop; return whether that was possible.

        One that stops says so by `stopped`. One that was as good as done may still end well.
        """
        if not job.cancel():
            return False
        if not job.started:
            self._jobs = [other for other in self._jobs if other is not job]
            self.ended.emit(job, None)
        self._tell_busy()
        return True

    def goes_on(self, job: Job[T]) -> bool:
        """Return whether a job runs or waits."""
        return any(other is job for other in self._jobs)

    def cancel_waiting(self) -> None:
        """Take back every job that has not begun."""
        for job in list(self._jobs):
            if not job.started:
                self.cancel(job)

    def fault(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None = None
    ) -> None:
        """Tell of an exception that nobody caught on the main thread. Made to be `sys.excepthook`."""
        if error is not None:
            self.failed.emit(in_words(error))

    def close(self, patience_s: float = JOIN_S) -> None:
        """Stop polling, take back what waits, and let a running job end; stop it if that takes too long."""
        self._poll.stop()
        self._seconds.stop()
        self.cancel_waiting()
        if self._worker is not None:
            self._queue.put(None)
            self._worker.join(patience_s)
            if self._worker.is_alive() and self.first is not None and self.first.cancel():
                self._worker.join(STOP_S)
            self._worker = None

    def _tick(self) -> None:
        self._unseen_ticks = 0 if self._seen() else (self._unseen_ticks + 1) % UNSEEN_TICKS
        if not self._unseen_ticks:
            self.tell_time()

    def tell_time(self) -> None:
        """Tell of a view that changed because time went by."""
        seen = view(self._snapshot, datetime.now(UTC))
        if seen != self._view:
            self._view = seen
            self.changed.emit(seen)

    def _tell_busy(self) -> None:
        self.busy.emit(self.labels)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            if not job.begin():
                continue
            result: object = None
            failure: CaptureAgentError | CancelledError | None = None
            try:
                result = job.work(telling(job, partial(self._stepped.emit, job)))
            except CancelledError as stopped:
                failure = stopped
            except Exception as error:  # noqa: BLE001 - the thread's boundary: everything becomes words on the screen
                failure = in_words(error)
            self._finished.emit(job, result, failure)

    def _step(self, job: Job[object], step: Step) -> None:
        job.step = step
        self._tell_busy()

    def _deliver(self, job: Job[object], result: object, failure: CaptureAgentError | CancelledError | None) -> None:
        self._jobs = [other for other in self._jobs if other is not job]
        self._tell_busy()
        self.refresh()
        if isinstance(failure, CancelledError):
            self.stopped.emit()
        elif failure is not None:
            self.failed.emit(failure)
        else:
            job.done(result)
        self.ended.emit(job, result)
