"""What a person can look up: the receipts of what they decided, as files, and what others have of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from capture_agent.core.language import language, say
from capture_agent.ledger.my_data import SharedFile
from capture_agent.session.receipts import Form, write
from capture_agent.ui import look
from capture_agent.ui.ask import ask_folder
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.flow import Flow
from capture_agent.ui.my_data import MyDataWindow, saved_words
from capture_agent.ui.printing import pdf
from capture_agent.ui.view_state import View


class SaveReceipts(QWidget):
    """The two buttons; they are there as soon as the person has decided anything.

    Signals:
        told: something was saved; carries a sentence and the folder.
    """

    told = Signal(str, object)

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._button = look.button(say("Save r&eceipts…"), self._ask, name="receiptsButton")
        self._button.setAccessibleDescription(say("Files that say what you decided, for you to keep or print."))
        self._mine = look.button(say("What do the&y have of me?…"), self._look, name="myDataButton")
        self._mine.setAccessibleDescription(say("What you shared, with whom, and what became of it."))
        self.setLayout(Flow(self._button, self._mine))
        bridge.changed.connect(self._show)
        self._show(bridge.view)

    def _show(self, _view: View) -> None:
        for button in (self._button, self._mine):
            button.setVisible(self._bridge.snapshot.decided)

    def _look(self) -> None:
        self._bridge.do(self._bridge.agent.my_data, self._show_mine)

    def _show_mine(self, shared: tuple[SharedFile, ...]) -> None:
        MyDataWindow(shared, self.save_mine, self).open()

    def save_mine(self, parent: Path) -> None:
        """Write all that is here of the person into a new folder below `parent`."""
        out = parent / f"my-data-{datetime.now():%Y-%m-%d-%H%M%S}"
        self._bridge.run_watched(
            say("Saving all of your data…"),
            lambda progress: self._bridge.agent.save_my_data(str(out), language(), progress),
            lambda saved: self.told.emit(saved_words(saved), out),
        )

    def _ask(self) -> None:
        ask_folder(
            self,
            say("Save receipts in which folder?"),
            self.save,
            yes=say("&Save here"),
            name="receiptsFolderDialog",
        )

    def save(self, parent: Path) -> None:
        """Write all receipts into a new folder below `parent`."""
        out = parent / f"receipts-{datetime.now():%Y-%m-%d-%H%M%S}"
        self._bridge.do(self._bridge.agent.receipts, lambda found: self._write(found, out))

    def _write(self, found: Sequence[Mapping[str, Any]], out: Path) -> None:
        self._bridge.run(
            say("Saving the receipts…"),
            lambda: write(found, list(Form), out, language(), pdf),
            lambda _files: self.told.emit(say("Your receipts are saved. The files are not encrypted."), out),
        )
