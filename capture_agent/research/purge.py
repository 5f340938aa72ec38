"""Remove what may not be kept any more: recordings that were withdrawn, and those whose agreed time is over.

Exactly these go: the bundle, and the files that `open` made of it, which its report.json and manifest.json name.
Anything else in such a folder stays, and is said. Nothing is removed before everything was looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from capture_agent.bundle import manifest as manifests
from capture_agent.bundle.manifest import CONSENT_NAME, MAX_MANIFEST, Manifest, Withdrawals
from capture_agent.bundle.read import Bundle, Standing
from capture_agent.bundle.tombstone import Tombstone
from capture_agent.bundle.write import SUFFIX
from capture_agent.core.errors import CaptureAgentError, ConfigError, ConsentError, StorageError
from capture_agent.core.progress import Progress, silent
from capture_agent.keys.age import Identity
from capture_agent.outbox.opened import REPORT_NAME, TABLE_NAME
from capture_agent.research import permitted, tombstones
from capture_agent.research.open import MANIFEST_NAME

STILLS = "stills"
Signer = tuple[str, str, str]  # study, pseudonym and device key: anyone can write somebody's pseudonym into a manifest


class Why(StrEnum):
    """Why something goes."""

    WITHDRAWN = "withdrawn"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Doomed:
    """A bundle, or a folder that `open` made; `files` are what goes of it."""

    path: Path
    why: Why
    manifest: Manifest
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What is in a folder: what has to go, how many recordings may stay, and what could not be judged, and why."""

    doomed: tuple[Doomed, ...] = ()
    kept: int = 0
    unread: tuple[tuple[Path, str], ...] = ()
    missing: Mapping[Signer, permitted.Missing] = field(default_factory=dict)


class _Anyone:
    """Judges no device key: what has to go goes whoever signed it, if the same key, or the code, withdraws it."""

    def judge(self, study: str, pseudonym: str, key: str) -> Standing:
        """Return that nobody compared it."""
        return Standing.FIRST_USE


def look(
    folder: Path, identities: Sequence[Identity], imported: Path, now: datetime, progress: Progress = silent
) -> Looked:
    """Look at every bundle and every opened folder in `folder` and below it. Changes nothing.

    Raises:
        ConfigError: `folder` is no folder.
        StorageError: A folder cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder", hint="Name the folder in which the recordings lie.")
    places = list(_walk(folder))
    found = tombstones.collect([*(place for place, _ in places), imported], identities)
    bundles = [place / name for place, names in places for name in names if name.endswith(SUFFIX)]
    bundles = [path for path in bundles if path not in found.paths]
    opened = [place for place, names in places if {MANIFEST_NAME, REPORT_NAME} <= set(names)]
    doomed: list[Doomed] = []
    unread: list[tuple[Path, str]] = list(found.ignored)
    claims: dict[Signer, list[Withdrawals | None]] = {}
    kept = 0
    for done, path in enumerate([*bundles, *opened]):
        progress("looking at recordings", done, len(bundles) + len(opened))
        try:
            manifest, consent = _opened(path) if path.is_dir() else _sealed(path, identities)
        except CaptureAgentError as error:
            unread.append((path, str(error)))
            continue
        claims.setdefault((manifest.study, manifest.pseudonym, manifest.device), []).append(manifest.withdrawals)
        why = _why(manifest, consent, found.tombstones, now)
        if why is None:
            kept += 1
            continue
        doomed.append(Doomed(path, why, manifest, _files(path, manifest) if path.is_dir() else (path,)))
    missing = {
        signer: permitted.missing(signer[0], signer[2], said, found.tombstones) for signer, said in claims.items()
    }
    return Looked(tuple(doomed), kept, tuple(unread), missing)


def remove(those: Iterable[Doomed]) -> list[Path]:
    """Remove them; return the folders in which something of somebody else's is left.

    Raises:
        StorageError: Something cannot be removed; what came before it is gone.
    """
    left = []
    for one in those:
        try:
            for path in one.files:
                path.unlink(missing_ok=True)
            if one.path.is_dir():
                for place in (one.path / STILLS, one.path):
                    if place.is_dir() and not place.is_symlink() and not any(place.iterdir()):
                        place.rmdir()
                if one.path.exists():
                    left.append(one.path)
        except OSError as error:
            raise StorageError(
                f"{error.filename} cannot be removed ({error.strerror})", hint="Remove it by hand, and purge again."
            ) from error
    return left


def _why(manifest: Manifest, consent: bytes, withdrawn: Sequence[Tombstone], now: datetime) -> Why | None:
    if permitted.is_withdrawn(permitted.withdrawable(manifest), withdrawn):
        return Why.WITHDRAWN
    try:
        permitted.check_retention(consent, manifest.clock.started, now)
    except ConsentError:
        return Why.RETENTION
    return None


def _sealed(path: Path, identities: Sequence[Identity]) -> tuple[Manifest, bytes]:
    """Return manifest and consent record of a bundle, verified."""
    try:
        with path.open("rb") as stream:
            bundle = Bundle(stream, identities, _Anyone())
            _, content = next(bundle.members())
            return bundle.manifest, content.read()
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})", hint="Check who owns it.") from error


def _opened(folder: Path) -> tuple[Manifest, bytes]:
    """Return manifest and consent record of what was opened. `open` verified both; whoever changes them keeps more."""
    try:
        with (folder / MANIFEST_NAME).open("rb") as file:
            manifest = manifests.parse(file.read(MAX_MANIFEST + 1))
        consent = folder / CONSENT_NAME
        return manifest, consent.read_bytes() if consent.exists() else b""
    except OSError as error:
        raise StorageError(f"{folder} cannot be read ({error.strerror})", hint="Check who owns it.") from error


def _files(folder: Path, manifest: Manifest) -> tuple[Path, ...]:
    """Return the files of an opened folder, by the names that `open` gives and no others."""
    # A link in place of the folder of stills was not made by `open`, and leads to somebody's own pictures.
    stills = [] if (folder / STILLS).is_symlink() else sorted((folder / STILLS).glob("*.png"))
    # Report and manifest last: if this is interrupted, the folder is found again.
    names = [*(member.name for member in manifest.members), TABLE_NAME, REPORT_NAME, MANIFEST_NAME]
    return tuple(path for path in [*stills, *(folder / name for name in names)] if path.exists())


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder and the names of its files; links are not followed."""

    def failed(error: OSError) -> None:
        raise StorageError(f"{error.filename} cannot be read ({error.strerror})", hint="Check who owns it.") from error

    for place, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        yield Path(place), sorted(names)


def describe(looked: Looked, *, removed: bool, left: Sequence[Path] = ()) -> dict[str, Any]:
    """Return what `purge --json` prints."""
    return {
        "removed": removed,
        "recordings": [
            {
                "path": str(one.path),
                "why": one.why.value,
                "study": one.manifest.study,
                "pseudonym": one.manifest.pseudonym,
                "session": one.manifest.session,
                "files": len(one.files),
            }
            for one in looked.doomed
        ],
        "kept": looked.kept,
        "left": [str(path) for path in left],
        "unread": [{"path": str(path), "why": why} for path, why in looked.unread],
        "missing": [
            {"study": study, "pseudonym": who, "device": device, "claimed": one.claimed, "missing": list(one.numbers),
             "contradiction": one.contradiction}
            for (study, who, device), one in looked.missing.items()
            if one.numbers or one.contradiction
        ],
    }  # fmt: skip
