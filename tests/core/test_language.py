import ast
import string
from collections import Counter
from pathlib import Path

import pytest

from capture_agent.core import language
from capture_agent.core.language import LANGUAGES, noted, say, say_many, speak, word_list

PACKAGE = Path(language.__file__).resolve().parents[1]
SAYING = {"say": 1, "say_many": 2, "noted": 1}  # the function: how many sentences it takes first


@pytest.fixture(autouse=True)
def in_english_again():
    yield
    speak("en")


def sentences() -> Counter[str]:
    """Return every sentence that the program says, from its source."""
    found: Counter[str] = Counter()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING:
                for argument in node.args[: SAYING[node.func.id]]:
                    found.update(
                        one.value for one in ast.walk(argument) if type(one) is ast.Constant and type(one.value) is str
                    )
    return found


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("spoken", LANGUAGES[1:])
def test_every_language_has_every_sentence_and_no_other(spoken):
    said = word_list(spoken)
    assert sorted(sentences().keys() - said.keys()) == []
    assert sorted(said.keys() - sentences().keys()) == []


@pytest.mark.parametrize("spoken", LANGUAGES[1:])
def test_every_language_fills_the_same_places(spoken):
    assert [sentence for sentence, said in word_list(spoken).items() if places(sentence) != places(said)] == []


@pytest.mark.parametrize("spoken", LANGUAGES[1:])
def test_no_sentence_is_left_empty_in_any_language(spoken):
    assert [sentence for sentence, said in word_list(spoken).items() if not said.strip()] == []


def test_a_sentence_is_said_in_the_language_of_the_person():
    assert say("Nothing is recorded now.") == "Nothing is recorded now."
    assert speak("de_AT.UTF-8") == "de"
    assert say("Nothing is recorded now.") == "Jetzt wird nichts aufgenommen."


def test_people_of_other_languages_read_english():
    assert speak("fr_FR") == "en"
    assert say("Nothing is recorded now.") == "Nothing is recorded now."


def test_a_sentence_that_no_list_has_stays_as_it_is():
    speak("de")
    assert say("no such file: {path}", path="x") == "no such file: x"


def test_one_and_many_are_told_apart():
    assert say_many("{count} recording", "{count} recordings", 1) == "1 recording"
    assert say_many("{count} recording", "{count} recordings", 3) == "3 recordings"


def test_a_noted_sentence_stays_english_until_it_is_said():
    speak("de")
    assert noted("Nothing is recorded now.") == "Nothing is recorded now."
