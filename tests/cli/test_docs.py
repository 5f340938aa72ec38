"""What the documents say of the program is what the program says of itself."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


docs = script("docs")
HELPS: dict[str, str] = dict(docs.helps())


def test_the_documents_are_as_the_program_makes_them() -> None:
    for path, text in docs.documents().items():
        assert path.read_text(encoding="utf-8") == text, "run `python scripts/docs.py write`"


@pytest.mark.parametrize("name", ["", " pause", " task finish", " admin check", " research open"])
def test_the_help_in_the_documents_is_what_a_terminal_shows(run: Any, name: str) -> None:
    done = run(*name.split(), "--help")
    assert done.returncode == 0
    assert done.stdout.rstrip() == HELPS[f"capture-agent{name}"]


def test_every_command_that_the_documents_name_is_there() -> None:
    named = re.compile(r"capture-agent ((?:admin|consent|research|task) \w+|[a-z]+)\b(?!-)")
    known = {name.removeprefix("capture-agent ") for name in HELPS}
    for file in (
        "README.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "config.example.toml",
        "docs/settings.md",
    ):
        text = (ROOT / file).read_text(encoding="utf-8")
        quoted = re.findall(r"`([^`\n]*)`|^ {0,4}(?:# +)?(capture-agent .*)$", text, re.MULTILINE)
        for one in quoted:
            for words in named.findall(" ".join(one)):
                assert words in known, f"{file} names capture-agent {words}"


def test_every_command_can_speak_json() -> None:
    for name, text in HELPS.items():
        if "COMMAND [ARGS]" not in text:
            assert "--json" in text, name


def test_the_groups_say_the_same_in_short_as_in_full() -> None:
    for group in ("admin", "consent", "research"):
        assert re.search(rf"^  {group}  +\w", HELPS["capture-agent"], re.MULTILINE)
        assert f"capture-agent {group}" in HELPS


def test_every_dependency_has_a_reason_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    run_time = [*project["project"]["dependencies"], *(line for lines in extras for line in lines)]
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    first, second = text.split("## For building and testing")
    second = second.split("\n## ")[0]
    for lines, part in ((run_time, first), (project["dependency-groups"]["dev"], second)):
        names = [re.match(r"[\w-]+", line)[0] for line in lines]  # type: ignore[index]
        reasons = re.findall(r"^\| `([^`]+)` \| \S.*\S \|$", part, re.MULTILINE)
        assert sorted(names) == sorted(reasons)
