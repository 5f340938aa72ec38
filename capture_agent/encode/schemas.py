"""The JSON Schemas of the events, one a topic: embedded in every released log, published in `docs/schemas/`.

`python -m capture_agent.encode.schemas FOLDER` writes the published files; a test compares them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from capture_agent.core.events import GapReason, Outcome
from capture_agent.core.keyboard import COUNT_US, PRINTABLE
from capture_agent.encode.records import COUNTS, KEYBOARD, MARKS, POINTER, SHORTCUTS, TASKS, WINDOWS

VERSION = 1  # of all event schemas together; it rises when a reader of the old one would misread

Schema = dict[str, Any]

_INTEGER: Schema = {"type": "integer"}
_TIME: Schema = {"type": "integer", "minimum": 0, "description": "session time in µs"}
_TEXT: Schema = {"type": "string"}
_TRUTH: Schema = {"type": "boolean"}
_X: Schema = {"type": "integer", "description": "physical pixels from the left of the virtual desktop"}
_Y: Schema = {"type": "integer", "description": "physical pixels from the top of the virtual desktop"}
_INJECTED: Schema = {"type": "boolean", "description": "made by a program, not by a device, as far as is known"}
_RECT: Schema = {
    "type": "array",
    "items": _INTEGER,
    "minItems": 4,
    "maxItems": 4,
    "description": "x, y, width, height in physical pixels of the virtual desktop",
}
_AFTERWARDS: Schema = {
    "const": True,
    "description": "there only if the participant said, judged or moved the task when looking at the recording",
}
_REASON: Schema = {"type": "string", "pattern": "^[a-z][a-z-]*$", "description": "a class, never a program or a title"}


def _object(properties: dict[str, Schema], description: str = "") -> Schema:
    told = {"description": description} if description else {}
    return {
        "type": "object",
        **told,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _kind(kind: str, description: str, /, **properties: Schema) -> Schema:
    return _object({"kind": {"const": kind}, **properties}, description)


def _or_afterwards(kind: Schema) -> Schema:
    """Return a kind whose messages may say that they were told afterwards; logs of earlier versions never do."""
    return {**kind, "properties": {**kind["properties"], "afterwards": _AFTERWARDS}}


_WINDOW = _object(
    {
        "id": {"type": "integer", "description": "the same window has the same number within a session"},
        "app": {"type": "string", "description": "the program, in lower case"},
        "title": _TEXT,
        "rect": {**_RECT, "description": "the whole window, frame and border included: x, y, width, height"},
        "client": {**_RECT, "description": "the program's own part: x, y, width, height"},
    }
)

_KINDS: dict[str, tuple[str, tuple[Schema, ...]]] = {
    KEYBOARD: (
        "Keys. `text` is null where it is not known or not agreed to.",
        (
            _kind(
                "key",
                "A key went down or up.",
                down=_TRUTH,
                code={"type": "integer", "description": "the device's number of the key"},
                sym={"type": "string", "description": 'keysym or virtual key by name: "a", "Return"'},
                text={"type": ["string", "null"], "description": "what the key types"},
                mods={"type": "array", "items": _TEXT, "description": "modifiers that were down"},
                injected=_INJECTED,
            ),
        ),
    ),
    SHORTCUTS: (
        f"Keys without what is typed: those that type something are all told as {PRINTABLE!r}, with code 0.",
        (
            _kind(
                "key",
                "A key went down or up.",
                down=_TRUTH,
                code={
                    "type": "integer",
                    "description": "the device's number of the key; 0 if it types something",
                },
                sym={
                    "type": "string",
                    "description": f'keysym or virtual key by name: "Return", "s" in Ctrl+S; or "{PRINTABLE}"',
                },
                mods={"type": "array", "items": _TEXT, "description": "of a chord, the modifiers; of other keys, none"},
                injected=_INJECTED,
            ),
        ),
    ),
    COUNTS: (
        "How many keys went down, and nothing else of them.",
        (
            _kind(
                "count",
                f"Keys from `start_us` to the time of this message: {COUNT_US // 1_000_000} s of session time, "
                "less where recording began or ended.",
                start_us=_TIME,
                keys={
                    "type": "integer",
                    "minimum": 1,
                    "description": "that went down; Shift, Ctrl and their like are not counted",
                },
            ),
        ),
    ),
    POINTER: (
        "The pointer: places, buttons, wheel, shape. It is not in the pixels of the video.",
        (
            _kind("move", "The pointer is here now.", x=_X, y=_Y, injected=_INJECTED),
            _kind(
                "button",
                "A button went down or up.",
                down=_TRUTH,
                button={"type": "string", "description": "left, middle, right, back, forward, or a number"},
                x=_X,
                y=_Y,
                injected=_INJECTED,
            ),
            _kind(
                "scroll",
                "The wheel turned.",
                dx={"type": "integer", "description": "clicks to the right"},
                dy={"type": "integer", "description": "clicks down"},
                x=_X,
                y=_Y,
                injected=_INJECTED,
            ),
            _kind(
                "shape",
                "The pointer looks different now.",
                name=_TEXT,
                width={"type": "integer", "minimum": 0},
                height={"type": "integer", "minimum": 0},
                hot={"type": "array", "items": _INTEGER, "minItems": 2, "maxItems": 2, "description": "x, y"},
                bgra={
                    "type": "string",
                    "contentEncoding": "base64",
                    "description": "width × height pixels, 4 bytes each, premultiplied",
                },
            ),
        ),
    ),
    WINDOWS: (
        "The window with the keyboard.",
        (
            _kind(
                "focus",
                "It changed, or its title or place did. Null: none, not known, or not a program that may be recorded.",
                window={"anyOf": [_WINDOW, {"type": "null"}]},
            ),
        ),
    ),
    TASKS: (
        "What the participant set out to do, in their words.",
        (
            _or_afterwards(
                _kind(
                    "started",
                    "A task begins. `again`: it goes on from an earlier session or pause.",
                    task={"type": "string", "description": "the task's id, the same in `finished`"},
                    text=_TEXT,
                    again=_TRUTH,
                )
            ),
            _or_afterwards(
                _kind(
                    "finished",
                    "How it went, in the participant's judgement.",
                    task=_TEXT,
                    outcome={"enum": [str(outcome) for outcome in Outcome]},
                    difficulty={
                        "type": ["integer", "null"],
                        "minimum": 1,
                        "maximum": 5,
                        "description": "1 easy to 5 hard",
                    },
                    note=_TEXT,
                )
            ),
        ),
    ),
    MARKS: (
        "Where a session has holes, and how its coordinates are to be read. Never content.",
        (
            _kind(
                "monitors",
                "The monitors from now on.",
                monitors={
                    "type": "array",
                    "items": _object(
                        {"number": {"type": "integer", "minimum": 1}, "rect": _RECT, "scale": {"type": "number"}}
                    ),
                },
            ),
            _kind(
                "gap",
                "Nothing was recorded from `start_us` to the time of this message.",
                start_us=_TIME,
                reason={"enum": [str(reason) for reason in GapReason]},
            ),
            _kind(
                "withheld",
                "Input was not kept from `start_us` to the time of this message; both are whole seconds.",
                start_us=_TIME,
                reason=_REASON,
            ),
        ),
    ),
}


def schema(topic: str) -> Schema:
    """Return the JSON Schema (2020-12) of a topic's payloads."""
    description, kinds = _KINDS[topic]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:capture-agent:event:{topic}:{VERSION}",
        "title": topic,
        "description": description,
        "type": "object",
        "required": ["kind"],
        "oneOf": list(kinds),
    }


def schema_name(topic: str) -> str:
    """Return the name under which a log carries the schema of a topic."""
    return f"capture_agent.{topic}.v{VERSION}"


def publish(folder: Path) -> None:
    """Write every schema into `folder` as the published files."""
    for topic in _KINDS:
        text = json.dumps(schema(topic), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{topic}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    publish(Path(sys.argv[1]))
