import ast
import builtins
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from capture_agent.core import language
from capture_agent.core.errors import StorageError, VerificationError
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


# Where errors come from that a window may tell of. What is wrong in a file that somebody wrote is said in the words of
# that file, and what is wrong in one that was received is the researcher's (`settings`, `bundle`): both are English.
TOLD = ("core", "desktop", "encode", "held", "keys", "ledger", "outbox", "session", "sources", "ui", "bundle/write.py")
ERROR = re.compile(r"[A-Z]\w*Error_?$")
PYTHONS = {name for name in dir(builtins) if name.endswith("Error")}
OF_FILES = {"IncompleteError", "Bech32Error"}  # what is wrong in a study file: in the words of that file


def raised(path: Path) -> Iterator[ast.expr]:
    """Yield what stands for message and hint wherever one of our errors is made."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        name = ast.unparse(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and ERROR.match(name) and name not in PYTHONS | OF_FILES:
            yield from node.args[:1]
            yield from (word.value for word in node.keywords if word.arg == "hint")


def errors(paths: Iterable[Path]) -> set[str]:
    """Return the messages and hints of our errors in some modules, those with {places} included."""
    found: set[str] = set()
    for path in paths:
        kept = constants(path)
        for said in raised(path):
            leaves = [said.body, said.orelse] if isinstance(said, ast.IfExp) else [said]
            for one in leaves:
                if isinstance(one, ast.Constant) and type(one.value) is str:
                    found.add(one.value)
                elif isinstance(one, ast.Name) and one.id in kept:
                    found.add(kept[one.id])
    return found - {""}


def constants(path: Path) -> dict[str, str]:
    """Return the sentences that a module keeps under a name."""
    return {
        target.id: node.value.value
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and type(node.value.value) is str
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def told() -> list[Path]:
    """Return the modules whose errors a window may have to tell of."""
    return [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).as_posix().startswith(TOLD)]


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("spoken", LANGUAGES[1:])
def test_every_language_has_every_sentence_and_no_other(spoken):
    said = word_list(spoken)
    assert sorted(sentences().keys() - said.keys()) == []
    assert sorted(said.keys() - sentences().keys() - errors(told())) == []


@pytest.mark.parametrize("spoken", LANGUAGES[1:])
def test_every_language_has_the_errors_that_windows_tell_of(spoken):
    assert sorted(errors(told()) - word_list(spoken).keys()) == []


def test_no_error_that_windows_tell_of_is_put_together_from_pieces():
    """What varies is a value: a sentence that holds it already is in no word list."""
    pieces = (ast.JoinedStr, ast.BinOp, ast.Call)
    put_together = [
        f"{path.relative_to(PACKAGE)}: {ast.unparse(said)}"
        for path in told()
        for said in raised(path)
        if isinstance(said, pieces) and not ast.unparse(said).startswith(("noted(", "say("))
    ]
    assert put_together == []


def test_an_error_is_said_in_the_language_of_the_person_and_is_english_to_everything_else():
    speak("de")
    error = StorageError("{path} cannot be read: {why}", hint="See {path}.", path="x", why=noted("it is not JSON"))
    assert (str(error), error.hint) == ("x cannot be read: it is not JSON", "See x.")
    assert error.said() == ("x kann nicht gelesen werden: Es ist kein JSON", "See x.")


def test_an_error_that_names_another_says_that_one_too():
    speak("de")
    inner = VerificationError("{name} cannot be trusted: {why}", name="x", why=noted("it is not JSON"))
    outer = StorageError("{name} cannot be read: {why}", name="y", why=inner)
    assert outer.said()[0] == "y kann nicht gelesen werden: x ist nicht zu trauen: Es ist kein JSON"


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
