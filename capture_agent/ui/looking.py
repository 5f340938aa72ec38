"""A thread of one's own for what is looked at: decrypting and decoding, so that no window and no mark waits for it.

The bridge's worker runs what a person asked for, one after the other and in sight. What is here is asked for by
dragging and scrolling, many times a second, and only the last of a kind is still wanted when its turn comes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.progress import CancelledError
from capture_agent.ui.bridge import in_words

T = TypeVar("T")


class Looker(QObject):
    """Runs work on one thread and hands its results back on this one, the main thread.

    Signals:
        failed: something could not be looked at; carries its kind and the `CaptureAgentError`.
    """

    failed = Signal(str, object)
    _came = Signal(object, object)  # done, result: from the thread to the main thread
    _broke = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: dict[str, tuple[Callable[[], object], Callable[[object], None]]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._came.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._broke.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    @property
    def closed(self) -> bool:
        """Whether nothing is wanted any more: long work looks at this, on its own thread."""
        return self._closed

    def look(self, kind: str, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `work`, then `done` with its result. What was asked for of this `kind` before and waits, is dropped."""
        with self._changed:
            self._wanted.pop(kind, None)
            self._wanted[kind] = (work, done)  # type: ignore[assignment]  # each result goes to its own `done`
            self._changed.notify()
        if self._thread is None:
            # A daemon, so that a disk that hangs cannot keep a person from quitting.
            self._thread = threading.Thread(target=self._work, name="ui-looker", daemon=True)
            self._thread.start()

    def tell(self, done: Callable[[T], None], result: T) -> None:
        """Run `done` with something that is known before the work is done, which calls this on its thread."""
        self._emit(self._came, done, result)

    def meanwhile(self, kind: str) -> None:
        """Do what waits of a kind in the middle of long work, which calls this on its thread."""
        with self._changed:
            wanted = self._wanted.pop(kind, None)
        if wanted is not None:
            self._do(kind, *wanted)

    def drop(self) -> None:
        """Want nothing any more of what waits."""
        with self._changed:
            self._wanted.clear()

    def close(self) -> None:
        """Drop what waits, and deliver nothing from now on; what runs ends by itself. It is called once."""
        with self._changed:
            self._closed = True
            self._wanted.clear()
            self._changed.notify()

    def _next(self) -> tuple[str, Callable[[], object], Callable[[object], None]] | None:
        with self._changed:
            while not self._wanted and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            kind = next(iter(self._wanted))
            return (kind, *self._wanted.pop(kind))

    def _work(self) -> None:
        while (wanted := self._next()) is not None:
            self._do(*wanted)

    def _do(self, kind: str, work: Callable[[], object], done: Callable[[object], None]) -> None:
        try:
            result = work()
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - the thread's boundary: everything becomes words on the screen
            self._emit(self._broke, kind, in_words(error))
        else:
            self._emit(self._came, done, result)

    def _emit(self, signal: SignalInstance, *values: object) -> None:
        with self._changed:  # once it is closed, this object may be gone
            if not self._closed:
                signal.emit(*values)

    def _deliver(self, done: Callable[[object], None], result: object) -> None:
        if not self._closed:
            done(result)

    def _tell(self, kind: str, error: CaptureAgentError) -> None:
        if not self._closed:
            self.failed.emit(kind, error)
