"""Cleared pictures to video packets: one encoder a monitor, equal ones left out, key frames where they are needed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture_agent.core.errors import FaultError
from capture_agent.core.events import Picture
from capture_agent.encode import frames
from capture_agent.encode.event_log import Message
from capture_agent.encode.video import Encoder

KEY_FRAME_EVERY_US = 10_000_000  # a cut or a jump never has to go back further
MOST_WANTED = 32  # times from which key frames are wanted: more never wait for the frames that are encoded next


@dataclass(slots=True)
class _Stream:
    encoder: Encoder
    shown: NDArray[np.uint8]  # what was encoded last
    last_us: int
    key_us: int | None = None  # when the last key frame was


class Screens:
    """The video streams of one session; used on the pipeline's thread only."""

    def __init__(self, epoch_us: int) -> None:
        self._epoch_us = epoch_us
        self._streams: dict[int, _Stream] = {}
        self._wanted_us: deque[int] = deque(maxlen=MOST_WANTED)
        self.kept = 0
        self.equal = 0  # nothing new to see after painting over

    def encode(self, picture: Picture) -> Message | None:
        """Return the packet for a picture, or None if it shows nothing new."""
        number, top, area = picture.monitor.number, picture.top, picture.monitor.rect
        height, width = area.height // 2 * 2, area.width // 2 * 2  # the encoder takes only even sizes
        stream = self._streams.get(number)
        if stream is None or stream.shown.shape != (height, width, 4):
            if top or picture.pixels.shape[0] < height:
                raise FaultError("rows of a picture came before the picture")
            stream = self._streams[number] = self._begun(height, width, stream)
        pixels = picture.pixels[: height - top, :width]
        place = stream.shown[top : top + pixels.shape[0]]
        first, end = frames.changed_rows(place, pixels)
        # A frame stamped with its press may be a moment older than the one before it; video time only grows.
        t_us = max(picture.t_us - self._epoch_us, stream.last_us + 1)
        fresh = stream.key_us is None or any(stream.key_us < from_us <= t_us for from_us in self._wanted_us)
        if not fresh and first == end:
            self.equal += 1
            return None
        key = fresh or stream.key_us is None or t_us - stream.key_us >= KEY_FRAME_EVERY_US
        place[first:end] = pixels[first:end]
        stream.last_us = t_us
        packet = stream.encoder.encode(stream.shown, t_us, key=key, rows=(top + first, top + end))
        if key:
            stream.key_us = t_us
        self.kept += 1
        return Message(f"screen/{number}", t_us, frames.pack_video(t_us, number, packet))

    @staticmethod
    def _begun(height: int, width: int, before: _Stream | None) -> _Stream:
        """Return a stream of another size than the one before it, which ends."""
        if before is not None:
            before.encoder.close()
        last_us = -1 if before is None else before.last_us
        return _Stream(Encoder(width, height), np.zeros((height, width, 4), np.uint8), last_us)

    def force_key_frames(self, from_us: int) -> None:
        """Make each stream's first frame from `from_us` on a key frame: what it would refer back to is gone, or may go.

        Of several such times each counts, also for frames that are encoded after all of them were wanted.
        """
        self._wanted_us.append(from_us - self._epoch_us)

    def close(self) -> None:
        """Give the encoders back, and what was encoded last: no picture is held between two sessions."""
        for stream in self._streams.values():
            stream.encoder.close()
        self._streams.clear()
