"""What is missing on this computer, and what to do about it. Looks only; changes nothing."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capture_agent.control.client import Client, NotRunningError
from capture_agent.core.asking import Remedy
from capture_agent.core.errors import CaptureAgentError, DesktopError
from capture_agent.core.events import Window
from capture_agent.desktop.base import Problem
from capture_agent.session.profile import Profile, Remembered

LOW_DISK_BYTES = 500 * 1024 * 1024  # half an hour of a busy screen
_OTHERS = 0o077
_HELPS = {
    Remedy.LEAVE_REMOTE: "nothing has to be done; outside ssh, tmux and the like it is kept",
    Remedy.BROWSER_FLAG: "switch accessibility on in the window, and start it with --force-renderer-accessibility",
    Remedy.ACCESSIBILITY: "switch accessibility on in the agent's window; if it is on, start the program anew",
    Remedy.LONG_TEXT: "nothing has to be done; longer texts are kept",
}
_SHOWN_LOOSE = 3  # files whose modes are wrong, named one by one


def examine(profile: Profile) -> dict[str, Any]:
    """Return what `doctor --json` prints."""
    from capture_agent.desktop.choose import check
    from capture_agent.settings import system_policy_path

    desktop = check()
    running, ticked, socket_problems = _agent(profile)
    record = [] if running else _record(profile)
    windows = [] if any(problem.blocks for problem in desktop) else _windows()
    fields = _fields([window for window in windows if window.app in ticked])
    own = [] if running else _left_on(profile)
    problems = [*desktop, *socket_problems, *record, *_files(profile), *_folders(profile), *_keyring(), *own, *fields]
    system = system_policy_path()
    return {
        "ok": not any(problem.blocks for problem in problems),
        "running": running,
        "problems": [{"name": one.name, "what": one.what, "hint": one.hint, "blocks": one.blocks} for one in problems],
        "places": {
            "profile": str(profile.folder),
            "settings": str(profile.settings_file),
            "policy": str(system) if system.exists() else "",
        },
        "input": "" if any(problem.blocks for problem in desktop) else _input(),
        "programs": sorted({window.app for window in windows if window.app}),
        "accessibility": _accessibility(),
        "never": _never(profile),
    }


def _agent(profile: Profile) -> tuple[bool, frozenset[str], list[Problem]]:
    """Return whether an agent runs, the programs that are ticked in it, and what is wrong with it."""
    try:
        found = Client(profile.folder).ask("status")
    except NotRunningError:
        return False, frozenset(), []
    except DesktopError as error:  # a system without control socket
        return False, frozenset(), [_problem("socket", error, blocks=False)]
    except CaptureAgentError as error:
        return True, frozenset(), [_problem("socket", error, blocks=True)]
    ticked = frozenset(found["programs"])
    if found["problem"]:
        return True, ticked, [Problem("agent", found["problem"], found["hint"], blocks=bool(found["broken"]))]
    return True, ticked, []


def _record(profile: Profile) -> Iterator[Problem]:
    """Yield what is wrong with the consent record, when no agent runs that says so itself."""
    from capture_agent.keys.secret_store import choose_secrets
    from capture_agent.keys.vault import Vault
    from capture_agent.ledger.high_water import HighWater
    from capture_agent.ledger.record import Ledger

    if not profile.ledger.exists():
        return

    def ask(*, new: bool, why: str) -> str | None:
        raise _BehindPassphraseError(why)

    try:
        secrets = choose_secrets(profile.folder, ask)
        Ledger(profile.ledger, Vault(profile.vault, secrets), look_only=True)
        HighWater(secrets)
    except _BehindPassphraseError:
        what = "whether the consent record is whole was not looked at: keys are behind your passphrase"
        yield Problem("record", what, "start capture-agent, which asks for it and looks", blocks=False)
    except CaptureAgentError as error:
        yield _problem("record", error, blocks=True)


class _BehindPassphraseError(CaptureAgentError):
    """Nobody is asked for a passphrase here."""


def _files(profile: Profile) -> Iterator[Problem]:
    """Yield what is wrong with policy and settings, as the agent would read them."""
    from capture_agent.settings import policy_path, read_policy, read_settings, without_effect

    policy = None
    try:
        remembered = Remembered.load(profile.state)
        joined = Path(remembered.study_path) if remembered.joined == "study" else None
        path = policy_path(joined)
        policy = None if path is None else read_policy(path).policy
    except CaptureAgentError as error:
        yield _problem("policy", error, blocks=True)
    if policy is not None and any(recipient.is_example for recipient in policy.recipients):
        hint = "ask whoever runs the study for a policy with its own recipient"
        yield Problem("policy", "the study's recipient is the example that everybody can read", hint)
    try:
        settings = read_settings(profile.settings_file).settings
    except CaptureAgentError as error:
        yield _problem("settings", error, blocks=True)
    else:
        for remark in without_effect(settings, policy) if policy is not None else ():
            yield Problem("settings", remark, "the narrower of the two holds; nothing has to be done", blocks=False)


def _never(profile: Profile) -> list[list[str]]:
    """Return what the person keeps out, as the settings say; nothing if these are wrong, which is told elsewhere."""
    from capture_agent.settings import read_settings

    try:
        return [list(rule) for rule in sorted(read_settings(profile.settings_file).settings.never)]
    except CaptureAgentError:
        return []


def _folders(profile: Profile) -> Iterator[Problem]:
    """Yield what is wrong with the profile on the disk."""
    place = profile.elsewhere()
    if place is not None:
        hint = "set XDG_DATA_HOME to a folder on this computer's own disk, and start again"
        yield Problem("place", f"{profile.folder} is in {place.said()}, so nothing is recorded or shared", hint)
    if not profile.folder.exists():
        return
    if sys.platform != "win32":
        every = [profile.folder, *sorted(profile.folder.rglob("*"))]
        loose = [path for path in every if _is_loose(path)]
        for path in loose[:_SHOWN_LOOSE]:
            yield Problem("modes", f"{path} can be reached by others", f"chmod go= {path}", blocks=False)
        if len(loose) > _SHOWN_LOOSE:
            hint = f"chmod -R go= {profile.folder}"
            yield Problem("modes", f"{len(loose)} files of the profile can be reached by others", hint, blocks=False)
        if profile.folder.stat().st_uid != os.geteuid():
            yield Problem("profile", f"{profile.folder} belongs to another user", "run the agent as its owner")
    if not os.access(profile.folder, os.W_OK):
        yield Problem("profile", f"{profile.folder} cannot be written", "make sure that its disk is not read-only")
    free = shutil.disk_usage(profile.folder).free
    if free < LOW_DISK_BYTES:
        yield Problem("disk", f"only {free >> 20} MiB are free for recordings", "free some space", blocks=False)


def _is_loose(path: Path) -> bool:
    try:
        status = path.lstat()
    except FileNotFoundError:  # the running agent has removed it
        return False
    return not stat.S_ISLNK(status.st_mode) and bool(status.st_mode & _OTHERS)


def _keyring() -> Iterator[Problem]:
    from capture_agent.keys.os_keyring import KeyringSecrets

    try:
        KeyringSecrets(os.environ).get("doctor")
    except CaptureAgentError as error:
        what = f"the keyring cannot be used ({error}); keys are then kept behind a passphrase that you choose"
        yield Problem("keyring", what, error.hint, blocks=False)


def _input() -> str:
    """Return the name of what reads keyboard and mouse here; empty if the display has gone meanwhile."""
    from capture_agent.desktop.choose import input_back_end

    try:
        return input_back_end().value
    except DesktopError:
        return ""


def _left_on(profile: Profile) -> Iterator[Problem]:
    """Yield that a crash left accessibility switched on, when no agent runs that puts it back."""
    from capture_agent.session.changes import Changes
    from capture_agent.session.waking import WOKEN

    try:
        left = any(change.what == WOKEN for change in Changes(profile.changes).noted)
    except CaptureAgentError as error:
        yield _problem("changes", error, blocks=False)
        return
    if left:
        what = "accessibility was switched on for your session by Capture Agent and not put back"
        yield Problem("accessibility", what, "start capture-agent, or run capture-agent remove", blocks=False)


def _accessibility() -> str:
    """Return whether accessibility is on in this session; empty if that is not known."""
    from capture_agent.desktop import awake

    try:
        return "on" if awake.is_awake() else "off"
    except DesktopError:
        return ""


def _fields(windows: list[Window]) -> Iterator[Problem]:
    """Yield the programs of `windows` that do not show their fields, each with what makes them visible."""
    from capture_agent.desktop.unseen import unseen_programs

    for app, helps in unseen_programs(windows).items():
        what = f"text in {app} is not recorded: its fields cannot be seen"
        if helps is Remedy.LONG_TEXT:
            what = f"text in fields of one line in {app} is not recorded: which hide a password cannot be seen"
        yield Problem("fields", what, _HELPS[helps], blocks=False)


def _windows() -> list[Window]:
    """Return the windows that there are now."""
    from capture_agent.desktop.choose import open_desktop

    try:
        desktop = open_desktop()
    except DesktopError:
        return []
    try:
        return list(desktop.layout().windows)
    finally:
        desktop.close()


def _problem(name: str, error: CaptureAgentError, *, blocks: bool) -> Problem:
    return Problem(name, str(error), error.hint, blocks)
