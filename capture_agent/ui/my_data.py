"""What do they have of me? A window with every file that was ever shared, and a button that saves all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from capture_agent.core.events import Category
from capture_agent.core.language import noted, say, say_many
from capture_agent.ledger.my_data import STATE_WORDS, SharedFile
from capture_agent.session.my_data import Saved
from capture_agent.ui import look, words
from capture_agent.ui.ask import ask_folder

_COLUMNS = (noted("Shared"), noted("To whom"), noted("What is in it"), noted("State"))
_HASH = 16  # characters of a SHA-256 that are shown, as many as people compare
_SIZE = 720, 560  # px
_PLACE = Qt.ItemDataRole.UserRole


def row(one: SharedFile) -> tuple[str, ...]:
    """Return the texts of one line; the time is local."""
    return (
        words.moment(one.shared),
        words.join_words([reader.name for reader in one.readers]),
        _what(one),
        say(STATE_WORDS[one.history[-1].state]),
    )


def details(one: SharedFile) -> str:
    """Return all that is known of a file, a line each."""
    lines = [
        say("For: {study}", study=one.title or one.study),
        say("Recorded {when}, {time} long", when=words.moment(one.recorded), time=words.duration(one.seconds)),
        f"{say('What is in it')}: {_what(one)}",
        *(": ".join(filter(None, (reader.name, reader.fingerprint))) for reader in one.readers),
    ]
    if one.consent is not None:
        record, day = one.consent.record[:_HASH], words.moment(one.consent.agreed)
        lines.append(say("You agreed on {day}; entry {record} of your consent record", day=day, record=record))
    lines += [f"{say(STATE_WORDS[was.state])}: {words.moment(was.when)} {was.place}".rstrip() for was in one.history]
    return "\n".join([*lines, say("File: {name}", name=one.file)])


class MyDataWindow(QDialog):
    """The list, what is known of the line that is chosen, and Save: `save` is called with a folder to save it in."""

    def __init__(self, shared: Sequence[SharedFile], save: Callable[[Path], object], parent: QWidget) -> None:
        super().__init__(parent)
        self._shared = shared
        self._save = save
        self.setObjectName("myDataWindow")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = say("What do they have of me?")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        layout = look.column(self, margin=look.SPACE)
        layout.addWidget(look.heading(title))
        explained = say("Every recording that you ever shared, also those that are no longer on this computer.")
        nothing = say("Nothing: you have shared no recording.")
        layout.addWidget(look.muted(explained if shared else nothing, name="myDataExplained"))
        self._list = self._made_list()
        self._list.setVisible(bool(shared))
        layout.addWidget(self._list, 1)
        frame, inner = look.card(said=say("The line that is chosen"))
        self._details = look.text(name="myDataDetails")
        inner.addWidget(self._details)
        inner.addStretch(1)
        frame.setVisible(bool(shared))
        layout.addWidget(look.scrolled(frame, said=say("The line that is chosen")), 1)
        layout.addLayout(
            look.row(
                look.button(say("Save &all of it…"), self._ask, name="saveMyDataButton"),
                look.button(say("&Close"), self.reject, name="closeButton"),
                push=True,
            )
        )
        look.fit(self, *_SIZE)
        newest = self._list.topLevelItem(0)
        if newest is not None:
            self._list.setCurrentItem(newest)
        self._list.setFocus()

    def _made_list(self) -> QTreeWidget:
        made = QTreeWidget()
        made.setObjectName("myDataList")
        made.setAccessibleName(say("What you shared"))
        made.setHeaderLabels([say(column) for column in _COLUMNS])
        made.header().setAccessibleName(say("Columns"))
        made.setRootIsDecorated(False)
        made.setTabKeyNavigation(False)
        made.setStyleSheet("QTreeView::item { padding: 3px 8px; } QHeaderView::section { padding: 3px 8px; }")
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.header().setStretchLastSection(False)
        made.header().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        for place, one in enumerate(self._shared):
            line = QTreeWidgetItem(list(row(one)))
            line.setData(0, _PLACE, place)
            made.addTopLevelItem(line)
        made.itemSelectionChanged.connect(self._show)
        return made

    def _show(self) -> None:
        chosen = self._list.selectedItems()
        self._details.setText(details(self._shared[chosen[0].data(0, _PLACE)]) if chosen else "")

    def _ask(self) -> None:
        ask_folder(
            self,
            say("Save all of it in which folder?"),
            self._chosen,
            yes=say("&Save here"),
            name="myDataFolderDialog",
        )

    def _chosen(self, folder: Path) -> None:
        self.accept()
        self._save(folder)


def saved_words(saved: Saved) -> str:
    """Return what is said once all of it is saved."""
    done = say("All of it is saved. The files in this folder are not encrypted; index.html says what there is.")
    if not saved.left_out:
        return done
    left_out = say_many(
        "{count} recording could not be opened, and is left out.",
        "{count} recordings could not be opened, and are left out.",
        len(saved.left_out),
    )
    return f"{done} {left_out}"


def _what(one: SharedFile) -> str:
    return words.category_names(Category(name) for name in one.categories)
