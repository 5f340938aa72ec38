"""Messages of a held session in the order of time, and of them what was agreed to."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from capture_agent.bundle.manifest import released_reason
from capture_agent.core.errors import StorageError
from capture_agent.core.events import Category, GapReason
from capture_agent.core.keyboard import implied
from capture_agent.encode.event_log import Message, decode
from capture_agent.encode.records import MARKS, SCREEN_PREFIX

_TIME = attrgetter("t_us")
# An event may be written this much later than it happened: the number of keys of an interval is told at its end.
LATE_US = 45_000_000
_MARK_KINDS = frozenset({"monitors", "gap", "withheld"})  # marks never are content; another kind is not known to be one


def in_order(batches: Iterable[Sequence[Message]]) -> Iterator[Message]:
    """Yield the events of `batches` (parts) by time, and the frames by time, those of one time as they were written.

    Events and frames go into files of their own, so what comes first of an event and a frame does not matter. A frame
    can be older than those of the part before, never than those of the one before that: two parts of frames are in
    memory. Events are small, and wait for `LATE_US`.
    """
    frames: list[Message] = []
    events: list[Message] = []
    settled_us = newest_us = -1  # no frame that is still to come is older than the end of the part before last
    for batch in batches:
        if not batch:
            continue
        newest_us = max(newest_us, *map(_TIME, batch))
        for message in batch:
            (frames if message.topic.startswith(SCREEN_PREFIX) else events).append(message)
        yield from _taken(frames, settled_us)
        yield from _taken(events, newest_us - LATE_US)
        settled_us = newest_us
    yield from _taken(frames, newest_us)
    yield from _taken(events, newest_us)


def _taken(waiting: list[Message], until_us: int) -> list[Message]:
    """Take what is not younger than `until_us` out of `waiting`, by time."""
    waiting.sort(key=_TIME)
    place = bisect_right(waiting, until_us, key=_TIME)
    taken = waiting[:place]
    del waiting[:place]
    return taken


def category_of(topic: str) -> Category | None:
    """Return the category that has to be agreed to for `topic`; None for marks.

    Raises:
        StorageError: This version does not know the topic, so nobody can have agreed to it.
    """
    if topic == MARKS:
        return None
    name = Category.SCREEN if topic.startswith(SCREEN_PREFIX) else topic
    try:
        return Category(name)
    except ValueError:
        raise StorageError(
            "the session holds a kind of data that this version does not know",
            hint="Release it with the version of Capture Agent that recorded it.",
        ) from None


def agreed(messages: Iterable[Message], categories: frozenset[Category]) -> Iterator[Message]:
    """Yield the messages of `categories` and of what they imply as they are, and marks as they are told to others."""
    return _chosen(messages, implied(categories), _told)


def everything(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield all messages as they are: for their owner."""
    return _chosen(messages, frozenset(Category), lambda message: message)


def _chosen(
    messages: Iterable[Message], categories: frozenset[Category], told: Callable[[Message], Message | None]
) -> Iterator[Message]:
    for message in messages:
        category = category_of(message.topic)
        if category in categories:
            yield message
        elif category is None:
            mark = told(message)
            if mark is not None:
                yield mark


def _told(mark: Message) -> Message | None:
    """Return what others are told of a mark: that the person made a gap, not why."""
    fields = decode(mark)
    if fields["kind"] not in _MARK_KINDS:
        return None
    if fields["kind"] != "gap":
        return mark
    reason = GapReason(fields["reason"])
    told = released_reason(reason)
    if told is reason:
        return mark
    said = {"kind": "gap", "start_us": fields["start_us"], "reason": str(told)}
    return mark._replace(data=json.dumps(said, separators=(",", ":")).encode())
