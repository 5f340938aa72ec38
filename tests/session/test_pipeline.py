"""The pipeline decides by event time: whatever thread is late, nothing from inside a pause is kept."""

import json
import random
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from capture_agent.core.errors import FaultError, StorageError
from capture_agent.core.events import (
    Category,
    FieldFocus,
    Focus,
    Frame,
    GapReason,
    Key,
    Layout,
    Monitor,
    Move,
    Picture,
    Rect,
    Verdict,
    Window,
)
from capture_agent.core.intervals import MARK_LOST_US
from capture_agent.core.privacy import HOLD_US
from capture_agent.core.rules import Rules
from capture_agent.encode import frames
from capture_agent.session.pipeline import Pipeline

AREA = Rect(0, 0, 64, 48)
EDITOR = Window(1, "editor", "a title", AREA, AREA, 100)
RULES = Rules(frozenset(Category), frozenset({"editor", "desktop"}))


class Shelf:
    """A place for parts that keeps them in memory, or is full."""

    def __init__(self, full=False):
        self.parts, self.closed, self.about, self.full, self.abandoned = [], None, {}, full, False

    def append(self, messages):
        if self.full:
            raise StorageError("the disk is full", hint="Free some space.")
        self.parts.append(list(messages))

    def close(self, reason, about):
        self.closed, self.about = reason, about

    def abandon(self):
        self.abandoned = True

    def messages(self, topic):
        return [m for part in self.parts for m in part if m.topic == topic]


def clock():
    return time.monotonic_ns() // 1000


def frame(t_us, shade):
    return Frame(t_us, Monitor(1, AREA), np.full((48, 64, 4), shade % 256, np.uint8), Layout((EDITOR,)))


def key(t_us, text="a"):
    return Key(t_us, True, 38, text, text, (), injected=False)


def look(t_us):
    return FieldFocus(t_us, Verdict.CLEAR, EDITOR.id)


def wait_marking(pipeline, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pipeline.mark(clock())
        time.sleep(0.05)


def looking(shelf):
    """A pipeline that has known for a while which window has the keyboard, and since when."""
    start = clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    pipeline.put(Focus(start, EDITOR))
    pipeline.put(look(start))
    wait_marking(pipeline, 0.35)
    return pipeline, start


def test_what_happens_in_an_open_interval_is_kept_in_order_and_sealed():
    shelf = Shelf()
    pipeline, start = looking(shelf)
    times = [clock() + n for n in range(100)]
    for t_us in reversed(times):  # threads deliver in any order
        pipeline.put(key(t_us))
    pipeline.put(look(times[-1]))
    wait_marking(pipeline, 0.5)
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    assert [m.t_us for m in shelf.messages("keyboard")] == [t - start for t in times]
    assert shelf.closed == "stopped"


@pytest.mark.promise("P6")
def test_what_queued_while_no_mark_came_is_dropped_unread():
    shelf, start = Shelf(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    pipeline.put(Focus(start, EDITOR))
    wait_marking(pipeline, 0.4)
    frozen = clock()
    time.sleep(0.1)
    pipeline.put(key(clock(), "x"))
    pipeline.put(frame(clock(), 5))
    time.sleep(MARK_LOST_US / 1e6 + 0.1)
    lost = pipeline.mark(clock())
    assert lost is not None
    assert lost <= frozen
    pipeline.open_interval(clock())
    wait_marking(pipeline, 0.4)
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    assert shelf.messages("keyboard") == []
    assert shelf.messages("screen/1") == []


@pytest.mark.promise("P8")
def test_a_key_waits_for_the_look_that_comes_late_and_not_for_one_that_does_not_come():
    shelf, start = Shelf(), clock()
    now = [start]
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=lambda: now[0])
    pipeline.open_interval(start)
    pipeline.put(Focus(start, EDITOR))
    pipeline.put(look(start))
    pipeline.put(key(start + 300_000, "x"))
    pipeline.put(key(start + 900_000, "y"))

    def pass_until(t_us):
        while now[0] < start + t_us:
            now[0] += 50_000
            pipeline.mark(now[0])
            time.sleep(0.02)

    pass_until(650_000)  # the hold time is over, and the look that takes longest is not
    pipeline.put(look(start + 310_000))
    pass_until(2_000_000)
    pipeline.put(look(start + 910_000))  # too late
    pass_until(2_100_000)
    pipeline.close_interval(now[0])
    pipeline.close("stopped")
    assert [json.loads(m.data)["text"] for m in shelf.messages("keyboard")] == ["x"]


@pytest.mark.promise("P8")
def test_what_is_typed_between_two_presses_of_a_program_is_not_kept():
    shelf = Shelf()
    pipeline, _ = looking(shelf)
    now = clock()
    tab = Key(now, True, 23, "Tab", None, (), injected=False)
    for event in (
        tab,
        key(now + 3_000, "secret"),
        replace(tab, t_us=now + 9_000),
        key(now + 20_000, "plain"),
        look(now + 25_000),
    ):
        pipeline.put(event)
    wait_marking(pipeline, 1.0)
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    kept = [json.loads(m.data)["sym"] for m in shelf.messages("keyboard")]
    assert kept == ["Tab", "Tab", "plain"]


@pytest.mark.promise("P10")
def test_a_full_disk_ends_in_a_fault_that_says_so():
    shelf, start = Shelf(full=True), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    pipeline.put(Focus(start, EDITOR))
    wait_marking(pipeline, 0.3)
    pipeline.close_interval(clock())
    with pytest.raises(FaultError, match="the disk is full"):
        pipeline.close("stopped")
    assert shelf.abandoned
    with pytest.raises(FaultError, match="the disk is full"):
        pipeline.check()


def test_equal_frames_are_left_out_and_a_gap_forces_a_key_frame():
    shelf, start = Shelf(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    for n, shade in enumerate([1, 1, 2, 2]):
        pipeline.put(frame(start + n, shade))
    wait_marking(pipeline, 0.3)
    now = clock()
    pipeline.gap(now - 10, now, GapReason.PAUSED)
    pipeline.put(frame(now + 1, 2))
    wait_marking(pipeline, 0.3)
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    packets = [frames.unpack_video(m.data)[2] for m in shelf.messages("screen/1")]
    assert [frames.is_key_frame(p) for p in packets] == [True, False, True]
    assert (shelf.about["frames_kept"], shelf.about["frames_equal"]) == ("3", "2")


def test_the_oldest_frames_are_dropped_and_counted_when_they_pile_up(monkeypatch):
    monkeypatch.setattr("capture_agent.session.pipeline.MAX_FRAME_BYTES", 10 * 48 * 64 * 4)
    shelf, start = Shelf(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    for n in range(20):
        pipeline.put(frame(start + 100_000 + n, n))
    wait_marking(pipeline, 0.5)
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    times = [m.t_us for m in shelf.messages("screen/1")]
    assert len(times) + int(shelf.about["frames_dropped"]) == 20
    assert times[-1] == 100_019
    assert int(shelf.about["frames_dropped"]) > 0


def test_events_that_nobody_can_take_in_are_a_fault_and_never_silence(monkeypatch):
    monkeypatch.setattr("capture_agent.session.pipeline.MAX_EVENTS", 10)
    shelf, start = Shelf(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    for _ in range(10_000):
        pipeline.put(key(start))
    with pytest.raises(FaultError, match="keep up"):
        pipeline.check()
    pipeline.close("fault")


EVENTS_EACH_S = 500  # of each of two threads that type and move
FRAMES_EACH_S = 10
LOOKS_EACH_S = 50  # into the window with the keyboard


class Source(threading.Thread):
    """Puts things with the time of their happening, at a rate that a busy machine cannot lower; some are late."""

    def __init__(self, pipeline, make, each_s, late_s=0.0):
        super().__init__(daemon=True)
        self.pipeline, self.make, self.late_s = pipeline, make, late_s
        self.step_us, self.put, self.over = 1_000_000 // each_s, 0, threading.Event()
        self.start()

    def run(self):
        next_us = clock()
        while not self.over.wait(0.001):
            happened = []
            while next_us <= clock():
                happened.append(self.make(next_us, self.put))
                next_us, self.put = next_us + self.step_us, self.put + 1
            if self.put % 8 == 0:
                time.sleep(self.late_s)  # on its way while the pause begins or ends
            for event in happened:
                self.pipeline.put(event)


def typed_or_moved(t_us, n):
    return key(t_us) if n % 2 else Move(t_us, 1, 1, injected=False)


@pytest.mark.promise("P5")
@pytest.mark.long
@pytest.mark.parametrize(
    "pauses", [pytest.param(100, id="short"), pytest.param(1000, id="long", marks=pytest.mark.soak)]
)
def test_nothing_from_inside_a_pause_exists_at_a_thousand_events_a_second(pauses):
    shelf, start, chance = Shelf(), clock(), random.Random(5)
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.put(Focus(start, EDITOR))
    sources = [
        Source(pipeline, typed_or_moved, EVENTS_EACH_S),
        Source(pipeline, typed_or_moved, EVENTS_EACH_S, late_s=0.04),
        Source(pipeline, frame, FRAMES_EACH_S),
        Source(pipeline, lambda t_us, _: look(t_us), LOOKS_EACH_S),
    ]
    allowed = []
    for n in range(pauses):
        opened = clock()
        pipeline.open_interval(opened)
        if allowed:
            pipeline.gap(start + allowed[-1][1], opened, GapReason.PAUSED)
            pipeline.put(Focus(opened, EDITOR))
        pipeline.put(look(opened))
        # Every fourth is long enough for keys to be kept; in the others all of them are still held back when it ends.
        wait_marking(pipeline, chance.uniform(0.6, 0.7) if n % 4 == 0 else chance.uniform(0.05, 0.3))
        closed = clock()
        pipeline.close_interval(closed)
        allowed.append((opened - start, closed - start))
        time.sleep(chance.uniform(0.0, 0.2))
    for source in sources:
        source.over.set()
        source.join()
    pipeline.close("stopped")
    lasted_s = (clock() - start) / 1e6
    assert sum(source.put for source in sources[:2]) >= 0.95 * 2 * EVENTS_EACH_S * lasted_s
    typed = [m.t_us for topic in ("keyboard", "pointer") for m in shelf.messages(topic)]
    assert len(typed) > 10 * pauses
    assert all(any(a + HOLD_US <= t <= b - HOLD_US for a, b in allowed) for t in typed)
    filmed = [m.t_us for m in shelf.messages("screen/1")]
    assert len(filmed) > pauses // 2
    assert all(any(a <= t <= b for a, b in allowed) for t in filmed)
    gaps = [json.loads(m.data) for m in shelf.messages("marks") if b"paused" in m.data]
    assert len(gaps) == pauses - 1
    # Nothing is left anywhere: not in the queue, not among what was held back.
    assert not pipeline._queue
    assert not pipeline._waiting
    assert not pipeline._frames


@pytest.mark.promise("P13")
def test_frames_that_come_while_the_disk_hangs_take_bounded_memory(monkeypatch):
    room = 10 * 48 * 64 * 4
    monkeypatch.setattr("capture_agent.session.pipeline.MAX_FRAME_BYTES", room)
    answers = threading.Event()

    class Hanging(Shelf):
        def append(self, messages):
            answers.wait()
            super().append(messages)

    shelf, start = Hanging(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    pipeline.put(frame(start, 1))
    wait_marking(pipeline, 1.2)  # a part is due by now, and is not written
    for n in range(50):
        pipeline.put(frame(clock(), n))
        assert sum(waits.pixels.nbytes for _, _, waits in pipeline._frames) <= room
    answers.set()
    wait_marking(pipeline, 0.3)
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    assert int(shelf.about["frames_dropped"]) >= 40


def test_what_comes_with_a_new_interval_is_not_judged_by_what_was_known_before_it():
    now = [start := clock()]
    shelf = Shelf()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=lambda: now[0])
    pipeline.put(frame(start + 100, 1))
    pipeline.put(Focus(start + 100, EDITOR))
    time.sleep(0.2)  # the pipeline looks, several times
    pipeline.open_interval(start + 50)
    now[0] = start + 1000
    pipeline.close_interval(start + 1000)
    pipeline.close("stopped")
    assert [m.t_us for m in shelf.messages("screen/1")] == [100]
    assert [m.t_us for m in shelf.messages("windows")] == [100]


@pytest.mark.promise("P6")
def test_an_interval_that_was_lost_ended_with_its_last_mark():
    start = clock()
    pipeline = Pipeline(Shelf(), RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    assert pipeline.mark(start + 100_000)
    assert pipeline.close_interval(start + 100_000 + MARK_LOST_US + 1) == start + 100_000
    assert not pipeline.mark(start + 100_000 + MARK_LOST_US + 2)
    pipeline.close("stopped")


@pytest.mark.promise("P8")
def test_the_masked_share_counts_the_frames_that_were_kept():
    shelf, start = Shelf(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    secret = Window(2, "keepassxc", "", Rect(0, 0, 32, 48), AREA, 101)
    for n, shade in enumerate([1, 2, 2, 2]):
        layout = Layout((EDITOR, secret) if n else (EDITOR,))
        pipeline.put(Frame(start + n, Monitor(1, AREA), np.full((48, 64, 4), shade, np.uint8), layout))
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    assert (shelf.about["frames_kept"], shelf.about["masked_share"]) == ("2", "0.25")


def test_a_monitor_that_changes_its_size_never_goes_back_in_time():
    shelf, start = Shelf(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start, clock=clock)
    pipeline.open_interval(start)
    small = Rect(0, 0, 32, 32)
    pipeline._screens.encode(Picture(start + 500, Monitor(1, AREA), 0, frame(start, 1).pixels))
    # And then one with the time of its press.
    message = pipeline._screens.encode(Picture(start + 400, Monitor(1, small), 0, np.full((32, 32, 4), 1, np.uint8)))
    assert message.t_us == 501
    assert frames.is_key_frame(frames.unpack_video(message.data)[2])
    pipeline.close("stopped")


def test_the_end_of_a_session_says_how_long_input_was_not_kept_and_why():
    shelf, start = Shelf(), clock()
    pipeline = Pipeline(shelf, RULES, epoch_us=start - 5_000_000, clock=clock)
    pipeline.open_interval(start)
    other = Window(2, "mail", "", AREA, AREA, 101)
    pipeline.put(Focus(start + 1_000, EDITOR))
    pipeline.put(Focus(start + 100_000, other))
    time.sleep(0.2)
    pipeline.close_interval(clock())
    pipeline.close("stopped")
    (mark,) = [json.loads(m.data) | {"t_us": m.t_us} for m in shelf.messages("marks")]
    assert mark["reason"] == "program"
    assert json.loads(shelf.about["withheld_us"]) == {"program": mark["t_us"] - mark["start_us"]}
