"""What is wrong with a file, in the words of the person who wrote it: file, line, key, expected, found."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from capture_agent.core.errors import ConfigError
from capture_agent.settings.toml_lines import KeyPath, Position

SHOWN_CHARS = 60  # of a value that is wrong: enough to recognise it on one line
# Where people put keys in an address, although none belongs there: an error goes to terminals and logs.
_USER, _QUERY = re.compile(r"(?<=://)[^/?#]*(?=@)"), re.compile(r"(://[^?]*\?).+", re.DOTALL)
_NEAR = 0.6  # difflib's own default; below it a suggestion confuses more than it helps


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` and `column` count from 1; `nearest` is a known name that may have been meant."""

    file: str
    line: int
    column: int
    key: str
    expected: str
    found: str
    nearest: str = ""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        near = f' Did you mean "{self.nearest}"?' if self.nearest else ""
        return f"{self.file}:{self.line}:{self.column}: {key}expected {self.expected}, found {self.found}.{near}"

    def as_dict(self) -> dict[str, str | int]:
        """Return the fields, as --json shows them."""
        return asdict(self)


class WrongFileError(ConfigError):
    """A file has one or more problems; `problems` holds all of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column)))
        super().__init__(
            "\n".join(map(str, self.problems)),
            hint="Nothing of this file is used until it is right; docs/settings.md lists every key.",
        )


class RuleError(ValueError):
    """Values do not fit together; says for each where (from the field on), what was expected and what was found."""

    def __init__(self, *broken: tuple[KeyPath, str, str]) -> None:
        super().__init__("; ".join(f"expected {expected}, found {found}" for _, expected, found in broken))
        self.broken = broken


def from_validation(
    error: ValidationError, model: type[BaseModel], file: str, places: Mapping[KeyPath, Position]
) -> list[Problem]:
    """Return the problems behind a `ValidationError` of `model`, each with its place in `file`."""
    found: list[Problem] = []
    for item in error.errors(include_url=False):
        path = tuple(part for part in item["loc"] if part != "[key]")
        known, expected = _describe(model, path)
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, RuleError):
            found.extend(_problem(file, places, (*path, *way), want, got) for way, want, got in cause.broken)
        elif item["type"] == "missing":
            found.append(_problem(file, places, path, expected, "nothing"))
        elif item["type"] == "extra_forbidden":
            near = nearest(str(path[-1]), known)
            found.append(_problem(file, places, path, "a key that is known here", "an unknown key", near=near))
        else:
            got = shown(item["input"])
            if cause is not None:
                got = f"{got} ({cause})"
            near = ""
            if item["type"] == "enum":
                choices = _choices(item)
                near = nearest(str(item["input"]), choices)
                expected = f"one of {', '.join(choices)}"
            found.append(_problem(file, places, path, expected, got, near=near))
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like `name`, or nothing."""
    close = difflib.get_close_matches(name.casefold(), list(known), n=1, cutoff=_NEAR)
    return close[0] if close else ""


def shown(value: object) -> str:
    """Return a value as TOML would name it, on one line, shortened."""
    match value:
        case bool():
            return f"the boolean {str(value).lower()}"
        case str():
            return f"the text {_short(value)}"
        case int() | float():
            number = str(value) if abs(value) < 10**SHOWN_CHARS else "that is very large"
            return f"the number {number}"
        case datetime() | date() | time():
            return f"the {type(value).__name__} {value.isoformat()}"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "a table"
        case _:
            return f"a {type(value).__name__}"


def key_name(path: KeyPath) -> str:
    """Return `path` as people write it: "recipient[2].key", elements counted from 1."""
    name = ""
    for part in path:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
    return name


def _short(text: str) -> str:
    text = _USER.sub("…", text)
    text = _QUERY.sub(r"\1…", text)
    cut = text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"
    plain = "".join(char if char.isprintable() else "�" for char in cut)
    return f'"{plain}"'


def _problem(
    file: str, places: Mapping[KeyPath, Position], path: KeyPath, expected: str, got: str, *, near: str = ""
) -> Problem:
    place = next(places[path[:end]] for end in range(len(path), -1, -1) if path[:end] in places)
    return Problem(file, place.line, place.column, key_name(path), expected, got, near)


def _describe(model: type[BaseModel], path: KeyPath) -> tuple[tuple[str, ...], str]:
    """Return the keys that are known where `path` ends, and what its field expects, in words."""
    table: type[BaseModel] | None = model
    known, expected = tuple(model.model_fields), "a table"
    for part in path:
        if isinstance(part, int) or table is None:
            continue
        known = tuple(table.model_fields)
        field = table.model_fields.get(part)
        if field is None:
            break
        expected = field.description or expected
        table = _table_in(field.annotation)
    return known, expected


def _table_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not get_origin(annotation) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {list, tuple, Union, UnionType}:
        return next((table for arg in get_args(annotation) if (table := _table_in(arg)) is not None), None)
    return None


def _choices(item: Any) -> list[str]:
    return [part.strip(" '") for part in str(item["ctx"]["expected"]).replace(" or ", ",").split(",")]
