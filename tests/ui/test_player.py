"""The player as it is, drawn into memory: one task is shared alone, and what was typed is picked in the time line."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from memory_agent import MemoryAgent
from memory_review import SAID, painted
from playing import SESSION, agent, opened, page, press
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QTreeWidget, QWidget
from waiting import until

from capture_agent.core.errors import CaptureAgentError, StorageError
from capture_agent.core.progress import Progress
from capture_agent.held.cut import FOREVER_US, Span
from capture_agent.held.spans import What
from capture_agent.held.timeline import Timeline
from capture_agent.session.snapshot import HeldSession
from capture_agent.ui.cut_choice import CutChoice
from capture_agent.ui.player import Player
from capture_agent.ui.recordings import RecordingsPage
from capture_agent.ui.shared_soon import SharedSoon
from capture_agent.ui.task_list import TaskList
from capture_agent.ui.time_bar import TimeBar

__all__ = ["agent", "page"]  # fixtures

SECOND = 1_000_000
TYPED_US = 310 * SECOND  # when something was typed in it
REST = (Span(0, 5 * SECOND), Span(420 * SECOND + 1))  # all but the one task of `memory_review`
CUT = f"cut {SESSION} all-but-task 0-{5 * SECOND} {420 * SECOND + 1}-{FOREVER_US}"


def share_only(player: Player) -> QDialog | None:
    """Click on *Share only this…* for the task; return the question, if there is one."""
    player.list_tasks()
    listed = [one for one in player.findChildren(TaskList) if one.isVisible()]
    press(listed[-1], "shareTaskButton")
    asked = [one for one in player.findChildren(QDialog) if one.objectName() == "shareDialog" and one.isVisible()]
    return asked[-1] if asked else None


def said_in(window: QWidget) -> str:
    """Return every line of text of a window."""
    return "\n".join(label.text() for label in window.findChildren(QLabel))


def done(agent: MemoryAgent) -> list[str]:
    """Return what was asked for that changes the recording."""
    return [call for call in agent.calls if call.split()[0] in {"cut", "undo_cut", "cut_for_good", "release"}]


def test_one_task_is_shared_alone_after_a_question_that_says_that_the_rest_is_cut_out(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player = opened(page)
    question = share_only(player)
    assert question is not None
    said = said_in(question)
    assert "Share only the task “Bericht”?" in said
    assert "Research group and Archive will be able to read it." in said
    assert "the rest is cut out of the recording" in said and "cannot be undone" in said
    assert "the beginning of the task goes with it: 4 s." in said
    assert "wait in it" not in said
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


def mark(agent: MemoryAgent, count: int, session: str = SESSION) -> None:
    for n in range(count):
        agent.cut(session, (Span(n * SECOND, n * SECOND + 1),), What.STRETCH)


FINAL = "What is cut out can never be opened again, by anyone, and this cannot be undone."


@pytest.mark.promise("P11")
@pytest.mark.parametrize(
    ("count", "wait"), [(0, ""), (1, "1 cut waits in it: it is"), (2, "2 cuts wait in it: they are")]
)
def test_who_shares_a_recording_is_told_first_how_many_cuts_are_made_then_and_that_this_is_final(
    page: RecordingsPage, agent: MemoryAgent, count: int, wait: str
) -> None:
    mark(agent, count)
    page.reload()
    listed = page.findChild(QTreeWidget, "recordingsList")
    assert listed is not None
    listed.setCurrentItem(listed.topLevelItem(0))
    page._ask_share()
    (question,) = page.findChildren(QDialog, "shareDialog")
    said = said_in(question)
    assert (wait in said, FINAL in said, "wait" in said) == (True, count > 0, count > 0), said
    press(question, "yesButton")
    until(lambda: f"release {SESSION}" in agent.calls)


@pytest.mark.promise("P11")
def test_who_shares_one_task_is_told_of_cuts_that_wait_beside_the_rest(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player = opened(page)
    player._cuts.mark(What.STRETCH, (Span(30 * SECOND, 40 * SECOND),))
    question = share_only(player)
    assert question is not None
    said = said_in(question)
    assert "the rest is cut out of the recording" in said and "1 cut waits in it" in said
    assert said.count(FINAL) == 1


@pytest.mark.promise("P11")
def test_who_is_told_that_recordings_are_shared_by_themselves_is_told_in_which_cuts_wait(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    others = [f"{n:032x}" for n in range(1, 8)]
    agent.put(*(replace(agent.sessions()[0], id=one, started=datetime(2026, 1, 1, tzinfo=UTC)) for one in others))
    agent._now = replace(agent._now, soon=(*others, SESSION))
    page._bridge.refresh()
    window = SharedSoon(page._bridge, lambda *_: None, lambda: None)
    assert "wait" not in said_in(window)
    mark(agent, 2, others[-1])
    mark(agent, 1)
    agent._now = replace(agent._now, soon=(*others, SESSION))
    page._bridge.refresh()
    said = said_in(window)
    assert "8 recordings are shared with Research group and Archive" in said
    assert "Cuts that wait are made before, and cannot be undone any more then." in said
    lines = said.splitlines()
    assert [line.rpartition(" · ")[2] for line in lines if " cut" in line and " · " in line] == [
        "2 cuts wait",
        "1 cut waits",
    ]
    for one in others[:6]:
        mark(agent, 1, one)
    agent._now = replace(agent._now, soon=(*others, SESSION))
    page._bridge.refresh()
    assert "+3 · 4 cuts wait" in said_in(window).splitlines()
    window.close()


@pytest.mark.parametrize("state", ["released", "own"])
def test_there_is_no_such_button_where_nothing_can_be_shared(
    page: RecordingsPage, agent: MemoryAgent, state: str
) -> None:
    if state == "own":
        agent.choose_own()
        page._bridge.refresh()
    else:
        agent.put(
            HeldSession(SESSION, "desk-work", datetime.now(UTC), 600.0, 10**6, state, complete=True, days_left=60)
        )
    player = opened(page)
    player.list_tasks()
    (listed,) = player.findChildren(TaskList)
    assert not listed._share.isVisibleTo(listed)


def cutting_for_good(player: Player, agent: MemoryAgent) -> threading.Event:
    """Mark half a minute and cut it for good; return what it waits for, having told how far it is."""
    go = threading.Event()

    def steps(progress: Progress) -> None:
        progress("cutting", 42, 100)
        go.wait(60)
        progress("cutting", 43, 100)

    agent.steps = steps
    assert player._cuts.mark(What.STRETCH, (Span(30 * SECOND, 60 * SECOND),))
    player._cuts._ask_for_good()
    (question,) = (one for one in player.findChildren(QDialog) if one.objectName() == "cutDialog")
    press(question, "yesButton")
    until(lambda: "42 %" in player._cuts._words.text())
    return go


def test_while_it_is_cut_for_good_the_player_goes_on_and_then_shows_what_stays(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player, shown = opened(page), list[Timeline]()
    player.opened.connect(shown.append)
    go = cutting_for_good(player, agent)
    assert not player._cuts.isEnabled()  # nothing is undone, and nothing cut twice
    player.bar.setValue(100_000)
    assert player._when.text().startswith("1:40")
    assert done(agent) == [f"cut {SESSION} stretch {30 * SECOND}-{60 * SECOND}"]
    go.set()
    until(lambda: shown)
    assert done(agent)[-1] == f"cut_for_good {SESSION}"
    assert (player._cuts.isVisibleTo(player), player._cuts.isEnabled()) == (False, True)
    assert player.position_us == 100 * SECOND


def test_what_was_cancelled_is_still_marked_and_can_be_tried_again(page: RecordingsPage, agent: MemoryAgent) -> None:
    player = opened(page)
    go = cutting_for_good(player, agent)
    job = page._bridge.first
    assert job is not None and page._bridge.cancel(job)
    go.set()
    until(player._cuts.isEnabled)
    assert player._cuts.isVisibleTo(player)
    assert len(player._cuts.spans) == 1
    assert [call.split()[0] for call in done(agent)] == ["cut"]


def test_closing_the_player_meanwhile_stops_nothing(page: RecordingsPage, agent: MemoryAgent) -> None:
    player = opened(page)
    go = cutting_for_good(player, agent)
    page.close_player()
    go.set()
    until(lambda: not page._bridge.labels)
    assert done(agent)[-1] == f"cut_for_good {SESSION}"


def test_pictures_of_the_list_are_made_when_nothing_is_being_opened(page: RecordingsPage, agent: MemoryAgent) -> None:
    go = threading.Event()
    agent.slow = lambda: (go.wait(60), None)[1]
    page.show()
    player = page.play(agent.sessions()[0])
    page._glances._look()
    assert player.opening
    assert page._glances._looker._thread is None  # nothing is looked into
    go.set()
    until(lambda: page._glances._known)
    assert not player.opening


def begun(page: RecordingsPage, agent: MemoryAgent) -> tuple[Player, threading.Event]:
    """Return a player that shows the beginning, and what it waits for to read the rest."""
    go = threading.Event()
    agent.slow = lambda: (go.wait(60), None)[1]
    player = page.play(agent.sessions()[0])
    until(lambda: player._pages.currentIndex() == 1)
    return player, go


def test_it_is_looked_at_at_once_and_until_all_of_it_is_read_nothing_can_be_cut(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player, go = begun(page, agent)
    assert player.view._pixels is not None
    assert player._when.text() == "0:00 / 10:00"
    assert player._what.text() == "What was done is still being read."
    buttons = [one for one in player._pages.widget(1).findChildren(QPushButton) if one.isVisibleTo(player)]
    assert len(buttons) == 7
    assert not any(one.isEnabled() for one in buttons) and not player._screens.isVisibleTo(player)
    for key in (Qt.Key.Key_I, Qt.Key.Key_O, Qt.Key.Key_T, Qt.Key.Key_Space):
        QTest.keyClick(player, key)
    player.bar.resize(1000, player.bar.height())
    click(player.bar, TYPED_US)
    QTest.keyClick(player.bar, Qt.Key.Key_Right)
    here_us = player.position_us
    assert abs(here_us - TYPED_US) < 3 * SECOND
    assert (player.bar.marked, player.bar.picked) == ((None, None), None)
    assert (player.findChildren(TaskList), player.playing, done(agent)) == ([], False, [])
    assert player.focusWidget() is player.bar
    assert player._what.text() == "What was done is still being read."
    go.set()
    until(lambda: player._review is not None)
    assert player.view._pixels is not None
    shut = {one.objectName() for one in buttons if not one.isEnabled()}
    assert (shut, player.position_us) == ({"cutOutButton"}, here_us)  # that waits for its two ends
    assert player.focusWidget() is player.bar
    assert "still being read" not in player._what.text()


def test_while_it_is_read_the_nearest_picture_is_shown_wherever_one_goes(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    asked = threading.Semaphore(0)
    ended = threading.Event()
    agent.slow = lambda: None

    def steps(progress: Progress) -> None:
        while not ended.is_set():
            asked.acquire(timeout=60)
            progress("reading", 1, 2)

    agent.reading = steps
    player = page.play(agent.sessions()[0])
    until(lambda: player._pages.currentIndex() == 1)
    for t_us in (300 * SECOND, 20 * SECOND):
        player.bar.setValue(t_us // 1000)
        asked.release()
        until(lambda t_us=t_us: (player.view._pixels == painted(1, t_us)).all())
    assert player._review is None
    ended.set()
    asked.release()
    until(lambda: player._review is not None)


def test_while_it_is_opened_anew_no_picture_is_asked_of_the_file_that_it_was(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player, go, shown = opened(page), threading.Event(), list[Timeline]()
    until(lambda: player.view._pixels is not None)
    player.opened.connect(shown.append)
    before, asked = player._review, list[int]()
    assert before is not None
    agent.reading = lambda progress: (go.wait(60), progress("reading", 1, 2))[1]
    player._told()
    before.near = before.at = lambda monitor, t_us: asked.append(t_us)  # type: ignore[method-assign, assignment]
    player.bar.setValue(300_000)
    player.bar.sliderReleased.emit()
    go.set()
    until(lambda: shown)
    until(lambda: bool((player.view._pixels == painted(1, 300 * SECOND)).all()))
    assert 300 * SECOND not in asked


def test_a_recording_that_turns_out_to_be_damaged_is_shown_no_more(page: RecordingsPage, agent: MemoryAgent) -> None:
    agent.put(replace(agent.sessions()[0], state="damaged"))
    player, go = begun(page, agent)
    go.set()
    until(lambda: player._pages.currentIndex() == 0)
    assert "This recording cannot be shown." in said_in(player)
    assert (player.bar.isVisibleTo(player), player._review) == (False, None)


def test_closing_the_player_while_it_reads_forgets_the_beginning_too(page: RecordingsPage, agent: MemoryAgent) -> None:
    player, go = begun(page, agent)
    closed = player._looker
    player.close()
    assert (player._beginning, player.view._pixels, closed.closed) == (None, None, True)
    go.set()


def test_whether_anything_can_be_chosen_to_be_cut_is_known_without_naming_it_all(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    player = opened(page)
    while player._cuts.to_choose():
        assert player._cuts.can_choose() and player._choose.isEnabled()
        one = player._cuts.to_choose()[0]
        player._cuts.mark(one.what, one.spans)
    assert not player._cuts.can_choose() and not player._choose.isEnabled()


def click(bar: TimeBar, t_us: int, y: int = 10, beside: int = 0) -> None:
    at = QPoint(round(bar._x(t_us)) + beside, y)
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


@pytest.mark.parametrize("beside", [-2, 0, 2])
def test_a_click_on_what_was_typed_goes_there_and_picks_it_for_the_choice_of_what_to_cut(
    page: RecordingsPage, agent: MemoryAgent, beside: int
) -> None:
    player = opened(page)
    player.bar.resize(1000, player.bar.height())
    click(player.bar, TYPED_US, beside=beside)
    run = player._timeline.typing_at(player.position_us)
    assert run is not None and (run.start_us, run.text) == (TYPED_US, SAID)
    assert run.until(player.position_us) == SAID[: run.ends.index(player.position_us) + 1]
    typed = Span(TYPED_US, run.end_us + 1)
    assert player.bar.picked is not None and player.bar.picked.spans == (typed,)
    player._ask_choice()
    (choice,) = player.findChildren(CutChoice)
    press(choice, "cutChosenButton")
    assert done(agent) == [f"cut {SESSION} typed {typed.start_us}-{typed.end_us}"]


def test_what_was_picked_is_let_go_when_the_player_stands_elsewhere_and_is_kept_within_it(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    bar = opened(page).bar
    bar.resize(1000, bar.height())
    click(bar, TYPED_US)
    for value in (311_000, 310_000):
        bar.setValue(value)
        assert bar.picked is not None
    bar.setValue(309_999)
    assert bar.picked is None


def test_a_click_beside_what_was_typed_or_on_a_window_below_goes_to_its_own_time_and_picks_nothing(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    bar = opened(page).bar
    bar.resize(1000, bar.height())
    for t_us, y in ((100 * SECOND, 10), (TYPED_US, bar.height() - 4)):
        click(bar, t_us, y)
        assert bar.picked is None
        assert abs(bar.value() * 1000 - t_us) < SECOND


def test_a_hand_that_trembles_in_a_click_lets_nothing_go_and_one_that_drags_is_followed(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    bar = opened(page).bar
    bar.resize(1000, bar.height())
    at = QPoint(round(bar._x(TYPED_US)), 10)
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    went_to = bar.value()
    QTest.mouseMove(bar, at + QPoint(2, 0))
    assert (bar.value(), bar.picked is not None) == (went_to, True)
    QTest.mouseMove(bar, at + QPoint(80, 0))
    QTest.mouseMove(bar, at + QPoint(81, 0))
    assert abs(bar.value() * 1000 - bar._time_at(at.x() + 81)) < 1000
    assert bar.picked is None
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
