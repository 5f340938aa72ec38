"""The language that people read: English sentences are the keys, every other language is word lists beside this module.

`say("Paused for {time} more", time="8 min")` returns the sentence in the language that `speak` chose.
Sentences in tables that are made when a module is imported are marked by `noted` and said when they
are shown. A test finds every sentence that is said or noted, and wants it in every language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

LANGUAGES = ("en", "de")  # the first is what the sentences in the code are, and what all other people read

_ENGLISH: Mapping[str, str] = MappingProxyType({})
_spoken: tuple[str, str, Mapping[str, str]] = (LANGUAGES[0], LANGUAGES[0], _ENGLISH)  # asked for, spoken, its list


def speak(locale: str) -> str:
    """Say everything in the language of `locale` ("de_CH.UTF-8" is "de") from now on; return the language.

    Called once, before any window is made.
    """
    global _spoken  # noqa: PLW0603 - one program speaks one language, as with gettext
    wanted = locale.replace("-", "_").split("_", maxsplit=1)[0].split(".", maxsplit=1)[0].lower()
    language = wanted if wanted in LANGUAGES else LANGUAGES[0]
    _spoken = (locale or LANGUAGES[0], language, word_list(language))
    return language


def language() -> str:
    """Return the language that is spoken: one of `LANGUAGES`."""
    return _spoken[1]


def asked_for() -> str:
    """Return the locale that `speak` was asked for: a study may have a notice in a language that windows have not."""
    return _spoken[0]


def say(sentence: str, /, **values: object) -> str:
    """Return `sentence` in the language that is spoken, with `values` in its {places}.

    A sentence that no word list has (an error that names a file) stays as it is.
    """
    said = _spoken[2].get(sentence, sentence)
    return said.format(**values) if values else said


def say_many(one: str, many: str, count: int, /, **values: object) -> str:
    """Return `one` or `many`, by `count`, which is {count} in both."""
    return say(one if count == 1 else many, count=count, **values)


def noted(sentence: str) -> str:
    """Return `sentence` as it is: it will be said later, and the word lists have it."""
    return sentence


@cache
def word_list(language: str) -> Mapping[str, str]:
    """Return what every sentence is in `language`: one TOML file for each part of the program, in one folder."""
    if language == LANGUAGES[0]:
        return _ENGLISH
    found: dict[str, str] = {}
    for file in sorted(
        resources.files("capture_agent.core").joinpath("texts", language).iterdir(), key=lambda f: f.name
    ):
        for sentence, said in tomllib.loads(file.read_text("utf-8")).items():
            if sentence in found:
                raise ValueError(f"{file.name} says again: {sentence}")
            found[sentence] = said
    return MappingProxyType(found)
