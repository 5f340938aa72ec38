"""The player as it is, drawn into memory: one task is shared alone, and what was typed is picked in the time line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from memory_agent import MOST, MemoryAgent, study_policy
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QDialog, QLabel, QPushButton

from capture_agent.core.errors import CaptureAgentError, StorageError
from capture_agent.held.cut import FOREVER_US, Span
from capture_agent.held.spans import What
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.player import Player
from capture_agent.ui.recordings import RecordingsPage
from capture_agent.ui.task_list import TaskList

WAIT_S = 30.0
SECOND = 1_000_000
SESSION = "0" * 32
REST = (Span(0, 5 * SECOND), Span(420 * SECOND + 1))  # all but the one task of `memory_review`
CUT = f"cut {SESSION} all-but-task 0-{5 * SECOND} {420 * SECOND + 1}-{FOREVER_US}"


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, "did not come true"
        QCoreApplication.processEvents()
        time.sleep(0.002)


@pytest.fixture
def agent(application: QCoreApplication) -> MemoryAgent:
    """An agent of a study, with one recording."""
    made = MemoryAgent()
    made.offer_study("/s.toml", study_policy())
    made.join("/s.toml")
    made.asked()
    made.accept(MOST, frozenset({"xterm"}), "en", "read")
    made.put(HeldSession(SESSION, "desk-work", datetime.now(UTC), 600.0, 10**6, "held", complete=True, days_left=60))
    return made


@pytest.fixture
def page(agent: MemoryAgent) -> Iterator[RecordingsPage]:
    bridge = Bridge(agent)
    made = RecordingsPage(bridge)
    yield made
    made.shut()
    bridge.close()


def opened(page: RecordingsPage) -> Player:
    player = page.play(page._bridge.agent.sessions()[0])
    until(lambda: player._review is not None)
    return player


def press(where: QDialog | None, name: str) -> None:
    assert where is not None
    button = where.findChild(QPushButton, name)
    assert button is not None and button.isVisibleTo(where) and button.isEnabled(), name
    button.click()


def share_only(player: Player) -> QDialog | None:
    """Click on *Share only this…* for the task; return the question, if there is one."""
    player.list_tasks()
    listed = [one for one in player.findChildren(TaskList) if one.isVisible()]
    press(listed[-1], "shareTaskButton")
    asked = [one for one in player.findChildren(QDialog) if one.objectName() == "shareDialog" and one.isVisible()]
    return asked[-1] if asked else None


def done(agent: MemoryAgent) -> list[str]:
    """Return what was asked for that changes the recording."""
    return [call for call in agent.calls if call.split()[0] in {"cut", "undo_cut", "cut_for_good", "release"}]


def test_one_task_is_shared_alone_after_a_question_that_says_that_the_rest_is_cut_out(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player = opened(page)
    question = share_only(player)
    assert question is not None
    said = " ".join(label.text() for label in question.findChildren(QLabel))
    assert "Share only the task “Bericht”?" in said
    assert "Research group and Archive will be able to read it." in said
    assert "the rest is cut out of the recording" in said and "cannot be undone" in said
    assert "up to ten seconds at the beginning" in said
    assert player.bar._shaded == REST  # it is seen before the answer
    press(question, "yesButton")
    until(lambda: f"release {SESSION}" in agent.calls)
    assert done(agent) == [CUT, f"release {SESSION}"]
    assert not player.isVisible()


def test_no_leaves_the_recording_as_it_was(page: RecordingsPage, agent: MemoryAgent) -> None:
    player = opened(page)
    press(share_only(player), "noButton")
    assert (player.bar._shaded, player.bar.cuts, done(agent)) == ((), (), [])
    assert player.isVisible()


def test_what_was_marked_before_stays_marked_and_all_of_it_can_be_undone_as_long_as_it_is_not_shared(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player = opened(page)
    player._cuts.mark(What.STRETCH, (Span(30 * SECOND, 40 * SECOND),))
    question, refused = share_only(player), list[CaptureAgentError]()
    page._bridge.failed.connect(refused.append)
    agent.broken = StorageError("the disk is full")
    press(question, "yesButton")
    until(lambda: refused)
    agent.broken = None
    again = opened(page)
    listed = again._cuts._list
    assert [listed.itemText(n) for n in range(listed.count())] == [
        "0:30 to 0:40",
        "All but the task: Bericht · 2 stretches, 3:04 in all",
    ]
    assert [one.spans for one in agent.cuts(SESSION)] == [(Span(30 * SECOND, 40 * SECOND),), REST]
    again._cuts._undo()
    assert again._cuts.spans == (Span(30 * SECOND, 40 * SECOND),)
    assert f"release {SESSION}" not in agent.calls


def test_a_task_of_which_nothing_is_left_is_not_shared(page: RecordingsPage, agent: MemoryAgent) -> None:
    player, refused = opened(page), list[CaptureAgentError]()
    page._bridge.failed.connect(refused.append)
    player._cuts.mark(What.STRETCH, (Span(4 * SECOND, 421 * SECOND),))
    assert share_only(player) is None
    assert [str(error) for error in refused] == ["all of this task is marked to be cut out"]
    assert [call.split()[0] for call in done(agent)] == ["cut"]


def test_what_cannot_be_marked_is_not_shared(page: RecordingsPage, agent: MemoryAgent) -> None:
    player, refused = opened(page), list[CaptureAgentError]()
    page._bridge.failed.connect(refused.append)
    question = share_only(player)
    agent.full = True
    press(question, "yesButton")
    assert [str(error) for error in refused] == ["the disk is full"]
    assert player.isVisible()
    assert done(agent) == []


@pytest.mark.parametrize("state", ["released", "own"])
def test_there_is_no_such_button_where_nothing_can_be_shared(
    page: RecordingsPage, agent: MemoryAgent, state: str
) -> None:
    if state == "own":
        agent.choose_own()
        page._bridge.refresh()
    else:
        agent.put(HeldSession(SESSION, "desk-work", datetime.now(UTC), 600.0, 10**6, state, complete=True, days_left=60))
    player = opened(page)
    player.list_tasks()
    (listed,) = player.findChildren(TaskList)
    assert not listed._share.isVisibleTo(listed)
