"""Take out of recordings what was forgotten or cut for good, on a thread of its own: the icon, pauses and ticks go on.

What is to go is noted before, and nobody has it from then on. Whatever ends this run, the next start finishes it.
"""

from __future__ import annotations

import queue
import threading

from capture_agent.core.errors import CaptureAgentError, FaultError
from capture_agent.core.progress import Progress, silent
from capture_agent.session.intents import Intents

CLOSE_S = 5.0  # how long the end of the program waits for what is being written; then it is begun again, and waited for


class Finishing:
    """Finishes what `intents` say. Main thread only, but for `run`."""

    def __init__(self, intents: Intents) -> None:
        self._intents = intents
        self._thread: threading.Thread | None = None
        self._came: queue.SimpleQueue[CaptureAgentError | None] = queue.SimpleQueue()
        self._broken = False

    def run(self, progress: Progress = silent) -> None:
        """Take out now what is to go, or wait for who does. Slow; any thread.

        Raises:
            CaptureAgentError: As `Intents.finish_cuts`; it is tried again.
            CancelledError: `progress` raised it; as above.
        """
        if self._intents.finish_cuts(progress):
            self._came.put(None)

    def tick(self) -> bool:
        """Take out what is due, on a thread; return whether something was. Called often; cheap if nothing is open.

        Raises:
            CaptureAgentError: Something could not be taken out; it is tried again, but after a `FaultError`.
        """
        going = self._thread is not None and self._thread.is_alive()
        if not going and not self._broken and self._intents.cuts_are_due:
            # A daemon, so that a disk that hangs cannot keep a person from quitting.
            self._thread = threading.Thread(target=self._work, name="finishing", daemon=True)
            self._thread.start()
        if self._came.empty():
            return False
        error = self._came.get()
        if error is not None:
            raise error
        return True

    def close(self) -> None:
        """Wait a moment for what is being taken out."""
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _work(self) -> None:
        try:
            self.run()
        except CaptureAgentError as error:
            self._came.put(error)
        except Exception as error:  # noqa: BLE001 - the thread's boundary: whatever it is is told in words
            self._broken = True
            self._came.put(
                FaultError(
                    "what takes out of recordings what you forgot has died ({kind})",
                    hint="Quit, start again, and report this line.",
                    kind=type(error).__name__,
                )
            )
