"""The windows on a real display, used as a person would: real clicks and keys, and what assistive programs see."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ui_driver import Driver
from ui_windows import AGREE, OWN, SESSIONS

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real


@pytest.fixture
def ui(desktop: PrivateDesktop) -> Iterator[Driver]:
    with Driver(desktop) as driver:
        driver.until(lambda seen: seen["proof"])
        yield driver


@pytest.mark.long
def test_from_the_first_window_to_recording_by_clicks_alone(ui: Driver) -> None:
    ui.click_icon()
    ui.click("Record for myself", "push button")
    ui.until(lambda seen: "consentPanel" in seen["windows"])
    assert ui.seen()["calls"] == ["choose_own", "asked"]
    ui.tick("Keyboard")
    ui.tick("XTerm")
    ui.click("Accept", "push button")
    seen = ui.until(lambda seen: seen["accepted"])
    assert seen["accepted"][0][:3] == [["keyboard"], ["xterm"], "en"]
    assert seen["state"] == "off"  # agreeing is not starting
    ui.click("Start recording", "push button")
    ui.until(lambda seen: seen["state"] == "recording")
    ui.click("Pause", "push button")
    ui.until(lambda seen: seen["state"] == "paused")
    ui.click("Resume", "push button")
    ui.until(lambda seen: seen["state"] == "recording")
    ui.click("Stop and save", "push button")
    ui.until(lambda seen: seen["state"] == "off")


def test_a_study_is_seen_before_it_is_joined(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy())")
    ui.say("shell.open()")
    ui.click("Join a study…", "push button")
    ui.until(lambda seen: "studyFileDialog" in seen["windows"] or "mainWindow" in seen["windows"])
    ui.key("Escape")
    ui.say("shell.window.first_run.show_study('/s.toml')")
    ui.find("How people work at a desk")
    names = {node.name for node in ui.nodes() if node.showing}
    assert "Run by Example University, Department of Informatics. Questions: study@example.org" in names
    assert {"Research group", "Archive"} <= names
    assert any(len(name.split()) == 9 and name.islower() for name in names)  # the nine words
    assert ui.seen()["calls"] == ["read_study"]
    ui.click("Back", "push button")
    ui.find("Join a study…")
    ui.say("shell.window.first_run.show_study('/s.toml')")
    ui.click("Join this study", "push button")
    ui.until(lambda seen: "join" in seen["calls"] and "consentPanel" in seen["windows"])


def test_a_file_that_is_no_study_is_refused_in_words(ui: Driver) -> None:
    ui.say("shell.open()")
    ui.say("shell.window.first_run.show_study('/tmp/holiday.toml')")
    ui.find("Holiday.toml is not a study file")
    ui.find("Ask the researcher for it.")
    ui.click("Close", "push button")
    seen = ui.until(lambda seen: "problemDialog" not in seen["windows"])
    assert seen["problems"] == ["holiday.toml is not a study file | Ask the researcher for it."]


@pytest.mark.promise("P1")
def test_nothing_is_ticked_in_advance_and_accepting_nothing_explains_instead(ui: Driver) -> None:
    ui.say(OWN)
    ui.say("shell.ask()")
    ui.find("Accept", "push button")
    boxes = [node for node in ui.nodes() if node.role == "check box"]
    assert {"Keyboard", "Mouse", "Windows", "Screen", "Tasks", "XTerm", "The desktop background"} <= {
        b.name for b in boxes
    }
    assert not [box.name for box in boxes if box.checked]
    ui.find("None. No content will be recorded until you choose at least one program.")
    ui.click("Accept", "push button")
    ui.find("Nothing is ticked. Tick what may be recorded, or choose Refuse.")
    assert ui.seen()["accepted"] == []


@pytest.mark.promise("P1")
def test_accept_and_refuse_look_alike_and_no_key_presses_either_by_accident(ui: Driver) -> None:
    # Without the field to add a program, Refuse is the first button: what a window would make its default.
    ui.say(
        "agent.offer_study('/s.toml', m.replace(m.study_policy(), apps=frozenset({'xterm'}))); agent.join('/s.toml')"
    )
    ui.say("shell.ask()")
    accept, refuse = ui.find("Accept", "push button"), ui.find("Refuse", "push button")
    assert accept.box[2:] == refuse.box[2:]
    assert not accept.focused
    assert not refuse.focused
    ui.tick("Keyboard")
    ui.key("Return", "Return", "KP_Enter")
    time.sleep(0.3)
    assert "consentPanel" in ui.seen()["windows"]
    ui.key("Escape")  # closing is neither
    seen = ui.until(lambda seen: "consentPanel" not in seen["windows"])
    assert seen["calls"] == ["read_study", "join", "asked"]


def test_refusing_takes_one_click_and_is_not_asked_about_again(ui: Driver) -> None:
    ui.say(OWN)
    ui.say("shell.ask()")
    ui.click("Refuse", "push button")
    seen = ui.until(lambda seen: "consentPanel" not in seen["windows"])
    assert seen["calls"][-1] == "refuse"
    assert seen["status"] == "Not recording, you said no"
    assert seen["state"] == "off"


def test_what_was_shown_goes_into_the_record_as_it_was_rendered(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')")
    ui.say("shell.ask()")
    ui.tick("Tasks")
    ui.click("Accept", "push button")
    text = ui.until(lambda seen: seen["accepted"])["accepted"][0][3]
    assert "Your work is recorded only while you agree, in the programs you choose" in text  # no Markdown asterisks
    assert "Research group" in text
    assert "60 days, then they are destroyed" in text
    assert "/srv/study/inbox" in text


@pytest.mark.promise("P7")
def test_a_study_that_changed_is_shown_side_by_side_with_what_was_agreed(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')")
    ui.say(AGREE)
    ui.say("agent.start()")
    ui.until(lambda seen: seen["state"] == "recording")
    ui.say("agent.new_policy(m.replace(m.study_policy(2), retention_days=400))")
    ui.until(lambda seen: seen["state"] == "off" and seen["icon"] == "attention")
    ui.say("shell.open()")
    ui.find("What the study asks for has changed since you agreed.")
    ui.click("Choose what is recorded…", "push button")
    ui.find("What changed since you agreed")
    assert ui.find("60", "label").box[1] == ui.find("400", "label").box[1]  # on one line


def test_a_panel_never_stays_open_with_an_older_offer(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')")
    ui.say("shell.ask()")
    ui.find("How people work at a desk")
    ui.say("agent.new_policy(m.replace(m.study_policy(2), title='How people really work'))")
    ui.find("How people really work")
    assert not [node for node in ui.nodes() if node.showing and node.name == "60 days, then they are destroyed"]


@pytest.mark.promise("P2")
def test_opting_out_takes_two_clicks_from_the_window(ui: Driver) -> None:
    ui.say(OWN)
    ui.say(AGREE)
    ui.say(SESSIONS)
    ui.say("agent.start()")
    ui.say("shell.open()")
    ui.click("Opt out and delete…", "push button")
    ui.click("Opt out and delete", "push button")
    seen = ui.until(lambda seen: "withdraw destroy=True" in seen["calls"])
    assert seen["state"] == "off"


def test_a_task_is_started_and_finished_by_keys_alone(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')")
    ui.say(AGREE)
    ui.say("agent.start()")
    ui.until(lambda seen: seen["state"] == "recording")
    ui.say("shell.open()")
    ui.until_focused()
    ui.key("alt+t")
    ui.until(lambda seen: "startTaskDialog" in seen["windows"])
    ui.until_focused("What do you set out to do?")
    ui.type("Book a room")
    ui.key("Return")
    ui.until(lambda seen: "start_task Book a room" in seen["calls"])
    ui.until(lambda seen: "startTaskDialog" not in seen["windows"])
    ui.until_focused()
    ui.key("alt+t")
    ui.until(lambda seen: "finishTaskDialog" in seen["windows"])
    ui.until_focused()
    ui.key("alt+n")
    ui.key("alt+h")
    ui.key("Down", "Down")
    ui.key("alt+t")
    ui.type("No room was free")
    ui.key("alt+f")
    ui.until(lambda seen: "finish_task not-possible 2 No room was free" in seen["calls"])


def test_recordings_are_opened_shared_and_deleted_only_after_a_question(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')")
    ui.say(SESSIONS)
    ui.say("shell.open(ui_command('recordings'))")
    ui.click("Only yours", "tree item")
    ui.click("Share…", "push button")
    ui.find("Share this recording?")
    ui.key("Escape")
    assert not [call for call in ui.seen()["calls"] if call.startswith("release")]
    ui.click("Share…", "push button")
    ui.click("Share", "push button")
    ui.until(lambda seen: "release 000000000000" in seen["calls"])
    ui.find(
        "Sealed for Research group and Archive. It is delivered to /srv/study/inbox by itself. Save its receipt: "
        "with the code on it you can withdraw this, even without this computer."
    )
    ui.click("Close", "push button")
    ui.click("Damaged", "tree item")
    ui.click("Delete…", "push button")
    ui.key("Return")  # the focus is on Cancel
    ui.until(lambda seen: "deleteDialog" not in seen["windows"])
    assert not [call for call in ui.seen()["calls"] if call.startswith("delete")]
    ui.click("Delete…", "push button")
    ui.click("Delete", "push button")
    ui.until(lambda seen: "delete 222222222222" in seen["calls"])


def test_sealing_shows_how_far_it_is_and_is_cancelled_by_key(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')")
    ui.say(SESSIONS)
    ui.say("import threading; go = threading.Event(); app.aboutToQuit.connect(go.set)")
    ui.say("agent.steps = lambda progress: (progress('reading', 42, 100), go.wait(60), progress('noting', 0, 0))")
    ui.say("shell.open(ui_command('recordings'))")
    ui.click("Only yours", "tree item")
    ui.click("Share…", "push button")
    ui.click("Share", "push button")
    ui.find("Sealing the recording… Reading what was recorded")
    ui.find("42 %")
    ui.until_focused()
    ui.key("alt+c")
    ui.find("Cancelling…")
    ui.say("go.set()")
    ui.find("Cancelled. Nothing was written, and your recording is as it was.")
    assert not [call for call in ui.seen()["calls"] if call.startswith("release")]
    ui.key("alt+c")  # closes what is told
    ui.find("Only yours", "tree item")


def test_slow_work_that_fails_says_so_and_leaves_the_window_alive(ui: Driver) -> None:
    ui.say("agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')")
    ui.say(SESSIONS)
    ui.say("agent.broken = m.StorageError('the folder of the study cannot be written', hint='Ask the researcher.')")
    ui.say("shell.open(ui_command('recordings'))")
    ui.click("Only yours", "tree item")
    ui.click("Share…", "push button")
    ui.click("Share", "push button")
    ui.find("The folder of the study cannot be written")
    ui.find("Ask the researcher.")
    ui.click("Close", "push button")
    ui.find("Only yours", "tree item")


def test_the_tab_key_reaches_every_control_of_the_panel_and_comes_back(ui: Driver) -> None:
    ui.say(OWN)
    ui.say("shell.ask()")
    ui.until_focused("Notice")
    reached = []
    for _ in range(20):
        ui.key("Tab")
        reached.append(ui.until_focused().name)
    wanted = [
        "Keyboard",
        "Mouse",
        "Windows",
        "Screen",
        "Tasks",
        "XTerm",
        "Add a program by name",
        "Add",
        "Switch accessibility on",
        "Refuse",
        "Accept",
    ]
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted


def test_a_new_passphrase_is_long_enough_and_typed_twice_the_same(ui: Driver) -> None:
    ui.say("later(lambda: ask(new=True))")
    ui.until_focused("Passphrase")
    ui.type("short")
    ui.key("Return")
    ui.find("This is shorter than 12 characters.")
    ui.type(" but now long enough")
    ui.key("Tab")
    ui.type("not the same at all")
    ui.key("Return")
    ui.find("The two are not the same.")
    ui.key("ctrl+a")
    ui.type("short but now long enough")
    ui.key("Return")
    ui.until(lambda seen: "passphrase short but now long enough" in seen["calls"])


def test_no_passphrase_is_an_answer_too(ui: Driver) -> None:
    ui.say("later(lambda: ask(new=False))")
    ui.until_focused("Passphrase")
    ui.key("Escape")
    ui.until(lambda seen: "passphrase None" in seen["calls"])


def test_a_program_can_be_added_by_name(ui: Driver) -> None:
    ui.say(OWN)
    ui.say("shell.ask()")
    ui.tick("Tasks")
    ui.say("shell._panel.area.verticalScrollBar().setValue(10 ** 6)")
    ui.click("Add a program by name")
    ui.type("GIMP")
    ui.key("Return")  # adds, and accepts nothing
    ui.find("gimp", "check box")
    assert ui.seen()["accepted"] == []
    ui.click("Accept", "push button")
    assert ui.until(lambda seen: seen["accepted"])["accepted"][0][1] == ["gimp"]


def test_an_opened_recording_says_where_it_is(ui: Driver) -> None:
    ui.say(OWN)
    ui.say(SESSIONS)
    ui.say("shell.open(ui_command('recordings'))")
    ui.click("Only yours", "tree item")
    ui.click("Open…", "push button")
    ui.find("Open into which folder?")
    ui.until_focused()
    ui.click("Open here", "push button")
    seen = ui.until(
        lambda seen: [call for call in seen["calls"] if call.startswith("open_own 000000000000 recording-")]
    )
    assert seen["problems"] == []
    ui.find("Opened. The files in this folder are not encrypted.")
    ui.find("Show folder", "push button")


def test_the_window_is_hidden_and_not_ended_by_closing_it(ui: Driver) -> None:
    ui.say("shell.open()")
    ui.until(lambda seen: "mainWindow" in seen["windows"])
    ui.until_focused()
    ui.key("alt+F4")
    ui.until(lambda seen: "mainWindow" not in seen["windows"])
    ui.click_icon()
    ui.until(lambda seen: "mainWindow" in seen["windows"])
