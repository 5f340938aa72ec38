"""python -m benchmarks.hour: how long a recording of an hour takes to open, look at, cut, tell anew and forget.

One is written by the real writer on a desktop of its own: 100 MB, 4,500 parts, 27,000 frames, 240,000 events as they
come from hands that never rest. Then the window of the agent opens it as a click on "Look at it…" does. Its beginning
is there when its first picture is painted; it is open when its whole time line is, too. Then that is dragged about and
let go. Wall clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import machine
from benchmarks.many import begin, command, fill, settle
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.encode.frames import pack_video
from capture_agent.encode.records import Message
from capture_agent.encode.video import Encoder
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.held.timeline import TaskTime
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.vault import Vault, choose_secrets
from capture_agent.ledger.notices import own_policy
from capture_agent.session.profile import Profile

if TYPE_CHECKING:
    from capture_agent.ui.player import Player

PARTS, PART_US = 4_500, 800_000
FRAMES, MOVES, KEYS = 6, 40, 6  # in a part
FRAMES_A_KEY_FRAME = 60  # one in 8 s
WIDTH, HEIGHT = 1920, 1080
ROUNDS = 5
TICK_S, REST_S = 0.1, 0.005
SESSION = "a" * 32
MINUTE_US = 60_000_000


def packets() -> list[bytes]:
    """Return the packets of a video that can be repeated: a page, then a line on it that changes with each frame."""
    chance, encoder = np.random.default_rng(1), Encoder(WIDTH, HEIGHT)
    page = chance.integers(0, 2, (HEIGHT // 8, WIDTH // 8, 1), np.uint8).repeat(8, 0).repeat(8, 1) * 200
    pixels, made = np.repeat(page, 4, 2).astype(np.uint8), []
    for number in range(FRAMES_A_KEY_FRAME):
        pixels[500:516, 100:300] = chance.integers(0, 255, (16, 200, 1), np.uint8)
        made.append(encoder.encode(pixels, number + 1, key=number == 0))
    encoder.close()
    return made


def event(topic: str, t_us: int, **fields: object) -> Message:
    """Return one as the recorder writes it."""
    return Message(topic, t_us, json.dumps(fields, separators=(",", ":")).encode())


def write() -> None:
    """Put the recording into the profile of this user."""
    fill(0)
    profile, policy = Profile.of_user(), own_policy()
    identity, began = age.new_classical(), datetime.now(UTC) - timedelta(hours=1)
    Vault(profile.vault, choose_secrets(profile.folder, None)).add(SESSION, identity)
    about = {"study": policy.study, "started": began.isoformat(), "consent": "0" * 64}
    writer = Writer.create(profile.held, SESSION, identity.recipient, about)
    video, rect = packets(), [0, 0, WIDTH, HEIGHT]
    monitors = [{"number": 1, "rect": rect, "scale": 1.0}]
    for number in range(PARTS):
        t_us = number * PART_US
        made = [event("marks", 0, kind="monitors", monitors=monitors)] if not number else []
        for n in range(FRAMES):
            at_us = t_us + n * 130_000
            frame = video[(number * FRAMES + n) % len(video)]
            made.append(Message("screen/1", at_us, pack_video(at_us, 1, frame)))
        moved = range(t_us, t_us + MOVES * 20_000, 20_000)
        made += [event("pointer", at_us, kind="move", x=400, y=number % HEIGHT, injected=False) for at_us in moved]
        key = {"kind": "key", "code": 38, "sym": "a", "mods": [], "injected": False}
        for n in range(KEYS):
            made.append(event("keyboard", t_us + n * 110_000, **key, down=True, text="a"))
            made.append(event("keyboard", t_us + n * 110_000 + 50_000, **key, down=False, text=None))
        writer.append(sorted(made, key=lambda message: message.t_us))
    writer.close("stopped", {"duration_us": str(PARTS * PART_US)})


def window() -> None:
    """Open the window of this user's agent on this display, and print how long things take there, in s."""
    from benchmarks.dragging import Hand
    from capture_agent.ui.view_state import Command

    application, desktop, agent, shell = begin()
    shell.open(Command.RECORDINGS)
    page = shell.window.recordings
    (session,) = agent.sessions()
    stalls: list[float] = []
    taken: dict[str, list[float]] = {"beginning": [], "its middle, while it is read": [], "open": [], "CPU": []}

    def until(done: Callable[[], object]) -> float:
        """Do what is due until it is so, as the program does; note the longest time without an answer."""
        before = ticked = time.perf_counter()
        while not done():
            turn = time.perf_counter()
            application.processEvents()
            if turn - ticked > TICK_S:
                agent.tick()
                ticked = turn
            stalls.append(time.perf_counter() - turn)
            time.sleep(REST_S)  # a main thread that never rests takes its time from the others
        return time.perf_counter() - before

    def opened() -> Player:
        page.close_player()
        settle(application.processEvents)
        shown: list[object] = []
        before = time.perf_counter()
        used = time.process_time()
        player = page.play(session)
        player.opened.connect(shown.append)
        until(lambda: player.view._pixels is not None)
        player.repaint()
        taken["beginning"].append(time.perf_counter() - before)
        first, moved = player.view._pixels, time.perf_counter()
        player.bar.setValue(player.bar.maximum() // 2)
        until(lambda: player.view._pixels is not first)
        player.repaint()
        taken["its middle, while it is read"].append(time.perf_counter() - moved)
        until(lambda: shown)
        player.repaint()
        taken["open"].append(time.perf_counter() - before)
        taken["CPU"].append(time.process_time() - used)
        return player

    until(page._list.topLevelItemCount)
    player = [opened() for _ in range(1 + ROUNDS)][-1]
    found = {f"{name}, the first time": those[0] for name, those in taken.items()}
    found |= {f"{name}, again": statistics.median(those[1:]) for name, those in taken.items()}
    found["longest stall while it opens"] = max(stalls)
    hand = Hand(player, until)
    found |= {f"dragging, {name}": s for name, s in hand.drag().items()}
    found |= {f"let go, {name}": s for name, s in hand.let_go().items()}
    stalls.clear()
    used = time.process_time()
    middle_us = PARTS * PART_US // 2
    agent.cut(SESSION, [Span(middle_us, middle_us + MINUTE_US)], What.STRETCH)
    done: list[object] = []
    shell.bridge.run_watched("", lambda progress: agent.cut_for_good(SESSION, progress), done.append)
    found["cutting a minute out for good"] = until(lambda: done)
    found["CPU of that"] = time.process_time() - used
    found["longest stall while it is cut"] = max(stalls)
    stalls.clear()
    done.clear()
    task = TaskTime(MINUTE_US, 2 * MINUTE_US, "Write", "done")
    shell.bridge.run_watched("", lambda progress: agent.put_task(SESSION, task, progress), done.append)
    found["telling a task anew"] = until(lambda: done)
    found["longest stall while it is told"] = max(stalls)
    stalls.clear()
    done.clear()
    before = time.perf_counter()
    forgotten = agent.forget(5)
    stalls.append(time.perf_counter() - before)
    shell.bridge.run("", agent.finish_forgetting, lambda _none: done.append(forgotten))
    found["forgetting the last five minutes"] = until(lambda: done)
    assert (forgotten.recordings, forgotten.whole) == (1, 0)
    found["longest stall while it is forgotten"] = max(stalls)
    print(json.dumps({"size_mb": round(session.size / 1e6), **{name: round(s, 3) for name, s in found.items()}}))
    shell.close()
    agent.shut_down()
    desktop.close()


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hour", description=__doc__)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--window", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write()
    elif asked.window:
        window()
    else:
        with PrivateDesktop() as desktop:
            taken, _ = command(desktop, "benchmarks.hour", "--write")
            print(f"the recording was written in {taken.wall:.0f} s", file=sys.stderr)
            found = json.loads(command(desktop, "benchmarks.hour", "--window")[1])
        print(json.dumps({**machine.when_and_what(), "load": round(os.getloadavg()[0], 2), "s": found}, indent=1))


if __name__ == "__main__":
    main()
