"""Choose what to cut by its name: all of a program, a task, or what was typed in a field."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from capture_agent.core.language import noted, say
from capture_agent.held.spans import Choice, What
from capture_agent.held.timeline import Timeline
from capture_agent.ui import look
from capture_agent.ui.cuts import name_words, when_words

_GROUPS = {
    What.PROGRAM: noted("Everything while a program was in front"),
    What.TASK: noted("A task"),
    What.TYPED: noted("What was typed in a field"),
}
# What somebody could think goes with it, and does not.
_STAYS = {
    What.PROGRAM: noted("What could be seen of it while another program was in front stays."),
    What.TYPED: noted("Where it can be read on the screen later, it stays."),
}
_AT, _SAID = int(Qt.ItemDataRole.UserRole), int(Qt.ItemDataRole.AccessibleTextRole)


class _List(QTreeWidget):
    """Lines that cannot be copied: what was typed stays in this window."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Leave out what Qt does of itself with Ctrl+C."""
        if event.matches(QKeySequence.StandardKey.Copy):
            event.ignore()
        else:
            super().keyPressEvent(event)


class CutChoice(QDialog):
    """A list over the player, which shows each line that one goes to: where it is in the time line, and its picture.

    Signals:
        looked_at: another line was gone to; carries its spans, none when the window closes.
    """

    looked_at = Signal(object)

    def __init__(
        self,
        parent: QWidget,
        timeline: Timeline,
        offered: Sequence[Choice],
        then: Callable[[Choice], object],
        first: Choice | None = None,
    ) -> None:
        """Offer these; `first` is chosen at the beginning, if it is one of them."""
        super().__init__(parent)
        self._offered = offered
        self._then = then
        title = say("What is to be cut out?")
        self.setObjectName("cutChoiceDialog")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        lines = look.column(self, margin=look.SPACE)
        lines.addWidget(look.heading(title))
        self._list = self._filled(timeline, first)
        lines.addWidget(self._list, 1)
        lines.addWidget(
            look.text(
                say(
                    "All of it goes: keys, mouse, windows, tasks, and of the screen up to ten seconds more, "
                    "or until something changes on it."
                )
            )
        )
        self._stays = look.text(name="cutStays")
        lines.addWidget(self._stays)
        self._cut = look.button(say("Cut &out"), self.accept, name="cutChosenButton")
        cancel = look.button(say("&Cancel"), self.reject, name="cutChoiceCancelButton")
        lines.addLayout(look.row(self._cut, cancel, push=True))
        self.accepted.connect(self._cut_chosen)
        self.finished.connect(lambda _how: self.looked_at.emit(()))
        self._list.currentItemChanged.connect(lambda _now, _before: self._look())
        self._look()
        look.fit(self, 560, 460)
        self._list.setFocus()
        self.open()
        if (line := self._list.currentItem()) is not None:
            self._list.scrollToItem(line)

    def _filled(self, timeline: Timeline, first: Choice | None) -> QTreeWidget:
        shown = _List()
        shown.setObjectName("cutChoiceList")
        shown.setAccessibleName(say("What can be cut out"))
        shown.setHeaderLabels([say("What"), say("When")])
        shown.header().setAccessibleName(say("Columns"))
        shown.header().setStretchLastSection(False)
        shown.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        shown.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        shown.setTabKeyNavigation(False)
        shown.setRootIsDecorated(False)
        groups: dict[What, QTreeWidgetItem] = {}
        for at, one in enumerate(self._offered):
            if one.what not in groups:
                groups[one.what] = QTreeWidgetItem([say(_GROUPS[one.what])])
                groups[one.what].setData(1, _SAID, say(_GROUPS[one.what]))  # a cell without words has a name, too
                groups[one.what].setFlags(Qt.ItemFlag.ItemIsEnabled)
                shown.addTopLevelItem(groups[one.what])
                groups[one.what].setFirstColumnSpanned(True)
                groups[one.what].setExpanded(True)
            line = QTreeWidgetItem([name_words(one), when_words(one.spans, timeline)])
            line.setToolTip(0, line.text(0))
            line.setData(0, _AT, at)
            groups[one.what].addChild(line)
            if one == first:
                shown.setCurrentItem(line)
        return shown

    def _chosen(self) -> Choice | None:
        line = self._list.currentItem()
        at = None if line is None else line.data(0, _AT)
        return self._offered[at] if isinstance(at, int) else None

    def _look(self) -> None:
        chosen = self._chosen()
        stays = None if chosen is None else _STAYS.get(chosen.what)
        self._stays.setText("" if stays is None else say(stays))
        self._stays.setVisible(stays is not None)
        self._cut.setEnabled(chosen is not None)
        self.looked_at.emit(() if chosen is None else chosen.spans)

    def _cut_chosen(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self._then(chosen)
