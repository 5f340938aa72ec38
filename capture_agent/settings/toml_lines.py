"""Where each key of a TOML document stands: line and column, which `tomllib` does not tell.

The text was accepted by `tomllib` before, so this walks valid TOML and decides nothing: strings,
comments and brackets are skipped by the grammar of https://toml.io/en/v1.0.0, and what is found
is compared with what `tomllib` found by a property test.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys, and numbers (from 0) for elements of arrays."""

_ENDS_VALUE = frozenset(",]}#\n")
_ENDS_BARE_KEY = frozenset(" \t.=]")


class Position(NamedTuple):
    """Line and column, both from 1, of a key, or of a value that has no key of its own."""

    line: int
    column: int


class Span(NamedTuple):
    """From where to where a value stands, and where the comma behind an element is; None: there is none."""

    start: int
    end: int
    comma: int | None = None


def spans(text: str) -> Mapping[KeyPath, Span]:
    """Return where every value of `text`, a valid TOML document with plain line ends, stands."""
    walk = _Walk(text)
    walk.document()
    return walk.spans


def positions(text: str) -> Mapping[KeyPath, Position]:
    """Return where every key, table and array element of `text`, a valid TOML document, begins.

    A table is where its own header names it, else where it is first mentioned. `()` is the start
    of the document.
    """
    walk = _Walk(text.replace("\r\n", "\n"))
    walk.document()
    return walk.found


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.table: KeyPath = ()
        self.lengths: dict[KeyPath, int] = {}  # of arrays of tables
        self.found: dict[KeyPath, Position] = {(): Position(1, 1)}
        self.spans: dict[KeyPath, Span] = {}
        self.line, self.line_start, self.counted = 1, 0, 0

    def here(self) -> Position:
        """Return the position of `at`, which never goes back."""
        self.line += self.text.count("\n", self.counted, self.at)
        self.line_start = self.text.rfind("\n", 0, self.at) + 1
        self.counted = self.at
        return Position(self.line, self.at - self.line_start + 1)

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def skip(self, chars: str) -> None:
        while self.peek() and self.peek() in chars:
            self.at += 1

    def skip_to_token(self) -> None:
        """Pass white space, line ends and comments."""
        self.skip(" \t\n")
        while self.peek() == "#":
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
            self.skip(" \t\n")

    def document(self) -> None:
        self.skip_to_token()
        while self.peek():
            if self.peek() == "[":
                self.header()
            else:
                self.pair(self.table)
            self.skip_to_token()

    def header(self) -> None:
        start = self.here()
        is_array = self.peek(2) == "[["
        self.at += 2 if is_array else 1
        keys = self.dotted()
        self.at += 2 if is_array else 1
        path: KeyPath = ()
        for key, position in keys[:-1]:
            path = (*path, key)
            self.found.setdefault(path, position)
            if path in self.lengths:  # a header names the newest element
                path = (*path, self.lengths[path] - 1)
        path = (*path, keys[-1][0])
        if is_array:
            self.found.setdefault(path, start)
            self.lengths[path] = self.lengths.get(path, 0) + 1
            path = (*path, self.lengths[path] - 1)
        self.found[path] = start
        self.table = path

    def pair(self, base: KeyPath) -> None:
        path = base
        for key, position in self.dotted():
            path = (*path, key)
            self.found.setdefault(path, position)
        self.at += 1  # =
        self.value(path)

    def dotted(self) -> list[tuple[str, Position]]:
        keys = []
        while True:
            self.skip(" \t")
            position, start = self.here(), self.at
            if self.peek() in {'"', "'"}:
                self.string()
                key = str(tomllib.loads(f"key = {self.text[start : self.at]}")["key"])
            else:
                while self.peek() and self.peek() not in _ENDS_BARE_KEY:
                    self.at += 1
                key = self.text[start : self.at]
            keys.append((key, position))
            self.skip(" \t")
            if self.peek() != ".":
                return keys
            self.at += 1

    def value(self, path: KeyPath) -> None:
        self.skip(" \t")
        start = self.at
        match self.peek():
            case '"' | "'":
                self.string()
            case "[":
                self.array(path)
            case "{":
                self.inline_table(path)
            case _:
                while self.peek() and self.peek() not in _ENDS_VALUE:
                    self.at += 1
        self.spans[path] = Span(start, self.at)

    def array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while True:
            self.skip_to_token()
            if self.peek() in {"]", ""}:
                self.at += 1
                return
            element = (*path, index)
            self.found.setdefault(element, self.here())
            self.value(element)
            self.skip_to_token()
            if self.peek() == ",":
                self.spans[element] = self.spans[element]._replace(comma=self.at)
                self.at += 1
            index += 1

    def inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while True:
            self.skip_to_token()
            if self.peek() in {"}", ""}:
                self.at += 1
                return
            self.pair(path)
            self.skip_to_token()
            if self.peek() == ",":
                self.at += 1

    def string(self) -> None:
        """Pass one string, of any of the four kinds."""
        quote = self.peek()
        mark = quote * 3 if self.peek(3) == quote * 3 else quote
        self.at += len(mark)
        while self.peek() and self.peek(len(mark)) != mark:
            self.at += 2 if quote == '"' and self.peek() == "\\" else 1
        self.at += len(mark)
        if len(mark) == 3:  # up to two quotes may stand before the end, and belong to the string
            for _ in range(2):
                if self.peek() == quote:
                    self.at += 1
