"""`capture-agent consent`: what was agreed to, and taking it back. Nothing here gives consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, PassphraseFd, _ask, _say
from capture_agent.cli.words import consent_lines
from capture_agent.core.events import Category

consent_app = typer.Typer(
    name="consent",
    short_help="What you agreed to, and how to take it back.",
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings=SETTINGS,
    help="""What you agreed to, and how to take it back.

    Agreeing takes a click in the agent's window; no command does it.
    """,
)
EMPTY: dict[str, Any] = {
    "study": None,
    "consents": [],
    "recorded": [],
    "recipients": [],
    "programs": [],
    "must_ask": False,
    "refused": False,
    "problem": "",
    "hint": "",
}


@consent_app.command(short_help="What you agreed to, since when and until when.")
def show(passphrase_fd: PassphraseFd = None, as_json: AsJson = False) -> None:
    """Say what you agreed to: for what, which kinds of data, since when and until when; who can read it; programs.

    States have the names of the W3C Data Privacy Vocabulary; only Given and RenewedGiven let anything be recorded.
    Works without a running agent.

    \b
    JSON: study {id, title, version, controller, contact} or null, consents [{purpose, purpose_text, category,
    state, since, until}] (ISO 8601 or null), recorded [category], recipients [{name, fingerprint, categories}],
    programs [name], must_ask, refused, problem, hint.
    """
    found = _at_the_agent("consent-show", {}, passphrase_fd)
    _say(found, consent_lines(found), as_json)


@consent_app.command(short_help="Take back what you agreed to: all of it, or some.")
def withdraw(
    category: Annotated[
        list[Category] | None,
        typer.Option("--category", "-c", help="Stop recording this alone; may be given more than once."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Make unreleased recordings unreadable for everybody, for good.")
    ] = False,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Take back what you agreed to, at once and without a reason. What was released is not reached by this.

    Without --category you opt out of everything; with --delete, recordings that were not released can then
    never be opened again. With --category the other kinds of data go on being recorded; the last one is an
    opt-out. Works without a running agent. JSON: as `consent show`.

    \b
    Examples:
      capture-agent consent withdraw --category screen
      capture-agent consent withdraw --delete
    """
    arguments: dict[str, int | str] = {"delete": int(delete)}
    if category:
        arguments["categories"] = ",".join(category)
    found = _at_the_agent("consent-withdraw", arguments, passphrase_fd)
    _say(found, consent_lines(found), as_json)


def _at_the_agent(command: str, arguments: Mapping[str, int | str], passphrase_fd: int | None) -> dict[str, Any]:
    """Ask the agent that runs, or be it for a moment if none does."""
    from capture_agent.control.client import NotRunningError
    from capture_agent.core.errors import DesktopError
    from capture_agent.session.profile import Profile

    try:
        return _ask(command, arguments)
    except (NotRunningError, DesktopError):  # a system without control socket
        if not Profile.of_user().ledger.exists():
            return EMPTY
        return _offline(command, arguments, passphrase_fd)


def _offline(command: str, arguments: Mapping[str, int | str], passphrase_fd: int | None) -> dict[str, Any]:
    from datetime import UTC, datetime

    from capture_agent.cli.offline import NoWindows, offline_agent
    from capture_agent.control.commands import check, perform

    request = check(command, arguments)
    with offline_agent(passphrase_fd) as agent:
        return perform(request, agent, NoWindows(), datetime.now(UTC))
