"""What is never recorded because the person said so: a list, and ways to add to it, with the pointer or by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.language import noted, say
from capture_agent.core.never import NeverKind, NeverRule
from capture_agent.desktop.base import Pick, Picked
from capture_agent.ui import look
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.view_state import View

TEXT_LIMIT = 200  # characters, as the settings take them
_POLL_MS = 30
_SAID = {
    NeverKind.PROGRAM: noted("The program {text}"),
    NeverKind.TITLE: noted("Windows with “{text}” in their title"),
}


class NeverCard(QWidget):
    """The rules in force, each with *Remove*; a field for a program, one for a text, and *Pick a window…*.

    `pick` lets the person choose a window; None: this system has no way.
    """

    def __init__(self, bridge: Bridge, pick: Callable[[], Pick] | None) -> None:
        super().__init__()
        self._bridge = bridge
        self._make_pick = pick
        self._pick: Pick | None = None
        self._shown: tuple[NeverRule, ...] | None = None
        self._removed: NeverRule | None = None
        self.setObjectName("neverCard")
        frame, inner = look.card(said=say("Never recorded"))
        look.column(self).addWidget(frame)
        inner.addWidget(look.strong(say("Never recorded")))
        inner.addWidget(
            look.muted(
                say(
                    "Nothing of these is recorded, whatever you agreed to: no key, no click, no picture, no title. "
                    "It holds at once, in every study."
                )
            )
        )
        self._rules = look.column(gap=4)
        inner.addLayout(self._rules)
        if pick is not None:
            choose = look.button(say("Pick a window…"), self._begin, name="pickButton")
            choose.setAccessibleDescription(say("The pointer becomes a cross; Escape or the right button cancels."))
            inner.addLayout(look.row(choose, push=True))
        self._note = look.text(name="neverNote")
        self._undo = look.button(say("Undo"), self._put_back, name="neverUndoButton")
        self._undo.setAccessibleName(say("Undo: never record it"))
        inner.addWidget(self._note)
        inner.addLayout(look.row(self._undo, push=True))
        self._fields = {
            NeverKind.PROGRAM: self._field(
                inner, NeverKind.PROGRAM, say("A program by its name, also one that you never opened"), "gimp"
            ),
            NeverKind.TITLE: self._field(
                inner, NeverKind.TITLE, say("A text in the titles of windows, whatever their program is"), "bank"
            ),
        }
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._poll)
        self._say("")
        bridge.changed.connect(self._show)
        self._show(bridge.view)

    def _field(self, outer: QVBoxLayout, kind: NeverKind, label: str, example: str) -> QLineEdit:
        field = look.line_edit(say("For example “{text}”", text=example), TEXT_LIMIT, name=f"never-{kind.value}")
        field.setAccessibleName(label)
        field.returnPressed.connect(lambda: self._add(kind))
        add = look.button(say("Never record"), lambda: self._add(kind), name=f"never-{kind.value}-button")
        add.setAccessibleName(f"{say('Never record')}: {label}")
        outer.addWidget(look.text(label))
        outer.addLayout(look.row(field, add))
        return field

    def _say(self, note: str, removed: NeverRule | None = None) -> None:
        self._removed = removed
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._undo.setVisible(removed is not None)

    def _show(self, _view: View) -> None:
        rules = self._bridge.snapshot.never
        self.setVisible(self._bridge.snapshot.joined is not None)
        if rules == self._shown:
            return
        self._shown = rules
        look.clear(self._rules)
        if not rules:
            self._rules.addWidget(look.text(say("Nothing yet."), name="neverNothing"))
        for rule in rules:
            said = in_words(rule)
            remove = look.button(say("Remove"), partial(self._remove, rule), name=f"remove-{rule.text}")
            remove.setAccessibleName(say("Remove: {what}", what=said))
            line = look.row(look.text(said))
            line.setStretch(0, 1)
            line.addWidget(remove, 0, Qt.AlignmentFlag.AlignTop)
            self._rules.addLayout(line)

    # --- adding and removing

    def _add(self, kind: NeverKind) -> None:
        rule = NeverRule(kind, self._fields[kind].text())
        if rule.text.strip() and self._bridge.do(lambda: self._bridge.agent.never_record(rule)):
            self._fill("", "")
            self._say(say("From now on, nothing of it is recorded."))

    def _remove(self, rule: NeverRule) -> None:
        if self._bridge.do(lambda: self._bridge.agent.allow_again(rule)):
            self._say(say("Removed: {what}. It is recorded as far as you agreed to it.", what=in_words(rule)), rule)

    def _put_back(self) -> None:
        rule = self._removed
        if rule is not None and self._bridge.do(lambda: self._bridge.agent.never_record(rule)):
            self._say("")

    def _fill(self, program: str, title: str) -> None:
        self._fields[NeverKind.PROGRAM].setText(program)
        self._fields[NeverKind.TITLE].setText(title)

    # --- picking

    def _begin(self) -> None:
        if self._make_pick is not None and self._pick is None:
            self._bridge.do(self._make_pick, self._step_aside)

    def _step_aside(self, pick: Pick) -> None:
        """Wait for the click, with our own window out of the way."""
        self._pick = pick
        self.window().hide()
        self._timer.start()

    def _poll(self) -> None:
        if self._pick is None:
            return
        try:
            picked = self._pick.poll()
        except CaptureAgentError as error:
            picked = Picked(None, cancelled=True)
            self._bridge.failed.emit(error)
        if picked is not None:
            self.stop()
            self.window().show()
            self.window().raise_()
            self.window().activateWindow()
            self._take(picked)

    def stop(self) -> None:
        """Give the pointer back, if a window is being picked."""
        self._timer.stop()
        pick, self._pick = self._pick, None
        if pick is not None:
            pick.close()

    def _take(self, picked: Picked) -> None:
        window = picked.window
        if picked.cancelled:
            return
        if window is None or not (window.app or window.title):
            self._say(say("There is no window at that place, or it does not say what it is."))
        elif window.pid == os.getpid():
            self._say(say("That is Capture Agent itself, which is never recorded."))
        else:
            self._fill(window.app, window.title)
            self._say(say("Picked: {name}. Choose: the whole program, or a text in its title.", name=window.app))
            self._fields[NeverKind.PROGRAM].setFocus()


def in_words(rule: NeverRule) -> str:
    """Return what a rule keeps out."""
    return say(_SAID[rule.kind], text=rule.text)
