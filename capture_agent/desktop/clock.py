"""The input clock."""

from __future__ import annotations

import time


def now_us() -> int:
    """Return the input clock in µs: CLOCK_MONOTONIC on Linux."""
    return time.monotonic_ns() // 1000
