"""Verify a bundle, and open it into files. Verification raises; what it returns was verified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from capture_agent.bundle.manifest import CONSENT_NAME
from capture_agent.bundle.read import BLOCK_READ, Bundle, Standing, Verified
from capture_agent.core.errors import StorageError
from capture_agent.core.progress import Progress, silent
from capture_agent.keys.age import Identity
from capture_agent.outbox.folder import OpenedFolder
from capture_agent.outbox.opened import USUAL, Extras, derive
from capture_agent.research import permitted, tombstones
from capture_agent.research.devices import Devices
from capture_agent.research.tombstones import Found

MANIFEST_NAME = "manifest.json"  # the verified manifest, in the opened folder

_SAID = {
    Standing.TRUSTED: "The signature is by this participant's device key, which you trusted.",
    Standing.PINNED: "The signature is by the same device key as this participant's first bundle; nobody compared it.",
    Standing.FIRST_USE: (
        "The signature holds, but the device key was never seen before. It is pinned from now on; compare it with the "
        "participant's before you call this bundle verified."
    ),
}


def verify(path: Path, identities: Sequence[Identity], devices: Devices, progress: Progress = silent) -> Verified:
    """Read all of a bundle and keep nothing but what its front says.

    Raises:
        KeyError_: None of `identities` opens it.
        VerificationError: It is damaged, was changed, or its device key is not known; the message says where.
        StorageError: It cannot be read, or is of a newer format.
    """
    with _opened(path) as stream:
        bundle = Bundle(stream, identities, devices)
        total = sum(member.size for member in bundle.manifest.members)
        done = 0
        for member, content in bundle.members():
            while data := content.read(BLOCK_READ):
                done += len(data)
                progress(f"verifying {member.name}", done, total)
    devices.save()
    return bundle.front


def open_bundle(
    path: Path,
    identities: Sequence[Identity],
    devices: Devices,
    out_folder: Path,
    *,
    extras: Extras = USUAL,
    progress: Progress = silent,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Verify a bundle, write its members, what `extras` ask for and report.json into a new folder; return the report.

    Nothing of a member is interpreted before the whole bundle was verified, and nothing is left in
    the folder if it was not. Withdrawals that lie beside it, or were imported, are obeyed.

    Raises:
        ConsentError: It was withdrawn, or the time for which it may be kept is over at `now`.
        ConfigError: The folder is there and not empty, or a table needs pyarrow.
        KeyError_, VerificationError, StorageError: As `verify`.
    """
    with OpenedFolder(out_folder) as folder:
        with _opened(path) as stream:
            bundle = Bundle(stream, identities, devices)
            manifest = bundle.manifest
            found = withdrawals(path, identities, devices)
            permitted.check_withdrawn(permitted.withdrawable(manifest), found.tombstones)
            total = sum(member.size for member in manifest.members)
            done = 0
            for member, content in bundle.members():
                with folder.create(member.name) as file:
                    while data := content.read(BLOCK_READ):
                        file.write(data)
                        done += len(data)
                        progress(f"opening {member.name}", done, total)
                if member.name == CONSENT_NAME:
                    with folder.read(CONSENT_NAME) as file:
                        permitted.check_retention(file.read(), manifest.clock.started, now or datetime.now(UTC))
        with folder.create(MANIFEST_NAME) as file:
            file.write(manifest.model_dump_json(indent=2).encode() + b"\n")
        said = told(bundle.front, found)
        report = derive(folder, manifest, manifest.categories, said, extras=extras, progress=progress)
    devices.save()
    return report


def withdrawals(path: Path, identities: Sequence[Identity], devices: Devices) -> Found:
    """Return the withdrawals that lie beside a bundle, and those that were imported.

    Raises:
        StorageError: A folder cannot be read.
    """
    beside = [path.absolute().parent, path.resolve().parent]  # of a link to it, and of itself
    return tombstones.collect([*beside, tombstones.imported_to(devices.path)], identities)


def told(front: Verified, found: Found) -> dict[str, Any]:
    """Return what to tell people of a verification, and of the withdrawals that are here."""
    manifest = front.manifest
    gone = permitted.missing(manifest.study, manifest.device, [manifest.withdrawals], found.tombstones)
    return {
        "verified": front.standing.is_verified,
        "standing": str(front.standing),
        "says": _SAID[front.standing],
        "device": front.signer,
        "study": manifest.study,
        "pseudonym": manifest.pseudonym,
        "session": manifest.session,
        "revision": manifest.revision,
        "complete": manifest.complete,
        "post_quantum": manifest.post_quantum,
        "release": manifest.release.model_dump(),
        "manifest_sha256": front.manifest_sha256,
        "consent_sha256": manifest.consent_sha256,
        "withdrawal_sha256": manifest.withdrawal_sha256,
        "withdrawn": permitted.is_withdrawn(permitted.withdrawable(manifest), found.tombstones),
        "withdrawals": {
            "claimed": gone.claimed,
            "missing": list(gone.numbers),
            "contradiction": gone.contradiction,
            "ignored": [{"file": str(path), "why": why} for path, why in found.ignored],
        },
    }


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    # Errors of what is written meanwhile are ours already: what arrives here is about this file.
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})", hint="Check which file you named.") from error
