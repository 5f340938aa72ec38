"""`capture-agent deliver`: hand over now what was shared, and keep what opens the store that it goes to."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, PassphraseFd, _ask, _say

if TYPE_CHECKING:
    from capture_agent.session.delivering import Delivering

LOOK_S = 0.3  # how often a running agent is asked how far it is

deliver_app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)


@deliver_app.command("deliver", short_help="Deliver now what you shared.")
def deliver(
    keep_access: Annotated[
        bool, typer.Option("--keep-access", help="Keep what opens the store, from the environment, in your keyring.")
    ] = False,
    forget_access: Annotated[bool, typer.Option("--forget-access", help="Forget what was kept that way.")] = False,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Deliver now what you shared and what has not arrived yet; a running agent does it by itself, sooner or later.

    Nothing goes that you did not share by a click, and nothing goes elsewhere than the study said when you did. What
    cannot be delivered stays on this computer and is tried again. Works without a running agent.

    \b
    What opens a store comes from your keyring, else from the environment:
      s3://  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, if need be AWS_SESSION_TOKEN
      gs://  GOOGLE_SERVICE_ACCOUNT_KEY (the JSON itself)
      az://  AZURE_STORAGE_SAS_TOKEN, or AZURE_STORAGE_ACCOUNT_KEY

    With --keep-access nothing is delivered: what the environment has for the stores that you agreed to goes into the
    keyring (or behind your passphrase), from where the agent takes it.

    Exit code 1 if there is no network or the place cannot be reached now, 3 if a library for it is missing, 5 if
    something else has the name, 6 if there is no access, or a wrong one, 7 if it is full.

    \b
    JSON: delivered (files that arrived), waiting (files that did not); with --keep-access and --forget-access:
    destinations [place].

    \b
    Examples:
      capture-agent deliver
      AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… capture-agent deliver --keep-access
    """
    from capture_agent.core.errors import ConfigError
    from capture_agent.session.profile import Profile

    if keep_access and forget_access:
        raise ConfigError("either --keep-access or --forget-access", hint="See `capture-agent deliver --help`.")
    if keep_access or forget_access:
        places = _change_access(passphrase_fd, keep=keep_access)
        said = [f"{'Kept' if keep_access else 'Forgotten'}: access to {place}" for place in places]
        _say({"destinations": places}, said or ["You agreed to no store."], as_json)
        return
    found = {"delivered": 0, "waiting": 0}
    if Profile.of_user().ledger.exists():
        found = _deliver(passphrase_fd, quiet=as_json)
    _say(found, delivered_lines(found), as_json)


def delivered_lines(found: Mapping[str, int]) -> list[str]:
    """Return what `deliver` says."""
    lines = [f"Delivered: {found['delivered']}"] if found["delivered"] else []
    lines += [f"Waiting: {found['waiting']}"] if found["waiting"] else []
    return lines or ["Nothing waits to be delivered."]


def _deliver(passphrase_fd: int | None, *, quiet: bool) -> dict[str, int]:
    from capture_agent.cli.bars import bars
    from capture_agent.cli.offline import offline_agent
    from capture_agent.control.client import NotRunningError
    from capture_agent.core.errors import DesktopError

    try:
        return _at_the_agent()
    except (NotRunningError, DesktopError):  # a system without control socket
        with offline_agent(passphrase_fd, whole=True) as agent, bars(quiet=quiet) as progress:
            arrived, error = agent.delivering.deliver(progress)
            if error is not None:
                raise error from None
            return {"delivered": len(arrived), "waiting": len(agent.delivering.waiting())}


def _at_the_agent() -> dict[str, int]:
    """Let the running agent try, and wait until it has."""
    before = _ask("status")["delivery"]
    seen: dict[str, Any] | None = _ask("deliver")["delivery"]
    while seen is not None and seen["going"]:
        time.sleep(LOOK_S)
        seen = _ask("status")["delivery"]
    if seen is not None and seen["problem"]:
        raise _error(seen)
    waiting = 0 if seen is None else seen["waiting"]
    return {"delivered": max(0, (0 if before is None else before["waiting"]) - waiting), "waiting": waiting}


def _error(seen: Mapping[str, Any]) -> Exception:
    """Return the error that the agent met, as the class whose exit code it told."""
    from capture_agent.core import errors

    kinds = (errors.ConfigError, errors.DesktopError, errors.VerificationError, errors.KeyError_, errors.StorageError)
    kind = next((one for one in kinds if one.exit_code == seen["code"]), errors.CaptureAgentError)
    return kind(seen["problem"], hint=seen["hint"])


def _change_access(passphrase_fd: int | None, *, keep: bool) -> list[str]:
    delivering = _delivering(passphrase_fd)
    return delivering.keep_access(os.environ) if keep else delivering.forget_access()


def _delivering(passphrase_fd: int | None) -> Delivering:
    from capture_agent.cli.own import holdings_of
    from capture_agent.core.errors import ConfigError
    from capture_agent.desktop.clock import now_us
    from capture_agent.session.delivering import Delivering
    from capture_agent.session.profile import Profile

    profile = Profile.of_user()
    if not profile.ledger.exists():
        raise ConfigError("you agreed to nothing yet", hint="Join a study first, in the window of capture-agent.")
    return Delivering(holdings_of(profile, passphrase_fd).shelf, now_us)
