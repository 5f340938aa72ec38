"""Perform a workload on the stage, as a process of its own, so that nothing else here delays it.

    python -m benchmarks.perform (active CYCLES | still SECONDS | flood COUNT) SEED FOLDER

Real input through XTEST, real programs. Writes into FOLDER when it is over: `performed.json` with
what was injected and when, and `truth-N.npy`, the lossless grab of each probe.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import mss
import numpy as np
from numpy.typing import NDArray
from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

from benchmarks import script, stage

LATE_S = 0.05  # a step later than this is counted: on an overloaded machine the run says so
FLOOD_PER_S = 1_000
KEYSYMS = {" ": "space", "\n": "Return"}
CLEAR = b"\x1b[H\x1b[2J\x1b[3J"
WHEEL_UP, WHEEL_DOWN = 4, script.WHEEL_DOWN_BUTTON


class Hands:
    """Injects input and moves windows."""

    def __init__(self, folder: Path) -> None:
        self.server = Display()
        self._fifo = (folder / "reading.fifo").open("wb", buffering=0)
        self._typing = stage.find_window(self.server, stage.TYPING)
        self._grabber = mss.MSS()
        self.probe = stage.Probe(self.server)
        self.truth: dict[int, NDArray[np.uint8]] = {}

    def do(self, step: script.Step) -> None:
        """Perform one step."""
        match step.kind:
            case script.Kind.PRINT:
                self._fifo.write(step.text.encode() + b"\n")
            case script.Kind.CLEAR:
                self._fifo.write(CLEAR)
            case script.Kind.KEY:
                code = self.key_code(step.text)
                self.fake(X.KeyPress, code)
                time.sleep(script.KEY_HELD_MS / 1000)
                self.fake(X.KeyRelease, code)
            case script.Kind.CLICK:
                self.fake(X.ButtonPress, 1)
                self.fake(X.ButtonRelease, 1)
            case script.Kind.SCROLL:
                button = WHEEL_DOWN if step.y > 0 else WHEEL_UP
                self.fake(X.ButtonPress, button)
                self.fake(X.ButtonRelease, button)
            case script.Kind.MOVE:
                self.fake(X.MotionNotify, x=step.x, y=step.y)
            case script.Kind.PLACE | script.Kind.TITLE:
                self._typing_window(step)
            case script.Kind.PROBE:
                self.probe.show(step.number)
            case script.Kind.GRAB:
                shot = self._grabber.grab(self._grabber.monitors[1])
                self.truth[step.number] = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4).copy()

    def fake(self, kind: int, detail: int = 0, x: int = 0, y: int = 0, *, flush: bool = True) -> None:
        """Inject one event now; without `flush`, with the next one that is sent."""
        xtest.fake_input(self.server, kind, detail, x=x, y=y)
        if flush:
            self.server.flush()

    def key_code(self, text: str) -> int:
        """Return the key that types one character without modifiers."""
        return int(self.server.keysym_to_keycode(XK.string_to_keysym(KEYSYMS.get(text, text))))

    def _typing_window(self, step: script.Step) -> None:
        if self._typing is None:
            raise RuntimeError("there is no typing window")
        if step.kind is script.Kind.PLACE:
            self._typing.configure(x=stage.TYPING_AT[0] + step.x, y=stage.TYPING_AT[1] + step.y)
        else:
            self._typing.change_text_property(
                self.server.intern_atom("_NET_WM_NAME"), self.server.intern_atom("UTF8_STRING"), step.text
            )
        self.server.flush()


def run(hands: Hands, work: script.Script) -> dict[str, object]:
    """Perform a script on time; return what happened."""
    start = time.monotonic()
    late = 0
    for step in work.steps:
        left = start + step.at_ms / 1000 - time.monotonic()
        if left > 0:
            time.sleep(left)
        late += left < -LATE_S
        hands.do(step)
    time.sleep(max(0.0, start + work.length_ms / 1000 - time.monotonic()))
    return {"seconds": time.monotonic() - start, "late": late, "injected": work.injected(), "canary": work.canary}


def pour(hands: Hands, seed: int, count: int) -> dict[str, object]:
    """Inject `count` events at `FLOOD_PER_S`; return how many of each kind."""
    letters = [hands.key_code(letter) for letter in script.CANARY_LETTERS]
    hands.fake(X.MotionNotify, x=1_300, y=600)
    hands.fake(X.ButtonPress, 1)
    hands.fake(X.ButtonRelease, 1)
    time.sleep(stage.SETTLE_S)
    injected = {"keys": 0, "moves": 1, "buttons": 2, "scrolls": 0}
    count -= sum(injected.values())
    start, before = time.monotonic(), sum(injected.values())
    for kind, a, b in script.flood(seed, count):
        # Paced by events, not by steps: that a wheel's button comes up is none.
        left = start + (sum(injected.values()) - before) / FLOOD_PER_S - time.monotonic()
        # Whoever is late sends several at once: each write to the server costs a tenth of the time that one event has.
        if left > 0:
            hands.server.flush()
            time.sleep(left)
        if kind == "move":
            hands.fake(X.MotionNotify, x=a, y=b, flush=False)
            injected["moves"] += 1
        elif kind == "key":
            hands.fake(X.KeyPress if b else X.KeyRelease, letters[a], flush=False)
            injected["keys"] += 1
        else:
            hands.fake(X.ButtonPress if b else X.ButtonRelease, a, flush=False)
            injected["buttons" if a == 1 else "scrolls"] += 1 if a == 1 else b
    hands.server.sync()
    seconds = time.monotonic() - start
    return {"seconds": seconds, "late": 0, "injected": injected, "canary": "", "per_s": count / seconds}


def main() -> None:
    """Perform what the command line says."""
    kind, amount, seed, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    hands = Hands(folder)
    if kind == "flood":
        done = pour(hands, seed, amount)
    else:
        done = run(hands, script.active(seed, amount) if kind == "active" else script.still(seed, amount))
    hands.server.sync()
    for number, pixels in hands.truth.items():
        np.save(folder / f"truth-{number}.npy", pixels)
    (folder / "performed.json~").write_text(json.dumps(done), encoding="utf-8")
    (folder / "performed.json~").replace(folder / "performed.json")


if __name__ == "__main__":
    main()
