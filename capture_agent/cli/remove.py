"""`capture-agent remove`: what has to be done before the program is uninstalled. Can be done again and again."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from capture_agent.cli.program import SETTINGS, AsJson, PassphraseFd, _ask, _say
from capture_agent.core.errors import ConfigError, FaultError
from capture_agent.session.profile import Profile

END_SECONDS = 30.0  # an agent that ends seals first, and may show the day's summary for a moment
_AGAIN_SECONDS = 0.1

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to go on.")]
Recordings = Annotated[
    bool | None,
    typer.Option("--delete-recordings/--keep-recordings", help="What becomes of your recordings; without it, asks."),
]

remove_app = typer.Typer(name="remove", add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is to be removed."""

    running: bool
    recordings: int
    changes: tuple[str, ...]


@remove_app.command("remove", short_help="Undo what was changed outside its folder, before you uninstall it.")
def remove(
    yes: Yes = False, recordings: Recordings = None, passphrase_fd: PassphraseFd = None, as_json: AsJson = False
) -> None:
    """Undo what Capture Agent changed outside its own folder, before you uninstall it.

    Ends the agent, which saves first; takes it out of the programs that start when you log in; puts back every setting
    of your session that it changed; and destroys your recordings, if you say so: then nobody can open them any
    more. The consent record with your receipts stays where it is. Can be repeated.

    Asks before it does anything. Where there is no terminal to ask, --yes is needed, and recordings are kept unless
    --delete-recordings is given.

    \b
    JSON: stopped, undone [name], destroyed (recordings), kept (recordings), receipts (path or null),
    profile (path).

    \b
    Examples:
      capture-agent remove
      capture-agent remove --yes --keep-recordings --json
    """
    profile = Profile.of_user()
    found = _find(profile)
    asking = sys.stdin.isatty() and not as_json
    if not yes:
        if not asking:
            raise ConfigError("there is nobody to ask", hint="Say --yes to go on without being asked.")
        typer.confirm(_question(found), abort=True, err=True)
    if recordings is None and asking and found.recordings:
        many = f"Destroy your recordings ({found.recordings})? Nobody can open them then"
        recordings = typer.confirm(many, default=False, err=True)
    done = _remove(profile, found, destroy=bool(recordings), passphrase_fd=passphrase_fd)
    _say(done, _lines(done), as_json)


def _find(profile: Profile) -> _Found:
    from capture_agent.control.client import NotRunningError
    from capture_agent.core.errors import DesktopError
    from capture_agent.held.store import Store
    from capture_agent.session.changes import Changes

    try:
        running = bool(_ask("status")["running"])
    except (NotRunningError, DesktopError):
        running = False
    count = len(Store(profile.held).sessions()) if profile.held.exists() else 0
    noted = Changes(profile.changes).noted if profile.folder.exists() else ()
    return _Found(running, count, tuple(change.what for change in noted))


def _remove(profile: Profile, found: _Found, *, destroy: bool, passphrase_fd: int | None) -> dict[str, Any]:
    undone: tuple[str, ...] = ()
    destroyed = 0
    if found.running:
        _end(profile)
    if profile.folder.exists():
        undone = _undo(profile)
    if destroy and profile.held.exists():
        destroyed = _destroy(passphrase_fd)
    return {
        "stopped": found.running,
        "undone": list(undone),
        "destroyed": destroyed,
        "kept": _find(profile).recordings,
        "receipts": str(profile.ledger) if profile.ledger.exists() else None,
        "profile": str(profile.folder),
    }


def _end(profile: Profile) -> None:
    """End the agent, and wait until it has gone: it notes and undoes until then."""
    from capture_agent.control.instance import Instance

    _ask("quit")
    deadline = time.monotonic() + END_SECONDS
    while (instance := Instance.take(profile.folder)) is None:
        if time.monotonic() > deadline:
            raise FaultError("The agent does not end.", hint="Quit it from its icon, then try again.")
        time.sleep(_AGAIN_SECONDS)
    instance.release()


def _undo(profile: Profile) -> tuple[str, ...]:
    from capture_agent.control.instance import Instance
    from capture_agent.session.changes import Changes

    instance = Instance.take(profile.folder)
    if instance is None:
        raise FaultError("The agent has been started again.", hint="Quit it, then try again.")
    try:
        return Changes(profile.changes).undo_all(lasting=True)
    finally:
        instance.release()


def _destroy(passphrase_fd: int | None) -> int:
    from capture_agent.cli.offline import offline_agent

    with offline_agent(passphrase_fd, whole=True) as agent:
        sessions = [one for one in agent.sessions() if one.here]
        for one in sessions:
            agent.delete(one.id, for_good=True)
    return len(sessions)


def _question(found: _Found) -> str:
    does = ["end the agent"] if found.running else []
    does += ["no longer start at log-in"] if "start-at-login" in found.changes else []
    does += ["put accessibility back"] if "accessibility" in found.changes else []
    does += [f"put back {one}" for one in found.changes if one not in {"start-at-login", "accessibility"}]
    return f"This will {', '.join(does)}. Go on?" if does else "There is nothing to undo. Go on?"


def _lines(done: dict[str, Any]) -> list[str]:
    lines = ["The agent has ended; what was recorded is saved."] if done["stopped"] else []
    lines += [f"Undone: {name}" for name in done["undone"]] or ["There was nothing to undo."]
    if done["destroyed"]:
        lines.append(f"Recordings destroyed: {done['destroyed']}. Nobody can open them any more.")
    if done["kept"]:
        lines.append(f"Recordings kept: {done['kept']}, in {done['profile']}")
    if done["receipts"]:
        lines.append(f"Your receipts stay in {done['receipts']}")
    return [*lines, "Now uninstall the program as you installed it, for example: pipx uninstall capture-agent"]
