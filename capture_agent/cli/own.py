"""One's own recordings, straight from the disk: listed, opened, exported. Works without a running agent."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture_agent.core.errors import CaptureAgentError, ConfigError, DesktopError, KeyError_, StorageError
from capture_agent.session.profile import Profile

if TYPE_CHECKING:
    from capture_agent.core.progress import Progress
    from capture_agent.keys.vault import Ask, Vault
    from capture_agent.session.holdings import Holdings
    from capture_agent.session.snapshot import HeldSession

PRIVATE_FILE = 0o600
LOOKED_INTO = 100  # recordings that a list looks into: as many as anybody reads; each takes half a millisecond


def list_sessions(ask: Callable[[str], Any], passphrase_fd: int | None, *, all_: bool) -> list[dict[str, Any]]:
    """Return what `sessions --json` lists: asked of the agent, or read here if none runs.

    How long input was not kept is always read here: the agent's main thread has to mark, and no time to open
    recordings. It is read of the newest, or of `all_`. Where that would have to ask for a passphrase, nothing is said.
    """
    from capture_agent.control.client import NotRunningError
    from capture_agent.control.commands import describe_session
    from capture_agent.keys.vault import Vault, choose_secrets

    profile = Profile.of_user()
    try:
        listed: list[dict[str, Any]] = ask("sessions")["sessions"]
    except (NotRunningError, DesktopError):  # a system without control socket
        if not profile.held.exists():  # and nothing is made
            return []
        holdings = holdings_of(profile, passphrase_fd)
        listed, vault = [describe_session(held) for held in _sessions(holdings)], holdings.shelf.vault
    else:
        passphrase = None if passphrase_fd is None else passphrase_from(passphrase_fd)
        try:
            vault = Vault(profile.vault, choose_secrets(profile.folder, passphrase))
        except CaptureAgentError:
            return [one | {"withheld_us": None} for one in listed]
    closed = [one["id"] for one in listed if one["here"] and one["state"] != "recording"]
    withheld = _withheld(profile, vault, closed if all_ else closed[:LOOKED_INTO])
    return [one | {"withheld_us": withheld.get(one["id"])} for one in listed]


def _sessions(holdings: Holdings) -> tuple[HeldSession, ...]:
    """Return what is there; of what was shared, who may get it, too, as was agreed to last."""
    from capture_agent.session.listing import with_agreed_readers

    lines, ledger = holdings.sessions(), holdings.shelf.ledger
    standing = ledger.standing(ledger.current_study or "")
    if standing.policy is None:
        return lines
    try:
        return with_agreed_readers(lines, standing.policy, standing.consent, ledger)
    except CaptureAgentError:  # nobody gets anything now
        return lines


def _withheld(profile: Profile, vault: Vault, sessions: list[str]) -> dict[str, Mapping[str, int]]:
    """Return how long input was not kept, in µs by reason, of each of `sessions` that can be opened."""
    from capture_agent.held import reader
    from capture_agent.held.store import Store

    store, found = Store(profile.held), {}
    try:
        identities = vault.last_identities(sessions)
    except CaptureAgentError:  # the keyring is locked
        return {}
    for session, identity in identities.items():
        with suppress(CaptureAgentError):
            found[session] = reader.withheld_us(store.path(session), identity)
    return found


def list_receipts(passphrase_fd: int | None) -> tuple[dict[str, Any], ...]:
    """Return the receipts of all decisions on this device, oldest first; none if there is no consent record."""
    holdings = holdings_if_any(passphrase_fd)
    return () if holdings is None else holdings.receipts()


def holdings_if_any(passphrase_fd: int | None) -> Holdings | None:
    """Return what this user's profile holds; None, and nothing is made, if there is no consent record."""
    profile = Profile.of_user()
    return holdings_of(profile, passphrase_fd) if profile.ledger.exists() else None


def open_session(start: str, out: Path, passphrase_fd: int | None, progress: Progress) -> str:
    """Open the recording whose id begins with `start` into the new folder `out`; return its id.

    `passphrase_fd`: where the profile's passphrase is read, if it has one; None asks on the terminal.

    Raises:
        CaptureAgentError: There is none, its key is gone, it is damaged, or `out` cannot be used.
    """
    holdings = _there(passphrase_fd)
    session = holdings.find(start)
    holdings.open_own(session, out, progress)
    return session


def export_session(start: str, file: Path | None, passphrase_fd: int | None, progress: Progress) -> tuple[str, Path]:
    """Open a recording into one ZIP file; return its id and the file. What is half done is removed.

    Raises:
        CaptureAgentError: As `open_session`; or `file` is there already.
    """
    holdings = _there(passphrase_fd)
    session = holdings.find(start)
    target = file or Path(f"{session}.zip")
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        raise ConfigError(f"{target} is there already", hint="Name another file with --out.") from None
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}", hint="Name another file.") from None
    done = False
    try:
        with os.fdopen(descriptor, "wb") as stream, tempfile.TemporaryDirectory(dir=target.parent) as folder:
            opened = Path(folder) / session
            holdings.open_own(session, opened, progress)
            # Videos and tables are compressed already.
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for path in sorted(opened.rglob("*")):
                    archive.write(path, path.relative_to(folder))
        done = True
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}", hint="Free some space.") from None
    finally:
        if not done:
            target.unlink()
    return session, target


def _there(passphrase_fd: int | None) -> Holdings:
    profile = Profile.of_user()
    if not profile.held.exists():
        raise StorageError("there are no recordings", hint="Record something first, with: capture-agent")
    return holdings_of(profile, passphrase_fd)


def holdings_of(profile: Profile, passphrase_fd: int | None) -> Holdings:
    """Return the held sessions of a profile, without what an agent needs besides.

    Raises:
        CaptureAgentError: The keyring is locked, or the profile cannot be used.
    """
    from capture_agent.keys.vault import Vault, choose_secrets
    from capture_agent.ledger.record import Ledger
    from capture_agent.session.holdings import Holdings

    vault = Vault(profile.vault, choose_secrets(profile.folder, passphrase_from(passphrase_fd)))
    return Holdings(profile, vault, Ledger(profile.ledger, vault), lambda: datetime.now(UTC))


def passphrase_from(descriptor: int | None) -> Ask:
    """Return what reads the profile's passphrase, if it has one: from `descriptor`, or asked for on the terminal."""
    from capture_agent.research.passphrase import read_passphrase

    def ask(*, new: bool, why: str) -> str | None:
        if new:
            hint = "Start capture-agent and choose a passphrase there."
            raise KeyError_(why or "no keyring can be used", hint=hint)
        return read_passphrase(descriptor, "Passphrase of your recordings: ")

    return ask
