"""A held session, opened for its owner to look at: its time line at once, its pictures when they are wanted.

Everything stays in this process's memory: no picture and no event is written anywhere, not even as a thumbnail.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from capture_agent.core.errors import VerificationError
from capture_agent.core.progress import Progress, silent
from capture_agent.encode.event_log import Message
from capture_agent.encode.frames import Pixels, is_key_frame, unpack_video
from capture_agent.encode.records import MARKS, SCREEN_PREFIX, screen_topic
from capture_agent.encode.video import Decoder
from capture_agent.held import reader, timeline
from capture_agent.held.cut import Span
from capture_agent.held.index import Index, read_index
from capture_agent.held.tape import Tape
from capture_agent.held.timeline import Timeline
from capture_agent.keys.age import Identity

_FIRST_PARTS = 10  # seconds of a session: a key frame stands in the first, unless the screen was not to be seen
_BACK_PARTS = 15  # at most 1.5 s each, and a key frame stands in every 10 s
THUMBNAIL_PX = 160  # of a thumbnail's width, at least, where the picture has as many


@dataclass(frozen=True, slots=True)
class Picture:
    """What a monitor showed from `t_us` on: (height, width, 3) uint8 RGB. `exact`: and still did at the time wanted."""

    t_us: int
    pixels: Pixels = field(repr=False)
    exact: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """What the list shows of a session beside what its file tells from outside. `picture`: small RGB, or None."""

    picture: Pixels | None = field(repr=False)
    apps: tuple[str, ...]
    tasks: tuple[str, ...]
    withheld_s: float


class Beginning:
    """A session before it is read: how long it is, and what one monitor showed at about any time; used by one thread.

    Of `timeline` only the length is known, and the first monitors. `picture`: None if none is in its first parts.
    """

    def __init__(self, path: Path, identity: Identity, found: Tape) -> None:
        """Open the last part, and the first ones up to one with a key frame. Raises as `read_index`."""
        self._path, self._identity, self._found = path, identity, found
        duration_us = reader.length_us(path, identity, found) or 0
        told: list[Message] = []
        self.monitor = 1
        self.picture: Picture | None = None
        for part in islice(reader.skim(path, identity, found), _FIRST_PARTS):
            told += [message for message in part.messages if message.topic == MARKS]
            shown = [message for message in part.messages if message.topic.startswith(SCREEN_PREFIX)]
            key = min((message for message in shown if is_key_frame(message.data)), default=None)
            if key is not None:
                self.monitor = int(key.topic.removeprefix(SCREEN_PREFIX))
                self.picture = _alone(key)
                break
        self.timeline = Timeline(duration_us, screens=timeline.build(told, duration_us).screens)

    def near(self, t_us: int) -> Picture | None:
        """Return the last key frame before `t_us`, or one of the same second: about 20 parts are opened. None if none.

        Raises as `Review.near` does.
        """
        topic = screen_topic(self.monitor)
        last = bisect_right(range(len(self._found.parts)), t_us, key=self._begins_us)
        for number in range(last, max(0, last - _BACK_PARTS), -1):
            keys = [one for one in self._messages(number) if one.topic == topic and is_key_frame(one.data)]
            if keys:
                return _alone(keys[-1])
        return None

    def _begins_us(self, before: int) -> int:
        """Return when the part behind so many others begins; the last one has no messages."""
        times = [message.t_us for message in self._messages(before + 1)]
        return min(times, default=self.timeline.duration_us)

    def _messages(self, number: int) -> list[Message]:
        return next(reader.skim_some(self._path, self._identity, self._found, [number]))


def _alone(key: Message) -> Picture:
    """Return the picture of a key frame."""
    decoder = Decoder()
    decoder.take(unpack_video(key.data).data)
    return Picture(key.t_us, decoder.pixels(), exact=False)


Begun: TypeAlias = Callable[[Beginning], None]
"""Told the beginning of a session while the rest of it is being read, on the thread that reads it."""


class Review:
    """One session. `timeline` and what else is said of it never changes; pictures are asked for by one thread."""

    def __init__(self, path: Path, identity: Identity, progress: Progress = silent, begun: Begun | None = None) -> None:
        """Read the session through, which takes about a second for an hour. `begun` is told its beginning, if any.

        Raises:
            CaptureAgentError: As `held.index.read_index`, and if an event of it is damaged.
            CancelledError: `progress` raised it.
        """
        found = reader.read_outside(path)
        if begun is not None:
            with suppress(VerificationError):  # what is damaged is named by reading it all
                begun(Beginning(path, identity, found))
        self._index = read_index(path, identity, progress, found)
        self._films: dict[int, _Film] = {}
        self.session = self._index.tape.head.session
        self.complete = self._index.complete
        self.timeline: Timeline = timeline.build(self._index.events, self._index.duration_us)

    @property
    def monitors(self) -> tuple[int, ...]:
        """The monitors of which there are pictures, by number."""
        return tuple(monitor for monitor, track in self._index.tracks.items() if track.keys)

    def unseen_us(self, t_us: int) -> int:
        """Return how much of the screen goes with what is before `t_us` if that is cut: up to its next key frame, µs.

        That of the monitor with the longest wait; of one that tells nothing any more it is not known that it is there.
        """
        keys = [key for track in self._index.tracks.values() if (key := track.next_key_us(t_us)) is not None]
        return max(keys, default=self._index.duration_us if self.monitors else t_us) - t_us

    def near(self, monitor: int, t_us: int, without: Collection[Span] = ()) -> Picture | None:
        """Return the key frame that is nearest to `t_us`: one frame is decoded. None if the monitor has no pictures.

        Those in spans of `without` are none.

        Raises:
            StorageError: The file is missing.
            VerificationError: It was changed since it was opened.
        """
        film = self._film(monitor)
        key = film.track.nearest_key(t_us, without)
        return None if key is None else film.picture(key, exact=film.track.shown(t_us) == key)

    def at(self, monitor: int, t_us: int) -> Picture | None:
        """Return what the monitor showed at `t_us`; None before its first picture. At most 10 s of video are decoded.

        Raises as `near` does.
        """
        film = self._film(monitor)
        frame = film.track.shown(t_us)
        return None if frame is None else film.picture(frame, exact=True)

    def _film(self, monitor: int) -> _Film:
        if monitor not in self._films:
            self._films[monitor] = _Film(self._index, monitor)
        return self._films[monitor]


class _Film:
    """One monitor's video, decoded forward from a key frame, and on from where it is if that is shorter."""

    def __init__(self, index: Index, monitor: int) -> None:
        self.track = index.tracks[monitor]
        self._index = index
        self._monitor = monitor
        self._decoder = Decoder()
        self._at: int | None = None  # the frame that was decoded last

    def picture(self, frame: int, *, exact: bool) -> Picture:
        key = self.track.key_of(frame)
        first = key
        if self._at is not None and key <= self._at <= frame:
            first = self._at + 1
        else:
            self._decoder = Decoder()
        self._at = None  # until it went well
        for packet in self._index.packets(self._monitor, first, frame):
            self._decoder.take(packet)
        self._at = frame
        return Picture(self.track.times[frame], self._decoder.pixels(), exact)


def glance(review: Review, without: Collection[Span] = ()) -> Glance:
    """Return what the list shows of a session: its picture is the middle one of its first monitor. Raises as `near`.

    What is marked to be cut out, `without`, is not in the picture.
    """
    times = review.timeline
    monitor = next(iter(review.monitors), None)
    picture = None if monitor is None else review.near(monitor, times.duration_us // 2, without)
    return Glance(
        None if picture is None else smaller(picture.pixels, THUMBNAIL_PX),
        times.apps,
        tuple(task.text for task in times.tasks if task.text),
        times.withheld_us / 1e6,
    )


def smaller(pixels: Pixels, width: int) -> Pixels:
    """Return a picture made smaller by a whole number, so that it is at least `width` wide if it was before."""
    step = max(1, pixels.shape[1] // width)
    high, wide = pixels.shape[0] // step * step, pixels.shape[1] // step * step
    blocks = pixels[:high, :wide].reshape(high // step, step, wide // step, step, 3)
    small: Pixels = blocks.mean((1, 3)).astype(np.uint8)
    return small
