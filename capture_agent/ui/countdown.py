"""The window that tells that a timed pause is over: recording goes on unless the person says no.

It bypasses the window manager, so that no full-screen program covers it, and never takes the
keyboard: who is typing when it appears must not resume by that. The keys that pause keep it paused.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QCloseEvent

from capture_agent.core.language import say
from capture_agent.core.recording import State
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.overlay import Overlay
from capture_agent.ui.view_state import Icon

MORE_MINUTES = 15


class Countdown(Overlay):
    """Shown while, and only while, a pause is counted down."""

    def __init__(self, bridge: Bridge, proved_shown: Callable[[int], bool]) -> None:
        """See `Overlay`."""
        super().__init__(bridge, proved_shown, "countdown")
        self.setWindowTitle(say("The pause is over"))
        self._keys = look.muted(name="countdownKeys")
        agent = bridge.agent
        buttons = [
            look.button(say("Stay paused"), lambda: bridge.do(lambda: agent.pause(None)), name="stayPausedButton"),
            look.button(
                say("15 more minutes"), lambda: bridge.do(lambda: agent.pause(MORE_MINUTES)), name="moreMinutesButton"
            ),
            look.button(say("Resume now"), lambda: bridge.do(agent.resume), name="resumeNowButton"),
        ]
        why = look.text(say("Your pause is over. If you do nothing, recording goes on."))
        self.begin(self._counts, Icon.PAUSED, say("Paused"), (why, self._keys), buttons)

    def _counts(self) -> bool:
        snapshot = self.bridge.snapshot
        self._keys.setVisible(bool(snapshot.pause_keys))
        self._keys.setText(say("{keys} keeps it paused.", keys=keys_in_words(snapshot.pause_keys)))
        return snapshot.state is State.PAUSED and snapshot.resumes_in is not None

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stay paused: to close it is not to agree."""
        event.ignore()
        self.bridge.do(lambda: self.bridge.agent.pause(None))


def keys_in_words(combination: str) -> str:
    """Return "Ctrl+Shift+F9" for "ctrl+shift+f9"."""
    return "+".join(part.capitalize() for part in combination.split("+"))
