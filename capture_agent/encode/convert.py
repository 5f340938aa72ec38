"""Colours: BGRX pixels to what H.264 stores (4:2:0, BT.709, limited range), and back to RGB.

Converting a whole 1920 × 1080 frame takes 3.2 ms, a third of encoding it. Mostly a few lines
changed, so only those rows are converted again.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from capture_agent.encode.frames import Pixels

BAND = 64  # rows; what is converted is widened to whole bands, so that few sizes of converter are needed
MOST_CONVERTERS = 4  # 0.4 MB each; of 24 heights that there can be, two or three take turns. A new one costs 0.1 ms
_REACH = 8  # rows on both sides whose colour a changed row may change: libswscale averages over three


class Converter:
    """Converts the frames of one size, one after the other.

    The frame that it returns is its own and changes with the next call; so it must have been
    encoded by then.
    """

    def __init__(self) -> None:
        # By height, the one that was used last at the end: each keeps its tables.
        self._converters: dict[int, VideoReformatter] = {}
        self._frame: VideoFrame | None = None

    def __call__(self, pixels: Pixels, rows: tuple[int, int] | None = None) -> VideoFrame:
        """Return (height, width, 4) uint8 BGRX as a frame of yuv420p.

        `rows`: only from that row to before that row do the pixels differ from the call before; None: anywhere.
        """
        frame, height = self._frame, pixels.shape[0]
        top, bottom = (0, height) if rows is None or frame is None else rows
        if top >= bottom and frame is not None:
            return frame
        top, bottom = top // BAND * BAND, min(height, -(-bottom // BAND) * BAND)
        if frame is None or bottom - top > height // 2:
            frame = self._frame = None  # first, so that its memory serves the next one
            self._frame = self._convert(pixels)
            return self._frame
        top, bottom = max(0, top - _REACH), min(height, bottom + _REACH)
        # Their own neighbours are converted too, and thrown away.
        first, last = max(0, top - _REACH), min(height, bottom + _REACH)
        band = self._convert(pixels[first:last])
        for n in range(3):
            halved = 1 if n == 0 else 2
            source = _plane(band, n)[(top - first) // halved : (bottom - first) // halved]
            _plane(frame, n)[top // halved : bottom // halved] = source
        return frame

    def _convert(self, pixels: Pixels) -> VideoFrame:
        height = pixels.shape[0]
        converter = self._converters.pop(height) if height in self._converters else VideoReformatter()
        self._converters[height] = converter
        if len(self._converters) > MOST_CONVERTERS:
            del self._converters[next(iter(self._converters))]
        return converter.reformat(
            VideoFrame.from_numpy_buffer(_rows(pixels), "bgra"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )


def to_rgb(converter: VideoReformatter, frame: VideoFrame) -> Pixels:
    """Return a decoded frame as (height, width, 3) uint8 RGB."""
    rgb = converter.reformat(
        frame,
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    return cast(Pixels, rgb.to_ndarray())


def _plane(frame: VideoFrame, number: int) -> NDArray[np.uint8]:
    """Return a writable view of a plane, without what FFmpeg keeps behind each row."""
    plane = frame.planes[number]
    rows: NDArray[np.uint8] = np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def _rows(pixels: Pixels) -> Pixels:
    """Return an array whose rows are contiguous, as FFmpeg wants them; a crop of whole rows is."""
    if pixels.strides[1:] == (4, 1) and pixels.strides[0] > 0:
        return pixels
    return np.ascontiguousarray(pixels)
