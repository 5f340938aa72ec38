"""Cleared frames to video packets: one encoder a monitor, equal frames left out, key frames where they are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture_agent.core.events import Frame
from capture_agent.encode import frames
from capture_agent.encode.event_log import Message
from capture_agent.encode.video import Encoder

KEY_FRAME_EVERY_US = 10_000_000  # a cut or a jump never has to go back further


@dataclass(slots=True)
class _Stream:
    encoder: Encoder
    shape: tuple[int, int]
    last: NDArray[np.uint8] | None = None
    last_us: int = -1
    key_us: int | None = None  # when the last key frame was


class Screens:
    """The video streams of one session; used on the pipeline's thread only."""

    def __init__(self, epoch_us: int) -> None:
        self._epoch_us = epoch_us
        self._streams: dict[int, _Stream] = {}
        self._key_from_us = 0
        self.kept = 0
        self.equal = 0  # nothing new to see after painting over

    def encode(self, frame: Frame) -> Message | None:
        """Return the packet for a painted frame, or None if it shows nothing new."""
        pixels = frames.even(frame.pixels)
        shape = (pixels.shape[0], pixels.shape[1])
        stream = self._streams.get(frame.monitor.number)
        if stream is None or stream.shape != shape:
            before_us = -1
            if stream is not None:
                stream.encoder.close()
                before_us = stream.last_us
            stream = _Stream(Encoder(shape[1], shape[0]), shape, last_us=before_us)
            self._streams[frame.monitor.number] = stream
        # A frame stamped with its press may be a moment older than the one before it; video time only grows.
        t_us = max(frame.t_us - self._epoch_us, stream.last_us + 1)
        fresh = stream.key_us is None or stream.key_us < self._key_from_us <= t_us
        if not fresh and stream.last is not None and frames.same(stream.last, pixels):
            self.equal += 1
            return None
        key = fresh or stream.key_us is None or t_us - stream.key_us >= KEY_FRAME_EVERY_US
        stream.last, stream.last_us = pixels, t_us  # now: the frame before is 8 MB that the encoder can do without
        packet = stream.encoder.encode(pixels, t_us, key=key)
        if key:
            stream.key_us = t_us
        self.kept += 1
        return Message(f"screen/{frame.monitor.number}", t_us, frames.pack_video(t_us, frame.monitor.number, packet))

    def force_key_frames(self, from_us: int) -> None:
        """Make each stream's first frame from `from_us` on a key frame: what it would refer back to may be gone."""
        self._key_from_us = from_us - self._epoch_us

    def close(self) -> None:
        """Give the encoders back."""
        for stream in self._streams.values():
            stream.encoder.close()
