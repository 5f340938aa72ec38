"""Tasks of a recording told anew in the player, by keys, in a real recording on a real display."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sessions
from ui_driver import Driver, until, value

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

SESSION = "d" * 32
LISTED = "[(one.text, one.outcome) for one in player._timeline.tasks]"


@pytest.fixture
def ui(desktop: PrivateDesktop) -> Iterator[Driver]:
    """The player of a held session of six seconds, one task in it, of an agent that really holds it."""
    with Driver(desktop, "--spy") as driver:
        driver.until(lambda seen: seen["proof"])
        about = {**sessions.ABOUT, "study": "own"}
        held = sessions.make_held(desktop.folder / "person" / "profile" / "held", session=SESSION, about=about)
        driver.say(
            "from capture_agent.keys import age; import small_world",
            f"agent._vault.add({SESSION!r}, age.parse_identity({held.identity.secret!r}))",
            "agent.choose_own(); person.agree(small_world.ALL); shell.bridge.refresh()",
            "shell.open(ui_command('recordings'))",
            "player = shell.window.recordings.play(agent.sessions()[0])",
        )
        until(driver, "player._review is not None")
        driver.until_focused("Time line")
        yield driver


def test_a_task_is_worded_another_one_marked_and_the_first_deleted(ui: Driver) -> None:
    ui.key("t")
    ui.until_focused("Tasks in this recording")
    ui.key("alt+c")
    ui.until_focused("What did you set out to do?")
    ui.key("ctrl+a")
    ui.type("Answer it")
    ui.key("alt+g")  # "I gave up"
    ui.picture("task-form")
    ui.key("alt+s")
    until(ui, f"{LISTED} == [('Answer it', 'gave-up')]")
    ui.until_focused("Tasks in this recording")
    ui.key("alt+c")
    ui.until_focused("What did you set out to do?")
    assert value(ui, "app.activeModalWidget()._when.text()") == "From 0:00 to 0:05"
    ui.key("Escape")
    ui.until_focused("Tasks in this recording")
    ui.key("Escape")
    ui.until_focused("Time line")
    ui.say("player.bar.setValue(4_000)")
    ui.key("t")
    ui.until_focused("Tasks in this recording")
    ui.key("alt+c")
    ui.until_focused("What did you set out to do?")
    ui.click("Ends at 0:04", "push button")
    ui.key("alt+s")
    until(ui, "player._timeline.tasks[0].end_us == 4_000_000")
    ui.until_focused("Tasks in this recording")
    ui.key("alt+n")
    ui.until_focused("What did you set out to do?")
    ui.type("Read it again")
    ui.key("alt+d")  # "Done"
    ui.key("alt+s")
    until(ui, f"{LISTED} == [('Answer it', 'gave-up'), ('Read it again', 'done')]")
    ui.until_focused("Tasks in this recording")
    ui.picture("tasks")
    ui.key("Home", "alt+l")
    ui.find("Delete the task “Answer it”?")
    ui.click("Delete", "push button")
    until(ui, f"{LISTED} == [('Read it again', 'done')]")
    ui.until_focused("Tasks in this recording")
    ui.key("ctrl+z")
    until(ui, f"{LISTED} == [('Answer it', 'gave-up'), ('Read it again', 'done')]")
    ui.until_focused("Tasks in this recording")
    ui.picture("tasks-undone")
    ui.key("Home", "alt+l")
    ui.find("Delete the task “Answer it”?")
    ui.picture("tasks-delete")
    ui.click("Delete", "push button")
    until(ui, f"{LISTED} == [('Read it again', 'done')]")
    assert value(ui, f"[one.text for one in agent.review({SESSION!r}).timeline.tasks]") == ["Read it again"]


def test_what_cannot_be_told_is_said_and_nothing_is_lost(ui: Driver) -> None:
    ui.say("player.bar.setValue(3_000); player._mark(0); player.bar.setValue(4_000); player._mark(1)")
    ui.key("t")
    ui.until_focused("Tasks in this recording")
    ui.key("alt+n")
    ui.until_focused("What did you set out to do?")
    ui.find("From 0:03 to 0:04")
    assert value(ui, "app.activeModalWidget()._save.isEnabled()") is False
    ui.type("Read")
    ui.key("alt+d", "alt+s")
    ui.find("Another task is there already")
    ui.picture("task-refused")
    assert value(ui, LISTED) == [["Write the letter", "done"]]
