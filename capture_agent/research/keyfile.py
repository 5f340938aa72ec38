"""A researcher's key: an age identity in a file that a passphrase protects, and its public half beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from capture_agent.core.errors import ConfigError, KeyError_, StorageError
from capture_agent.keys import age
from capture_agent.keys.age import Identity

MAX_BYTES = 64 << 10  # of an identity file; a key has less than 3 KiB
LEAST_PASSPHRASE = 12  # characters: beyond what can be tried in a year against scrypt's 1.5 s
PUBLIC_SUFFIX = ".pub"
_AGE_FILE = b"age-encryption.org/v1\n"
_ARMOR = b"-----BEGIN AGE"


@dataclass(frozen=True, slots=True)
class MadeKey:
    """Where a new key is, and what goes into the study's policy."""

    path: Path
    public_path: Path
    recipient: str
    fingerprint: str


def make(path: Path, passphrase: str, *, classical: bool = False) -> MadeKey:
    """Make a key, seal it with `passphrase` into `path` (0600) and write the public half beside it.

    Raises:
        ConfigError: The passphrase is too short, or a file is there already: nothing is overwritten.
        StorageError: The files cannot be written.
    """
    if len(passphrase) < LEAST_PASSPHRASE:
        raise ConfigError(
            f"the passphrase has fewer than {LEAST_PASSPHRASE} characters", hint="Four or more random words are good."
        )
    identity = age.new_classical() if classical else age.new_hybrid()
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    text = f"# public key: {identity.recipient}\n{identity.secret}\n"
    for taken in (path, public):
        if taken.exists():
            raise ConfigError(f"{taken} is there already", hint="Name another file; a key is never overwritten.")
    _create(path, age.lock(text.encode(), passphrase))
    _create(public, identity.recipient.encode() + b"\n")
    return MadeKey(path, public, identity.recipient, age.fingerprint(identity.recipient))


def needs_passphrase(path: Path) -> bool:
    """Return whether the identity file at `path` is sealed. Raises as `load` does."""
    return _read(path).startswith(_AGE_FILE)


def load(path: Path, passphrase: str | None) -> tuple[Identity, ...]:
    """Return the identities in a file: one that `make` made, or a plain one of age-keygen.

    Raises:
        KeyError_: The passphrase is missing or wrong, or it is no identity file.
        StorageError: It cannot be read.
    """
    data = _read(path)
    if data.startswith(_AGE_FILE):
        if passphrase is None:
            raise KeyError_(f"{path} needs its passphrase", hint="Give it with --passphrase-fd, or at the prompt.")
        data = age.unlock(data, passphrase)
    elif data.startswith(_ARMOR):
        raise KeyError_(f"{path} is an armored age file", hint="Seal it again without `-a`.")
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise KeyError_(f"{path} is not an identity file", hint="Make one with `research keygen`.") from None
    return age.parse_identities(text)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise KeyError_(f"there is no key at {path}", hint="Make one with `capture-agent research keygen`.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})", hint="Check the file and its owner.") from error
    if len(data) > MAX_BYTES:
        raise KeyError_(f"{path} is not an identity file: it is too large", hint="Check which file you named.")
    return data


def _create(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror})", hint="Check the folder.") from error
