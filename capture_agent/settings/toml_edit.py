"""Add a text to an array of a TOML document, or take one out, and leave everything else as a person wrote it. Pure."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable

from capture_agent.settings.toml_lines import Span, spans


def with_text(document: str, key: str, added: str) -> str:
    """Return `document`, valid TOML without tables, with `added` as the first element of the array `key`.

    `added` has no control characters; so what JSON makes of it is a TOML string.
    """
    literal = json.dumps(added, ensure_ascii=False)
    found = spans(document)
    array = found.get((key,))
    if array is None:
        end = "" if not document or document.endswith("\n") else "\n"
        return f"{document}{end}{key} = [{literal}]\n"
    start, first = array.start + 1, found.get((key, 0))
    if first is None:
        return document[:start] + literal + document[start:]
    before = document[start : first.start]
    # As the first one stands: behind a space, or in a line of its own; a comment there is not said twice.
    space = before if not before.strip() else ""
    return document[:start] + space + literal + "," + ("" if space else " ") + document[start:]


def without_texts(document: str, key: str, unwanted: Callable[[str], bool]) -> str:
    """Return `document`, valid TOML, without those texts in the array `key` that are `unwanted`."""
    while (bad := _last(document, key, unwanted)) is not None:
        (start, end, comma), before = bad
        if comma is not None:
            document = _without(document, comma, comma + 1)
        elif before is not None and before.comma is not None and not document[before.comma + 1 : start].strip():
            start = before.comma
        document = _without(document, start, end)
    return document


def _last(document: str, key: str, unwanted: Callable[[str], bool]) -> tuple[Span, Span | None] | None:
    """Return the last element that is unwanted, and the one before it."""
    found = spans(document)
    elements: list[Span] = []
    while (element := found.get((key, len(elements)))) is not None:
        elements.append(element)
    for number in reversed(range(len(elements))):
        if unwanted(_value(document[elements[number].start : elements[number].end])):
            return elements[number], elements[number - 1] if number else None
    return None


def _value(literal: str) -> str:
    return str(tomllib.loads(f"it = {literal}")["it"])


def _without(document: str, start: int, end: int) -> str:
    """Return `document` without a stretch of one line; without the line if nothing is left of it."""
    line = document.rfind("\n", 0, start) + 1
    behind = document.find("\n", end)
    behind = len(document) if behind < 0 else behind + 1
    if not (document[line:start] + document[end:behind]).strip():
        return document[:line] + document[behind:]
    if document[end : end + 1] == " " and document[start - 1 : start] in {" ", "["}:
        end += 1
    return document[:start] + document[end:]
