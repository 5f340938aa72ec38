"""The bar code that numbers a probe: black and white blocks that survive any video encoder. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITS = 6  # numbers 0 … 63; 0 is blank
BLOCK = 16  # px: one macroblock, and far above what an encoder blurs
X, Y = 1_760, 8  # where it stands on the 1920 × 1080 screen: a corner that no window of the workload reaches
WIDTH, HEIGHT = (BITS + 3) * BLOCK, BLOCK  # a white and a black block before, a parity block after
BLACK_BELOW, WHITE_ABOVE = 64, 192  # luma; between the two it is no bar code


def blocks(number: int) -> tuple[bool, ...]:
    """Return the blocks of `number`, left to right; True is white."""
    if not 0 <= number < 1 << BITS:
        raise ValueError(f"a bar code holds 0 to {(1 << BITS) - 1}")
    bits = tuple(bool(number >> n & 1) for n in range(BITS))
    return (True, False, *bits, sum(bits) % 2 == 0)


def read(luma: NDArray[np.uint8]) -> int | None:
    """Return the number on a screen, given its luma (1080 × 1920, uint8), or None if there is no bar code."""
    seen = []
    for n in range(BITS + 3):
        x = X + n * BLOCK
        value = float(luma[Y + 4 : Y + BLOCK - 4, x + 4 : x + BLOCK - 4].mean())
        if BLACK_BELOW <= value <= WHITE_ABOVE:
            return None
        seen.append(value > WHITE_ABOVE)
    number = sum(1 << n for n in range(BITS) if seen[n + 2])
    return number if tuple(seen) == blocks(number) else None
