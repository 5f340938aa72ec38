"""People read one word for one thing: `docs/words.md` against windows, tray, notices and README."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture_agent.core import language
from capture_agent.core.language import word_list

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(language.__file__).resolve().parents[1]
TABLES = (ROOT / "docs" / "words.md").read_text("utf-8").split("\nWords of those who build it")
# What a word becomes in a sentence, where that is not the word and an ending.
FORMS = {
    "record": r"record(?!er)",
    "recording": r"record(?!er)",
    "aufnehmen": r"aufnehm|aufgenommen|aufnahm|nimmt .*auf",
    "Aufnahme": r"aufnehm|aufgenommen|aufnahm|nimmt .*auf",
    "pause": r"pause",
    "anhalten": r"anh[aä]lt|angehalten|halten sie .*an|hält an",
    "fortsetzen": r"forts[ae]tz|fortgesetzt|setzen sie .*fort|geht .*weiter",
    "forget": r"\bforget",
    "share": r"\bshar(e|ed|ing)\b",
    "teilen": r"\bteilen|geteilt",
    "deliver": r"\bdeliver",
    "liefern": r"liefer",
    "withdraw": r"(?<!consent )\bwithdr[ae]w",  # the command of that name takes back a consent
    "zurückziehen": r"zurückzieh|zurückgezogen|ziehen sie .*zurück",
    "delete": r"delet",
    "löschen": r"lösch",
    "destroy": r"destroy",
    "vernichten": r"vernicht",
    "opt out": r"opt(ed)? out|opting out",
    "aussteigen": r"aussteig|ausgestiegen|steigen sie .*aus|nicht mehr teil",
    "agree": r"\bagree[ds]?\b",
    "accept": r"\baccept",
    "zustimmen": r"zustimm|zugestimmt|stimmen sie .*zu|angenommen",
    "refuse": r"\brefuse",
    "ablehnen": r"ablehn|abgelehnt|lehnen sie .*ab",
    "tick": r"\btick",
    "ankreuzen": r"ankreuz|angekreuzt|kreuzen sie .*an",
    "paint over": r"paint\w* over",
    "übermalen": r"übermal",
    "vergessen": r"vergess|vergisst|vergiss",
}


def rows(table: str) -> list[list[str]]:
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    return found[2:]  # head and rule


def form(word: str) -> str:
    return FORMS.get(word, rf"\b{re.escape(word)}")


def wanted() -> list[tuple[str, str]]:
    """Return (pattern of the English word, pattern of its German ones)."""
    return [
        ("|".join(form(word) for word in english.split(", ")), "|".join(form(word) for word in german.split(", ")))
        for english, german, _ in rows(TABLES[0])
    ]


def builders() -> dict[str, str]:
    """Return the pattern of the words that people are not to meet, by language."""
    columns = {"en": 0, "de": 1}
    return {
        spoken: "|".join(
            rf"\b{re.escape(word)}s?\b" for row in rows(TABLES[1]) for word in row[column].split(", ") if word != "–"
        )
        for spoken, column in columns.items()
    }


def sentences() -> set[str]:
    path = Path(__file__).with_name("test_language.py")
    spec = importlib.util.spec_from_file_location("test_language", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return set(module.sentences())


def plain(text: str) -> str:
    """Return a text without code, commands, names of files, addresses and the program's own name."""
    text = re.sub(r"```.*?```|`[^`]*`|\(https?:[^)]*\)|\([\w/]+\.(png|md)\)|<!--.*?-->", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{\w+\}", " ", text)  # places, which no one reads
    # What a desktop itself calls so: "log in to an X11 session".
    return re.sub(r"Capture\s+Agent|capture-agent|X11 session|consent record", " ", text).replace("&", "")


def for_participants() -> str:
    """Return what README says to those who take part: its head, and the two parts for them."""
    readme = (ROOT / "README.md").read_text("utf-8")
    begin = readme.index("## Record for yourself")
    return plain(readme[: readme.index("- **")]) + plain(readme[begin : readme.index("## Run a study")])


NOTICES = sorted((PACKAGE / "ledger" / "texts").iterdir())


def read(path: Path) -> str:
    """Return what people read of a notice: of a template, its values."""
    text = path.read_text("utf-8")
    return "\n".join(values(tomllib.loads(text))) if path.suffix == ".toml" else text


def values(table: object) -> Iterator[str]:
    if isinstance(table, dict):
        for value in table.values():
            yield from values(value)
    else:
        yield str(table)


def strangers(text: str, spoken: str) -> list[str]:
    return re.findall(builders()[spoken], text, re.IGNORECASE)


def test_windows_speak_the_words_of_people() -> None:
    german = word_list("de")
    assert [s for s in sentences() if strangers(plain(s), "en")] == []
    assert [s for s in german.values() if strangers(plain(s), "de")] == []


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: path.name)
def test_notices_speak_the_words_of_people(path: Path) -> None:
    spoken = "de" if ".de." in path.name or path.stem.endswith("de") else "en"
    assert strangers(plain(read(path)), spoken) == []


def test_readme_speaks_the_words_of_people_to_those_who_take_part() -> None:
    assert strangers(for_participants(), "en") == []


@pytest.mark.parametrize(("english", "german"), wanted(), ids=lambda word: word[:12])
def test_one_english_word_is_one_german_word(english: str, german: str) -> None:
    other = [
        f"{sentence} = {said}"
        for sentence, said in word_list("de").items()
        if re.search(english, plain(sentence), re.IGNORECASE) and not re.search(german, plain(said), re.IGNORECASE)
    ]
    assert other == []


def test_german_notices_say_what_the_windows_say() -> None:
    texts = [read(path) for path in NOTICES if ".de." in path.name or path.stem.endswith("de")]
    assert texts
    for text in texts:
        assert not re.findall(r"\w*aufzeichn\w*|\w*aufgezeichnet\w*", text, re.IGNORECASE)
