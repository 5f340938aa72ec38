"""Questions and problems in small windows that wait for an answer without holding up anything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.language import say
from capture_agent.ui import look, words
from capture_agent.ui.icons import qicon
from capture_agent.ui.view_state import Icon

_WIDTH = 440  # px
_ICON = 32  # px


def ask(
    parent: QWidget | None,
    *,
    name: str,
    title: str,
    explained: str,
    yes: str,
    then: Callable[[], object],
    other: tuple[str, Callable[[], object]] | None = None,
) -> QDialog:
    """Ask whether to do something that cannot be undone: Esc means no, Enter means what has the focus, which is no.

    `other` is another way to do it: what its button says, and what it does.
    """
    dialog, layout = _window(parent, name, title, explained)
    buttons = [look.button(yes, dialog.accept, name="yesButton")]
    dialog.accepted.connect(then)
    if other is not None:
        said, does = other

        def go() -> None:
            dialog.reject()  # first: it may be that what owns this window closes by what is done
            does()

        buttons.append(look.button(said, go, name="otherButton"))
    cancel = look.button(say("&Cancel"), dialog.reject, name="noButton")
    return _opened(dialog, layout, *buttons, cancel)


def ask_folder(parent: QWidget, title: str, then: Callable[[Path], object], *, yes: str, name: str) -> QFileDialog:
    """Ask for a folder that is there; `then` is called with it."""
    dialog = QFileDialog(parent, title, str(Path.home()))
    dialog.setObjectName(name)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setLabelText(QFileDialog.DialogLabel.Accept, yes)
    dialog.fileSelected.connect(lambda folder: then(Path(folder)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def tell(parent: QWidget | None, error: CaptureAgentError) -> QDialog:
    """Say what could not be done, and what to do next."""
    message, hint = error.said()
    title = message[:1].upper() + message[1:]
    dialog, layout = _window(parent, "problemDialog", title, hint, icon=Icon.ATTENTION)
    return _opened(dialog, layout, look.button(say("&Close"), dialog.accept, name="closeButton"))


def _window(
    parent: QWidget | None, name: str, title: str, explained: str, icon: Icon | None = None
) -> tuple[QDialog, QVBoxLayout]:
    dialog = QDialog(parent)
    dialog.setObjectName(name)
    dialog.setWindowTitle(words.PRODUCT)
    dialog.setAccessibleName(title)
    dialog.setAccessibleDescription(explained)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    lines = look.column()
    lines.addWidget(look.heading(title))
    if explained:
        lines.addWidget(look.text(explained))
    line = look.row()
    line.setSpacing(look.SPACE)
    if icon is not None:
        picture = QLabel()
        picture.setPixmap(qicon(icon).pixmap(_ICON, _ICON))
        picture.setAccessibleName(say("Attention"))
        line.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
    line.addLayout(lines, 1)
    layout = look.column(dialog, margin=look.SPACE, gap=look.SPACE)
    layout.addLayout(line)
    return dialog, layout


def _opened(dialog: QDialog, layout: QVBoxLayout, *buttons: QPushButton) -> QDialog:
    layout.addLayout(look.row(*buttons, push=True))
    buttons[-1].setDefault(True)
    buttons[-1].setFocus()
    look.fit(dialog, _WIDTH)
    dialog.open()
    return dialog
