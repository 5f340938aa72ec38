"""`capture-agent demo`: show and check the whole way on a desktop of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, _say

demo_app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)


@demo_app.command("demo", short_help="Show and check the whole way on a desktop of its own.")
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="A folder that is new or empty.")],
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="PROGRAM", help="What plays the store: scripts/demo_store.py. Else a folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole way on a desktop and profile of its own, and check it: from consent to what is withdrawn.

    A person agrees, records, looks at it, cuts, shares; it is delivered, fetched and opened; then it is withdrawn, and
    refused. Your own display, keyring and profile are not touched. DIR gets the bundle, the opened files, screenshots
    and summary.json. Exit code 70 if what is in the opened bundle is not what was done. JSON: summary.json.
    """
    from capture_agent.demo.run import run

    found = dict(run(out, store))
    _say(found, [f"{out}: see summary.json", *demo_lines(found)], as_json)
    if not found["ok"]:
        raise typer.Exit(70)


def demo_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what `demo` says."""
    delivery = found["delivery"]
    if delivery["answers_to_participants"]:
        how = "by an account that may create objects and nothing else"
    else:
        how = "a folder, because no --store was named"
    return [
        f"Delivered to {delivery['to']}, {how}: {delivery['files']} files.",
        f"Opened from there; withdrawn; then opening ended with exit code {found['exit_code_once_withdrawn']}.",
        "All as it was done." if found["ok"] else "NOT as it was done.",
    ]
