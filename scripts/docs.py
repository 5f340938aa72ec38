"""Write what docs/commands.md, docs/consent.md and docs/settings.md take from the program itself; a test compares.

usage: docs.py write
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from typer.core import TyperGroup

from capture_agent.cli.later import Later
from capture_agent.cli.program import PROGRAM, build
from capture_agent.core.consent import PERMITTING, TABLE, Input
from capture_agent.settings.notice_tables import MonitoringTable, NoticeTable
from capture_agent.settings.own_file import SettingsTable
from capture_agent.settings.policy_file import PolicyTable, RecipientTable

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / "docs" / "commands.md"
CONSENT = ROOT / "docs" / "consent.md"
SETTINGS = ROOT / "docs" / "settings.md"
WIDTH = 98  # what a terminal of 100 columns leaves to text
TABLES: dict[str, type[BaseModel]] = {
    "policy": PolicyTable,
    "recipient": RecipientTable,
    "notice": NoticeTable,
    "monitoring": MonitoringTable,
    "settings": SettingsTable,
}


def helps(command: Any = None, name: str = PROGRAM) -> Iterator[tuple[str, str]]:
    """Yield every command's name and its help, `WIDTH` columns wide, depth first."""
    command = build() if command is None else command
    command = command.loaded() if isinstance(command, Later) else command
    context = typer.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield name, command.get_help(context).rstrip()
    if isinstance(command, TyperGroup):
        for inner in command.commands:
            yield from helps(command.commands[inner], f"{name} {inner}")


def commands_text() -> str:
    """Return the generated part of docs/commands.md."""
    return "\n".join(f"## {name}\n\n```text\n{text}\n```\n" for name, text in helps())


def table_text(model: type[BaseModel]) -> str:
    """Return a Markdown table of a model's keys, in their order."""
    rows = ["| key | what it takes | without it |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        without = "an error" if field.is_required() else "–" if default is None else f"`{json.dumps(default)}`"
        expected = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{name}` | {expected} | {without} |")
    return "\n".join(rows)


def consent_text() -> str:
    """Return a Markdown table of what can happen to a consent: a row a state, a column an input."""
    rows = [f"| state | {' | '.join(given.value for given in Input)} |", "|---" * (1 + len(Input)) + "|"]
    for state, moves in TABLE.items():
        name = f"**{state.value}**" if state in PERMITTING else state.value
        rows.append(f"| {name} | {' | '.join(moves[given].value if given in moves else '–' for given in Input)} |")
    return "\n".join(rows)


def replaced(text: str, name: str, new: str) -> str:
    """Return `text` with what stands between the marks of `name` replaced."""
    mark = re.compile(rf"(<!-- {name}:begin[^>]*-->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    if not mark.search(text):
        raise SystemExit(f"no place for {name}")
    return mark.sub(lambda found: f"{found[1]}{new}\n{found[2]}", text)


def documents() -> dict[Path, str]:
    """Return what the files should hold."""
    settings = SETTINGS.read_text(encoding="utf-8")
    for name, model in TABLES.items():
        settings = replaced(settings, name, table_text(model))
    return {
        COMMANDS: replaced(COMMANDS.read_text(encoding="utf-8"), "help", commands_text()),
        CONSENT: replaced(CONSENT.read_text(encoding="utf-8"), "consent", consent_text()),
        SETTINGS: settings,
    }


if __name__ == "__main__":
    if sys.argv[1:] != ["write"]:
        raise SystemExit(__doc__)
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
