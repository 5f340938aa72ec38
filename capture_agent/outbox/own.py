"""Open one's own session, directly from the held file: the same files that a researcher gets from a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from capture_agent.core.events import Category
from capture_agent.core.progress import Progress, silent
from capture_agent.held.cut import Span
from capture_agent.keys.age import Identity
from capture_agent.outbox.compose import compose
from capture_agent.outbox.folder import OpenedFolder
from capture_agent.outbox.held_recording import HeldRecording
from capture_agent.outbox.opened import USUAL, Extras, derive
from capture_agent.outbox.order import everything

OWN = {"verified": True, "standing": "own", "says": "Your own recording, read from this device; each part was checked."}


def open_own(
    held_path: Path,
    identity: Identity,
    out_folder: Path,
    *,
    without: Sequence[Span] = (),
    extras: Extras = USUAL,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write everything in a held session but the spans `without`, opened, into a new folder, and return its report.

    Raises:
        ConfigError: The folder is there and not empty.
        KeyError_: `identity` is not this session's.
        VerificationError: The session is damaged; nothing is left in the folder.
        StorageError: The disk is full.
    """
    with OpenedFolder(out_folder) as folder:
        composed = compose(HeldRecording(held_path, identity, without), everything, progress)
        for _, content in composed.members:
            with folder.create(content.name) as file:
                content.make(file)
        return derive(folder, composed.described, frozenset(Category), OWN, extras=extras, progress=progress)
