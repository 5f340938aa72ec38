"""Pauses of the running agent on a real display: what is typed in one exists nowhere, however it begins and ends."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import agent_driver
import pytest
from agent_driver import events, typed

from capture_agent.control.client import Client
from capture_agent.demo.hands import Hands
from capture_agent.demo.search import hits
from capture_agent.encode.video import frame_times

pytestmark = pytest.mark.real

CANARY = "zymurgy-canary-7"
PAUSES = 8
CLOCKS_US = 5_000  # between the clock here and the display's, whose times are whole ms
COUNTDOWN_WAIT_S = 110.0  # a minute's pause, and ten seconds of countdown, on a busy machine


def stopped(agent, out):
    """Stop, open the newest session, and return its report."""
    agent.command("stop")
    return agent.opened(agent.sessions()[0]["id"], out)


def gaps_of(opened, reason):
    found = [
        (e["start_us"], t_us, e["reason"]) for topic, t_us, e in events(opened) if topic == "marks" and "start_us" in e
    ]
    return [(start, end) for start, end, why in found if why == reason]


def times_of(opened):
    """Return the times of all events, but those of marks, and of all frames."""
    times = [t_us for topic, t_us, _ in events(opened) if topic != "marks"]
    for video in opened.glob("screen-*.mp4"):
        with video.open("rb") as stream:
            times += frame_times(stream)
    return times


class Typist(threading.Thread):
    """Hands that type without pause: `letter`, which the test changes, as fast as the server takes it."""

    def __init__(self, display):
        super().__init__(daemon=True)
        self.hands, self.letter, self.over, self.pressed = Hands(display), "k", threading.Event(), 0
        self.start()

    def run(self):
        while not self.over.wait(0.001):
            self.hands.key(self.letter)
            self.pressed += 1
        self.hands.close()


@pytest.mark.promise("P5")
def test_nothing_that_is_typed_in_pauses_at_full_speed_exists_anywhere(recording, tmp_path):
    window = recording.windows.wait("capture-agent")
    recording.windows.place(window, 20, 40, 620, 600)
    recording.eventually(lambda: recording.windows.wait("capture-agent").x <= 40, "the window does not get its place")
    recording.work_in_terminal()
    recording.hands.acts.clear()
    recording.hands.type("b")
    time.sleep(1.0)
    typist, client = Typist(recording.desktop.display), Client(recording.profile)
    place, told = None, []
    for _ in range(PAUSES):
        time.sleep(0.9)
        typist.letter = "x"  # may be kept or not: on its way when the pause begins
        assert client.ask("pause")["state"] == "paused"
        told.append(time.monotonic_ns() // 1000)
        typist.letter = "p"
        time.sleep(0.3)
        typist.letter = "x"
        place = place or recording.eyes.wait("Resume", "push button").centre
        recording.hands.click(*place)
        recording.until("recording")
        recording.work_in_terminal()
        typist.letter = "k"
    time.sleep(0.9)
    typist.over.set()
    typist.join()
    stopped(recording, tmp_path / "opened")
    assert typist.pressed > 100 * PAUSES
    letters = typed(tmp_path / "opened")
    assert "p" not in letters
    assert letters.count("k") > 20 * PAUSES
    gaps = gaps_of(tmp_path / "opened", "paused")
    assert len(gaps) == PAUSES
    began = recording.hands.acts[0].t_us - min(t for topic, t, _ in events(tmp_path / "opened") if topic == "keyboard")
    assert [start for (start, _), at in zip(gaps, told, strict=True) if start > at - began + CLOCKS_US] == []
    assert [t for t in times_of(tmp_path / "opened") for start, end in gaps if start < t < end] == []


@pytest.mark.promise("P5")
def test_a_crash_in_a_pause_comes_back_paused_and_a_timed_one_until_i_resume(recording, tmp_path):
    recording.hands.type("before")
    time.sleep(1.0)
    assert json.loads(recording.command("pause", "--for", "15m", "--json"))["paused_until"] is not None
    recording.kill()
    recording.start_agent()
    seen = recording.until("paused")
    assert seen["paused_until"] is None
    recording.work_in_terminal()
    recording.hands.type(CANARY)
    time.sleep(1)
    assert recording.status()["state"] == "paused"
    assert len(recording.sessions()) == 1
    recording.opened(recording.sessions()[0]["id"], tmp_path / "opened")
    kept = typed(tmp_path / "opened")
    assert kept  # of what was typed last a kill may cost something; more than that another test does not let through
    assert "before".startswith(kept)
    assert hits(recording.profile, CANARY) == []


@pytest.mark.promise("P5")
@pytest.mark.long
def test_a_timed_pause_counts_down_and_goes_on_while_somebody_is_there(recording, tmp_path):
    recording.hands.type("before")
    time.sleep(1.0)
    recording.windows.close(recording.windows.wait("capture-agent"))
    recording.command("pause", "--for", "1m")
    recording.work_in_terminal()
    recording.hands.type(CANARY)
    time.sleep(50)
    recording.hands.type(CANARY)  # somebody is there
    seen = recording.until_status(lambda seen: seen["resumes_in"] is not None, COUNTDOWN_WAIT_S)
    assert seen["state"] == "paused"
    recording.eyes.wait("Resume now", "push button")
    recording.hands.type(CANARY)
    recording.until("recording")
    recording.work_in_terminal()
    recording.hands.type("after")
    time.sleep(0.8)
    stopped(recording, tmp_path / "opened")
    assert typed(tmp_path / "opened") == "beforeafter"
    ((start, end),) = gaps_of(tmp_path / "opened", "paused")
    assert end - start >= 70_000_000
    assert [t for t in times_of(tmp_path / "opened") if start < t < end] == []


@pytest.mark.promise("P5")
def test_the_keys_that_pause_can_be_chosen_and_the_old_ones_are_given_back(recording):
    agent_driver.replace(recording.settings, 'pause_hotkey = "ctrl+alt+p"\n')
    recording.until_status(lambda seen: seen["pause_keys"] == "ctrl+alt+p")
    recording.hands.key("F9", hold=("Control_L", "Shift_L"))
    time.sleep(0.5)
    assert recording.status()["state"] == "recording"
    recording.hands.key("p", hold=("Control_L", "Alt_L"))
    recording.until("paused")


@pytest.mark.promise("P6")
def test_a_frozen_agent_that_wakes_up_paused_again_by_its_keys_records_nothing_of_both(recording, tmp_path):
    recording.hands.type("before")
    time.sleep(1.0)
    os.kill(recording.process.pid, signal.SIGSTOP)
    recording.hands.key("F9", hold=("Control_L", "Shift_L"))
    recording.hands.type(CANARY)
    time.sleep(1)
    os.kill(recording.process.pid, signal.SIGCONT)
    recording.until("paused")
    recording.hands.type(CANARY)
    time.sleep(0.5)
    stopped(recording, tmp_path / "opened")
    assert typed(tmp_path / "opened") == "before"
    assert hits(recording.profile, CANARY) == []
