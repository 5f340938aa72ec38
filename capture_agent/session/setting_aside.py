"""Leaving a profile that cannot be trusted: its record is set aside, not deleted, and a new one begins."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from capture_agent.core.errors import KeyError_, StorageError, VerificationError
from capture_agent.core.policy import OWN_STUDY
from capture_agent.held.store import Store
from capture_agent.keys.dsse import unverified_payload
from capture_agent.keys.files import read_private, sync_folder
from capture_agent.keys.secret_store import Secrets
from capture_agent.keys.strict_json import strict_object
from capture_agent.keys.vault import Vault
from capture_agent.ledger import high_water
from capture_agent.ledger.events import Method, event_section
from capture_agent.ledger.record import Ledger, forget_head
from capture_agent.ledger.standing import Kind
from capture_agent.session.profile import Memory, Profile


def last_study(ledger: Path) -> str:
    """Return the study that a record, which may be anybody's work, says was joined last; "" if it says none."""
    study = ""
    for line in (read_private(ledger) or b"").split(b"\n"):
        try:
            payload = strict_object(unverified_payload(line), "the consent record")
        except VerificationError:
            continue
        if payload.get("kind") == Kind.JOINED.value:
            study = str(payload.get("study"))
    return study


def begin_anew(profile: Profile, secrets: Secrets, now: datetime, because: str, *, destroy: bool) -> None:
    """Withdraw from what was joined, in a new record; with `destroy`, so that no recording here can be opened again.

    Each step can be repeated: whoever was interrupted opts out again.

    Raises:
        CaptureAgentError: The disk or the keyring does not take it.
    """
    study = last_study(profile.ledger) or OWN_STUDY
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    vault = Vault(profile.vault, secrets)
    if destroy:
        store = Store(profile.held)
        gone = {one.id for one in store.sessions()} | _kept_in(vault)
        _destroy(vault, profile, gone, stamp)
        for session in gone:
            store.remove(session)
    elif not _fits(vault):
        _aside(profile.vault / "vault", stamp)
    old = _aside(profile.ledger, stamp)
    if old is not None:
        forget_head(secrets)
    _check_high_water(secrets)
    ledger = Ledger(profile.ledger, vault)
    body: dict[str, object] = {"event": event_section(ledger, study, Kind.WITHDRAWN, Method.OPT_OUT, now)}
    if old is not None:
        digest = hashlib.sha256(read_private(old) or b"").hexdigest()
        body["set_aside"] = {"file": old.name, "sha256": digest, "because": because}
    ledger.append(Kind.WITHDRAWN, study, body, now)
    _memory(profile, stamp).change(joined="", study_path="", paused=False)


def _kept_in(vault: Vault) -> frozenset[str]:
    try:
        return vault.sessions()
    except StorageError:  # damaged: then it is set aside whole
        return frozenset()


def _fits(vault: Vault) -> bool:
    try:
        vault.check()
    except (KeyError_, StorageError):
        return False
    return True


def _destroy(vault: Vault, profile: Profile, sessions: set[str], stamp: str) -> None:
    try:
        vault.destroy(sessions)
    except StorageError:
        # The vault itself is damaged: with new keys of the device, no copy of it opens anything.
        _aside(profile.vault / "vault", stamp)
        vault.destroy(sessions)


def _check_high_water(secrets: Secrets) -> None:
    try:
        high_water.HighWater(secrets)
    except VerificationError:
        high_water.forget(secrets)


def _memory(profile: Profile, stamp: str) -> Memory:
    try:
        return Memory(profile.state)
    except StorageError:
        _aside(profile.state, stamp)
        return Memory(profile.state)


def _aside(path: Path, stamp: str) -> Path | None:
    """Give a file another name, and return it; None if there is no such file."""
    new = path.with_name(f"{path.name}.{stamp}.aside")
    try:
        path.rename(new)
        sync_folder(path.parent)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            "{path} cannot be set aside: {why}", hint="Move it away by hand.", path=path, why=error.strerror
        ) from error
    return new
