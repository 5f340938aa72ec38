"""Cleared events as JSON, and back: the short names of `docs/schemas/`.

The time is not in the JSON: it is the message's own time, so that it cannot be said twice.
Every field is always there, but for `afterwards` of tasks; what is not known is null. Coordinates are physical pixels.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from capture_agent.core.errors import FaultError, VerificationError
from capture_agent.core.events import (
    Button,
    Event,
    FieldFocus,
    Focus,
    Frame,
    Gap,
    Key,
    KeyCount,
    Monitors,
    Move,
    Picture,
    PointerShape,
    Rect,
    Scroll,
    Shortcut,
    TaskFinished,
    TaskStarted,
    Window,
    Withheld,
)
from capture_agent.core.privacy import Cleared
from capture_agent.keys.strict_json import strict_object

KEYBOARD = "keyboard"
SHORTCUTS = "shortcuts"
COUNTS = "counts"
POINTER = "pointer"
WINDOWS = "windows"
TASKS = "tasks"
MARKS = "marks"
EVENT_TOPICS = (KEYBOARD, SHORTCUTS, COUNTS, POINTER, WINDOWS, TASKS, MARKS)
SCREEN_PREFIX = "screen/"  # followed by the monitor's number, from 1


class Message(NamedTuple):
    """One entry of a log: its topic, its session time in µs, its payload."""

    topic: str
    t_us: int
    data: bytes


# Compact and in the order of the fields, so that equal events make equal bytes.
to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def screen_topic(monitor: int) -> str:
    """Return the topic of the video of a monitor, numbered from 1."""
    return f"{SCREEN_PREFIX}{monitor}"


def encode(cleared: Cleared, epoch_us: int) -> Message:
    """Return what passed the gate as a message, in session time.

    `epoch_us` is session time 0 on the input clock. Frames go through `video.Encoder` and
    `frames.pack_video` instead.

    Raises:
        FaultError: The event lies before the session, or is a frame.
    """
    event = cleared.event
    t_us = event.t_us - epoch_us
    if t_us < 0:
        raise FaultError("an event from before its session reached the encoder")
    topic, fields = _fields(event, epoch_us)
    # A lone surrogate in a window title must not stop the recording; it becomes "?".
    return Message(topic, t_us, to_json(fields).encode("utf-8", "replace"))


def _fields(event: Event, epoch_us: int) -> tuple[str, dict[str, Any]]:
    match event:
        case Move(_, x, y, injected):
            return POINTER, {"kind": "move", "x": x, "y": y, "injected": injected}
        case Key(_, down, code, sym, text, mods, injected):
            return KEYBOARD, {
                "kind": "key",
                "down": down,
                "code": code,
                "sym": sym,
                "text": text,
                "mods": list(mods),
                "injected": injected,
            }
        case Shortcut(_, down, code, sym, mods, injected):
            said = {"kind": "key", "down": down, "code": code, "sym": sym, "mods": list(mods), "injected": injected}
            return SHORTCUTS, said
        case KeyCount(_, start_us, keys):
            return COUNTS, {"kind": "count", "start_us": max(0, start_us - epoch_us), "keys": keys}
        case Button(_, down, button, x, y, injected):
            return POINTER, {"kind": "button", "down": down, "button": button, "x": x, "y": y, "injected": injected}
        case Scroll(_, dx, dy, x, y, injected):
            return POINTER, {"kind": "scroll", "dx": dx, "dy": dy, "x": x, "y": y, "injected": injected}
        case PointerShape(_, name, width, height, hot_x, hot_y, bgra):
            return POINTER, {
                "kind": "shape",
                "name": name,
                "width": width,
                "height": height,
                "hot": [hot_x, hot_y],
                "bgra": base64.b64encode(bgra).decode("ascii"),
            }
        case Focus(_, window):
            return WINDOWS, {"kind": "focus", "window": None if window is None else _window(window)}
        case Monitors(_, monitors):
            listed = [{"number": m.number, "rect": _rect(m.rect), "scale": m.scale} for m in monitors]
            return MARKS, {"kind": "monitors", "monitors": listed}
        case TaskStarted() | TaskFinished():
            return TASKS, task_fields(event)
        case Gap(_, start_us, reason):
            return MARKS, {"kind": "gap", "start_us": max(0, start_us - epoch_us), "reason": str(reason)}
        case Withheld(_, start_us, withheld_reason):
            return MARKS, {"kind": "withheld", "start_us": max(0, start_us - epoch_us), "reason": withheld_reason}
        case Frame() | Picture() | FieldFocus():
            raise FaultError("what is not recorded as an event reached the encoder of events")


def task_fields(event: TaskStarted | TaskFinished) -> dict[str, Any]:
    """Return the fields of what is told of a task."""
    match event:
        case TaskStarted(_, task_id, text, again):
            return {"kind": "started", "task": task_id, "text": text, "again": again}
        case TaskFinished(_, task_id, outcome, difficulty, note):
            said = {"kind": "finished", "task": task_id, "outcome": str(outcome)}
            return {**said, "difficulty": difficulty, "note": note}


def _rect(rect: Rect) -> list[int]:
    return [rect.x, rect.y, rect.width, rect.height]


def _window(window: Window) -> dict[str, Any]:
    # Process ids and the aliases that rules match are nobody's business outside this machine.
    return {
        "id": window.id,
        "app": window.app,
        "title": window.title,
        "rect": _rect(window.rect),
        "client": _rect(window.client),
    }


def decode(message: Message) -> dict[str, Any]:
    """Return a message of an event topic as a plain dict: its JSON fields, and `topic` and `t_us`.

    Raises:
        VerificationError: It is not an event, or not the JSON that `encode` makes.
    """
    if message.topic not in EVENT_TOPICS:
        raise VerificationError("the topic of a message is not one of events")
    fields = strict_object(message.data, f"a message of {message.topic}")
    if "topic" in fields or "t_us" in fields:
        raise VerificationError("a message of {topic} is not an event", topic=message.topic)
    return {"topic": message.topic, "t_us": message.t_us, **fields}
