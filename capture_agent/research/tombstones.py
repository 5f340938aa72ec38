"""The withdrawals that a researcher knows of: those that lie beside the bundles, and those that were imported.

A sealed one looks like the smallest bundle, so every file of that size is looked into. What is not for this key, or not
as it was signed, counts for nothing; if it says that it is a withdrawal, it is named in `Found.ignored`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture_agent.bundle import sizes, tombstone
from capture_agent.bundle.read import read_tombstone
from capture_agent.bundle.tombstone import Tombstone
from capture_agent.bundle.write import SUFFIX
from capture_agent.core.errors import CaptureAgentError, ConfigError, StorageError
from capture_agent.keys.age import Identity
from capture_agent.keys.files import make_private_folder, replace_private

SEALED_SIZE = sizes.file_size(0)  # bytes of a sealed tombstone: those of the smallest bundle
_FOLDER = "withdrawals"  # beside the file of known devices


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, where. `ignored` are files that seem to be withdrawals and count for nothing, and why."""

    tombstones: tuple[Tombstone, ...] = ()
    paths: frozenset[Path] = frozenset()
    ignored: tuple[tuple[Path, str], ...] = ()


def imported_to(devices: Path) -> Path:
    """Return the folder of imported withdrawals that goes with a file of known devices."""
    return devices.parent / _FOLDER


def collect(folders: Iterable[Path], identities: Sequence[Identity]) -> Found:
    """Return the withdrawals in `folders`, not in folders below them.

    Raises:
        StorageError: A folder cannot be read.
    """
    found: list[Tombstone] = []
    paths: set[Path] = set()
    ignored: list[tuple[Path, str]] = []
    for path in _candidates(folders):
        try:
            one = read(path, identities)
        except CaptureAgentError as error:
            if path.suffix == tombstone.SUFFIX:
                ignored.append((path, str(error)))
            continue
        if one is not None:
            found.append(one)
            paths.add(path)
    return Found(tuple(found), frozenset(paths), tuple(ignored))


def read(path: Path, identities: Sequence[Identity]) -> Tombstone | None:
    """Return the withdrawal in a file, sealed or plain; None if it is a bundle.

    Raises:
        KeyError_: It is sealed, and not for `identities`.
        VerificationError: It is no withdrawal, or not as it was signed.
        StorageError: It cannot be read, or is of a newer format.
    """
    try:
        with path.open("rb") as file:
            if path.suffix != tombstone.SUFFIX:
                return read_tombstone(file, identities)
            return tombstone.parse(file.read(tombstone.MAX_BYTES + 1).strip())
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})", hint="Check which file you named.") from error


def add(path: Path, identities: Sequence[Identity], folder: Path) -> Tombstone:
    """Keep a copy of a withdrawal in `folder`, which is obeyed wherever the bundle lies; return it.

    Raises:
        ConfigError: It is a bundle.
        KeyError_, VerificationError, StorageError: As `read`; or it cannot be written.
    """
    one = read(path, identities)
    if one is None:
        raise ConfigError(f"{path} is a recording, not the withdrawal of one", hint="Check which file you named.")
    data = path.read_bytes()
    make_private_folder(folder)
    replace_private(folder / f"{hashlib.sha256(data).hexdigest()[:32]}{path.suffix}", data)
    return one


def _candidates(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in dict.fromkeys(folders):
        try:
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                sealed = path.suffix == SUFFIX and path.stat().st_size == SEALED_SIZE
                if (sealed or path.suffix == tombstone.SUFFIX) and path.is_file():
                    yield path
        except OSError as error:
            raise StorageError(f"{folder} cannot be read ({error.strerror})", hint="Check the folder.") from error
