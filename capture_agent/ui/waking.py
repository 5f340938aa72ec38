"""The card that asks whether accessibility may be switched on: in the panel, and in the window to change one's mind."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from capture_agent.core.language import noted, say
from capture_agent.desktop.awake import CAN_WAKE
from capture_agent.ui import look
from capture_agent.ui.switch import Switch

TITLE = noted("Typed text in more programs")
WHY = noted(
    "Typed text is kept only where it is sure that no password is typed. Many programs show that only with "
    "accessibility on, the setting of your desktop that screen readers use; without it, what you type there is not "
    "kept. It may slow programs down a little. When Capture Agent ends, or you opt out, it is put back as it was."
)


class WakingCard(QWidget):
    """A switch, off until the person turns it on, and what it is for. Hidden where it would do nothing."""

    def __init__(self) -> None:
        super().__init__()
        frame, inner = look.card(name="wakingCard", said=say(TITLE))
        look.column(self).addWidget(frame)
        self.switch = Switch(say("Switch accessibility on"))
        self.switch.setObjectName("wakingSwitch")
        self.switch.setAccessibleDescription(say(WHY))
        for widget in (look.strong(say(TITLE)), self.switch, look.muted(say(WHY))):
            inner.addWidget(widget)
        self.offer(True)

    def offer(self, on: bool) -> None:
        """Show the card, if typed text is or may be agreed to."""
        self.setVisible(on and CAN_WAKE)

    def shown_text(self) -> str:
        """Return what is asked, as it is shown; empty if it is not."""
        return "" if self.isHidden() else f"{say(TITLE)}: {say(WHY)}"
