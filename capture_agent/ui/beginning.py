"""The window that tells that recording is about to begin by itself, in the hours that the person chose."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QCloseEvent

from capture_agent.core.language import say
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.overlay import Overlay
from capture_agent.ui.view_state import Icon


class Beginning(Overlay):
    """Shown while recording that begins by itself is counted down."""

    def __init__(self, bridge: Bridge, proved_shown: Callable[[int], bool]) -> None:
        """See `Overlay`."""
        super().__init__(bridge, proved_shown, "beginning")
        self.setWindowTitle(say("Recording is about to begin"))
        agent = bridge.agent
        not_now = look.button(say("Not now"), lambda: bridge.do(agent.stop), name="notNowButton")
        now = look.button(say("Start now"), lambda: bridge.do(agent.start), name="startNowButton")
        why = look.text(say("You chose these hours. If you do nothing, recording begins."))
        self.begin(self._counts, Icon.OFF, say("Not recording"), (why,), (not_now, now))

    def _counts(self) -> bool:
        return self.bridge.snapshot.starts_in is not None

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Do not begin: to close it is not to agree."""
        event.ignore()
        self.bridge.do(self.bridge.agent.stop)
