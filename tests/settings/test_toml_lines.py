from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capture_agent.settings.toml_lines import KeyPath, Position, positions

# --- documents, written with every kind of key, string, comment and table

_SPACE = st.sampled_from(["", " ", "\t", "  "])
_BREAK = st.sampled_from(["", " ", "\n", " # ] } \" ' comment\n", "\n\n\t", "#\n"])
_WORD = st.text("abcABC019_-", min_size=1, max_size=5)
_ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)


@st.composite
def _written_key(draw: st.DrawFn, key: str) -> str:
    bare = bool(key) and all(char.isascii() and (char.isalnum() or char in "_-") for char in key)
    ways = [json.dumps(key)] + ([f"'{key}'"] if "'" not in key else []) + ([key] * 3 if bare else [])
    return draw(st.sampled_from(ways))


@st.composite
def _written_string(draw: st.DrawFn) -> str:
    text = draw(_ANY_TEXT)
    quotes = draw(st.integers(0, 2))
    return draw(
        st.sampled_from(
            [
                json.dumps(text),
                json.dumps(text, ensure_ascii=False),
                "'" + text.replace("'", "") + "'",
                '"""\n' + text.replace("\\", "").replace('"', "") + '\n[x] = # \\""" \\\\' + '"' * quotes + '"""',
                "'''" + text.replace("'", "") + "\n''a = [1]\n#" + "'" * quotes + "'''",
            ]
        )
    )


_SCALAR = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["true", "false", "1.5e3", "-inf", "0xFF", "1979-05-27 07:32:00Z", "07:32:00", "1979-05-27"]),
    _written_string(),
)


@st.composite
def _array(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=3))
    text = "".join(draw(_BREAK) + item + draw(_BREAK) + "," for item in items)
    if items and draw(st.booleans()):
        text = text[:-1]
    return f"[{text}{draw(_BREAK)}]"


@st.composite
def _inline(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    keys = draw(st.lists(st.one_of(_WORD, _ANY_TEXT), max_size=3, unique=True))
    pairs = [f"{draw(_SPACE)}{draw(_written_key(key))}{draw(_SPACE)}={draw(_SPACE)}{draw(inner)}" for key in keys]
    return "{" + ",".join(pairs) + draw(_SPACE) + "}"


_VALUE = st.recursive(_SCALAR, lambda inner: st.one_of(_array(inner), _inline(inner)), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return text that looks like TOML; now and then it is not, because a key comes twice."""
    lines = []
    for _ in range(draw(st.integers(0, 8))):
        lines.append(draw(_BREAK) if draw(st.booleans()) else "")
        keys = [draw(_written_key(draw(st.one_of(_WORD, _ANY_TEXT)))) for _ in range(draw(st.integers(1, 3)))]
        dotted = f"{draw(_SPACE)}.{draw(_SPACE)}".join(keys)
        comment = draw(st.sampled_from(["", " # [no] = table", "#"]))
        match draw(st.sampled_from(["pair", "pair", "table", "array"])):
            case "pair":
                lines.append(f"{draw(_SPACE)}{dotted}{draw(_SPACE)}={draw(_SPACE)}{draw(_VALUE)}{comment}\n")
            case "table":
                lines.append(f"{draw(_SPACE)}[{draw(_SPACE)}{dotted}{draw(_SPACE)}]{comment}\n")
            case "array":
                again = draw(st.integers(1, 2))
                lines.append(f"[[{draw(_SPACE)}{dotted}{draw(_SPACE)}]]{comment}\n" * again)
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    return "".join(lines).replace("\n", ending)


def paths(value: Any, here: KeyPath = ()) -> set[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {here}.union(*(paths(inner, (*here, key)) for key, inner in items))


def test_a_document_with_everything() -> None:
    text = (
        "a = 1\n"
        "  'b c'.\"d\" = [ 1, {x = 2},\n   # comment ]\n   3 ]\n"
        "[t] # here\n"
        "key = '''\n[not a table]\n''''\n"
        "[[list]]\nn = 1\n"
        "[list.inner]\nm = 2\n"
        "[[list]]\nn = 3"
    )
    found = positions(text)
    assert found == {
        (): Position(1, 1),
        ("a",): Position(1, 1),
        ("b c",): Position(2, 3),
        ("b c", "d"): Position(2, 9),
        ("b c", "d", 0): Position(2, 17),
        ("b c", "d", 1): Position(2, 20),
        ("b c", "d", 1, "x"): Position(2, 21),
        ("b c", "d", 2): Position(4, 4),
        ("t",): Position(5, 1),
        ("t", "key"): Position(6, 1),
        ("list",): Position(9, 1),
        ("list", 0): Position(9, 1),
        ("list", 0, "n"): Position(10, 1),
        ("list", 0, "inner"): Position(11, 1),
        ("list", 0, "inner", "m"): Position(12, 1),
        ("list", 1): Position(13, 1),
        ("list", 1, "n"): Position(14, 1),
    }
    assert paths(tomllib.loads(text)) == set(found)


@pytest.mark.long
@settings(max_examples=200)
@given(documents())
def test_every_key_that_tomllib_finds_has_its_place_and_no_other(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    found = positions(text)
    assert set(found) == paths(data)
    lines = text.replace("\r\n", "\n").split("\n")
    for path, place in found.items():
        rest = lines[place.line - 1][place.column - 1 :]
        if path and isinstance(path[-1], str) and not rest.startswith("["):
            assert rest.startswith((path[-1], '"', "'"))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_of_both_kinds_count_alike(ending: str) -> None:
    assert positions(f"a = 1{ending}{ending}b = 2{ending}")["b",] == Position(3, 1)
