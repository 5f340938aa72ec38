"""Write the tombstone of a recording that was released, sealed like a bundle: whoever stores it sees no difference."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from capture_agent.bundle import write
from capture_agent.bundle.manifest import MAX_RECIPIENTS
from capture_agent.bundle.tombstone import TOMBSTONE_NAME
from capture_agent.core.policy import Recipient, RecipientKind


def write_tombstones(envelope: bytes, recipients: Iterable[Recipient], folder: Path) -> list[Path]:
    """Seal `envelope` to each of `recipients`, hybrid and classical ones apart; return the files, all or none.

    Raises:
        StorageError: The folder is not there, or the disk is full or read-only.
    """
    done: list[Path] = []
    with contextlib.ExitStack() as undo:
        for keys in _batches(recipients):
            path = write.write([], envelope, keys, folder, first=TOMBSTONE_NAME)
            undo.callback(path.unlink, missing_ok=True)
            done.append(path)
        undo.pop_all()
    return done


def _batches(recipients: Iterable[Recipient]) -> Iterable[list[str]]:
    """Yield the keys that one file is sealed to: of one kind, and not too many."""
    by_kind: dict[RecipientKind, dict[str, None]] = {}
    for one in recipients:
        by_kind.setdefault(one.kind, {})[one.key] = None
    for _, keys in sorted(by_kind.items()):
        listed = list(keys)
        yield from (listed[start : start + MAX_RECIPIENTS] for start in range(0, len(listed), MAX_RECIPIENTS))
