"""What a held session holds and where: all that a player needs but the pixels, which are read when they are wanted.

An hour of recording is 3,000 parts and 100 MB or more. They are decrypted once, in order and strictly, as by `reader`;
of the frames only time and place stay in memory. Nothing that was decrypted is ever written anywhere.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture_agent.core.errors import VerificationError
from capture_agent.core.progress import READING, Progress, silent
from capture_agent.encode import frames
from capture_agent.encode.event_log import Message
from capture_agent.encode.records import KEYBOARD, POINTER, SCREEN_PREFIX, SHORTCUTS, screen_topic
from capture_agent.encode.skim import Skimmer
from capture_agent.held import reader
from capture_agent.held.cut import Span
from capture_agent.held.reader import DURATION_US
from capture_agent.held.tape import Tape
from capture_agent.keys.age import Identity

MOVE_EVERY_US = 100_000  # of the pointer's way, one place in this time is enough to see where it was
_TELL_EVERY = 50  # parts between two reports of progress
# `records.encode` writes fields in this order and form, so what is not needed is passed over unread.
_PRESSED = frozenset({KEYBOARD, SHORTCUTS, POINTER})
_MOVE, _UP = b'{"kind":"move"', b'"down":false'


@dataclass(frozen=True, slots=True)
class Track:
    """The frames of one monitor, by time: when each was grabbed, in which part it is, and which are key frames."""

    times: array[int] = field(default_factory=lambda: array("q"))  # µs, session time, rising
    parts: array[int] = field(default_factory=lambda: array("l"))
    keys: array[int] = field(default_factory=lambda: array("l"))  # numbers of frames, rising

    def shown(self, t_us: int) -> int | None:
        """Return which frame the monitor showed at `t_us`; None before its first that can be decoded."""
        last = bisect_right(self.times, t_us) - 1
        return last if self.keys and last >= self.keys[0] else None

    def key_of(self, frame: int) -> int:
        """Return the key frame from which on frames have to be decoded to see `frame`."""
        return self.keys[bisect_right(self.keys, frame) - 1]

    def next_key_us(self, t_us: int) -> int | None:
        """Return when the first key frame from `t_us` on was grabbed; None if there is none."""
        at = bisect_left(self.keys, t_us, key=self.times.__getitem__)
        return self.times[self.keys[at]] if at < len(self.keys) else None

    def nearest_key(self, t_us: int, without: Collection[Span] = ()) -> int | None:
        """Return the key frame that is nearest in time, and in no span of `without`; None if there is none."""
        keys: Sequence[int] = self.keys
        if without:
            keys = [key for key in keys if not any(span.holds(self.times[key]) for span in without)]
        at = bisect_left(keys, t_us, key=self.times.__getitem__)
        near = keys[max(0, at - 1) : at + 1]
        return min(near, key=lambda frame: abs(self.times[frame] - t_us), default=None)


@dataclass(frozen=True, slots=True)
class Index:
    """One session: its events by time, and where its frames are.

    `events` are all but frames, the coming up of keys and buttons, and most of the pointer's moves. `complete`: the
    recorder ended it. `duration_us` is what its end says, or the time of the last that is in it.
    """

    path: Path
    identity: Identity = field(repr=False)
    tape: Tape = field(repr=False)
    complete: bool
    duration_us: int
    events: tuple[Message, ...] = field(repr=False)
    tracks: Mapping[int, Track] = field(repr=False)

    def packets(self, monitor: int, first: int, last: int) -> Iterator[bytes]:
        """Yield the packets (Annex B) of the frames from `first` to `last`; their parts are decrypted now.

        Raises:
            StorageError: The file is missing.
            VerificationError: It was changed since.
        """
        track = self.tracks[monitor]
        wanted = track.times[first : last + 1]
        topic = screen_topic(monitor)
        numbers = sorted(set(track.parts[first : last + 1]))
        found: dict[int, bytes] = {}
        place = 0
        for messages in reader.skim_some(self.path, self.identity, self.tape, numbers):
            found.update((message.t_us, message.data) for message in messages if message.topic == topic)
            # A frame can be in the part after that of a later one: what is whole up to here is handed on.
            while place < len(wanted) and wanted[place] in found:
                yield frames.unpack_video(found.pop(wanted[place])).data
                place += 1


def read_index(path: Path, identity: Identity, progress: Progress = silent, found: Tape | None = None) -> Index:
    """Read a session once, from its beginning to its end; `found` is what `read_outside` returned, if it is known.

    Raises:
        StorageError: The file is missing, odd, or in a newer format.
        KeyError_: `identity` is not this session's.
        VerificationError: It is damaged; the part is named.
        CancelledError: `progress` raised it.
    """
    outside = found or reader.read_outside(path)
    events: list[Message] = []
    seen: dict[str, list[tuple[int, int, bool]]] = {}
    last: Mapping[str, str] = {}
    latest_us = 0
    skimmer = Skimmer(POINTER, _MOVE, MOVE_EVERY_US)
    for part in reader.skim(path, identity, outside, skimmer.read):
        if part.number % _TELL_EVERY == 1:
            progress(READING, part.number, len(outside.parts))
        last = part.header
        latest_us = max([latest_us, skimmer.passed_us, *[message.t_us for message in part.messages]])
        for message in part.messages:
            topic, t_us, data = message
            if topic.startswith(SCREEN_PREFIX):
                # Looked for in the message as it is: what stands before the packet holds no start code.
                seen.setdefault(topic, []).append((t_us, part.number, frames.is_key_frame(data)))
            elif topic not in _PRESSED or _UP not in data:
                events.append(message)
    said = last.get(DURATION_US, "")
    return Index(
        path=path,
        identity=identity,
        tape=outside,
        complete="end" in last,
        duration_us=max(latest_us, int(said) if said.isdecimal() else 0),
        events=tuple(sorted(events, key=lambda message: message.t_us)),
        tracks={number: _track(found) for number, found in sorted((_number(topic), seen[topic]) for topic in seen)},
    )


def _number(topic: str) -> int:
    """Return the monitor of a topic of frames.

    Raises:
        VerificationError: It is not one that is written.
    """
    number = topic.removeprefix(SCREEN_PREFIX)
    if not number.isdecimal() or screen_topic(int(number)) != topic:
        raise VerificationError("a frame has no time or no monitor")
    return int(number)


def _track(found: list[tuple[int, int, bool]]) -> Track:
    track = Track()
    for number, (t_us, part, is_key) in enumerate(sorted(found)):
        track.times.append(t_us)
        track.parts.append(part)
        if is_key:
            track.keys.append(number)
    return track
