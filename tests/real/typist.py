"""Secrets typed into real programs and words beside them, through sources, gate and encoders, to what is written."""

from __future__ import annotations

import difflib
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from capture_agent.core.events import Category, Event, FieldFocus, Focus, Window
from capture_agent.core.privacy import MASK_BGRX, Rules
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.hands import Hands
from capture_agent.demo.windows import Placed, Windows
from capture_agent.desktop.clock import now_us
from capture_agent.encode import frames, video
from capture_agent.encode.event_log import Message
from capture_agent.session.pipeline import Pipeline
from capture_agent.sources.choose import choose

# Secrets are digits, and nothing else that is typed has one: one kept digit tells.
SECRET_LETTERS, PLAIN_LETTERS = "0123456789", "bcdefghijlmnopqrtuvwxyz"
APART_S = 0.45  # plain words stay this far from secrets: the hold time, and what a busy machine needs to change focus
MARK_S = 0.1
PATIENCE_S = 20.0


class Shelf:
    """Keeps what would be sealed."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self, messages: list[Message]) -> None:
        self.messages += messages

    def close(self, reason: str, about: object) -> None:
        self.closed = reason

    def abandon(self) -> None:
        raise AssertionError("the pipeline died")


@dataclass
class Outcome:
    """What was typed, and what would have left the machine."""

    messages: list[Message]
    epoch_us: int
    secrets: list[tuple[int, int]]  # from the first to the last key of each, on the input clock
    plain: str
    looks: list[FieldFocus] = field(default_factory=list)

    @property
    def keys(self) -> list[tuple[int, dict]]:
        found = [m for m in self.messages if m.topic == "keyboard"]
        return [(m.t_us + self.epoch_us, json.loads(m.data)) for m in found]

    @property
    def typed(self) -> str:
        return "".join(e["text"] or "" for _, e in self.keys if e["down"])

    @property
    def marks(self) -> list[dict]:
        found = [json.loads(m.data) | {"t_us": m.t_us} for m in self.messages if m.topic == "marks"]
        return [e for e in found if e["kind"] == "withheld"]

    def leaked(self) -> list[str]:
        """Everything that was kept of a secret or says when, where or how long one was typed."""
        found = [e["sym"] for _, e in self.keys if e["sym"] in SECRET_LETTERS]
        for start, end in self.secrets:
            found += [
                f"{message.topic} {message.data[:80]!r}"
                for message in self.messages
                # Strictly inside: Tab may share its ms with the first and the last key.
                if start < message.t_us + self.epoch_us < end and message.topic in {"keyboard", "pointer"}
            ]
        return found

    def kept_share(self) -> float:
        """Which share of the plain text was kept; in the order in which it was typed."""
        matcher = difflib.SequenceMatcher(None, self.plain, self.typed, autojunk=False)
        return sum(block.size for block in matcher.get_matching_blocks()) / max(1, len(self.plain))

    def pictures(self) -> list[tuple[int, np.ndarray]]:
        """The frames, decoded: input-clock µs and RGB."""
        packets = [frames.unpack_video(m.data) for m in self.messages if m.topic == "screen/1"]
        decoded = video.decode_packets([(t_us, data) for t_us, _, data in packets])
        return [(t_us + self.epoch_us, rgb) for t_us, rgb in decoded]


def is_mask(pixel: np.ndarray) -> bool:
    return all(abs(int(a) - b) <= 16 for a, b in zip(pixel, MASK_BGRX[:3], strict=True))


class Typist:
    """One recording on one desktop, and the hands of the person."""

    def __init__(self, desktop: PrivateDesktop, apps: set[str], *, seed: int, screen: bool = False) -> None:
        self.desktop = desktop
        self.chance = random.Random(seed)
        self.hands = Hands(desktop.display)
        self.windows = Windows(desktop.display)
        categories = frozenset(Category) if screen else frozenset(Category) - {Category.SCREEN}
        bus = desktop.env.get("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        self.sources = choose(categories, max_fps=10, display=desktop.display, session_bus=bus)
        self.shelf, self.epoch_us = Shelf(), now_us()
        self.looks: list[FieldFocus] = []
        self.window: Window | None = None
        self.pipeline = Pipeline(self.shelf, Rules(categories, frozenset(apps)), epoch_us=self.epoch_us, clock=now_us)
        self.secrets: list[tuple[int, int]] = []
        self.plain = ""
        self._over = threading.Event()
        self._marker = threading.Thread(target=self._mark)

    def __enter__(self) -> Typist:
        self.pipeline.open_interval(now_us())
        self._marker.start()
        for source in self.sources.all:
            source.start(self._sink)
        return self

    def __exit__(self, *_: object) -> None:
        for source in reversed(self.sources.all):
            source.stop()
        self._over.set()
        self._marker.join()
        self.hands.close()
        self.windows.__exit__(None, None, None)

    def _sink(self, event: Event) -> None:
        if isinstance(event, FieldFocus):
            self.looks.append(event)
        elif isinstance(event, Focus) and event.window is not None:
            self.window = event.window
        self.pipeline.put(event)

    def _mark(self) -> None:
        while not self._over.wait(MARK_S):
            self.pipeline.mark(now_us())
            self.pipeline.check()
            for source in self.sources.all:
                source.check()

    # --- what the person does

    def eventually(self, true: Callable[[], object], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.01)

    def bring(self, app: str) -> Placed:
        """Wait for a program's window, give it the keyboard, let it settle."""
        window = self.windows.wait(app)
        self.windows.activate(window)
        self.windows.wait_active(app)
        time.sleep(1.0)
        return self.windows.wait_active(app)

    def word(self) -> str:
        """Type a plain word, far from secrets, and return it."""
        word = "".join(self.chance.choices(PLAIN_LETTERS, k=6))
        time.sleep(APART_S)
        self.hands.type(word)
        self.plain += word
        time.sleep(APART_S)
        return word

    def secret(self) -> None:
        """Type a secret 0 to 50 ms after its field has got the keyboard, as fast as a program would or as a person."""
        time.sleep(self.chance.uniform(0.0, 0.05))
        word = "".join(self.chance.choices(SECRET_LETTERS, k=self.chance.randint(6, 14)))
        before = len(self.hands.acts)
        self.hands.type(word, pause_s=self.chance.choice((0.0, 0.005, 0.03)))
        pressed = [act.t_us // 1000 * 1000 for act in self.hands.acts[before:] if act.down]  # the server's clock has ms
        self.secrets.append((pressed[0], pressed[-1]))

    def press(self, name: str, **more: tuple[str, ...]) -> None:
        self.hands.key(name, **more)

    def outcome(self) -> Outcome:
        """End the recording and return what came of it."""
        time.sleep(APART_S)
        for source in reversed(self.sources.all):
            source.stop()
        self.pipeline.close_interval(now_us())
        self.pipeline.close("stopped")
        return Outcome(self.shelf.messages, self.epoch_us, self.secrets, self.plain, self.looks)
