"""Asks for the passphrase that protects the keys where there is no OS keyring."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QThread
from PySide6.QtWidgets import QDialog, QLineEdit

from capture_agent.core.errors import KeyError_
from capture_agent.core.language import say
from capture_agent.keys.secret_store import MIN_PASSPHRASE
from capture_agent.ui import look, words

_WIDTH = 460  # px
_LONGEST = 200  # characters; more is a file pasted by mistake


class PassphraseDialog(QDialog):
    """One field to open with, or two that must agree to choose a new passphrase. What is typed is never shown."""

    def __init__(self, *, new: bool, why: str) -> None:
        super().__init__()
        self.setObjectName("passphraseDialog")
        self.setWindowTitle(words.PRODUCT)
        self._new = new
        title = say("Choose a passphrase") if new else say("Your passphrase")
        self.setAccessibleName(title)
        layout = look.column(self, margin=look.SPACE, gap=look.SPACE)
        top = look.column()
        top.addWidget(look.heading(title))
        top.addWidget(look.text(say(why)))
        if new:
            top.addWidget(
                look.muted(
                    say("At least {count} characters; four random words are easy to keep.", count=MIN_PASSPHRASE)
                )
            )
            top.addWidget(look.muted(say("Without it nobody can open your recordings, you neither.")))
        layout.addLayout(top)
        self._first = self._field("passphrase")
        self._second = self._field("passphraseAgain")
        layout.addLayout(look.labelled(say("&Passphrase:"), self._first))
        if new:
            layout.addLayout(look.labelled(say("&Again:"), self._second))
        self._message = look.strong(name="passphraseMessage")
        self._message.hide()
        layout.addWidget(self._message)
        go = look.button(say("&Use this passphrase") if new else say("&Open"), self._take, name="passphraseButton")
        go.setDefault(True)
        cancel = look.button(say("&Cancel"), self.reject, name="passphraseCancelButton")
        layout.addLayout(look.row(go, cancel, push=True))
        self._first.setFocus()
        look.fit(self, _WIDTH)

    def taken(self) -> str:
        """Return what was typed, and forget it here."""
        typed = self._first.text()
        self._first.clear()
        self._second.clear()
        return typed

    def _field(self, name: str) -> QLineEdit:
        field = look.line_edit("", _LONGEST, name=name)
        field.setEchoMode(QLineEdit.EchoMode.Password)
        return field

    def _take(self) -> None:
        wrong = ""
        if self._new and len(self._first.text()) < MIN_PASSPHRASE:
            wrong = say("This is shorter than {count} characters.", count=MIN_PASSPHRASE)
        elif self._new and self._first.text() != self._second.text():
            wrong = say("The two are not the same.")
        if not wrong and self._first.text():
            self.accept()
            return
        self._message.setText(wrong or say("Type your passphrase, or cancel."))
        self._message.show()
        look.fit(self, _WIDTH)


def ask_passphrase(*, new: bool, why: str) -> str | None:
    """Ask in a window and wait for the answer; None if the person does not want to give one.

    Raises:
        KeyError_: Not on the main thread, where alone there can be windows.
    """
    app = QCoreApplication.instance()
    if app is None or app.thread() is not QThread.currentThread():
        raise KeyError_("the passphrase cannot be asked for here", hint="Open the window, and try again there.")
    dialog = PassphraseDialog(new=new, why=why)
    given = dialog.exec() == QDialog.DialogCode.Accepted
    typed = dialog.taken()
    dialog.deleteLater()
    return typed if given else None
