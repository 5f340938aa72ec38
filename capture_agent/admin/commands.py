"""`capture-agent admin …`: what somebody needs who writes a study. No display, no data, no keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from capture_agent.core.errors import ConfigError, StorageError
from capture_agent.core.policy import widenings

admin_app = typer.Typer(
    name="admin",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Write a study: check and compare policies, and print its notice and poster.

    A policy is a TOML file; config.example.toml is a complete one with comments, docs/settings.md lists every key.
    An admin can offer and narrow, never widen what somebody agreed to.
    """,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
PolicyPath = Annotated[Path, typer.Argument(metavar="FILE", help="A policy file.")]


@admin_app.command(short_help="Find every mistake in a policy at once.")
def check(file: PolicyPath, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a policy, with line, key, what is expected and what was found.

    Warnings are about what is allowed and unwise. The recipients' nine words are for comparing with the researchers'.
    Exit code 0 if the agent would take the file, also with warnings; 2 if not.

    \b
    JSON: file, ok, errors [{file, line, column, key, expected, found, nearest}], warnings [{key, text}],
    recipients [{name, kind, fingerprint}].

    \b
    Example:
      capture-agent admin check my-study.toml
    """
    from capture_agent.admin.check import check as examine

    report = examine(file, datetime.now(UTC))
    typer.echo(json.dumps(report.as_dict(), indent=2, ensure_ascii=False) if as_json else "\n".join(report.lines()))
    if not report.ok:
        raise typer.Exit(ConfigError.exit_code)


@admin_app.command(short_help="Print the notice that people read.")
def notice(
    file: PolicyPath,
    locale: Annotated[str, typer.Option("--locale", help="The language, such as en or de.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Print a policy's notice in one language as Markdown, as people read it before they agree.

    With `template = true` it is made from the policy. For one of your own, begin with this one and keep its headings.

    \b
    JSON: locale, version, sha256, text.

    \b
    Example:
      capture-agent admin notice my-study.toml --locale de
    """
    from capture_agent.ledger.snapshot import text_hash
    from capture_agent.settings import read_policy

    notices = read_policy(file).policy.notices
    for one in notices:
        if one.locale == locale:
            told = {"locale": one.locale, "version": one.version, "sha256": text_hash(one.text), "text": one.text}
            typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else one.text)
            return
    listed = ", ".join(one.locale for one in notices)
    raise ConfigError(f"{file} has no notice in {locale}", hint=f"There are: {listed}.")


@admin_app.command(short_help="Make a poster to print and hang up.")
def poster(
    file: PolicyPath,
    locale: Annotated[str, typer.Option("--locale", help="The language, such as en or de.")] = "en",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="An HTML file that is not there yet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a poster of a study in one language: an HTML page for A4, from the same text that people agree to.

    Who answers for it, what is recorded, that it is voluntary, whom to ask, how to see that recording is on; and the
    monitoring notice, if the study has one. Open it in a browser and print it. Without --out it is printed here.

    \b
    JSON: locale, out (or null), html.

    \b
    Example:
      capture-agent admin poster my-study.toml --locale de --out poster.html
    """
    from capture_agent.admin.poster import poster as make
    from capture_agent.settings import read_policy

    page = make(read_policy(file).policy, locale)
    if out is not None:
        try:
            with out.open("x", encoding="utf-8") as stream:
                stream.write(page)
        except FileExistsError:
            raise ConfigError(f"{out} is there already", hint="Name another file with --out.") from None
        except OSError as error:
            raise StorageError(f"{out} cannot be written: {error.strerror}", hint="Name another file.") from None
    told = {"locale": locale, "out": None if out is None else str(out), "html": page}
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else page if out is None else str(out))


@admin_app.command(short_help="Say what a new policy asks beyond an old one.")
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The policy that people agreed to.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy that is to replace it.")],
    as_json: AsJson = False,
) -> None:
    """Say what NEW asks for beyond OLD. Each of these stops recording, and asks everybody again.

    \b
    JSON: asks_again, widened [{what, was, wants}].

    \b
    Example:
      capture-agent admin diff my-study.toml my-study-2.toml
    """
    from capture_agent.settings import read_policy

    before, after = read_policy(old), read_policy(new)
    if before.policy.study == after.policy.study and after.policy.version <= before.policy.version:
        raise ConfigError(
            f"{new}: version {after.policy.version} does not follow {before.policy.version}",
            hint="Every new policy needs a higher version.",
        )
    found = widenings(before.policy, after.policy)
    said = [f"{one.what}: {one.was} → {one.wants}" for one in found] or ["Nothing is widened: nobody is asked again."]
    told = {"asks_again": bool(found), "widened": [{"what": w.what, "was": w.was, "wants": w.wants} for w in found]}
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(said))
