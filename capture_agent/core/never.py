"""What is never recorded: programs and private browsing, from the data files beside; and the person's own rules."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

# Browsers put these between the title of a page and what they add to it.
_DASH = re.compile(r"\s+[-–—]\s+")
_BRACKETS = "()[]（） "
LEAST_TEXT = 3  # characters of a text that is looked for in titles: shorter ones are in nearly every title


class NeverKind(StrEnum):
    """By what a rule knows the windows that it keeps out."""

    PROGRAM = "program"  # the program's name, or another one that it goes by
    TITLE = "title"  # a text in the title


class NeverRule(NamedTuple):
    """What the person said must never be recorded, whatever else is agreed to."""

    kind: NeverKind
    text: str


def of_kind(rules: Iterable[NeverRule], kind: NeverKind) -> frozenset[str]:
    """Return the names or the texts that some rules keep out."""
    return frozenset(rule.text for rule in rules if rule.kind is kind)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("capture_agent.core").joinpath(name).read_text("utf-8"))


@cache
def never_recorded() -> frozenset[str]:
    """Return the names, in lower case, of programs that are always out."""
    return frozenset(name for group in _read("never.toml")["never"] for name in group["names"])


@cache
def with_other_people() -> frozenset[str]:
    """Return the names, in lower case, of programs in which other people are seen, heard or read."""
    return frozenset(name for group in _read("people.toml")["people"] for name in group["names"])


@cache
def _private_words() -> re.Pattern[str]:
    texts = {
        text.casefold()
        for group in _read("private.toml")["private"]
        for said in group["texts"].values()
        for text in said
    }
    # Whole words; what stands in brackets is whole already, and in some languages no space is before them.
    return re.compile("|".join(re.escape(t) if t[0] in _BRACKETS else rf"(?<!\w){re.escape(t)}(?!\w)" for t in texts))


@lru_cache(maxsize=64)  # the windows of one screen
def is_private(title: str) -> bool:
    """Return whether a window calls itself one of private browsing, by its title or its accessible name."""
    words = _private_words()
    parts = _DASH.split(title.casefold().strip())
    return bool(words.search(parts[-1]) or any(words.fullmatch(part.strip(_BRACKETS)) for part in parts[1:-1]))


@lru_cache(maxsize=256)  # the windows of one screen, and the person's rules
def folded(text: str) -> str:
    """Return `text` as texts in titles are compared: without case, composed forms, and what is not seen.

    Unicode's compatibility caseless matching (D146), decomposed, so that a text that is part of another stays so.
    """
    seen = "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Cf")
    for _ in range(2):
        seen = unicodedata.normalize("NFKD", seen.casefold())
    return " ".join(seen.split())
