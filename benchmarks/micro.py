"""What one step of the recorder costs: gate, event encoding, frame path, sealing a part.

Each figure is the median over `REPEATS` of a loop's mean, in CPU time of this thread's process.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.script import WORDS
from capture_agent.core.events import Category, Event, Focus, Frame, Key, Layout, Monitor, Move, Picture, Rect, Window
from capture_agent.core.intervals import Intervals
from capture_agent.core.keyboard import widest
from capture_agent.core.privacy import Cleared, Gate, waiting
from capture_agent.core.rules import Rules
from capture_agent.core.typed import Run
from capture_agent.encode import event_log, frames
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.session.screens import Screens

REPEATS = 5
EVENTS = 4_000  # four seconds of the flood
PART_EVENTS = 120  # pointer moves in one part of a busy second
FRAMES = 60
WIDTH, HEIGHT = 1_920, 1_080
LINE = 15  # px from line to line
SCROLLED = (40, 40, 880, 900)  # x, y, width, height of what changes: a window of text, a third of the screen
WINDOW = Window(1, "xterm", "notes", Rect(0, 0, WIDTH, HEIGHT), Rect(0, 0, WIDTH, HEIGHT))


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield (what, how much, unit), one after the other."""
    events = _events()
    yield "gate, an input event", _median(lambda: _gate(events)) / len(events) * 1e6, "µs"
    keys = _typing()
    yield "looking for secrets in text, a character", _median(lambda: _scrubbed(keys)) / (len(keys) / 2) * 1e6, "µs"
    cleared = _cleared(events)
    yield "event to JSON", _median(lambda: [event_log.encode(one, 0) for one in cleared]) / len(cleared) * 1e6, "µs"
    screens = list(_screens())
    again = screens[0].copy()
    yield "compare equal frames", _median(lambda: [frames.changed_rows(screens[0], again) for _ in range(20)], 20), "ms"
    yield "paint over and gate a frame", _median(lambda: _paint(screens), len(screens)), "ms"
    yield "find what changed, convert, encode it", _median(lambda: _encode(screens, key=False), len(screens)), "ms"
    yield "the same, key frame", _median(lambda: _encode(screens, key=True), len(screens)), "ms"
    messages = [event_log.encode(one, 0) for one in cleared[:PART_EVENTS]]
    recipient = age.new_classical().recipient
    yield f"part of {PART_EVENTS} events: MCAP", _median(lambda: _parts(messages), 50), "ms"
    part = event_log.write_part({}, messages)
    yield "part: age", _median(lambda: [age.encrypt(part, [recipient]) for _ in range(50)], 50), "ms"
    with tempfile.TemporaryDirectory() as folder:
        about = {"study": "bench", "started": "2026-01-01T00:00:00Z", "consent": "0" * 64}
        writer = Writer.create(Path(folder), "0" * 32, recipient, about)
        yield "part: MCAP, age, append, fsync (wall)", _wall(lambda: writer.append(messages), 20), "ms"
        writer.close("bench")


def _median(work: Callable[[], object], count: int | None = None) -> float:
    """Return seconds of CPU for the whole of `work`, or milliseconds for each of `count`."""
    taken = []
    for _ in range(REPEATS):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return statistics.median(taken) * (1e3 / count if count else 1)


def _wall(work: Callable[[], object], count: int) -> float:
    before = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - before) / count * 1e3


def _events() -> list[Event]:
    events: list[Event] = []
    for n in range(EVENTS):
        t_us = 1_000_000 + n * 1_000
        if n % 10 < 8:
            events.append(Move(t_us, n % WIDTH, n % HEIGHT, injected=False))
        else:
            events.append(Key(t_us, n % 10 == 8, 38, "a", "a" if n % 10 == 8 else None, (), injected=False))
    return events


def _typing() -> list[Key]:
    """Return prose with a number now and then, as keys."""
    text = " ".join(f"{word} {n * 97}" if n % 7 == 0 else word for n, word in enumerate(WORDS * 4))
    keys = []
    for n, character in enumerate(text):
        down = Key(1_000_000 + n * 100_000, True, 38, character, character, (), injected=False)
        keys += [down, replace(down, t_us=down.t_us + 50_000, down=False, text=None)]
    return keys


def _scrubbed(keys: list[Key]) -> None:
    run = Run()
    for key in keys:
        run = run.take(key).run


def _rules() -> Rules:
    return Rules(widest(frozenset(Category)), frozenset({"xterm", "desktop"}), frozenset(), own_pid=1)


def _open(until_us: int) -> tuple[Gate, Intervals]:
    intervals = Intervals().open(0)
    for now in range(0, until_us, 100_000):
        intervals = intervals.mark(now)
    return Gate(_rules()).observe(Focus(0, WINDOW)), intervals.mark(until_us)


def _gate(events: list[Event]) -> None:
    gate, intervals = _open(10_000_000)
    for event in events:
        if not waiting(event, intervals):
            gate, _ = gate.clear(event, intervals)


def _cleared(events: list[Event]) -> list[Cleared]:
    gate, intervals = _open(10_000_000)
    kept: list[Cleared] = []
    for event in events:
        gate, said = gate.clear(event, intervals)
        kept += said.cleared
    return kept


def _screens() -> Iterator[NDArray[np.uint8]]:
    """Yield frames of small text that scrolls by a line, on a plain background."""
    x, y, width, height = SCROLLED
    lines = height // LINE + FRAMES
    paper = Image.new("L", (width, lines * LINE), 255)
    pen, chance = ImageDraw.Draw(paper), random.Random(7)
    for n in range(lines):
        pen.text((4, n * LINE), " ".join(chance.choices(WORDS, k=20)), fill=0)
    text = np.asarray(paper)[..., None].repeat(4, axis=2)
    for n in range(FRAMES):
        screen = np.full((HEIGHT, WIDTH, 4), (72, 74, 59, 255), np.uint8)
        screen[y : y + height, x : x + width] = text[n * LINE : n * LINE + height]
        yield screen


def _paint(screens: list[NDArray[np.uint8]]) -> None:
    gate, intervals = _open(10_000_000)
    other = Window(2, "mail", "", Rect(900, 200, 800, 600), Rect(900, 200, 800, 600))
    layout = Layout((WINDOW, other))
    monitor = Monitor(1, Rect(0, 0, WIDTH, HEIGHT))
    rows = (SCROLLED[1], SCROLLED[1] + SCROLLED[3])
    for n, pixels in enumerate(screens):
        gate, _ = gate.clear(Frame(1_000_000 + n, monitor, pixels, layout, number=n, rows=rows), intervals)


def _encode(screens: list[NDArray[np.uint8]], *, key: bool) -> None:
    work, monitor = Screens(0), Monitor(1, Rect(0, 0, WIDTH, HEIGHT))
    for n, pixels in enumerate(screens):
        if key:
            work.force_key_frames(n * 100_000)
        work.encode(Picture(n * 100_000, monitor, 0, pixels))
    work.close()


def _parts(messages: list[event_log.Message]) -> None:
    for _ in range(50):
        event_log.write_part({}, messages)
