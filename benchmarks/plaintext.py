"""Is what somebody typed and saw on the disk, for whoever finds the disk? Pure but for reading files."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 22  # bytes read at once
SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Hit:
    """A file that gives the canary away, and how it was written."""

    file: str
    form: str


def forms(canary: str) -> dict[str, bytes]:
    """Return the canary as it could stand in a file, form → bytes.

    Base64 depends on what came before, so there are three forms of it, without the characters that
    neighbours share. Keys logged one by one are JSON-ish runs that no search finds: see `typed_in`.
    """
    plain = canary.encode()
    found = {"utf-8": plain, "utf-16le": canary.encode("utf-16-le"), "utf-16be": canary.encode("utf-16-be")}
    found |= {"hex": plain.hex().encode(), "HEX": plain.hex().upper().encode(), "reversed": plain[::-1]}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + plain)
        start = 0 if not shift else shift + 1
        whole = (shift + len(plain)) // 3 * 4
        found[f"base64+{shift}"] = text[start:whole]
    return found


def files(roots: Iterable[Path]) -> Iterator[Path]:
    """Yield every regular file at or below `roots`."""
    for root in roots:
        below = sorted(root.rglob("*")) if root.is_dir() else [root]
        yield from (path for path in below if path.is_file() and not path.is_symlink())


def scan(roots: Iterable[Path], canary: str) -> list[Hit]:
    """Return every file that holds the canary, once per form."""
    wanted = forms(canary)
    hits = []
    for path in files(roots):
        hits += [Hit(str(path), form) for form in _forms_in(path, wanted)]
        if typed_in(path, canary):
            hits.append(Hit(str(path), "keys, one by one"))
    return hits


def _forms_in(path: Path, wanted: dict[str, bytes]) -> set[str]:
    overlap = max(len(value) for value in wanted.values()) - 1
    found: set[str] = set()
    tail = b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            window = tail + chunk
            found |= {form for form, value in wanted.items() if value in window}
            tail = window[-overlap:]
    return found


def typed_in(path: Path, canary: str) -> bool:
    """Whether an SQLite file spells the canary in a column of single characters (a key log)."""
    with path.open("rb") as stream:
        if stream.read(len(SQLITE)) != SQLITE:
            return False
    spelled = (canary, "".join(letter * 2 for letter in canary))  # presses alone, or presses and releases
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            for column in zip(*cursor.fetchall(), strict=True):
                text = "".join(value for value in column if isinstance(value, str) and len(value) == 1)
                if any(word in text for word in spelled):
                    return True
    return False
