"""What is known of recordings whose files do not change any more, so that nobody has to look into them again.

A look into each of 10,000 files takes seconds, and every start and every list would take it. What a closed file says
from outside (all of it stands in the clear in the file itself) is kept for as long as it is the same file: number on
the disk, size, time of change. A list that is lost, damaged or old costs the look, and nothing else.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from capture_agent.core.errors import StorageError, VerificationError
from capture_agent.keys.files import read_private, replace_private
from capture_agent.keys.strict_json import strict_object

FORMAT = 1
WORTH = 200  # files; fewer are looked into in no time, and nothing is written


class Stamp(NamedTuple):
    """What is another one as soon as a file is."""

    number: int
    size: int
    changed_ns: int


class Outside(NamedTuple):
    """What a closed recording says from outside."""

    study: str
    created: str


def stamp(status: os.stat_result) -> Stamp:
    """Return the stamp of a file."""
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def _outside(study: object, created: object) -> Outside:
    if not isinstance(study, str) or not isinstance(created, str):
        raise TypeError
    return Outside(study, created)


class Known:
    """The closed recordings that were looked into, by the names of their files; `path` keeps them across restarts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Any] = {}  # what was stored is looked at when somebody asks for it
        self._new = False  # since it was kept last
        with suppress(StorageError, VerificationError, ValueError, TypeError, AttributeError):
            stored: Any = strict_object(read_private(path) or b"{}")
            if stored.get("format") == FORMAT:
                self._found = dict(stored.get("files"))

    def get(self, name: str, now: Stamp) -> Outside | None:
        """Return what the file says, if it is the one that was looked into."""
        try:
            was, (study, created) = self._found[name]
            return _outside(study, created) if tuple(was) == now else None
        except (KeyError, TypeError, ValueError):
            return None

    def put(self, name: str, now: Stamp, said: Outside) -> None:
        """Remember what a closed file says."""
        self._found[name] = now, said
        self._new = True

    def keep(self, names: set[str]) -> None:
        """Write down what is known of `names`, and forget the others. That it cannot be written costs time alone."""
        gone = self._found.keys() - names
        for name in gone:
            del self._found[name]
        if len(self._found) < WORTH or not (self._new or gone):
            return
        with suppress(StorageError):
            replace_private(self._path, json.dumps({"format": FORMAT, "files": self._found}).encode())
            self._new = False
