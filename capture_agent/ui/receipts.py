"""Save receipts: one click, one folder, and a file for each decision in every form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from capture_agent.core.language import language, say
from capture_agent.session.receipts import Form, write
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.printing import pdf
from capture_agent.ui.view_state import View


class SaveReceipts(QWidget):
    """The button; it is there as soon as the person has decided anything.

    Signals:
        told: receipts were saved; carries a sentence and the folder.
    """

    told = Signal(str, object)

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._button = look.button(say("Save r&eceipts…"), self._ask, name="receiptsButton")
        self._button.setAccessibleDescription(say("Files that say what you decided, for you to keep or print."))
        layout = look.row(self._button, push=True)
        self.setLayout(layout)
        bridge.changed.connect(self._show)
        self._show(bridge.view)

    def _show(self, _view: View) -> None:
        self.setVisible(self._bridge.snapshot.decided)

    def _ask(self) -> None:
        dialog = QFileDialog(self, say("Save receipts in which folder?"), str(Path.home()))
        dialog.setObjectName("receiptsFolderDialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, say("&Save here"))
        dialog.fileSelected.connect(lambda folder: self.save(Path(folder)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

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
