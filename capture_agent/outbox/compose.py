"""From a held session to the members of a bundle, or to the files of one's own: one stream in, twice.

The first reading counts, measures and hashes; each member can then be made again, byte for byte,
from another reading. Of its frames a few seconds are in memory, of its events `order.LATE_US`, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias, cast

from capture_agent.bundle.manifest import EVENTS_NAME, Described, Member, video_name
from capture_agent.bundle.write import Content, Measure
from capture_agent.core.errors import StorageError
from capture_agent.core.progress import READING, Progress, silent
from capture_agent.encode import frames, video
from capture_agent.encode.event_log import LogWriter, Message
from capture_agent.encode.records import SCREEN_PREFIX
from capture_agent.outbox.describe import Tally
from capture_agent.outbox.order import in_order

Choice: TypeAlias = Callable[[Iterable[Message]], Iterator[Message]]
"""Which messages of a session go on, and in which form: `order.agreed` or `order.everything`."""

MAX_SEGMENTS = 128  # videos of one session: every monitor and size it had


class Recording(Protocol):
    """A held session that can be read as often as needed."""

    @property
    def notes(self) -> Mapping[str, str]:
        """What the recorder noted in the first part and the end."""

    @property
    def complete(self) -> bool:
        """Whether the recorder closed it."""

    @property
    def total(self) -> int:
        """How many parts its file has; the last may turn out to be torn."""

    def parts(self) -> Iterator[Sequence[Message]]:
        """Yield the messages of each part, decrypted, from the first part on."""


class Place(NamedTuple):
    """A video of a session: which monitor, and the how-manieth size it had."""

    monitor: int
    segment: int


class Packet(NamedTuple):
    """One frame of a monitor and the video that it goes into."""

    place: Place
    t_us: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Composed:
    """A session's members, measured, and what is said of it."""

    described: Described
    members: tuple[tuple[Member, Content], ...]


def compose(recording: Recording, choice: Choice, progress: Progress = silent) -> Composed:
    """Read the session once; return its members, which can then be made.

    Raises:
        StorageError: The session holds something that cannot be released.
        VerificationError: It is damaged.
    """
    tally = Tally()
    log = Measure()
    writer = LogWriter(cast(BinaryIO, log))
    videos: dict[Place, tuple[Measure, video.Muxer]] = {}
    tracks = Tracks()
    for message in choice(in_order(_watched(recording, progress, READING))):
        if not message.topic.startswith(SCREEN_PREFIX):
            writer.add(message)
            tally.add(message)
            continue
        packet = tracks.place(message)
        if packet is None:
            continue
        if packet.place not in videos:
            if len(videos) == MAX_SEGMENTS:
                raise StorageError(
                    "the monitors changed their size too often for one bundle", hint="Cut it into shorter sessions."
                )
            sink = Measure()
            videos[packet.place] = (sink, _muxer(cast(BinaryIO, sink), packet))
        videos[packet.place][1].add(packet.t_us, packet.data)
        tally.add(message, video_name(*packet.place))
    writer.finish()
    made = [(log.member(EVENTS_NAME), Content(EVENTS_NAME, _make_log(recording, choice, progress)))]
    for place, (sink, muxer) in sorted(videos.items()):
        muxer.finish()
        name = video_name(*place)
        made.append((sink.member(name), Content(name, _make_video(recording, choice, progress, place))))
    return Composed(tally.described(recording.notes, complete=recording.complete), tuple(made))


class Tracks:
    """Sorts a session's frames into videos: a new one begins where a monitor's stream has other parameters."""

    def __init__(self) -> None:
        self._now: dict[int, tuple[Place, bytes]] = {}

    def place(self, message: Message) -> Packet | None:
        """Return where a frame goes, or None if nothing before it makes it visible (its key frame was cut)."""
        _, monitor, data = frames.unpack_video(message.data)
        place, parameters = self._now.get(monitor, (Place(monitor, 0), b""))
        if frames.is_key_frame(data):
            found = frames.parameter_sets(data)
            if found != parameters:
                place = Place(monitor, place.segment + 1)
                self._now[monitor] = (place, found)
        return Packet(place, message.t_us, data) if place.segment else None


def _muxer(stream: BinaryIO, first: Packet) -> video.Muxer:
    return video.Muxer(stream, *video.size_of(first.data))


def _make_log(recording: Recording, choice: Choice, progress: Progress) -> Callable[[BinaryIO], None]:
    def make(stream: BinaryIO) -> None:
        writer = LogWriter(stream)
        for message in choice(in_order(_watched(recording, progress, EVENTS_NAME))):
            if not message.topic.startswith(SCREEN_PREFIX):
                writer.add(message)
        writer.finish()

    return make


def _make_video(recording: Recording, choice: Choice, progress: Progress, wanted: Place) -> Callable[[BinaryIO], None]:
    def make(stream: BinaryIO) -> None:
        tracks, muxer = Tracks(), None
        topic = f"{SCREEN_PREFIX}{wanted.monitor}"
        for message in choice(in_order(_watched(recording, progress, video_name(*wanted)))):
            packet = tracks.place(message) if message.topic == topic else None
            if packet is None or packet.place != wanted:
                continue
            muxer = muxer or _muxer(stream, packet)
            muxer.add(packet.t_us, packet.data)
        if muxer is not None:
            muxer.finish()

    return make


def _watched(recording: Recording, progress: Progress, what: str) -> Iterator[Sequence[Message]]:
    for done, messages in enumerate(recording.parts(), 1):
        progress(what, done, recording.total)
        yield messages
