"""The vault: the secret halves of all held sessions' keys, sealed to the device identity.

One file of JSON lines. The first names the format, the device's public half, and in which of two
slots of the keyring its secret half is; each other line holds one session's identity, or a block of
several. Adding needs no secret, so a recorder cannot read back what it wrote.

Destroying makes every older copy of the file useless: all that must stay is sealed to a new device
identity, and the old one is deleted from the keyring. The two slots take turns, so that whatever
step a crash interrupts, the file says which slot counts and the other one can be emptied. What stays is
sealed in blocks: to seal each by itself takes half a millisecond, so nine seconds for 10,000. A damaged block takes
its few with it, not all of them.

    {"format": 2, "kind": "vault", "recipient": …, "slot": …}
    {"sealed": {"keys": [[session, identity], …]}, "sessions": [session, …]}      a block
    {"sealed": {"identity": …, "session": …}, "session": …}                       added since; format 1 has only these
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets as random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from capture_agent.core.errors import KeyError_, NewerVersionError, StorageError, VerificationError
from capture_agent.keys import age
from capture_agent.keys.dsse import SigningKey
from capture_agent.keys.files import append_private, make_private_folder, read_private, remove, replace_private
from capture_agent.keys.secret_store import Ask, PassphraseSecrets, Secrets, choose_secrets
from capture_agent.keys.strict_json import canonical_json, strict_object

__all__ = ["Ask", "PassphraseSecrets", "Secrets", "Vault", "choose_secrets"]

FORMAT = 2
_READABLE = (1, 2)
BLOCK = 64  # identities
LOOSE = 4 * BLOCK  # lines that were added one by one: more are put into blocks at the next start
_SLOTS = {"device-identity-a": "device-identity-b", "device-identity-b": "device-identity-a"}
_FIRST_SLOT = "device-identity-a"
_FILE = "vault"
_TURNING = "turning"  # there while a new device identity takes over; holds nothing
_PSEUDONYM_BYTES = 16
_GONE_HINT = "Its recordings cannot be opened any more. Delete them, and record anew."


Pair = tuple[str, str]  # a session, and the secret half of an identity of it


class _Entry(NamedTuple):
    """One line. `block`: it holds several, or could."""

    sessions: tuple[str, ...]
    sealed: bytes
    block: bool


class _Content(NamedTuple):
    """What is in the file. `length` is how many of its bytes are whole lines."""

    slot: str
    recipient: str
    entries: tuple[_Entry, ...]
    length: int

    @property
    def sessions(self) -> frozenset[str]:
        return frozenset(session for entry in self.entries for session in entry.sessions)


class Vault:
    """The vault in `folder`. One process writes it; nothing is made before the first use."""

    def __init__(self, folder: Path, secrets: Secrets) -> None:
        self._folder = folder
        self._path = folder / _FILE
        self._secrets = secrets
        self._signing: dict[str, SigningKey] = {}
        self._names: tuple[tuple[int, ...], frozenset[str]] | None = None  # of the file as it was then

    def __repr__(self) -> str:
        return "Vault()"

    @property
    def secrets(self) -> Secrets:
        """Where the device identity and the signing keys are."""
        return self._secrets

    @property
    def device_recipient(self) -> str:
        """The device's public half; it changes whenever something is destroyed."""
        return self._content().recipient

    def check(self) -> None:
        """Finish what a crash interrupted, and make sure that what is added can be read later.

        Raises:
            KeyError_: The keyring does not hold the device identity of this vault: it is locked, or an
                older copy of the vault was restored, or the keyring is another one.
        """
        stamp, content = _stamp(self._path), self._recovered()
        self._names = stamp, content.sessions
        device = self._device_identity(content)
        if sum(not entry.block for entry in content.entries) > LOOSE:
            with suppress(VerificationError, StorageError):  # it is read as it is then, only slower
                kept = [pair for entry in content.entries for pair in _unseal(entry, device)]
                self._write(content.slot, content.recipient, _blocks(kept, content.recipient))

    def add(self, session: str, identity: age.Identity) -> None:
        """Keep the identity of `session`, durably. Needs no secret.

        Raises:
            StorageError: It cannot be written, or the file is damaged or of a newer version.
        """
        content = self._content()
        inside = canonical_json({"identity": identity.secret, "session": session})
        line = _line(_Entry((session,), age.encrypt(inside, [content.recipient]), block=False))
        append_private(self._path, line, content.length)

    def identity(self, session: str) -> age.Identity:
        """Return the identity that was added last for `session`.

        Raises:
            KeyError_: There is none (any more), or the keyring does not open the vault.
            VerificationError: Its entry was changed.
        """
        return self.identities(session)[-1]

    def identities(self, session: str) -> tuple[age.Identity, ...]:
        """Return every identity of `session`, in the order in which they were added; as `identity`."""
        content = self._readable()
        entries = [entry for entry in content.entries if session in entry.sessions]
        if not entries:
            raise KeyError_("the key of this recording was destroyed", hint="Nobody can open it any more.")
        device = self._device_identity(content)
        return tuple(
            age.parse_identity(secret)
            for entry in entries
            for named, secret in _unseal(entry, device)
            if named == session
        )

    def last_identities(self, sessions: Iterable[str]) -> Mapping[str, age.Identity]:
        """Return the last identity of each of `sessions` that has one which opens: of many, in one go.

        Raises:
            KeyError_: The keyring does not open the vault.
        """
        wanted, content = frozenset(sessions), self._readable()
        last = {session: entry for entry in content.entries for session in wanted.intersection(entry.sessions)}
        if not last:
            return {}
        device = self._device_identity(content)
        found: dict[str, str] = {}
        for entry in dict.fromkeys(last.values()):
            with suppress(VerificationError):
                found.update(pair for pair in _unseal(entry, device) if last.get(pair[0]) is entry)
        return {session: age.parse_identity(secret) for session, secret in found.items()}

    def sessions(self) -> frozenset[str]:
        """Return the sessions whose identities are kept. Needs no secret."""
        stamp = _stamp(self._path)
        if self._names is None or self._names[0] != stamp:
            data = read_private(self._path)
            self._names = stamp, frozenset() if data is None else _parse(data, self._path).sessions
        return self._names[1]

    def destroy(self, sessions: Iterable[str], replace: Mapping[str, age.Identity] | None = None) -> frozenset[str]:
        """Destroy all identities of `sessions`, so that no older copy of the vault opens them either.

        `replace` is added in the same step: what a recording that was cut is sealed to from now on.
        Returns the sessions that were to stay but whose entries were damaged, and are lost. A crash
        at any point leaves either everything as it was or all of it done; `check` tidies up.

        Raises:
            KeyError_: The keyring is locked, or something must stay and it does not open the vault. If
                sessions are still in `sessions()` afterwards, nothing was destroyed; else call `check`.
        """
        gone = frozenset(sessions)
        before = self._content()  # what a crash left in the other slot is overwritten now
        kept, lost = self._keep(before, gone)
        kept += [(session, identity.secret) for session, identity in (replace or {}).items()]
        device = age.new_hybrid()
        slot = _SLOTS[before.slot]
        replace_private(self._folder / _TURNING, b"")
        self._put(slot, device.secret)
        self._write(slot, device.recipient, _blocks(kept, device.recipient))
        self._finish(slot)
        return lost

    def has_signing_key(self, study: str) -> bool:
        """Whether this device has signed for `study` before."""
        return study in self._signing or self._secrets.get(_signing_name(study)) is not None

    def signing_key(self, study: str) -> SigningKey:
        """Return the key that signs for `study`; a new one the first time.

        It is read from the keyring once a process, so that a withdrawal can be signed while it is locked.

        Raises:
            KeyError_: The keyring is locked.
        """
        if study not in self._signing:
            stored = self._secrets.get(_signing_name(study))
            if stored is None:
                stored = SigningKey.new().secret
                self._put(_signing_name(study), stored)
            self._signing[study] = SigningKey.parse(stored)
        return self._signing[study]

    def pseudonym(self, study: str) -> str:
        """Return the random name of this participant in `study`, 32 hex digits; a new one the first time."""
        name = f"pseudonym/{study}"
        stored = self._secrets.get(name)
        if stored is None:
            stored = random.token_hex(_PSEUDONYM_BYTES)
            self._put(name, stored)
        return stored

    def _put(self, name: str, value: str) -> None:
        """Keep a secret, and make sure that it can be read back before anything relies on it."""
        self._secrets.set(name, value)
        if self._secrets.get(name) != value:
            raise KeyError_("the keyring does not keep what it is given", hint="Use another keyring, or a passphrase.")

    def _keep(self, content: _Content, gone: frozenset[str]) -> tuple[list[Pair], frozenset[str]]:
        """Return the identities that stay, opened, and the sessions whose entries cannot be opened."""
        staying = [entry for entry in content.entries if not gone.issuperset(entry.sessions)]
        if not staying:
            return [], frozenset()  # leaving must be possible even when the keyring lost its key
        device = self._device_identity(content)
        kept: list[Pair] = []
        lost: set[str] = set()
        for entry in staying:
            try:
                kept += [pair for pair in _unseal(entry, device) if pair[0] not in gone]
            except VerificationError:
                lost.update(entry.sessions)  # reported to the caller; nothing could open it before either
        return kept, frozenset(lost - gone)

    def _recovered(self) -> _Content:
        """Return the content, after finishing what a crash interrupted."""
        content = self._content()
        if (self._folder / _TURNING).exists():
            # An old copy of the profile may hold this mark: empty the other slot only if this one counts.
            self._device_identity(content)
            self._finish(content.slot)
        return content

    def _readable(self) -> _Content:
        """Return the content; an old key that cannot be deleted now is no reason not to read what has a new one."""
        with suppress(KeyError_):
            return self._recovered()
        return self._content()

    def _finish(self, slot: str) -> None:
        """Empty the slot that does not count, and take the mark away."""
        other = _SLOTS[slot]
        self._secrets.delete(other)
        if self._secrets.get(other) is not None:
            raise KeyError_("the keyring did not delete the old key", hint="Try again; until then old copies open.")
        remove(self._folder / _TURNING)

    def _device_identity(self, content: _Content) -> age.Identity:
        stored = self._secrets.get(content.slot)
        device = None if stored is None else age.parse_identity(stored)
        if device is None or device.recipient != content.recipient:
            raise KeyError_("the keyring does not hold the key of this vault", hint=_GONE_HINT)
        return device

    def _content(self) -> _Content:
        data = read_private(self._path)
        if data is None:
            device = age.new_hybrid()
            self._put(_FIRST_SLOT, device.secret)
            self._secrets.delete(_SLOTS[_FIRST_SLOT])
            make_private_folder(self._folder)
            self._write(_FIRST_SLOT, device.recipient, [])
            data = read_private(self._path) or b""
        return _parse(data, self._path)

    def _write(self, slot: str, recipient: str, entries: Iterable[_Entry]) -> None:
        head = canonical_json({"format": FORMAT, "kind": "vault", "recipient": recipient, "slot": slot}) + b"\n"
        replace_private(self._path, head + b"".join(map(_line, entries)))


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what is another one as soon as the file is; of a file that is not there, nothing."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _signing_name(study: str) -> str:
    return f"signing-key/{study}"


def _blocks(pairs: Sequence[Pair], recipient: str) -> list[_Entry]:
    """Return `pairs`, in their order, sealed to `recipient`."""
    return [
        _Entry(
            tuple(session for session, _ in some),
            age.encrypt(canonical_json({"keys": [list(pair) for pair in some]}), [recipient]),
            block=True,
        )
        for some in (pairs[start : start + BLOCK] for start in range(0, len(pairs), BLOCK))
    ]


def _unseal(entry: _Entry, device: age.Identity) -> list[Pair]:
    """Return what an entry holds.

    Raises:
        VerificationError: It was changed. The sessions' names are inside, too: an entry that was given another's name
            is found out.
    """
    damaged = VerificationError("the key of a recording is damaged", hint=_GONE_HINT)
    try:
        inside: Any = strict_object(age.decrypt(entry.sealed, [device]))
        found = inside["keys"] if entry.block else [[inside["session"], inside["identity"]]]
        pairs = [(str(session), str(secret)) for session, secret in found]
    except (KeyError_, KeyError, TypeError, ValueError):
        raise damaged from None
    if tuple(session for session, _ in pairs) != entry.sessions:
        raise damaged
    return pairs


def _line(entry: _Entry) -> bytes:
    names = {"sessions": list(entry.sessions)} if entry.block else {"session": entry.sessions[0]}
    return canonical_json({"sealed": base64.b64encode(entry.sealed).decode(), **names}) + b"\n"


def _entry(found: Mapping[str, object]) -> _Entry:
    """Return what a line says.

    Raises:
        KeyError, TypeError, ValueError: It is not that.
    """
    block = "sessions" in found
    names = found["sessions"] if block else [found["session"]]
    sealed = found["sealed"]
    if not isinstance(sealed, str) or not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise TypeError
    return _Entry(tuple(names), binascii.a2b_base64(sealed, strict_mode=True), block)


def _parse(data: bytes, path: Path) -> _Content:
    """Return what the file says. A last line that is not whole was never promised to anybody."""
    damaged = StorageError(
        "{path} is damaged", hint="Restore this file from a copy made after the last deletion.", path=path
    )
    lines = data.split(b"\n")[:-1]
    try:
        head = strict_object(lines[0])
    except (IndexError, VerificationError):
        raise damaged from None
    if head.get("format") not in _READABLE:
        raise NewerVersionError(
            "{path} was written by a newer version (format {version!s:.10})",
            hint="Install that version again; nothing was changed.",
            path=path,
            version=head.get("format"),
        )
    slot, recipient = head.get("slot"), head.get("recipient")
    if slot not in _SLOTS or not isinstance(slot, str) or not isinstance(recipient, str):
        raise damaged
    if (whole := _at_once(lines[1:])) is not None:
        return _Content(slot, recipient, whole, sum(map(len, lines)) + len(lines))
    entries: list[_Entry] = []
    length = len(lines[0]) + 1
    for number, line in enumerate(lines[1:], 1):
        try:
            entries.append(_entry(strict_object(line)))
        except (VerificationError, KeyError, TypeError, ValueError):
            if number == len(lines) - 1:
                break  # torn within a page: the line feed is there, what is before it is not
            raise damaged from None
        length += len(line) + 1
    return _Content(slot, recipient, tuple(entries), length)


def _at_once(lines: list[bytes]) -> tuple[_Entry, ...] | None:
    """Return what the lines hold, ten times as fast as one by one; None if one of them is odd."""
    try:
        found = json.loads(b"[%s]" % b",".join(lines))
        entries = tuple(map(_entry, found))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entries if len(entries) == len(lines) else None
