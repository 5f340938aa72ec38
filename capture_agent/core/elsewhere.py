"""Whether a folder's files stay on this computer, from the data file beside. Pure.

What is recorded lies on its owner's disk until it is released. A network drive, or a program that copies a folder to
other computers, would carry it away before that; it is sealed, but a copy there outlives forgetting and opting out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import PurePath, PurePosixPath
from typing import Any

from capture_agent.core.language import noted, say

_NETWORK = noted("a network drive ({name})")
_SYNCED = noted("a folder that {name} copies to other computers")
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where files of a folder go: `what`, a sentence's part with a place for `name`, and who takes them there."""

    what: str
    name: str

    def said(self) -> str:
        """Return it as a part of a sentence."""
        return say(self.what, name=self.name)


@cache
def table() -> dict[str, list[dict[str, Any]]]:
    """Return the data file."""
    return tomllib.loads(resources.files("capture_agent.core").joinpath("elsewhere.toml").read_text("utf-8"))


def elsewhere(folder: PurePath, file_system: str, holds: Callable[[PurePath, str], bool]) -> Elsewhere | None:
    """Return where files of `folder` go, or None: they stay here.

    `folder` is a full path without links, `file_system` the type of the one it lies on, `holds` tells whether a folder
    holds something of that name (with * for anything).
    """
    if _is_network(file_system):
        return Elsewhere(_NETWORK, file_system)
    for entry in table()["synced"]:
        if any(fnmatchcase(part, name) for part in folder.parts for name in entry["folders"]):
            return Elsewhere(_SYNCED, entry["name"])
    for parent in (folder, *folder.parents):
        for entry in table()["synced"]:
            if any(holds(parent, name) for name in entry["inside"]):
                return Elsewhere(_SYNCED, entry["name"])
    return None


def mounted(folder: PurePosixPath, mountinfo: str) -> str:
    """Return the type of the file system of `folder`, by what /proc/self/mountinfo says; "" if it does not say."""
    deepest, found = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        place = PurePosixPath(_ESCAPED.sub(lambda digits: chr(int(digits[1], 8)), before.split(" ")[4]))
        # Of two that were mounted at one place the later one hides the other.
        if folder.is_relative_to(place) and len(place.parts) >= deepest:
            deepest, found = len(place.parts), after.split(" ")[0]
    return found


def _is_network(file_system: str) -> bool:
    if file_system == "fuse" or file_system.startswith("fuse."):
        return file_system.removeprefix("fuse.") not in {n for entry in table()["local-fuse"] for n in entry["names"]}
    return any(file_system in entry["types"] for entry in table()["network"])
