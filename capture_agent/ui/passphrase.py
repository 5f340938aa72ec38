"""Asks for a passphrase in a window, where no keyring of the system can be used."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit

from capture_agent.keys.secret_store import MIN_PASSPHRASE
from capture_agent.ui import look, words

_WIDTH = 460  # px


class PassphraseDialog(QDialog):
    """One field, or two when the passphrase is being chosen. What is typed is never shown."""

    def __init__(self, *, new: bool, why: str) -> None:
        super().__init__()
        self.setObjectName("passphraseDialog")
        self.setWindowTitle(words.PRODUCT)
        self.setAccessibleName("Choose a passphrase" if new else "Passphrase")
        self._fields = [_field("Passphrase", "passphrase")]
        if new:
            self._fields.append(_field("The same again", "passphraseAgain"))
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        layout.addWidget(look.heading(self.accessibleName()))
        layout.addWidget(look.text(why))
        for field in self._fields:
            layout.addLayout(look.labelled(field.accessibleName(), field))
            field.textChanged.connect(self._check)
        self._said = look.muted("", name="passphraseNote")
        layout.addWidget(self._said)
        self._new = new
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        layout.addWidget(buttons)
        look.fit(self, _WIDTH)
        self._check()

    def passphrase(self) -> str:
        """Return what was typed."""
        return self._fields[0].text()

    def _check(self) -> None:
        typed = [field.text() for field in self._fields]
        note = ""
        if self._new and len(typed[0]) < MIN_PASSPHRASE:
            note = f"At least {MIN_PASSPHRASE} characters. Four random words are easy to keep."
        elif len(set(typed)) > 1:
            note = "The two are not the same yet."
        self._said.setText(note)
        self._ok.setEnabled(not note and bool(typed[0]))


def ask_passphrase(*, new: bool, why: str) -> str | None:
    """Ask, and return the passphrase, or None if the person does not want to give one. Waits for the answer."""
    dialog = PassphraseDialog(new=new, why=why)
    agreed = dialog.exec() == QDialog.DialogCode.Accepted
    return dialog.passphrase() if agreed else None


def _field(said: str, name: str) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(name)
    field.setAccessibleName(said)
    field.setEchoMode(QLineEdit.EchoMode.Password)
    return field
