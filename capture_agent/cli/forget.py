"""`capture-agent forget`: the last minutes of every recording are made unreadable, also without a running agent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, PassphraseFd, _say

forget_app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)
_LENGTH = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,5})m?)?")
_NOTHING: dict[str, Any] = {"since": None, "until": None, "recordings": 0, "whole": 0, "tasks": [], "shared": []}


@forget_app.command("forget", short_help="Forget the last minutes of every recording.")
def forget(
    last: Annotated[str, typer.Option("--last", "-l", metavar="TIME", help="How far back: 15m, 1h, 1h30m.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and what could not.")] = False,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Forget the last minutes of every recording, of the running one and of those that ended.

    Keys, mouse, windows, screen and tasks of that time go. No key that exists afterwards opens them, nor an older copy
    of these files. It cannot be undone.

    What was released has left this computer and is named; `capture-agent withdraw` withdraws it. Recording goes on
    in a new recording. Works without a running agent.

    \b
    JSON: since and until (ISO 8601), recordings, whole (of these, how many went completely), tasks [text],
    shared [{session, when, to [name], withdrawn}].

    \b
    Examples:
      capture-agent forget --last 15m
      capture-agent forget --last 1h --dry-run
    """
    from capture_agent.cli.consent import _at_the_agent

    command = "would-forget" if dry_run else "forget"
    found = {**_NOTHING, **_at_the_agent(command, {"minutes": minutes(last)}, passphrase_fd)}
    found = {name: found[name] for name in _NOTHING}
    _say(found, forget_lines(found, dry_run=dry_run), as_json)


def minutes(text: str) -> int:
    """Return the minutes in "15m", "1h" or "1h30m"; a number alone are minutes.

    Raises:
        ConfigError: It is something else, or nothing.
    """
    from capture_agent.core.errors import ConfigError

    match = _LENGTH.fullmatch(text.strip().lower())
    hours, rest = (int(part or 0) for part in match.groups()) if match else (0, 0)
    if not hours * 60 + rest:
        raise ConfigError(f"{text!r} is no length of time", hint="Write 15m, 1h or 1h30m.")
    return hours * 60 + rest


def forget_lines(found: Mapping[str, Any], *, dry_run: bool) -> list[str]:
    """Return what `forget` says."""
    from capture_agent.cli.words import clock

    if not found["recordings"]:
        lines = ["Nothing was recorded in this time."]
    else:
        count = found["recordings"]
        what = f"{count} recording{'' if count == 1 else 's'}"
        verb = "Would be forgotten" if dry_run else "Forgotten"
        lines = [
            f"{verb}: from {clock(found['since'])} to {clock(found['until'])}, in {what} ({found['whole']} whole)."
        ]
    lines += [f"Task: {text}" for text in found["tasks"]]
    for one in found["shared"]:
        day = datetime.fromisoformat(one["when"]).astimezone()
        what = "Withdrawn; released" if one["withdrawn"] else "Released"
        lines.append(f"{what} on {day:%Y-%m-%d} at {day:%H:%M} to {', '.join(one['to'])}: {one['session'][:8]}.")
    if any(not one["withdrawn"] for one in found["shared"]):
        lines.append("What was released has left this computer. To withdraw it: capture-agent withdraw ID")
    return lines
