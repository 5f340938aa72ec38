"""What can be said of a session: counted while its messages pass, read from what the recorder noted.

The recorder notes are the headers of the parts and of the end: text by name. Only the names here
leave the machine, whatever else is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from capture_agent.bundle.manifest import (
    EVENTS_NAME,
    MAX_LAYOUTS,
    MAX_MARKS,
    MAX_US,
    Clock,
    Described,
    Environment,
    Hole,
    Recorder,
    Screen,
    Screens,
    Stream,
)
from capture_agent.core.errors import StorageError, VerificationError
from capture_agent.core.events import GapReason
from capture_agent.encode.event_log import Message, decode
from capture_agent.encode.records import MARKS
from capture_agent.keys.strict_json import strict_json

# Names in the header of a held session's first part …
SESSION, STUDY, STARTED = "session", "study", "started"  # `started`: ISO 8601, UTC
OS, DESKTOP, LOCALE, AGENT_VERSION = "os", "desktop", "locale", "agent_version"
KEYBOARD_LAYOUTS = "keyboard_layouts"  # JSON list of names
INPUT_RESOLUTION_US = "input_resolution_us"  # how finely the input clock counts: 1000 for an X server
INPUT = "input"  # the back end that read keyboard and pointer
MAX_FPS = "max_fps"
# … and in its end, missing after a crash.
FRAMES_DROPPED = "frames_dropped"
DURATION_US = "duration_us"  # until recording stopped; after a crash the last event has to do
MASKED_SHARE = "masked_share"  # 0 to 1, of all pixels of all frames; without it nothing is said

_MAX_NOTE = 200  # characters


class _Seen(NamedTuple):
    messages: int
    first_us: int
    last_us: int

    def with_one(self, t_us: int) -> _Seen:
        return _Seen(self.messages + 1, min(self.first_us, t_us), max(self.last_us, t_us))


class Tally:
    """Counts messages of one opened session and keeps its marks."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Seen] = {}
        self._gaps: list[Hole] = []
        self._screens: list[Screens] = []
        self._end_us = 0

    def add(self, message: Message, member: str = EVENTS_NAME) -> None:
        """Count one message that goes into `member`.

        Raises:
            StorageError: A mark is not as the recorder makes it, or there are too many for one bundle.
        """
        key = (message.topic, member)
        self._counts[key] = self._counts.get(key, _Seen(0, message.t_us, 0)).with_one(message.t_us)
        self._end_us = max(self._end_us, message.t_us)
        if message.topic == MARKS:
            self._mark(decode(message))
        if max(len(self._gaps), len(self._screens)) > MAX_MARKS:
            raise StorageError("the session has too many gaps for one bundle", hint="Cut it into shorter sessions.")

    def _mark(self, fields: dict[str, Any]) -> None:
        try:
            if fields["kind"] == "gap":
                reason = GapReason(fields["reason"])
                self._gaps.append(Hole(start_us=fields["start_us"], end_us=fields["t_us"], reason=reason))
            elif fields["kind"] == "monitors":
                monitors = tuple(_screen(monitor) for monitor in fields["monitors"])
                self._screens.append(Screens(from_us=fields["t_us"], monitors=monitors))
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                "a mark of the session is damaged ({kind})",
                hint="The session cannot be released.",
                kind=type(error).__name__,
            ) from None

    def described(self, notes: Mapping[str, str], *, complete: bool) -> Described:
        """Return what is known of the session when all messages have passed.

        Raises:
            StorageError: The recorder did not note which session this is or when it began.
        """
        streams = [
            Stream(topic=topic, member=member, count=n.messages, first_us=n.first_us, last_us=n.last_us)
            for (topic, member), n in sorted(self._counts.items())
        ]
        try:
            return Described(
                session=notes[SESSION],
                study=notes[STUDY],
                complete=complete,
                clock=Clock(
                    started=datetime.fromisoformat(notes[STARTED]),
                    duration_us=max(self._end_us, _number(notes, DURATION_US, 0, MAX_US) or 0),
                    input_resolution_us=_number(notes, INPUT_RESOLUTION_US, 1, 1_000_000),
                ),
                streams=tuple(streams),
                gaps=tuple(sorted(self._gaps, key=lambda gap: gap.start_us)),
                screens=tuple(self._screens),
                environment=_environment(notes),
                recorder=Recorder(
                    max_fps=_number(notes, MAX_FPS, 1, 1000),
                    frames_dropped=_number(notes, FRAMES_DROPPED, 0, MAX_US),
                    masked_share=_share(notes, MASKED_SHARE),
                ),
            )
        except (KeyError, ValueError) as error:  # pydantic's ValidationError is a ValueError
            raise StorageError(
                "the session does not say what it is ({kind})",
                hint="It was damaged, or recorded by another version.",
                kind=type(error).__name__,
            ) from None


def _screen(monitor: Mapping[str, Any]) -> Screen:
    x, y, width, height = monitor["rect"]
    return Screen(number=monitor["number"], x=x, y=y, width=width, height=height, scale=float(monitor["scale"]))


def _layouts(notes: Mapping[str, str]) -> tuple[str, ...]:
    try:
        found = strict_json(notes.get(KEYBOARD_LAYOUTS, "[]").encode(), KEYBOARD_LAYOUTS)
    except VerificationError:
        return ()
    names = [_plain(name) for name in found if isinstance(name, str)] if isinstance(found, list) else []
    return tuple(name for name in names if name)[:MAX_LAYOUTS]


def _environment(notes: Mapping[str, str]) -> Environment:
    return Environment(
        os=_plain(notes.get(OS, "")),
        desktop=_plain(notes.get(DESKTOP, "")),
        locale=_plain(notes.get(LOCALE, "")),
        keyboard_layouts=_layouts(notes),
        input=_plain(notes.get(INPUT, "")),
        agent_version=_plain(notes.get(AGENT_VERSION, "")),
    )


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:_MAX_NOTE]


def _number(notes: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """Return a note that is a whole number in its range. What can be done without must not hinder a release."""
    text = notes.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 20 and least <= int(text) <= most else None


def _share(notes: Mapping[str, str], name: str) -> float | None:
    try:
        share = float(notes.get(name, ""))
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None
