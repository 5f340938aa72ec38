"""`capture-agent withdraw`: what was shared is withdrawn, here by its id, or anywhere by the code on its receipt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, PassphraseFd, _say

withdraw_app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)


@withdraw_app.command("withdraw", short_help="Withdraw a recording that you shared.")
def withdraw(
    session: Annotated[str, typer.Argument(metavar="ID", help="A recording's id, or how it begins.")] = "",
    code: Annotated[
        str, typer.Option("--code", metavar="CODE", help="The code on the receipt, instead of ID; on any computer.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="With --code: the file to make, for its readers.")
    ] = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a recording that you shared: whoever has it is told to delete it, and their program refuses to open it.

    With ID, on the computer that shared it: a file for its readers is made where the shared file was, and delivered as
    that one was; if you handed that over yourself, hand over this one, too. Works without a running agent, and
    without a network.

    With --code, on any computer: makes FILE, which does the same. The code is on the receipt of what you shared.

    It does not reach copies that are opened already, nor what was learned from them. It cannot be undone. Exit code 4
    if the recording was not shared.

    \b
    JSON: session, to [name], files [path] (for its readers), places (where these are delivered by themselves), pending
    (the file cannot be written yet; it counts all the same, and is written later); with --code: files.

    \b
    Examples:
      capture-agent withdraw 3f9c
      capture-agent withdraw --code withdrawal-1… --out withdrawal.tombstone
    """
    from capture_agent.core.errors import ConfigError

    if code:
        if session or out is None:
            raise ConfigError("--code takes no ID, and needs --out FILE", hint="See `capture-agent withdraw --help`.")
        from_code(code, out)
        lines = [f"{out} is made. Give it to those who can read the recording: it withdraws it."]
        _say({"files": [str(out)]}, lines, as_json)
        return
    if not session or out is not None:
        raise ConfigError(
            "say which recording: its ID, or --code CODE --out FILE", hint="See `capture-agent sessions`."
        )
    from capture_agent.cli.consent import _at_the_agent

    found = _at_the_agent("withdraw", {"session": session}, passphrase_fd)
    if "files" not in found:
        raise ConfigError("there are no recordings", hint="Use the code on the receipt, with --code.")
    _say(found, withdrawn_lines(found), as_json)


def from_code(code: str, out: Path) -> None:
    """Write the withdrawal that `code` makes into the new file `out`.

    Raises:
        ConfigError: The code is wrong, or the file is there already.
        StorageError: It cannot be written.
    """
    from capture_agent.bundle.tombstone import from_code as envelope_from
    from capture_agent.core.errors import ConfigError, StorageError

    data = envelope_from(code) + b"\n"
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    except FileExistsError:
        raise ConfigError(f"{out} is there already", hint="Name another file with --out.") from None
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}", hint="Name another file.") from None


def withdrawn_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what `withdraw ID` says."""
    lines = [f"Withdrawn: {found['session']}, which {', '.join(found['to'])} can read."]
    if found["pending"]:
        return [*lines, "The file for them cannot be written yet; it is tried again whenever the agent runs."]
    if found["places"]:
        return [*lines, *(f"The file for them is delivered to {place} by itself." for place in found["places"])]
    return [*lines, *(f"Hand this file over to them: {path}" for path in found["files"])]
