"""`capture-agent not-me`: somebody else is at this shared computer."""

from __future__ import annotations

import typer

from capture_agent.cli.program import SETTINGS, AsJson, _ask, _say

not_me_app = typer.Typer(name="not-me", add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)


@not_me_app.command("not-me", short_help="On a shared computer: pause, and forget since the last lock.")
def not_me(as_json: AsJson = False) -> None:
    """Pause at once, and forget everything that was recorded since the screen was locked last.

    For a computer that several people use, if you switched that on in the window (“When it begins”). Afterwards
    nothing is recorded before you resume and say that it is you. JSON: as `status`.
    """
    found = _ask("not-me")
    _say(found, ["Paused. What was recorded since the screen was locked last is forgotten."], as_json)
