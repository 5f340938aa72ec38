"""What is never recorded, from the data files beside: programs by name, private browsing by what windows say."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import Any

# Browsers put these between the title of a page and what they add to it.
_DASH = re.compile(r"\s+[-–—]\s+")
_BRACKETS = "()[]（） "


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
