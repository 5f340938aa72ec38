from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import quality

words = st.text("abcdefghij", min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=8))
def test_text_that_was_read_is_wholly_legible_however_it_was_broken(lines: list[str]) -> None:
    assert quality.legible(" ".join(lines), lines) == 1.0
    assert quality.legible("\n\n".join(lines), lines) == 1.0


@given(st.lists(words, min_size=1, max_size=8))
def test_nothing_read_is_nothing_legible(lines: list[str]) -> None:
    assert quality.legible("", lines) == 0.0
    assert quality.legible("0123", lines) == 0.0


def test_a_wrong_character_in_a_hundred_is_one_percent() -> None:
    shown = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=100))
    assert quality.legible(f"{shown[:42]}?{shown[43:]}", [shown]) == pytest.approx(0.99)


def test_the_last_ssim_that_ffmpeg_prints_counts() -> None:
    said = "n:1 Y:0.9 All:0.900000 (10)\n[Parsed_ssim_2 @ 0x1] SSIM Y:0.998 (27) All:0.998123 (27.26)\n"
    assert quality.parse_ssim(said) == 0.998123


def test_no_ssim_is_an_error_and_not_a_number() -> None:
    with pytest.raises(ValueError, match="no SSIM"):
        quality.parse_ssim("Conversion failed!")


def test_luma_is_that_of_the_standard() -> None:
    pixels = np.array([[[0, 0, 0, 9], [255, 255, 255, 9], [0, 255, 0, 9], [255, 0, 0, 9]]], np.uint8)
    assert quality.gray(pixels).tolist() == [[0, 255, 182, 18]]
