"""What the program changed in the user's session outside its own profile, and how each change is undone.

Every change is noted, durably, before it is made: what it was before and what it is now. Undoing puts the old value
back, unless somebody else has changed it since; then it is theirs. Changes that do not last are undone when the
program ends and, after a crash, at the next start; lasting ones by the person's click and by `remove`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from capture_agent.core.errors import DesktopError, NewerVersionError, StorageError
from capture_agent.desktop import awake
from capture_agent.keys.files import read_private, replace_private

CHANGES_FORMAT = 1
FILE = "file"
ACCESSIBILITY = "accessibility"
ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `what` names it, `kind` is the sort of place, `where` the place. None: it was, or is, not there."""

    what: str
    kind: str
    where: str
    before: str | None
    after: str | None
    lasting: bool


class Place(Protocol):
    """A sort of place where something can be changed, such as files."""

    def read(self, where: str) -> str | None:
        """Return what is there now, None if nothing is. Raises StorageError."""

    def write(self, where: str, value: str | None) -> None:
        """Put `value` there; None takes it away. Raises StorageError."""


class Files:
    """Text files of the user's, not of ours: their folders and modes are the desktop's affair."""

    def read(self, where: str) -> str | None:
        """See `Place.read`."""
        found = read_private(Path(where))
        return None if found is None else found.decode("utf-8", "surrogateescape")

    def write(self, where: str, value: str | None) -> None:
        """See `Place.write`."""
        path = Path(where)
        try:
            if value is None:
                path.unlink(missing_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(value.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise StorageError(
                "{path} cannot be changed: {why}", hint="Check who owns its folder.", path=path, why=error.strerror
            ) from error


class AccessibilitySwitch:
    """The session's one switch for accessibility: on or off, never missing."""

    def read(self, _where: str) -> str | None:
        """See `Place.read`."""
        try:
            return ON if awake.is_awake() else OFF
        except DesktopError as error:
            raise _no_answer() from error

    def write(self, _where: str, value: str | None) -> None:
        """See `Place.write`."""
        try:
            awake.wake(value == ON)
        except DesktopError as error:
            raise _no_answer() from error


def _no_answer() -> StorageError:
    return StorageError(
        "accessibility cannot be switched: its service does not answer", hint="Install at-spi2-core, and log in anew."
    )


PLACES: Mapping[str, Place] = MappingProxyType({FILE: Files(), ACCESSIBILITY: AccessibilitySwitch()})


class Changes:
    """The changes of one profile, in the file at `path`. Main thread only."""

    def __init__(self, path: Path, places: Mapping[str, Place] = PLACES) -> None:
        """Read what is noted.

        Raises:
            StorageError: It cannot be read, or a newer version wrote it. It is left as it is.
        """
        self._path = path
        self._places = places
        self._noted = _read(path)

    @property
    def noted(self) -> tuple[Change, ...]:
        """What is changed now, oldest first."""
        return tuple(self._noted.values())

    def read(self, kind: str, where: str) -> str | None:
        """Return what is at `where` now. Raises StorageError."""
        return self._places[kind].read(where)

    def make(self, what: str, kind: str, where: str, value: str | None, *, lasting: bool) -> None:
        """Change what is at `where` to `value`. Made again, what it was in the beginning stays noted.

        Raises:
            StorageError: It cannot be noted or made.
        """
        earlier = self._noted.get(what)
        before = self._places[kind].read(where) if earlier is None else earlier.before
        self._save({**self._noted, what: Change(what, kind, where, before, value, lasting)})
        self._places[kind].write(where, value)

    def undo(self, what: str) -> bool:
        """Undo one change; return whether it was there to be undone.

        Raises:
            StorageError: It cannot be undone, and stays noted.
        """
        change = self._noted.get(what)
        if change is None:
            return False
        place = self._places[change.kind]
        ours = place.read(change.where) == change.after
        if ours:
            place.write(change.where, change.before)
        self._save({name: one for name, one in self._noted.items() if name != what})
        return ours

    def undo_all(self, *, lasting: bool) -> tuple[str, ...]:
        """Undo what does not last and, with `lasting`, everything; return what was undone.

        Raises:
            StorageError: Some of it cannot be undone; all the rest is.
        """
        undone, first = [], None
        for change in reversed(self.noted):
            if lasting or not change.lasting:
                try:
                    if self.undo(change.what):
                        undone.append(change.what)
                except StorageError as error:
                    first = first or error
        if first is not None:
            raise first
        return tuple(undone)

    def _save(self, noted: dict[str, Change]) -> None:
        stored = {"format": CHANGES_FORMAT, "changes": [asdict(one) for one in noted.values()]}
        replace_private(self._path, json.dumps(stored).encode())
        self._noted = noted


def _read(path: Path) -> dict[str, Change]:
    found = read_private(path)
    if found is None:
        return {}
    try:
        stored = json.loads(found)
        if stored["format"] == CHANGES_FORMAT:
            return {one["what"]: Change(**one) for one in stored["changes"]}
    except (ValueError, KeyError, TypeError):
        raise StorageError("{path} cannot be read", hint="Move it away: mv {path}{{,.bad}}", path=path) from None
    raise NewerVersionError("{path} was written by a newer version", hint="Install that version again.", path=path)
