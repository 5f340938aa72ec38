"""A little space on the disk that is kept for leaving: taking something away must not fail because the disk is full."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from capture_agent.core.errors import StorageError
from capture_agent.keys.files import read_private, remove, replace_private

# An entry of the consent record takes 1 KiB, the vault 0.7 KiB a recording and is written anew: enough for 500 of them.
RESERVE_BYTES = 512 * 1024

T = TypeVar("T")


class Reserve:
    """A file of noise that is given up when the disk is full. It holds nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Make the file if there is room for it; if not, the next start tries again."""
        with suppress(StorageError):
            found = read_private(self._path)
            if found is None or len(found) < RESERVE_BYTES:
                replace_private(self._path, os.urandom(RESERVE_BYTES))

    def spend(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, done again without the reserve if the disk did not take it.

        Raises:
            CaptureAgentError: As `work`, the second time.
        """
        try:
            return work()
        except StorageError:
            remove(self._path)
            return work()
