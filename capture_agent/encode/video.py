"""Pixels to H.264 and MP4, and back: the only door to PyAV (FFmpeg, libx264).

Times are session time in µs, exact: time base 1/1 000 000 everywhere, variable frame rate.
Colours are BT.709, limited range, and tagged so; without both the tag and the conversion reds shift.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import IO, BinaryIO, Final, cast

import av
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from capture_agent.core.errors import FaultError, VerificationError
from capture_agent.encode.convert import Converter, to_rgb
from capture_agent.encode.frames import Pixels, is_key_frame, parameter_sets

PRESET = "superfast"
# Measured on text that is typed, scrolled and moved (1920 × 1080; CPU of converting and encoding a frame while
# typing and while scrolling, size while scrolling, luma SSIM):
#   plain superfast crf 23          6.5 and 9.6 ms,  9 KiB, 0.9985
#   these parameters with crf 23    6.8 and 10.9 ms, 9 KiB, 0.9986
#   and with qp 20                  4.4 and 7.8 ms, 10 KiB, 0.9995
#   and with weightp=0, scenecut=0  3.3 and 6.7 ms, 38 KiB, 0.9994
# A constant quantiser needs no rate control, which looks at each frame in half its size first. Without
# weightp and scenecut that look is not taken at all; scrolling is then found less often and costs bytes,
# typing does not. Large transforms and the deblocking filter blur small text; CABAC and sub-pixel search
# cost time and gain little where things move by whole pixels.
X264_PARAMS = "8x8dct=0:subme=0:cabac=0:no-deblock=1:weightp=0:scenecut=0"
QP = 20  # quantiser of libx264, the same for every frame; 0 lossless, 51 worst
CRF = 23  # what a peer that uses the preset alone needs for about the same picture; the benchmark gives it to ffmpeg
NOMINAL_FPS = 10  # written into the stream; every frame carries its own time
NEVER = 1_000_000  # frames between automatic key frames: the recorder asks for each one
TIME_BASE: Final = Fraction(1, 1_000_000)
_SPACE_709 = 1  # AVCOL_SPC_BT709
# delay_moov: the header waits for the first key frame, which brings the parameter sets. The time
# scale of the whole file is 1 ms otherwise, and the start of a video would be rounded to it.
_MP4: Final = {
    "movflags": "frag_keyframe+delay_moov+default_base_moof",
    "movie_timescale": "1000000",
    "fflags": "+bitexact",
}


class Encoder:
    """Encodes one monitor's frames; one packet comes out for each that goes in, at once.

    A monitor that changes its size gets a new encoder, whose first packet is a key frame.
    """

    def __init__(self, width: int, height: int) -> None:
        if width <= 0 or height <= 0 or width % 2 or height % 2:
            raise FaultError("a video needs an even size")
        self.size = (width, height)
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base, codec.framerate = TIME_BASE, Fraction(NOMINAL_FPS)
        codec.gop_size, codec.max_b_frames = NEVER, 0
        # More threads delay packets and cost the desktop's owner a second core.
        codec.thread_count = 1
        codec.colorspace, codec.color_range = _SPACE_709, ColorRange.MPEG
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        codec.options = {
            "preset": PRESET,
            "tune": "zerolatency",
            "qp": str(QP),
            "forced-idr": "1",
            "x264-params": X264_PARAMS,
        }
        self._codec = codec
        self._convert = Converter()
        self._last_us = -1

    def encode(self, pixels: Pixels, t_us: int, *, key: bool, rows: tuple[int, int] | None = None) -> bytes:
        """Return the packet (Annex B) of one frame; with `key` it can be decoded without those before.

        `pixels` is (height, width, 4) uint8, BGRX; `t_us` rises from frame to frame. `rows`: only from that row to
        before that row do the pixels differ from those of the frame before; None: anywhere.

        Raises:
            FaultError: Wrong size, a time that does not rise, or libx264 failed.
        """
        if pixels.shape != (self.size[1], self.size[0], 4):
            raise FaultError("a frame has another size than its encoder")
        if t_us <= self._last_us:
            raise FaultError("the times of a monitor's frames do not rise")
        try:
            frame = self._convert(pixels, rows)
            frame.pts, frame.time_base = t_us, TIME_BASE
            # The frame is reused memory: without NONE a forced type would stick.
            frame.pict_type = PictureType.I if key or self._last_us < 0 else PictureType.NONE
            packets = self._codec.encode(frame)
        except av.FFmpegError as error:
            raise FaultError("the video encoder failed ({kind})", kind=type(error).__name__) from None
        if len(packets) != 1:
            raise FaultError("the video encoder held a frame back")
        self._last_us = t_us
        return bytes(packets[0])

    def close(self) -> None:
        """Give the encoder's memory back. Nothing is held back, so nothing is flushed."""
        del self._codec, self._convert


def size_of(key_frame: bytes) -> tuple[int, int]:
    """Return width and height of the video that begins with this key frame.

    Raises:
        VerificationError: It is not a key frame, or damaged.
    """
    decoder = av.CodecContext.create("h264", "r")
    try:
        decoder.decode(av.Packet(key_frame))
        decoder.decode(None)
    except av.FFmpegError as error:
        raise _damaged(error) from None
    if not is_key_frame(key_frame) or not decoder.width or not decoder.height:
        raise VerificationError("a video does not begin with a key frame")
    return decoder.width, decoder.height


class _Pipe:
    """A stream that can only be written to, so that the muxer never seeks."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        return len(data)


class Muxer:
    """Writes packets of one size as fragmented MP4 to any stream, without seeking, in bounded memory.

    A fragment begins at every key frame. The bytes depend on nothing but the packets: no dates, no
    version. A monitor that changes its size goes on in another file: see `frames.Tracks`.
    """

    def __init__(self, stream: BinaryIO, width: int, height: int) -> None:
        self._container = av.open(
            cast(IO[bytes], _Pipe(stream)),
            "w",
            format="mp4",
            options=_MP4,
        )
        self._stream = self._container.add_mux_stream(
            "h264", rate=NOMINAL_FPS, width=width, height=height, time_base=TIME_BASE
        )
        self._parameters = b""
        self._last_us = -1

    def add(self, t_us: int, annexb: bytes) -> None:
        """Add one packet; times rise, the first one is a key frame.

        Raises:
            VerificationError: The packet does not belong here.
            OSError: The stream could not be written.
        """
        key = is_key_frame(annexb)
        if t_us <= self._last_us:
            raise VerificationError("the times of a video do not rise")
        if key:
            parameters = parameter_sets(annexb)
            if self._parameters not in {b"", parameters}:
                raise VerificationError("a video changes its size")
            self._parameters = parameters
        elif not self._parameters:
            raise VerificationError("a video does not begin with a key frame")
        packet = av.Packet(annexb)
        packet.stream, packet.time_base = self._stream, TIME_BASE
        packet.pts = packet.dts = t_us
        packet.is_keyframe = key
        try:
            self._container.mux_one(packet)
        except av.FFmpegError as error:
            raise _damaged(error) from None
        self._last_us = t_us

    def finish(self) -> None:
        """Write the last fragment. The stream stays open."""
        try:
            self._container.close()
        except av.FFmpegError as error:
            raise _damaged(error) from None


def decode(stream: BinaryIO) -> Iterator[tuple[int, Pixels]]:
    """Yield (session time in µs, (height, width, 3) uint8 RGB) for every frame of an MP4, in order.

    Raises:
        VerificationError: It cannot be decoded.
    """
    converter = VideoReformatter()
    try:
        with av.open(stream, "r", format="mp4") as container:
            for frame in container.decode(container.streams.video[0]):
                yield _exact_us(frame), to_rgb(converter, frame)
    except (av.FFmpegError, IndexError) as error:
        raise _damaged(error) from None


def frame_times(stream: BinaryIO) -> Iterator[int]:
    """Yield the session time in µs of every frame of an MP4, in order, without decoding any.

    Raises:
        VerificationError: It is not an MP4 with a video.
    """
    try:
        with av.open(stream, "r", format="mp4") as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:  # the last one is empty: it tells decoders to finish
                    yield _exact_us(packet)
    except (av.FFmpegError, IndexError) as error:
        raise _damaged(error) from None


def decode_packets(packets: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Pixels]]:
    """Yield (session time in µs, RGB) for every packet (session time, Annex B) from the first key frame on.

    Raises:
        VerificationError: They cannot be decoded.
    """
    decoder = Decoder()
    begun = False
    for t_us, annexb in packets:
        begun = begun or is_key_frame(annexb)
        if begun:
            decoder.take(annexb)
            yield t_us, decoder.pixels()


class Decoder:
    """Decodes one video packet by packet; pixels are made only of the picture that is asked for."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1  # one frame out for each in
        self._converter = VideoReformatter()
        self._frame: VideoFrame | None = None

    def take(self, annexb: bytes) -> None:
        """Decode the next packet (Annex B); the first one is a key frame.

        Raises:
            VerificationError: It cannot be decoded.
        """
        try:
            for frame in self._decoder.decode(av.Packet(annexb)):
                self._frame = frame
        except av.FFmpegError as error:
            raise _damaged(error) from None

    def pixels(self) -> Pixels:
        """Return the last packet's picture, (height, width, 3) uint8 RGB.

        Raises:
            VerificationError: No packet made one.
        """
        if self._frame is None:
            raise VerificationError("a video does not begin with a key frame")
        return to_rgb(self._converter, self._frame)


def _exact_us(timed: VideoFrame | av.Packet[VideoStream]) -> int:
    if timed.pts is None or timed.time_base is None:
        raise VerificationError("a frame of a video has no time")
    return round(timed.pts * timed.time_base / TIME_BASE)


def _damaged(error: Exception) -> VerificationError:
    return VerificationError("a video is damaged ({kind})", kind=type(error).__name__)
