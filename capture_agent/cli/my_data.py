"""`capture-agent my-data`: what others have of a person, and all of it in one folder. Works without a running agent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, PassphraseFd, _say
from capture_agent.core.errors import VerificationError

my_data_app = typer.Typer(
    name="my-data",
    short_help="What others have of you, and all of it in one folder.",
    rich_markup_mode=None,
    context_settings=SETTINGS,
)


@my_data_app.callback(invoke_without_command=True)
def my_data(context: typer.Context, passphrase_fd: PassphraseFd = None, as_json: AsJson = False) -> None:
    """What do they have of me? List everything that you ever shared, the newest first.

    When, with whom (with the nine words of their key), what is in it, for which study, by which consent, and what
    became of it. Also what is no longer on this disk, because the list is made from your consent record alone. Works
    without a running agent, and without a network.

    \b
    JSON: as docs/schemas/my-data.schema.json: made (ISO 8601), shared [{file, shared, session, recorded, seconds,
    study {id, title}, readers [{name, fingerprint}], categories, consent {record_id, agreed} or null, state
    (released, withdrawn, told), history [{state, time, place, record_id}]}].

    \b
    Examples:
      capture-agent my-data
      capture-agent my-data export --out all-of-me
    """
    if context.invoked_subcommand is not None:
        return
    from datetime import UTC, datetime

    from capture_agent.cli.own import holdings_if_any
    from capture_agent.cli.words import shared_lines
    from capture_agent.ledger.my_data import my_data as described
    from capture_agent.ledger.my_data import shared_files

    holdings = holdings_if_any(passphrase_fd)
    shared = () if holdings is None else shared_files(holdings.shelf.ledger.entries)
    found = described(shared, datetime.now(UTC))
    _say(found, shared_lines(found), as_json)


@my_data_app.command(short_help="Write all that is here of you into one new folder.")
def export(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="A folder that does not exist.")],
    locale: Annotated[str, typer.Option("--locale", help="The language of pages; else the notice's.")] = "",
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Write all that is here of you into the new folder DIR, for you alone: nothing in it is encrypted.

    index.html to read and print, index.json for programs, the receipts of all that you decided and shared (JSON,
    JSON-LD, HTML), your consent record as ledger.json, and below recordings every recording on this disk, opened as
    by `open`. DIR is there only when it is whole; until then it is DIR.partial. If that is left of an attempt that was
    killed, it is named, and how to remove it. Works without a running agent, and without a network.

    Exit code 5 if a recording could not be opened: all the rest is there, and index.json says why.

    \b
    JSON: out, shared (files that were ever shared), recordings (how many were opened), left_out {id: why}.

    \b
    Example:
      capture-agent my-data export --out all-of-me
    """
    from capture_agent.cli.bars import bars
    from capture_agent.cli.own import holdings_if_any
    from capture_agent.core.errors import StorageError
    from capture_agent.session.my_data import save

    holdings = holdings_if_any(passphrase_fd)
    if holdings is None:
        raise StorageError("there is nothing of you here", hint="Record something first, with: capture-agent")
    with bars(quiet=as_json) as progress:
        saved = save(holdings, out, locale, progress)
    found = {
        "out": str(out),
        "shared": saved.shared,
        "recordings": saved.recordings,
        "left_out": dict(saved.left_out),
    }
    _say(found, saved_lines(found), as_json)
    if saved.left_out:
        raise typer.Exit(VerificationError.exit_code)


def saved_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what `export` says."""
    lines = [f"{found['out']}: index.html says what there is. Nothing in it is encrypted."]
    return [*lines, *(f"Left out: {session}, {why}" for session, why in found["left_out"].items())]
