"""Looking at a recording of one's own on a real display: keys, pictures, cutting, deleting; and nothing on any disk."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sessions
from ui_driver import Driver, until, value
from ui_windows import AGREE, CHOOSE_FIRST, CUTTING, PLAYING, RECORDINGS, SESSIONS, STUDY, WITHDRAWABLE

from capture_agent.core.events import Focus, Key, Monitor, Monitors, Rect, Window
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.search import hits, writings
from capture_agent.encode import frames
from capture_agent.encode.video import Decoder

pytestmark = pytest.mark.real

CANARY = "xylophone-quartz-review"
SESSION = "c" * 32


@pytest.fixture
def ui(desktop: PrivateDesktop) -> Iterator[Driver]:
    with Driver(desktop) as driver:
        driver.until(lambda seen: seen["proof"])
        yield driver


def test_however_long_tasks_and_names_are_the_list_is_no_wider_than_its_window(ui: Driver) -> None:
    ui.say(STUDY, AGREE, WITHDRAWABLE, "shell.open(ui_command('recordings'))", "list = shell.window.recordings._list")
    until(ui, "'mousepad' in list.topLevelItem(0).text(2)")
    ui.say(
        "list.topLevelItem(0).setText(2, 'Task: ' + ' '.join(['Find the largest file'] * 6))",
        "list.topLevelItem(0).setText(4, 'Sealed for ' + ' and '.join(['The long-named institute'] * 3))",
    )
    ui.picture("long-names")
    assert value(ui, "list.horizontalScrollBar().maximum()") == 0
    assert value(ui, "list.columnWidth(2)") >= 100


def test_a_recording_is_opened_from_the_list_and_played_by_keys(ui: Driver) -> None:
    ui.say(*RECORDINGS, CHOOSE_FIRST)
    ui.click("Look at it…", "push button")
    ui.until(lambda seen: "playerWindow" in seen["windows"])
    ui.until_focused("Time line")
    ui.say("player = shell.window.recordings._player")
    ui.key("Right", "Right", "Right")
    until(ui, "player.bar.value() == 3000")
    ui.key("End")
    until(ui, "player.bar.value() == player.bar.maximum()")
    ui.key("Home")
    until(ui, "player.bar.value() == 0")
    ui.key("space")
    until(ui, "player.playing and player.bar.value() > 0 and player.view._image is not None")
    ui.find("Pause", "push button")
    ui.key("space")
    until(ui, "not player.playing")
    ui.key("Escape")
    ui.until(lambda seen: "playerWindow" not in seen["windows"])


def test_a_gap_is_said_and_drawn_and_is_passed_over_when_played(ui: Driver) -> None:
    ui.say(*PLAYING, "player.bar.setValue(119_500)")
    ui.say("player.toggle()")
    until(ui, "'Not recorded: You paused' in player._what.text()")
    ui.picture("player-gap")
    until(ui, "player.position_us >= 200_000_000")
    ui.say("player.toggle()")
    assert value(ui, "player.bar.said(365_000_000)") == (
        "6:05\nNot recorded: The recording sign was not in sight\nTask: Bericht"
    )
    assert "a password field" in str(value(ui, "player.bar.said(220_000_000)"))


def test_dragging_shows_pictures_and_another_screen_can_be_chosen(ui: Driver) -> None:
    ui.say(*PLAYING)
    until(ui, "player.view._pixels is not None and player.view._pixels.shape == (720, 1280, 3)")
    node = ui.until_focused("Time line")
    x, y, width, _ = node.box
    ui.xdotool("mousemove", str(x + 20), str(y + 10), "mousedown", "1")
    ui.xdotool("mousemove", str(x + width // 2), str(y + 10), "sleep", "0.3")
    until(ui, "abs(player.bar.value() - 300_000) < 5_000")
    ui.xdotool("mouseup", "1")
    ui.say("player._screens.setCurrentIndex(1)")
    until(ui, "player.view._pixels is not None and player.view._pixels.shape == (600, 800, 3)")
    ui.picture("player-second-screen")


def test_a_stretch_is_cut_out_and_that_is_undone_or_made_for_good_after_a_question(ui: Driver) -> None:
    ui.say(*PLAYING, "player.bar.setFocus()")
    ui.until_focused("Time line")
    ui.key("i")
    ui.say("player.bar.setValue(60_000)")
    ui.key("o")
    ui.picture("player-marked")
    ui.click("Cut out", "push button")
    ui.until(lambda seen: f"cut {'0' * 12} stretch 32000000-60000000" in seen["calls"])
    assert "Marked to be cut out" in str(value(ui, "player.bar.said(40_000_000)"))
    ui.click("Undo", "push button")
    ui.until(lambda seen: f"undo_cut {'0' * 12}" in seen["calls"])
    until(ui, "not player._cuts.isVisible() and player.bar.cuts == ()")
    ui.say(*CUTTING)
    ui.picture("player-cuts")
    ui.click("Cut for good…", "push button")
    ui.find("Cut out for good what is marked?")
    ui.picture("player-cut")
    ui.key("Return")  # the focus is on Cancel
    ui.until(lambda seen: "cutDialog" not in seen["windows"])
    assert f"cut_for_good {'0' * 12}" not in ui.seen()["calls"]
    ui.click("Cut for good…", "push button")
    ui.click("Cut for good", "push button")
    ui.until(lambda seen: f"cut_for_good {'0' * 12}" in seen["calls"])
    until(ui, "not player._cuts.isVisible()")


def test_a_program_a_task_or_what_was_typed_is_chosen_by_keys_and_shown_before_it_is_cut(ui: Driver) -> None:
    ui.say(*PLAYING)
    ui.click("Choose what to cut…", "push button")
    ui.until_focused("What can be cut out")
    ui.key("Down", "Down")  # from the heading to the first program, and to the second
    until(ui, "player.bar._shaded and player.position_us == 300_000_000")
    ui.picture("player-choice")
    ui.key("Tab")
    ui.until_focused("Cut out")
    ui.key("Return")
    ui.until(lambda seen: f"cut {'0' * 12} program 300000000-480000000" in seen["calls"])
    until(ui, "player._cuts._list.currentText().endswith('5:00 to 8:00') and player.bar._shaded == ()")
    names = value(ui, "[one.name for one in player._cuts.to_choose()]")
    assert names[:2] == ["mousepad", "Bericht"]


def test_a_recording_is_deleted_and_can_be_put_back(ui: Driver) -> None:
    ui.say(*PLAYING)
    ui.click("Delete…", "push button")
    ui.find("Delete this recording?")
    ui.picture("player-delete")
    ui.click("Delete", "push button")
    ui.until(lambda seen: "playerWindow" not in seen["windows"])
    ui.say("shell.open(ui_command('recordings'))", CHOOSE_FIRST)
    until(ui, "agent.sessions()[0].deleted_until is not None")
    ui.picture("recordings-deleted")
    ui.click("Put back", "push button")
    until(ui, "agent.sessions()[0].deleted_until is None")


def test_what_is_damaged_is_refused_in_words_and_what_was_cut_off_by_a_crash_says_so(ui: Driver) -> None:
    ui.say(STUDY, AGREE, SESSIONS, "player = shell.window.recordings.play(agent.sessions()[2])")
    ui.find("This recording cannot be shown.")
    assert any("Part-000004.age was damaged or changed." in node.name for node in ui.nodes())
    ui.picture("player-damaged")
    ui.say("one = m.replace(agent.sessions()[0], complete=False); agent.put(one)")
    ui.say("player = shell.window.recordings.play(one)")
    until(ui, "'The end is missing' in player._what.text()")


def secret_session(folder: Path) -> sessions.Held:
    """Write a session whose title, keys and pictures hold the canary."""
    window = Window(7, "xterm", CANARY, Rect(0, 0, 300, 200), Rect(0, 0, 300, 200))
    typed = [Key(500_000 + n * 90_000, True, 38, letter, letter, (), False) for n, letter in enumerate(CANARY)]
    made = sessions.events(Monitors(0, (Monitor(1, Rect(0, 0, 320, 200)),)), Focus(1, window), *typed)
    made += sessions.video(1, list(range(60_000, 6_000_000, 125_000)))
    about = {**sessions.ABOUT, "study": "own"}
    return sessions.make_held(folder, sorted(made, key=lambda one: one.t_us), session=SESSION, about=about)


def pixels_of(held: sessions.Held) -> set[bytes]:
    """Return a row of pixels of each picture, as programs keep them in memory."""
    decoder = Decoder()
    rows = set()
    for message in held.messages:
        if message.topic == "screen/1":
            decoder.take(frames.unpack_video(message.data).data)
            row = decoder.pixels()[100, :40]
            with_four = np.dstack([row[None, :, ::-1], np.full((1, 40, 1), 255, np.uint8)])
            rows |= {row.tobytes(), with_four.tobytes()}
    return rows


def found(since: float, pixels: set[bytes]) -> list[str]:
    """Return the files written since then, anywhere that a program of ours may write to, that hold the canary."""
    wanted = writings(CANARY) | pixels
    holding = []
    for place in ("/tmp", "/var/tmp", "/dev/shm", f"/run/user/{os.getuid()}"):
        for root, _, names in os.walk(place):
            for path in (Path(root, name) for name in names):
                try:
                    status = path.lstat()
                    ours = path.is_file() and not path.is_symlink() and status.st_uid == os.getuid()
                    ours = ours and not path.name.startswith("told.")  # what this test's own program says of its labels
                    if ours and status.st_mtime >= since - 1 and any(way in path.read_bytes() for way in wanted):
                        holding.append(str(path))
                except OSError:
                    continue  # it went away, or is not ours to read
    return holding


@pytest.mark.promise("P3")
def test_nothing_that_the_player_decrypts_touches_a_disk_while_it_is_open_nor_after_it_is_killed(
    desktop: PrivateDesktop, tmp_path: Path
) -> None:
    since = time.time()
    with Driver(desktop, "--spy") as ui:
        ui.until(lambda seen: seen["proof"])
        held = secret_session(desktop.folder / "person" / "profile" / "held")
        pixels = pixels_of(held)
        ui.say(
            "from capture_agent.keys import age",
            f"agent._vault.add({SESSION!r}, age.parse_identity({held.identity.secret!r}))",
            "agent.choose_own(); shell.bridge.refresh()",
            "shell.open(ui_command('recordings'))",
        )
        until(ui, "bool(shell.window.recordings._glances._known)")  # its picture is in the list
        ui.say("player = shell.window.recordings.play(agent.sessions()[0])")
        until(ui, "player._review is not None")
        ui.say("player.toggle()")
        until(ui, "player.bar.value() > 3000 and player.view._pixels is not None")
        assert value(ui, "len(player._timeline.windows[0].title)") == len(CANARY)
        assert [name for name in hits(desktop.folder, CANARY) if not name.startswith("told.")] == []
        assert found(since, pixels) == []
        os.kill(int(ui.seen()["pid"]), signal.SIGKILL)
        ui.program.wait()
        assert [name for name in hits(desktop.folder, CANARY) if not name.startswith("told.")] == []
        assert found(since, pixels) == []
    planted = tmp_path / "planted"
    planted.write_bytes(b"x" + next(iter(pixels)))
    assert found(since, pixels) == [str(planted)]
