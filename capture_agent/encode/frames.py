"""Pixels before the encoder, and packets after it: comparing, cropping, wrapping, telling key frames.

A packet is H.264 in Annex B form: NAL units, each behind a start code (ITU-T H.264, annex B).
It is stored as `foxglove.CompressedVideo`, four protobuf fields that need no protobuf library.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture_agent.core.errors import VerificationError
from capture_agent.encode.records import SCREEN_PREFIX, screen_topic

Pixels = NDArray[np.uint8]

_START_CODE = b"\0\0\1"
_SLICE_IDR, _SPS, _PPS = 5, 7, 8  # nal_unit_type, H.264 table 7-1
_FORMAT = b"h264"
_SECOND_US = 1_000_000
_BAND = 64  # rows that are compared at a time; few enough to stay in the cache


def changed_rows(before: Pixels, now: Pixels) -> tuple[int, int]:
    """Return from which row to before which row two images of one size differ, in whole bands; (0, 0): nowhere."""
    one, other = _words(before), _words(now)
    tops = range(0, now.shape[0], _BAND)

    def differ(top: int) -> bool:
        return not np.array_equal(one[top : top + _BAND], other[top : top + _BAND])

    first = next(filter(differ, tops), None)
    if first is None:
        return 0, 0
    return first, min(now.shape[0], next(filter(differ, reversed(tops))) + _BAND)


def _words(pixels: Pixels) -> NDArray[np.uint64] | Pixels:
    """Return a view of whole words of eight bytes where memory allows it; a crop's rows need not touch."""
    height, width, depth = pixels.shape
    if pixels.strides[1:] != (depth, 1) or width * depth % 8:
        return pixels
    return pixels.reshape(height, width * depth).view(np.uint64)


class Video(NamedTuple):
    """One packet of a monitor's video, at a session time in µs."""

    t_us: int
    monitor: int
    data: bytes


def pack_video(t_us: int, monitor: int, data: bytes) -> bytes:
    """Return a packet as a `foxglove.CompressedVideo`: timestamp 1, frame_id 2, data 3, format 4."""
    seconds, micros = divmod(t_us, _SECOND_US)
    stamp = _number(1, seconds) + _number(2, micros * 1000)
    return b"".join((_bytes(1, stamp), _bytes(2, screen_topic(monitor).encode()), _bytes(3, data), _bytes(4, _FORMAT)))


def unpack_video(message: bytes) -> Video:
    """Return the packet in a `foxglove.CompressedVideo` that `pack_video` made.

    Raises:
        VerificationError: It was not made by `pack_video`.
    """
    fields = dict(_fields(message))
    stamp, frame_id, data, form = (fields.get(n, b"") for n in (1, 2, 3, 4))
    if not (isinstance(stamp, bytes) and isinstance(frame_id, bytes) and isinstance(data, bytes) and form == _FORMAT):
        raise VerificationError("a frame is not H.264 in the form that is written")
    times = dict(_fields(stamp))
    seconds, nanos = times.get(1, 0), times.get(2, 0)
    number = frame_id.removeprefix(SCREEN_PREFIX.encode())
    if not (isinstance(seconds, int) and isinstance(nanos, int) and number.isdigit() and len(number) < 6):
        raise VerificationError("a frame has no time or no monitor")
    video = Video(seconds * _SECOND_US + nanos // 1000, int(number), data)
    if pack_video(*video) != message:
        raise VerificationError("a frame is not in the form that is written")
    return video


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    """Return a varint field; proto3 leaves out a zero."""
    return _varint(field << 3) + _varint(value) if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    found: list[tuple[int, int | bytes]] = []
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        value, place = _read_varint(message, place)
        if tag & 7 == 0:
            found.append((tag >> 3, value))
        elif tag & 7 == 2 and place + value <= len(message):
            found.append((tag >> 3, message[place : place + value]))
            place += value
        else:
            raise VerificationError("a frame is damaged")
    return found


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise VerificationError("a frame is damaged")


def nal_units(annexb: bytes) -> list[bytes]:
    """Return the NAL units of a packet, without their start codes."""
    units = annexb.split(_START_CODE)[1:]
    # The zero before a four-byte start code is left at the end of the unit before it; no unit ends in zero.
    return [unit.rstrip(b"\0") for unit in units if unit]


def is_key_frame(annexb: bytes) -> bool:
    """Return whether a packet can be decoded without those before it.

    Parameter sets stand before the picture, so only the first picture's type is looked for.
    """
    place = annexb.find(_START_CODE)
    while 0 <= place < len(annexb) - 3:
        kind = annexb[place + 3] & 0x1F
        if 1 <= kind <= _SLICE_IDR:
            return kind == _SLICE_IDR
        place = annexb.find(_START_CODE, place + 3)
    return False


def parameter_sets(annexb: bytes) -> bytes:
    """Return the SPS and PPS of a key frame, each behind a start code; empty if it has none.

    Equal bytes mean that frames belong to one stream of one size.
    """
    units = [unit for unit in nal_units(annexb) if unit[0] & 0x1F in {_SPS, _PPS}]
    return b"".join(b"\0" + _START_CODE + unit for unit in units)
