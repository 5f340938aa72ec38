"""Withdraw what was released: the tombstone is made from the consent record alone, so a restart can do it, too.

No keyring is needed for it once the agent runs: the study's signing key was read with the record. On a lost or broken
device, the code on the receipt does the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from capture_agent.bundle.manifest import NO_WITHDRAWALS, Withdrawals
from capture_agent.bundle.tombstone import after, sign
from capture_agent.core.errors import StorageError, VerificationError
from capture_agent.core.language import noted
from capture_agent.ledger.releases import recipients_of, released_sessions, withdrawn_hashes
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.outbox.release import Chain
from capture_agent.outbox.withdraw import write_tombstones
from capture_agent.session.shelf import Shelf


def chain(hashes: Iterable[str]) -> Withdrawals:
    """Return count and chain of withdrawals in this order."""
    found = NO_WITHDRAWALS
    for one in hashes:
        found = after(found, one)
    return found


def last_link(entries: Sequence[Entry], study: str) -> Chain:
    """Return where the releases of a study stand: what the next one is chained to.

    Raises:
        VerificationError: The last one does not say.
    """
    last = next((one for one in reversed(entries) if one.kind is Kind.RELEASED and one.study == study), None)
    if last is None:
        return Chain()
    counter, digest = last.body.get("counter"), last.body.get("digest")
    if not isinstance(counter, int) or not isinstance(digest, str):
        raise VerificationError("the consent record holds a release that is damaged", hint="Restore it from a backup.")
    return Chain(counter, digest, chain(withdrawn_hashes(entries, study)))


def bury(shelf: Shelf, entry: Entry) -> list[Path]:
    """Write the tombstones that the withdrawal `entry` stands for, to where its bundles went; return their paths.

    A bundle that still lies there goes: nobody hands it over any more.

    Raises:
        StorageError: The place is gone, full or read-only.
    """
    entries = shelf.ledger.entries
    released = released_sessions(entries)[str(entry.body.get("session"))]
    hashes = withdrawn_hashes(entries[: entry.seq], entry.study)
    envelope = sign(shelf.vault.signing_key(entry.study), entry.study, hashes[-1], chain(hashes))
    try:
        done = write_tombstones(envelope, recipients_of(entries)[released.session], shelf.outbox)
        with contextlib.suppress(OSError):  # it stays, and is as withdrawn as any other copy
            for name in released.bundles:
                (shelf.outbox / name).unlink(missing_ok=True)
    except StorageError as error:
        raise StorageError(
            noted("A recording is withdrawn, but the file that tells its readers cannot be written yet."),
            hint=noted("It is written as soon as the folder for what you share is there again and has space."),
        ) from error
    return done
