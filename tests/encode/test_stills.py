"""A still is exactly the pixels, and nothing else."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from capture_agent.encode import stills


def test_a_still_holds_every_pixel() -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (31, 47, 3), np.uint8)
    picture = Image.open(io.BytesIO(stills.png(pixels)))
    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), pixels)


def test_a_still_says_nothing_of_when_or_with_what_it_was_made() -> None:
    data = stills.png(np.zeros((4, 6, 3), np.uint8))
    kinds, place = [], 8
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kinds.append(data[place + 4 : place + 8])
        place += size + 12
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def test_a_jpeg_is_close_in_colour_too() -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (4, 6, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    picture = Image.open(io.BytesIO(stills.jpeg(pixels)))
    assert picture.format == "JPEG"
    assert np.abs(np.asarray(picture).astype(int) - pixels).mean() < 4
