"""Messages of a held session in the order of time, and of them what was agreed to."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from capture_agent.bundle.manifest import released_reason
from capture_agent.core.errors import StorageError
from capture_agent.core.events import Category, GapReason
from capture_agent.encode.event_log import Message, decode
from capture_agent.encode.records import MARKS, SCREEN_PREFIX

_TIME = attrgetter("t_us")
_MARK_KINDS = frozenset({"monitors", "gap", "withheld"})  # marks never are content; another kind is not known to be one


def in_order(batches: Iterable[Sequence[Message]]) -> Iterator[Message]:
    """Yield the messages of `batches` (parts) by time, those of one time as they were written.

    Parts are nearly sorted: a message waits in the recorder for less than a part lasts, so it
    can be older than messages of the part before, never than those of the one before that. Two
    parts are in memory.
    """
    waiting: list[Message] = []
    settled_us = -1  # nothing that is still to come is older than the end of the part before last
    for batch in batches:
        if not batch:
            continue
        waiting = sorted([*waiting, *batch], key=_TIME)
        place = bisect_right(waiting, settled_us, key=_TIME)
        yield from waiting[:place]
        del waiting[:place]
        settled_us = max(settled_us, *map(_TIME, batch))
    yield from waiting


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
    """Yield the messages of `categories` as they are, and marks as they are told to others."""
    return _chosen(messages, categories, _told)


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
