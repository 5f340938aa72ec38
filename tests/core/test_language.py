import ast
import builtins
import re
import string
from collections import Counter
from collections.abc import Iterable
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


# Where errors come from that a window tells of: their fixed sentences are said there, as everything else is.
TOLD = (
    "session",
    "ui",
    "held/disk.py",
    "held/lifecycle.py",
    "keys/os_keyring.py",
    "keys/secret_store.py",
    "keys/vault.py",
)
ERROR = re.compile(r"[A-Z]\w*Error_?$")
PYTHONS = {name for name in dir(builtins) if name.endswith("Error")}


def errors(paths: Iterable[Path]) -> set[str]:
    """Return the fixed messages and hints of our errors in some modules."""
    found: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and ERROR.match(name) and name not in PYTHONS:
                said = [*node.args[:1], *[word.value for word in node.keywords if word.arg == "hint"]]
                found |= {one.value for one in said if isinstance(one, ast.Constant) and type(one.value) is str}
    return found


def all_errors() -> set[str]:
    """Return those of all modules, and the constants that their hints are kept in."""
    modules = list(PACKAGE.rglob("*.py"))
    kept = {
        node.value.value
        for path in modules
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and type(node.value.value) is str
    }
    choices = {
        leaf.value
        for path in modules
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "hint"
        for leaf in ast.walk(node.value)
        if isinstance(leaf, ast.Constant) and type(leaf.value) is str
    }
    return errors(modules) | kept | choices


def told_errors() -> set[str]:
    """Return what a window may have to say."""
    return errors(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).as_posix().startswith(TOLD))


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("spoken", LANGUAGES[1:])
def test_every_language_has_every_sentence_and_no_other(spoken):
    said = word_list(spoken)
    assert sorted(sentences().keys() - said.keys()) == []
    assert sorted(said.keys() - sentences().keys() - all_errors()) == []


@pytest.mark.parametrize("spoken", LANGUAGES[1:])
def test_every_language_has_the_errors_that_windows_tell_of(spoken):
    assert sorted(told_errors() - word_list(spoken).keys()) == []


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
