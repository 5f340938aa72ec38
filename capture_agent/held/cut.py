"""What stays of a session when a span of it is cut out or forgotten. Pure: messages in, messages out.

Nothing with a time inside a span stays, and nothing outside of it goes, with two exceptions. A frame of a video shows
what changed since the frame before: where a frame went, those after it go too, up to the next key frame of that
monitor. And a key that was pressed inside and let go after it would still tell which it was, so its release goes, too.
A cut widens forward, never backward, and is never narrower than it was asked for. A number of keys goes if any of its
interval lies inside.

What was true before the span and is needed after it, where the monitors are, is said again at its end. The hole itself
is marked as one that the person made.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from capture_agent.core.events import GapReason
from capture_agent.encode import frames
from capture_agent.encode.event_log import Message, decode
from capture_agent.encode.records import COUNTS, KEYBOARD, MARKS, SCREEN_PREFIX, SHORTCUTS

FOREVER_US = 1 << 62  # the end of a span that reaches to the end of the session

_TIME = attrgetter("t_us")
_KEYS = frozenset({KEYBOARD, SHORTCUTS})
_STRETCHES = frozenset({"gap", "withheld"})  # marks that say something of a stretch, and not of a moment


class Span(NamedTuple):
    """From `start_us` up to, and without, `end_us`; session time."""

    start_us: int
    end_us: int = FOREVER_US

    def holds(self, t_us: int) -> bool:
        """Return whether a time is inside."""
        return self.start_us <= t_us < self.end_us


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same times as spans that neither touch nor are empty, in order."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.start_us < span.end_us):
        if found and span.start_us <= found[-1].end_us:
            found[-1] = Span(found[-1].start_us, max(found[-1].end_us, span.end_us))
        else:
            found.append(span)
    return tuple(found)


def is_whole(spans: Iterable[Span]) -> bool:
    """Return whether nothing of a session is outside of `spans`."""
    return any(span.start_us <= 0 and span.end_us == FOREVER_US for span in merged(spans))


class Cut:
    """Takes a session's parts in their order, and returns what stays of each. Use each once."""

    def __init__(self, spans: Iterable[Span], topics: Collection[str] | None = None) -> None:
        """Cut `spans` out of `topics`; None: out of all of them, which is then marked as a gap.

        With some topics alone nothing is marked: the rest is there, so it would be no gap.
        """
        self._spans = merged(spans)
        self._topics = topics
        self._unmarked = list(self._spans) if topics is None else []
        self._broken: set[str] = set()  # monitors whose next frame refers to one that went
        self._pressed: set[object] = set()  # keys whose press went, and that were not let go yet
        self._monitors: Message | None = None  # what a mark inside a span said last

    def touches(self, times: tuple[int, int] | None) -> bool:
        """Return whether a part with messages from the first to the last of `times` can lose any, or gets a mark."""
        return times is not None and bool(self._spans) and times[1] >= self._spans[0].start_us

    def keep(self, messages: Sequence[Message]) -> list[Message]:
        """Return what stays of a part."""
        kept: list[Message] = []
        for message in messages:
            kept += self._mark(message) if message.topic == MARKS else self._content(message)
        latest = max((message.t_us for message in messages), default=-1)
        while self._unmarked and self._unmarked[0].end_us <= latest:
            kept += self._said(self._unmarked.pop(0))
        return sorted(kept, key=_TIME)

    def finish(self, end_us: int) -> list[Message]:
        """Return what is still to be said of a session that ends at `end_us`."""
        spans, self._unmarked = self._unmarked, []
        return [_gap(span.start_us, min(span.end_us, end_us)) for span in spans if span.start_us < end_us]

    def _content(self, message: Message) -> list[Message]:
        if self._topics is not None and message.topic not in self._topics:
            return [message]
        screen = message.topic.startswith(SCREEN_PREFIX)
        since_us = decode(message)["start_us"] if message.topic == COUNTS else message.t_us
        if any(span.holds(message.t_us) or since_us < span.end_us <= message.t_us for span in self._spans):
            if screen:
                self._broken.add(message.topic)
            elif message.topic in _KEYS:
                self._let_go(message, inside=True)
            return []
        if message.topic in _KEYS and self._pressed and self._let_go(message, inside=False):
            return []
        if message.topic in self._broken:
            if not frames.is_key_frame(frames.unpack_video(message.data).data):
                return []
            self._broken.discard(message.topic)
        return [message]

    def _let_go(self, message: Message, *, inside: bool) -> bool:
        """Follow which keys are down whose press went; return whether this is the release of one."""
        fields = decode(message)
        code, down = fields.get("code"), fields.get("down")
        was = code in self._pressed
        if down and inside:
            self._pressed.add(code)
        else:
            self._pressed.discard(code)
        return was and not down

    def _mark(self, message: Message) -> list[Message]:
        """Marks are no content, but none of them speaks of a time inside a span."""
        if self._topics is not None:
            return [message]
        fields = decode(message)
        if fields.get("kind") in _STRETCHES:
            return [_again(message, fields, *piece) for piece in self._outside(fields["start_us"], message.t_us)]
        if any(span.holds(message.t_us) for span in self._spans):
            self._monitors = message
            return []
        return [message]

    def _said(self, span: Span) -> list[Message]:
        monitors, self._monitors = self._monitors, None
        again = [] if monitors is None else [monitors._replace(t_us=span.end_us)]
        return [_gap(span.start_us, span.end_us), *again]

    def _outside(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """Return what is left of a stretch: a mark's own time is its end, so it ends before a span does begin."""
        pieces, since = [], start_us
        for span in self._spans:
            if span.start_us > end_us or span.end_us <= since:
                continue
            if since < span.start_us - 1:
                pieces.append((since, span.start_us - 1))
            since = span.end_us
        return [*pieces, (since, end_us)] if since < end_us or (since == end_us == start_us) else pieces


def _gap(start_us: int, end_us: int) -> Message:
    said = {"kind": "gap", "start_us": max(0, start_us), "reason": str(GapReason.FORGOTTEN)}
    return Message(MARKS, end_us, json.dumps(said, separators=(",", ":")).encode())


def _again(message: Message, fields: dict[str, Any], start_us: int, end_us: int) -> Message:
    if (start_us, end_us) == (fields["start_us"], message.t_us):
        return message
    said = {name: value for name, value in fields.items() if name not in {"topic", "t_us"}}
    said["start_us"] = start_us
    return Message(MARKS, end_us, json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())
