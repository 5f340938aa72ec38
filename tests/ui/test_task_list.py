"""The window of tasks as it is, drawn into memory: edits are saved beside it, and taken back one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from memory_agent import MemoryAgent
from playing import agent, opened, page, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QPushButton
from waiting import until

from capture_agent.core.errors import CaptureAgentError, StorageError
from capture_agent.ui.player import Player
from capture_agent.ui.recordings import RecordingsPage
from capture_agent.ui.task_list import TaskForm, TaskList

__all__ = ["agent", "page"]  # fixtures

RECORDED = [("Bericht", "done")]


@pytest.fixture
def player(page: RecordingsPage) -> Player:
    return opened(page)


@pytest.fixture
def listed(player: Player) -> Iterator[TaskList]:
    player.list_tasks()
    (made,) = player.findChildren(TaskList)
    yield made


def form(listed: TaskList) -> TaskForm:
    return next(one for one in listed.findChildren(TaskForm) if one.isVisible())


def tasks(player: Player) -> list[tuple[str, str]]:
    return [(one.text, one.outcome) for one in player._timeline.tasks]


def word(listed: TaskList, text: str, button: str = "changeTaskButton") -> TaskForm:
    """Open a task, give it other words and an outcome, and save."""
    press(listed, button)
    made = form(listed)
    line = made.findChild(QLineEdit, "taskText")
    assert line is not None
    line.setText(text)
    if button == "newTaskButton":
        made._move(490_000_000, 500_000_000)
        made._judged.show_judged("done", None, "")
        made._allow()
    press(made, "saveTaskButton")
    return made


def delete(listed: TaskList) -> str:
    """Delete the first task; return what the question says."""
    listed._list.setCurrentRow(0)
    press(listed, "deleteTaskButton")
    asked = next(one for one in listed.findChildren(QDialog) if one.objectName() == "deleteTaskDialog")
    said = " ".join(label.text() for label in asked.findChildren(QLabel))
    next(one for one in asked.findChildren(QPushButton) if one.text() == "&Delete").click()
    return said


def can_undo(listed: TaskList) -> bool:
    return listed._undo.isEnabled()


def undo(listed: TaskList) -> None:
    listed.activateWindow()
    until(listed.isActiveWindow)
    QTest.keyClick(listed, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def test_every_edit_is_taken_back_the_last_one_first(player: Player, listed: TaskList) -> None:
    assert not can_undo(listed)
    word(listed, "Brief")
    until(lambda: tasks(player) == [("Brief", "done")] and can_undo(listed))
    word(listed, "Neu", "newTaskButton")
    until(lambda: tasks(player) == [("Brief", "done"), ("Neu", "done")] and can_undo(listed))
    said = delete(listed)
    assert "What you said of it goes for good when you close the list of tasks; until then you can undo it." in said
    until(lambda: tasks(player) == [("Neu", "done")] and can_undo(listed))
    press(listed, "undoTaskButton")
    until(lambda: tasks(player) == [("Brief", "done"), ("Neu", "done")] and can_undo(listed))
    undo(listed)
    until(lambda: tasks(player) == [("Brief", "done")] and can_undo(listed))
    undo(listed)
    until(lambda: tasks(player) == RECORDED and listed._chosen() is not None)
    assert not can_undo(listed)
    undo(listed)  # there is nothing more
    assert listed._job is None


def test_what_was_changed_before_the_window_was_closed_is_not_kept(player: Player, listed: TaskList) -> None:
    word(listed, "Brief")
    until(lambda: can_undo(listed))
    listed.accept()
    assert listed._edits == []
    player.list_tasks()
    again = next(one for one in player.findChildren(TaskList) if one.isVisible())
    assert not can_undo(again)


def test_nothing_is_changed_twice_at_a_time_and_what_is_going_on_is_said(
    player: Player, listed: TaskList, agent: MemoryAgent
) -> None:
    go_on = threading.Event()
    agent.retelling = lambda: go_on.wait(60)
    made = word(listed, "Brief")
    assert made._says.isVisibleTo(made) and made._says.text().startswith("Saving the tasks…")
    assert not made._save.isEnabled() and not made._body.isEnabled()
    assert listed._says.text().startswith("Saving the tasks…")
    off = [one.objectName() for one in listed.findChildren(QPushButton) if one.parent() is listed and one.isEnabled()]
    assert off == ["closeTasksButton"]
    go_on.set()
    until(lambda: tasks(player) == [("Brief", "done")] and can_undo(listed))
    assert listed._says.text() == "You can undo what you change here until you close this window."


def test_what_cannot_be_saved_stays_in_the_form_and_can_be_saved_again(
    player: Player, listed: TaskList, agent: MemoryAgent
) -> None:
    refused: list[CaptureAgentError] = []
    player._bridge.failed.connect(refused.append)

    def full() -> None:
        raise StorageError("the disk is full")

    agent.retelling = full
    made = word(listed, "Brief")
    until(lambda: refused and made._save.isEnabled())
    assert made.isVisible() and made._text.text() == "Brief"
    assert not can_undo(listed)
    agent.retelling = lambda: None
    press(made, "saveTaskButton")
    until(lambda: tasks(player) == [("Brief", "done")])


def test_an_undo_that_fails_can_be_tried_again(player: Player, listed: TaskList, agent: MemoryAgent) -> None:
    word(listed, "Brief")
    until(lambda: can_undo(listed))
    refused: list[CaptureAgentError] = []
    player._bridge.failed.connect(refused.append)

    def locked() -> None:
        raise StorageError("the keyring is locked")

    agent.retelling = locked
    undo(listed)
    until(lambda: refused and can_undo(listed))
    agent.retelling = lambda: None
    undo(listed)
    until(lambda: tasks(player) == RECORDED)


@pytest.mark.parametrize("closed", ["the list", "the player"])
def test_what_is_being_saved_when_a_window_is_closed_is_saved(
    player: Player, listed: TaskList, agent: MemoryAgent, page: RecordingsPage, closed: str
) -> None:
    go_on = threading.Event()
    agent.retelling = lambda: go_on.wait(60)
    delete(listed)
    bridge = page._bridge
    assert bridge.first is not None
    if closed == "the list":
        listed.reject()
    else:
        page.close_player()
    go_on.set()
    until(lambda: bridge.first is None)
    assert agent._told["0" * 32] == []
    if closed == "the list":
        until(lambda: tasks(player) == [])


def test_what_waits_to_be_saved_can_be_taken_back_with_escape_and_what_was_typed_stays(
    player: Player, listed: TaskList, agent: MemoryAgent
) -> None:
    go_on = threading.Event()
    player._bridge.run("Something else…", lambda: go_on.wait(60), lambda _none: None)
    made = word(listed, "Brief")
    made.reject()
    assert made.isVisible() and made._save.isEnabled() and made._text.text() == "Brief"
    go_on.set()
    made.reject()
    assert not made.isVisible()
    until(lambda: player._bridge.first is None)
    assert not [call for call in agent.calls if call.startswith("put_task")]
