"""*My recordings*, drawn into memory: several lines are chosen, and shared or deleted together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from memory_agent import MemoryAgent
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPushButton, QTreeWidget
from waiting import until

from capture_agent.core.delivery import Trouble, as_error
from capture_agent.core.errors import CaptureAgentError, StorageError
from capture_agent.core.progress import CancelledError, Progress
from capture_agent.core.room import Room
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.session.snapshot import Delivery, HeldSession
from capture_agent.ui.bridge import Bridge
from capture_agent.ui.lines import state_words
from capture_agent.ui.recordings import RecordingsPage
from capture_agent.ui.share import release_all

DAY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
STATES = ("held", "held", "held", "delivered", "damaged", "recording")
IDS = [f"{n}" * 32 for n in range(len(STATES))]


@pytest.fixture
def agent(agreed: MemoryAgent) -> MemoryAgent:
    """An agent of a study with three recordings that nobody has, one that others have, a damaged and an open one."""
    line = HeldSession("", "desk-work", DAY, 60.0, 10**6, "held", complete=True, days_left=60)
    for n, (session, state) in enumerate(zip(IDS, STATES, strict=True)):
        agreed.put(replace(line, id=session, state=state, started=DAY - timedelta(hours=n)))
    return agreed


@pytest.fixture
def page(agent: MemoryAgent) -> Iterator[RecordingsPage]:
    bridge = Bridge(agent)
    made = RecordingsPage(bridge)
    made.resize(1000, 900)  # all lines are in sight
    made.reload()
    yield made
    made.shut()
    bridge.close()


def list_of(page: RecordingsPage) -> QTreeWidget:
    found = page.findChild(QTreeWidget, "recordingsList")
    assert found is not None
    return found


def choose(page: RecordingsPage, *numbers: int) -> None:
    """Choose lines as a person does: a click, and one with Ctrl for each further line."""
    listed = list_of(page)
    key = Qt.KeyboardModifier.NoModifier
    for number in numbers:
        line = listed.visualItemRect(listed.topLevelItem(number))
        QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, key, line.topLeft() + QPoint(5, 5))
        key = Qt.KeyboardModifier.ControlModifier
    assert [one.id for one in page._chosen()] == [IDS[number] for number in sorted(numbers)]


def show(page: RecordingsPage) -> None:
    """Let the list hear keys, as what is in front and has the focus does."""
    page.show()
    page.activateWindow()
    list_of(page).setFocus()
    until(list_of(page).hasFocus)


def enabled(page: RecordingsPage) -> set[str]:
    return {one.objectName() for one in page.findChildren(QPushButton) if one.isEnabled() and not one.isHidden()}


def asked(page: RecordingsPage, name: str) -> tuple[QDialog, str]:
    """Return the question that is open, and all that it says."""
    (found,) = page.findChildren(QDialog, name)
    return found, "\n".join(label.text() for label in found.findChildren(QLabel))


def press(window: QDialog, name: str) -> None:
    button = window.findChild(QPushButton, name)
    assert button is not None
    button.click()


def done(agent: MemoryAgent, what: str) -> list[str]:
    return [call.split()[1] for call in agent.calls if call.split()[0] == what]


def test_lines_are_chosen_by_clicks_and_by_keys_and_it_is_said_how_much_they_are(page: RecordingsPage) -> None:
    page.show()
    chosen = page.findChild(QLabel, "chosenLine")
    assert chosen is not None
    choose(page, 0)
    assert chosen.isHidden()
    assert {"playerButton", "openButton", "shareButton", "deleteButton"} <= enabled(page)
    choose(page, 0, 2)
    assert not chosen.isHidden() and chosen.text() == "2 recordings chosen: 2 min in all, 2.0 MB"
    assert enabled(page) == {"shareButton", "deleteButton"}
    choose(page, 0)
    QTest.keyClick(list_of(page), Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert [one.id for one in page._chosen()] == IDS[:2]
    QTest.keyClick(list_of(page), Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert [one.id for one in page._chosen()] == IDS


def test_what_is_chosen_stays_chosen_when_the_list_is_made_anew(page: RecordingsPage, agent: MemoryAgent) -> None:
    page.show()
    choose(page, 1, 3)
    agent.delete(IDS[0])
    page.reload()
    assert [one.id for one in page._chosen()] == [IDS[1], IDS[3]]
    line = list_of(page).currentItem()
    assert line is not None and line.data(0, Qt.ItemDataRole.UserRole) == IDS[3]


@pytest.mark.promise("P11")
def test_several_are_shared_after_one_question_and_what_cannot_be_is_left_out(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    told: list[tuple[str, Path | None]] = []
    page.told.connect(lambda words, folder: told.append((words, folder)))
    agent.cut(IDS[1], (Span(0, 1),), What.STRETCH)
    page.reload()
    list_of(page).selectAll()
    page._ask_share()
    question, said = asked(page, "shareDialog")
    for what in (
        "Share 3 recordings?",
        "Research group and Archive will be able to read them. They are delivered to /srv/study/inbox.",
        "Of those you chose, 3 cannot be shared now.",
        "1 cut waits in them",
        "What is cut out can never be opened again",
    ):
        assert what in said, said
    press(question, "noButton")
    assert done(agent, "release") == []
    page._ask_share()
    press(page.findChildren(QDialog, "shareDialog")[-1], "yesButton")
    until(lambda: told)
    assert done(agent, "release") == IDS[:3]
    ((words, folder),) = told
    assert words.startswith("3 recordings are sealed for Research group and Archive.") and folder is None


def test_one_that_cannot_be_shared_is_named_and_the_others_are_shared(page: RecordingsPage, agent: MemoryAgent) -> None:
    told: list[str] = []
    page.told.connect(lambda words, _folder: told.append(words))
    outcomes = iter([None, StorageError("the disk is full", hint="Make room."), None])

    def fail_once(_progress: Progress) -> None:
        if (error := next(outcomes)) is not None:
            raise error

    agent.steps = fail_once
    page.show()
    choose(page, 0, 1, 2)
    page._ask_share()
    press(asked(page, "shareDialog")[0], "yesButton")
    until(lambda: told)
    assert done(agent, "release") == [IDS[0], IDS[2]]
    day = (DAY - timedelta(hours=1)).astimezone().strftime("%d %b %Y, %H:%M")
    assert told[0].splitlines()[0].startswith("2 recordings are sealed for Research group and Archive.")
    assert told[0].splitlines()[1:] == [f"The recording of {day} was not shared: the disk is full. Make room."]


def test_how_far_all_of_them_are_is_told_and_stopping_keeps_what_is_shared() -> None:
    told: list[tuple[str, int, int]] = []
    stop_at = ("reading", 15, 20)

    def progress(what: str, done: int, total: int) -> None:
        told.append((what, done, total))
        if (what, done, total) == stop_at:
            raise CancelledError

    def release(session: str, progress: Progress) -> tuple[str, ...]:
        progress("reading", 5, 10)
        progress("noting", 0, 0)
        return (f"/nowhere/{session}",)

    came = release_all(release, ["a", "b"], progress)
    assert told == [("reading", 5, 20), ("noting", 0, 2), ("reading", 15, 20)]
    assert (came.shared, came.failed, came.left) == ({"a": ("/nowhere/a",)}, {}, 1)
    stop_at = ("reading", 5, 20)
    with pytest.raises(CancelledError):
        release_all(release, ["a", "b"], progress)


@pytest.mark.promise("P4")
def test_what_others_have_is_shared_again_with_later_readers_alone_and_else_it_is_said_why_not(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    line = replace(agent.sessions()[3], released_to=("Research group",), later_readers=("Archive",))
    agent.put(line)
    page.reload()
    page.show()
    choose(page, 3)
    assert state_words(line).endswith("for Research group; Archive can get it, too, if you share it again")
    button = page.findChild(QPushButton, "shareButton")
    assert button is not None and button.isEnabled() and button.toolTip() == ""
    page._ask_share()
    question, said = asked(page, "shareDialog")
    assert "\nArchive will be able to read it. It is delivered to /srv/study/inbox. Who has a recording already" in said
    press(question, "yesButton")
    until(lambda: not button.isEnabled())
    assert done(agent, "release") == [IDS[3]]
    assert button.toolTip() == "All who may read it have it already."
    agent.put(replace(line, later_readers=(), here=False))
    page.reload()
    assert (button.isEnabled(), button.toolTip()) == (False, "It is no longer on this computer.")
    agent.put(replace(line, later_readers=(), state="withdrawn"))
    page.reload()
    assert (button.isEnabled(), button.toolTip()) == (False, "What was withdrawn cannot be shared again.")


def test_several_are_deleted_after_one_question_and_all_can_be_had_back(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    refused: list[CaptureAgentError] = []
    page._bridge.failed.connect(refused.append)
    show(page)
    list_of(page).selectAll()
    page._ask_delete()
    question, said = asked(page, "deleteDialog")
    for what in (
        "Delete 5 recordings?",
        "you can put back what you delete",
        "What you shared of them",
        "Of those you chose, 1 cannot be deleted now.",
    ):
        assert what in said, said
    press(question, "yesButton")
    assert done(agent, "delete") == IDS[:5]
    assert [one.deleted_until is not None for one in agent.sessions()] == [True] * 5 + [False]
    assert [list_of(page).topLevelItem(0).text(n) for n in (4, 5)] == ["Deleted; you can put it back", "24 hours"]
    QTest.keyClick(list_of(page), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert done(agent, "put_back") == IDS[:5]
    assert [one.deleted_until for one in agent.sessions()] == [None] * 6
    QTest.keyClick(list_of(page), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert (len(done(agent, "put_back")), refused) == (5, [])


def test_what_was_deleted_can_only_be_put_back_deleted_for_good_or_withdrawn(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    show(page)
    choose(page, 0, 3)
    QTest.keyClick(list_of(page), Qt.Key.Key_Delete)
    press(asked(page, "deleteDialog")[0], "yesButton")
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    choose(page, 3)
    assert enabled(page) == {"withdrawButton", "deleteButton", "putBackButton"}
    choose(page, 0)
    assert enabled(page) == {"deleteButton", "putBackButton"}
    page._put_back()
    assert enabled(page) >= {"playerButton", "openButton", "shareButton", "deleteButton"}
    page._ask_delete()
    press(asked(page, "deleteDialog")[0], "otherButton")
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    listed = list_of(page)
    listed.setCurrentItem(listed.topLevelItem(2))
    page._ask_delete()
    question, said = asked(page, "deleteDialog")
    assert "can never be opened again, by anyone, and this cannot be undone" in said
    assert question.findChild(QPushButton, "otherButton") is None
    press(question, "yesButton")
    assert [call for call in agent.calls if call.endswith("for good")] == [f"delete {IDS[n]} for good" for n in (0, 3)]


@pytest.mark.parametrize(("used", "full"), [(85, False), (100, True)])
def test_where_there_is_no_room_left_deleting_says_so(
    page: RecordingsPage, agent: MemoryAgent, used: int, full: bool
) -> None:
    agent._now = replace(agent._now, room=Room(used * 10**6, 100 * 10**6, full))
    page._bridge.refresh()
    choose(page, 0)
    page._ask_delete()
    question, said = asked(page, "deleteDialog")
    assert ("if its room is needed" in said, "this cannot be undone" in said) == (not full, full)
    assert (question.findChild(QPushButton, "otherButton") is None) == full


def test_a_line_is_as_high_as_its_words_need(page: RecordingsPage, agent: MemoryAgent) -> None:
    page.resize(700, 900)
    page.show()
    listed = list_of(page)

    def heights() -> list[int]:
        return [listed.visualItemRect(listed.topLevelItem(number)).height() for number in (0, 1)]

    until(lambda: heights()[0] == heights()[1] > 0)
    agent.put(replace(agent.sessions()[0], released_to=("A group with a long name", "Another one"), state="released"))
    page.reload()
    until(lambda: heights()[0] > heights()[1])


def test_below_the_list_it_is_said_what_keeps_shared_recordings_from_arriving(
    page: RecordingsPage, agent: MemoryAgent
) -> None:
    page.show()
    line = page.findChild(QLabel, "undeliveredLine")
    assert line is not None
    assert line.isHidden()
    for trouble in (Trouble.OFFLINE, Trouble.REFUSED):
        problem, hint = as_error(trouble, "s3://study").said()
        agent._now = replace(agent._now, delivery=Delivery(1, ("s3://study",), problem=problem, hint=hint))
        page._bridge.refresh()
        assert not line.isHidden()
        assert line.text() == f"Not delivered yet: {problem}. {hint}"
    agent._now = replace(agent._now, delivery=Delivery(1, ("s3://study",), going=True))
    page._bridge.refresh()
    assert line.isHidden()
