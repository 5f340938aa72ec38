"""Opt out: one click opens this, a second one does it. Offline, no reason asked, nothing to type."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from capture_agent.core.language import say, say_many
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge


class OptOutDialog(QDialog):
    """Opt out and delete, opt out and keep, or stay."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.setObjectName("optOutDialog")
        self.setWindowTitle(say("Opt out"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        joined = bridge.snapshot.joined
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        held = bridge.snapshot.held
        kept = say_many(
            "You have {count} recording here that you did not share.",
            "You have {count} recordings here that you did not share.",
            held,
        )
        lines = look.column()
        lines.addWidget(look.heading(say("Stop recording for good?")))
        lines.addWidget(look.text(f"{say('Recording stops at once.')} {kept if held else ''}".strip()))
        if held:
            lines.addWidget(look.muted(say("Deleted recordings can never be opened again, by anyone.")))
        if joined is not None and not joined.is_own:
            lines.addWidget(
                look.muted(say("What you already shared has left this computer; ask its readers to delete it."))
            )
        layout.addLayout(lines)
        delete = look.button(say("Opt out and &delete"), lambda: self._leave(destroy=True), name="optOutDeleteButton")
        keep = look.button(
            say("Opt out, &keep recordings"), lambda: self._leave(destroy=False), name="optOutKeepButton"
        )
        stay = look.button(say("&Cancel"), self.reject, name="optOutCancelButton")
        layout.addLayout(look.row(delete, keep, stay, push=True))
        stay.setDefault(True)
        stay.setFocus()
        look.fit(self, 500)

    def _leave(self, *, destroy: bool) -> None:
        if self._bridge.do(lambda: self._bridge.agent.withdraw(destroy=destroy)):
            self.accept()


def opt_out_dialog(bridge: Bridge, parent: QWidget | None) -> OptOutDialog:
    """Return the dialog; it takes the keyboard and closes by Esc without doing anything."""
    dialog = OptOutDialog(bridge, parent)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    return dialog
