"""Read a TOML file into plain values with the place of every key, and notice cheaply when it changes."""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from capture_agent.settings.problems import Problem, WrongFileError, from_validation, key_name, shown
from capture_agent.settings.toml_lines import KeyPath, Position, positions

FORMAT = 1  # of policy and settings files; a newer one is refused, because it may narrow in ways we do not know
MAX_FILE_BYTES = 1_000_000  # a policy with notices in ten languages has about 100 KB
MAX_NUMBER_DIGITS = 4_000  # Python refuses to read integers longer than 4300 digits, and says no line
_SECRET = re.compile(r"AGE-(SECRET-KEY|PLUGIN)-", re.IGNORECASE)
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class Stamp(NamedTuple):
    """What changes when a file is written or replaced; cheap enough to be looked at every second."""

    mtime_ns: int
    size: int
    inode: int


def stamp(path: Path) -> Stamp | None:
    """Return the stamp of `path` now, or None if nothing can be found there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _stamp(found)


def changed(path: Path, before: Stamp | None) -> bool:
    """Return whether `path` was written, replaced, made or removed since `before` was taken. One `stat`."""
    return stamp(path) != before


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file as it was at one moment. `files` are all files it was read from, with their stamps."""

    path: Path
    data: Mapping[str, Any]
    places: Mapping[KeyPath, Position]
    files: dict[Path, Stamp | None] = field(default_factory=dict)

    def check(self, model: type[BaseModel], context: Mapping[str, Any] | None = None) -> Any:
        """Return the file's content as an object of `model`.

        Raises:
            WrongFileError: With every problem there is, or only the format if that is newer than we know.
        """
        wanted = self.data.get("format", FORMAT)
        if isinstance(wanted, int) and wanted > FORMAT:
            place = self.places.get(("format",), Position(1, 1))
            expected = f"a format that this version knows, at most {FORMAT} (update capture-agent)"
            raise WrongFileError([Problem(str(self.path), *place, "format", expected, shown(wanted))])
        try:
            return model.model_validate(dict(self.data), context=context)
        except ValidationError as error:
            raise WrongFileError(from_validation(error, model, str(self.path), self.places)) from None

    def problem(self, path: KeyPath, expected: str, found: str) -> Problem:
        """Return a problem at the key `path`."""
        return Problem(str(self.path), *self.places.get(path, Position(1, 1)), key_name(path), expected, found)


def read_document(path: Path) -> Document:
    """Return the TOML file at `path`.

    Raises:
        WrongFileError: It cannot be read, is no TOML, or holds a secret key, which is then not shown.
    """
    file = str(path)
    raw, taken = read_bytes(path)
    text = _decoded(raw, file)
    if secret := _SECRET.search(text):
        place = _place(text, secret.start())
        raise WrongFileError([Problem(file, *place, "", "public keys only", "a secret identity (not shown)")])
    if number := re.search(rf"[0-9][0-9_]{{{MAX_NUMBER_DIGITS}}}", text):
        raise WrongFileError([Problem(file, *_place(text, number.start()), "", "TOML", "a number without end")])
    try:
        data = tomllib.loads(text)
        places = positions(text)
    except RecursionError:
        raise WrongFileError([Problem(file, 1, 1, "", "TOML", "brackets nested too deeply")]) from None
    except ValueError as error:  # TOMLDecodeError, and what int() and datetime() say of impossible values
        raise WrongFileError([_syntax(error, text, file)]) from None
    return Document(path, data, places, {path: taken})


def read_bytes(path: Path) -> tuple[bytes, Stamp]:
    """Return a regular file's content, at most `MAX_FILE_BYTES`, and the stamp it had before it was read.

    Raises:
        WrongFileError: It is not there, not a regular file, not readable, or too large.
    """
    file = str(path)
    flags = os.O_RDONLY
    if sys.platform != "win32":
        flags |= os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO in the file's place must not hold us up
    try:
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise WrongFileError([Problem(file, 1, 1, "", "a regular file", "something else")])
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise WrongFileError([Problem(file, 1, 1, "", "a readable file", error.strerror or "an error")]) from None
    except ValueError:  # a NUL in the name
        raise WrongFileError([Problem(file, 1, 1, "", "a file's name", "one with a NUL character")]) from None
    if len(raw) > MAX_FILE_BYTES:
        raise WrongFileError([Problem(file, 1, 1, "", f"at most {MAX_FILE_BYTES} bytes", f"more, {status.st_size}")])
    return raw, _stamp(status)


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8", "replace")
        raise WrongFileError([Problem(file, *_place(good, len(good)), "", "UTF-8 text", "other bytes")]) from None


def _place(text: str, at: int) -> Position:
    return Position(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _syntax(error: ValueError, text: str, file: str) -> Problem:
    message = str(error)
    place = _place(text, len(text))
    if where := _WHERE.search(message):
        message = message[: where.start()]
        if where[1]:
            place = Position(int(where[1]), int(where[2]))
    else:
        place = Position(1, 1)
    return Problem(file, *place, "", "TOML", f"a mistake: {message[:1].lower()}{message[1:]}")
