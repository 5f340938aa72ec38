"""One picture as a file: the encoders' door to Pillow."""

from __future__ import annotations

import io

from PIL import Image

from capture_agent.encode.frames import Pixels

_LEVEL = 1  # of zlib, 0 to 9: a still of a desktop is 10 % larger than at 6, and made five times as fast
_QUALITY = 90  # of JPEG, to 95: small text stays readable; 4 ms and a tenth of a PNG for 1920 × 1080


def png(pixels: Pixels) -> bytes:
    """Return (height, width, 3) uint8 RGB as PNG, without text, times or anything but the pixels."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=_LEVEL)
    return out.getvalue()


def jpeg(pixels: Pixels) -> bytes:
    """Return (height, width, 3) uint8 RGB as JPEG, colours at full resolution: small red text stays red."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return out.getvalue()
