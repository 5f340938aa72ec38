"""Which programs may be recorded: those that run now, others by name; none is ticked in advance.

Programs with other people stand apart, below a switch of their own: as long as it is off, none of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from capture_agent.core.language import say
from capture_agent.core.never import with_other_people
from capture_agent.core.rules import DESKTOP_APP
from capture_agent.ui import look, words
from capture_agent.ui.switch import Switch

NAME_LIMIT = 100  # characters of a program's name; WM_CLASS names are far shorter


def offered(known: Mapping[str, str], allowed: frozenset[str] | None, never: Iterable[str]) -> dict[str, str]:
    """Return the programs that can be chosen: name for rules → title. The desktop's background comes last.

    `allowed` is the study's list; None leaves the choice to the person, and only then may the
    person add others. `never` is what the person excluded in the settings.
    """
    names = set(known) | {DESKTOP_APP} if allowed is None else set(allowed)
    titles = {name: words.app_title(name, known.get(name)) for name in names - set(never)}
    return dict(sorted(titles.items(), key=lambda pair: (pair[0] == DESKTOP_APP, pair[1].lower())))


class Programs(QWidget):
    """One switch a program, and a field to add one by name."""

    changed = Signal()

    def __init__(self, known: Mapping[str, str], allowed: frozenset[str] | None, never: Iterable[str]) -> None:
        super().__init__()
        self._never = frozenset(never)
        self._people = with_other_people()
        self._boxes: dict[str, Switch] = {}
        self.setObjectName("programs")
        self.setAccessibleName(say("Programs"))
        layout = look.column(self)
        self._ticks = look.column(gap=4)
        layout.addLayout(self._ticks)
        self._apart = self._make_apart()
        layout.addWidget(self._apart)
        for name, title in offered(known, allowed, self._never).items():
            self._tick(name, title)
        self._name = look.line_edit(say("Add a program by name, for example “gimp”"), NAME_LIMIT, name="programName")
        if allowed is None:
            self._name.setAccessibleName(say("Add a program by name"))
            self._name.returnPressed.connect(self._add)
            layout.addLayout(look.row(self._name, look.button(say("A&dd"), self._add, name="addProgramButton")))
        self._note = look.strong(say(words.NO_PROGRAMS), name="noProgramsNote")
        layout.addWidget(self._note)

    def chosen(self) -> frozenset[str]:
        """Return the programs that are ticked; those with other people only while these are switched on."""
        ticked = frozenset(name for name, box in self._boxes.items() if box.isChecked())
        return ticked if self._also.isChecked() else ticked - self._people

    def offer(self, name: str) -> Switch:
        """Return the switch of a program, which is added if it is not there; never ticked by that."""
        return self._boxes.get(name) or self._tick(name, words.app_title(name, None))

    def titles(self) -> list[str]:
        """Return every program that is shown, as it is shown."""
        return [box.text().replace("&&", "&") for box in self._boxes.values()]

    def _make_apart(self) -> QWidget:
        """Return the part for programs with other people; it shows once there is one."""
        apart = QWidget()
        layout = look.column(apart)
        layout.addWidget(look.muted(say(words.OTHER_PEOPLE), name="otherPeopleNote"))
        self._also = Switch(say("Also programs with other people"))
        self._also.setObjectName("otherPeopleSwitch")
        self._also.toggled.connect(self._toggled)
        layout.addWidget(self._also)
        self._people_ticks = look.column(gap=4)
        self._people_ticks.setContentsMargins(look.SPACE, 0, 0, 0)
        layout.addLayout(self._people_ticks)
        apart.hide()
        return apart

    def _tick(self, name: str, title: str) -> Switch:
        box = Switch(title.replace("&", "&&"))
        box.setObjectName(f"program-{name}")
        box.toggled.connect(self._toggled)
        self._boxes[name] = box
        if name in self._people:
            box.setEnabled(self._also.isChecked())
            self._also.toggled.connect(box.setEnabled)
            self._people_ticks.addWidget(box)
            self._apart.show()
        else:
            self._ticks.addWidget(box)
        return box

    def _add(self) -> None:
        name = self._name.text().strip().lower()
        self._name.clear()
        if not name or name in self._never:
            return
        # Typing the name and pressing Add is the person's own choice, as a tick is.
        box = self.offer(name)
        box.setChecked(box.isEnabled())

    def _toggled(self) -> None:
        self._note.setVisible(not self.chosen())
        self.changed.emit()
