from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks import barcode


def screen(number: int, *, ground: int = 90) -> NDArray[np.uint8]:
    luma = np.full((1_080, 1_920), ground, np.uint8)
    for n, white in enumerate(barcode.blocks(number)):
        x = barcode.X + n * barcode.BLOCK
        luma[barcode.Y : barcode.Y + barcode.BLOCK, x : x + barcode.BLOCK] = 255 if white else 0
    return luma


@given(st.integers(0, 2**barcode.BITS - 1))
def test_a_number_is_read_back(number: int) -> None:
    assert barcode.read(screen(number)) == number


@given(st.integers(0, 2**barcode.BITS - 1), st.integers(0, 2**32 - 1))
def test_a_number_survives_the_noise_of_an_encoder(number: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-30, 31, (1_080, 1_920))
    noisy = (screen(number).astype(int) + noise).clip(0, 255).astype(np.uint8)
    assert barcode.read(noisy) == number


@given(st.integers(0, 2**barcode.BITS - 1), st.integers(0, barcode.BITS + 2))
def test_a_wrong_block_is_noticed(number: int, block: int) -> None:
    luma = screen(number)
    x = barcode.X + block * barcode.BLOCK
    part = luma[barcode.Y : barcode.Y + barcode.BLOCK, x : x + barcode.BLOCK]
    part[:] = 255 - part
    assert barcode.read(luma) is None


def test_a_screen_without_bar_code_has_no_number() -> None:
    for ground in (0, 90, 255):
        assert barcode.read(np.full((1_080, 1_920), ground, np.uint8)) is None


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="holds"):
        barcode.blocks(2**barcode.BITS)
