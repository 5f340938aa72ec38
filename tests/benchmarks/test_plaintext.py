from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import plaintext

CANARY = "dkntheuuzvhb"

WAYS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-16le": lambda text: text.encode("utf-16-le"),
    "utf-16be": lambda text: text.encode("utf-16-be"),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "reversed": lambda text: text.encode()[::-1],
}


@pytest.mark.parametrize("form", WAYS)
def test_the_canary_is_found_in_each_form(form: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"before" + WAYS[form](CANARY) + b"after")
    assert [hit.form for hit in plaintext.scan([tmp_path], CANARY)] == [form]


@pytest.mark.parametrize("before", range(9))
@pytest.mark.parametrize("after", range(3))
def test_the_canary_is_found_in_base64_wherever_it_stands(before: int, after: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(base64.b64encode(b"q" * before + CANARY.encode() + b"w" * after))
    assert [hit.form for hit in plaintext.scan([tmp_path], CANARY)] == [f"base64+{before % 3}"]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(CANARY[:-1].encode() + bytes(range(256)) + CANARY[1:].encode())
    assert plaintext.scan([tmp_path], CANARY) == []


def test_the_canary_is_found_across_the_border_of_two_reads(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0" * (plaintext.CHUNK - 5) + CANARY.encode())
    assert len(plaintext.scan([tmp_path / "file"], CANARY)) == 1


@pytest.mark.parametrize("each", [1, 2])
def test_keys_logged_one_by_one_are_found_in_a_database(each: int, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "keys.db") as database:
        database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, name TEXT, key TEXT)")
        for letter in f"ab{CANARY}c":
            database.executemany("INSERT INTO events (name, key) VALUES (?, ?)", [("press", letter)] * each)
        database.execute("INSERT INTO events (name) VALUES ('move')")
    database.close()
    assert [hit.form for hit in plaintext.scan([tmp_path], CANARY)] == ["keys, one by one"]


def test_other_databases_spell_nothing(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE events (key TEXT)")
        database.executemany("INSERT INTO events VALUES (?)", [(letter,) for letter in reversed(CANARY)])
    database.close()
    assert plaintext.scan([tmp_path], CANARY) == []
