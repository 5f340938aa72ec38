"""Where the few secrets of a device are kept: the OS keyring, or a file behind a passphrase.

Only these: the device identity (opens the vault), the studies' signing keys and pseudonyms, and
the ledger's head.
"""

from __future__ import annotations

import os
import secrets as random
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from capture_agent.core.errors import KeyError_, NewerVersionError, StorageError
from capture_agent.keys import age
from capture_agent.keys.files import make_private_folder, read_private, replace_private
from capture_agent.keys.os_keyring import KeyringSecrets
from capture_agent.keys.strict_json import canonical_json, strict_object

FORMAT = 1
MIN_PASSPHRASE = 12  # characters: with scrypt, four random words resist guessing
_TRIAL = "trial"  # the name under which a keyring is tried
_CHOICE_FILE = "secrets.json"  # which of the two was chosen: never changed silently
_KEY_FILE = "secrets.key"  # an age identity, locked with the passphrase
_DATA_FILE = "secrets.age"  # the secrets, sealed to that identity: opening it takes no 1.5 s each time


class Secrets(Protocol):
    """Keeps short texts under names. Used from one thread at a time.

    Every method raises KeyError_ when the place is locked, gone, or does not answer in time, and
    then nothing may be assumed about whether a `set` or `delete` has happened.
    """

    @property
    def kind(self) -> str:
        """What people are told: "os" or "passphrase"."""

    def get(self, name: str) -> str | None:
        """Return what is kept under `name`, None if nothing is."""

    def set(self, name: str, value: str) -> None:
        """Keep `value` under `name` durably, in place of what was there."""

    def delete(self, name: str) -> None:
        """Keep nothing under `name` any more. Not an error if nothing was."""


class Ask(Protocol):
    """Asks the person for a passphrase, in a window or on a terminal."""

    def __call__(self, *, new: bool, why: str) -> str | None:
        """Return the passphrase, None if the person does not want to give one.

        `new`: it is being chosen, so it is asked for twice and may not be short. `why` is a
        sentence for the person.
        """


class PassphraseSecrets:
    """Secrets in a file behind a passphrase, which is asked for once a process, at the first use.

    An old copy of the file and the passphrase open what has been deleted since: a keyring does
    better, and the panel says so.
    """

    kind: Final = "passphrase"

    def __init__(self, folder: Path, ask: Ask, *, why: str = "") -> None:
        self._folder = folder
        self._ask = ask
        self._why = why
        self._identity: age.Identity | None = None

    def __repr__(self) -> str:
        return "PassphraseSecrets()"

    def get(self, name: str) -> str | None:
        """Return what is kept under `name`."""
        return self._load().get(name)

    def set(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        self._save({**self._load(), name: value})

    def delete(self, name: str) -> None:
        """Keep nothing under `name` any more."""
        kept = self._load()
        if kept.pop(name, None) is not None:
            self._save(kept)

    def _unlock(self) -> age.Identity:
        if self._identity is None:
            locked = read_private(self._folder / _KEY_FILE)
            self._identity = self._begin() if locked is None else self._open(locked)
        return self._identity

    def _begin(self) -> age.Identity:
        passphrase = self._ask(new=True, why=self._why or "A passphrase protects your recordings on this computer.")
        if passphrase is None:
            raise KeyError_("no passphrase was chosen", hint="Without a keyring, recording needs a passphrase.")
        if len(passphrase) < MIN_PASSPHRASE:
            raise KeyError_(
                "the passphrase is shorter than {count} characters",
                hint="Four random words are easy to keep.",
                count=MIN_PASSPHRASE,
            )
        identity = age.new_hybrid()
        make_private_folder(self._folder)
        replace_private(self._folder / _KEY_FILE, age.lock(identity.secret.encode(), passphrase))
        return identity

    def _open(self, locked: bytes) -> age.Identity:
        passphrase = self._ask(new=False, why="Your passphrase opens the keys of your recordings.")
        if passphrase is None:
            raise KeyError_("no passphrase was given", hint="Try again when you have it at hand.")
        return age.parse_identity(age.unlock(locked, passphrase).decode())

    def _load(self) -> dict[str, str]:
        identity = self._unlock()
        sealed = read_private(self._folder / _DATA_FILE)
        if sealed is None:
            return {}
        name = "the file of secrets"
        stored = strict_object(age.decrypt(sealed, [identity]), name)
        _check_format(stored.get("format"), name)
        kept = stored.get("secrets")
        if not isinstance(kept, dict):
            raise StorageError("{name} is damaged", hint="Restore it from a backup.", name=name)
        return {str(key): str(value) for key, value in kept.items()}

    def _save(self, kept: Mapping[str, str]) -> None:
        data = canonical_json({"format": FORMAT, "secrets": dict(kept)})
        replace_private(self._folder / _DATA_FILE, age.encrypt(data, [self._unlock().recipient]))


def choose_secrets(folder: Path, ask: Ask | None, *, environ: Mapping[str, str] | None = None) -> Secrets:
    """Return where the secrets of the profile in `folder` are kept.

    The first time: the OS keyring if it passes a trial, else a passphrase file if the person gives
    a passphrase. From then on the same, so that a keyring that is away for a day is not taken for
    one that is empty. `ask` None: nobody is there to ask.

    Raises:
        KeyError_: There is no keyring that can be used, and nobody gives a passphrase.
        StorageError: `folder` cannot be used, or a newer version wrote it.
    """
    keyring = KeyringSecrets(os.environ if environ is None else environ)
    choice = _chosen(folder)
    if choice == PassphraseSecrets.kind:
        return PassphraseSecrets(folder, ask or _nobody)
    if choice == KeyringSecrets.kind:
        return keyring
    chosen: Secrets = keyring
    try:
        _try(keyring)
    except KeyError_ as error:
        if ask is None:
            raise
        chosen = PassphraseSecrets(folder, ask, why=f"The keyring cannot be used: {error}.")
        _try(chosen)
    make_private_folder(folder)
    replace_private(folder / _CHOICE_FILE, canonical_json({"format": FORMAT, "kind": chosen.kind}))
    return chosen


def _chosen(folder: Path) -> str | None:
    stored = read_private(folder / _CHOICE_FILE)
    if stored is None:
        return None
    found = strict_object(stored, str(folder / _CHOICE_FILE))
    _check_format(found.get("format"), str(folder / _CHOICE_FILE))
    return str(found.get("kind"))


def _try(store: Secrets) -> None:
    """Write, read back and delete a text, so that a store which keeps nothing is found out before it matters."""
    value = random.token_hex(16)
    store.set(_TRIAL, value)
    read = store.get(_TRIAL)
    store.delete(_TRIAL)
    if read != value or store.get(_TRIAL) is not None:
        raise KeyError_("it does not keep what it is given", hint="Use another keyring, or a passphrase.")


def _check_format(found: object, name: str) -> None:
    if found != FORMAT:
        raise NewerVersionError(
            "{path} was written by a newer version (format {version!s:.10})",
            hint="Install that version again; nothing was changed.",
            path=name,
            version=found,
        )


def _nobody(*, new: bool, why: str) -> str | None:
    raise KeyError_("the passphrase is needed, and nobody is there to ask", hint="Open the window of Capture Agent.")
