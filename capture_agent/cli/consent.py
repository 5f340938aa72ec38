"""`capture-agent consent`: what was agreed to, and taking it back. Nothing here gives consent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, PassphraseFd, _ask, _say
from capture_agent.cli.words import consent_lines, receipt_lines
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


@consent_app.command(short_help="A receipt of every yes, no and withdrawal, to keep or print.")
def receipts(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write files into this folder; nothing is replaced.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with the signed entries.")] = False,
    as_jsonld: Annotated[bool, typer.Option("--jsonld", help="As JSON-LD, in the Data Privacy Vocabulary.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="As pages to read and print; needs --out.")] = False,
    as_pdf: Annotated[bool, typer.Option("--pdf", help="As PDF; needs --out.")] = False,
    locale: Annotated[str, typer.Option("--locale", help="The language of pages; else the notice's.")] = "",
    passphrase_fd: PassphraseFd = None,
) -> None:
    """List the receipts of all that you decided: every yes, no and withdrawal, and when your consent ended by itself.

    And of all that you shared, with the code that withdraws it from any computer.

    With --out they become files, one for each decision in each form that is asked for: JSON, JSON-LD, HTML, PDF;
    all four without a form (of what you shared there is no JSON-LD). Works without a running agent. Nobody but
    you gets them.

    \b
    JSON: receipts [{as docs/schemas/consent-receipt.schema.json; of what was shared, release-receipt.schema.json}];
    with --jsonld, receipts [{JSON-LD}].

    \b
    Examples:
      capture-agent consent receipts
      capture-agent consent receipts --pdf --out my-receipts
    """
    from capture_agent.cli.own import list_receipts
    from capture_agent.core.errors import ConfigError
    from capture_agent.session.receipts import Form, forms_of, no_pdf, write

    asked = [(Form.JSON, as_json), (Form.JSONLD, as_jsonld), (Form.HTML, as_html), (Form.PDF, as_pdf)]
    forms = [form for form, wanted in asked if wanted]
    if out is None and (len(forms) > 1 or as_html or as_pdf):
        raise ConfigError("these forms are files", hint="Say where they go, with --out DIR.")
    found = list_receipts(passphrase_fd)
    if out is not None:
        chosen = forms or list(Form)
        for path in write(found, chosen, out, locale, pdf_without_display() if Form.PDF in chosen else no_pdf):
            typer.echo(path)
    elif as_jsonld:
        from capture_agent.ledger.receipt_jsonld import jsonld

        _say({"receipts": [jsonld(one) for one in found if forms_of(one, [Form.JSONLD])]}, [], as_json=True)
    else:
        _say({"receipts": list(found)}, receipt_lines(found), as_json)


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
    from capture_agent.control.commands import COMMANDS, check, perform

    request = check(command, arguments)
    # A profile that cannot be trusted shows nothing, and can be left.
    with offline_agent(passphrase_fd, whole=command == "consent-show") as agent:
        found = perform(request, agent, NoWindows(), datetime.now(UTC))
        rest = COMMANDS[command].rest
        if rest is not None:
            rest(agent)
        return found


def pdf_without_display() -> Callable[[str, str], bytes]:
    """Return what makes a PDF of a page, on a machine that may have no display."""
    from capture_agent.ui.printing import pdf, without_display

    application = without_display()

    def make(page: str, title: str) -> bytes:
        application.processEvents()
        return pdf(page, title)

    return make
