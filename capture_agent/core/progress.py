"""How far long work has come, told by whoever does it; and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done and how much there is (0: not known). Returns at once.

It raises `CancelledError` to stop the work, which then leaves nothing behind.
"""

# What is being done; members of a bundle go by their names.
READING = "reading"
CUTTING = "cutting"  # what stays of a recording is written anew
REPORTING = "events"
RECORDINGS = "recordings"  # one after the other
NOTING = "noting"  # the last call: after it, the work can no longer be stopped


class CancelledError(Exception):
    """The person wants no more of this. Nobody is told: it is no error, only the way out of the work."""


def silent(what: str, done: int, total: int) -> None:
    """Show no progress."""
