"""Encryption to people: age files. The only door to pyrage.

An identity is the secret half of a key, a recipient the public one. Hybrid keys (`age1pq…`) are
post-quantum, classical ones (`age1…`) are not; one file is never for both. Nothing here ever
starts a plugin, whatever a file or key says.

Source: C2SP age (age-encryption.org/v1).
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import BinaryIO

import pyrage

from capture_agent.core.errors import ConfigError, KeyError_, VerificationError
from capture_agent.core.policy import EXAMPLE_SEED_TEXT, RecipientKind
from capture_agent.keys import bech32, classical, hybrid, scrypt, stanza
from capture_agent.keys.stream import CHUNK_BYTES, OpenedReader, SealedWriter, opened

FINGERPRINT_WORDS = 9
_WORD_BITS = 11  # the list has 2048 words; nine of them are 99 bits
_PLUGIN_PREFIX = "age-plugin-"
_COPY_HINT = "Copy the whole key again from the person it belongs to, and compare its nine words."
_LENGTH_OF = {RecipientKind.CLASSICAL: 62, RecipientKind.HYBRID: 1959}  # characters of a recipient
_PREFIX_OF = {RecipientKind.CLASSICAL: classical.RECIPIENT_PREFIX, RecipientKind.HYBRID: hybrid.RECIPIENT_PREFIX}


@dataclass(frozen=True, slots=True)
class Identity:
    """The secret half of a key, with its public half."""

    recipient: str = field(repr=False)  # a session's is never shown: it would tell which files are whose
    secret: str = field(repr=False)  # "AGE-SECRET-KEY-1…" or "AGE-SECRET-KEY-PQ-1…"
    kind: RecipientKind
    # The file key in a stanza, None if it is another's: made once, an hour of recording is opened with it 4,500 times.
    unwrap: Callable[[stanza.Stanza], bytes | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Take the secret half out of its text."""
        opener = hybrid.opener if self.kind is RecipientKind.HYBRID else classical.opener
        object.__setattr__(self, "unwrap", opener(bech32.decode(self.secret)[1]))


def new_classical() -> Identity:
    """Return a fresh X25519 identity."""
    made = pyrage.x25519.Identity.generate()
    return Identity(str(made.to_public()), str(made), RecipientKind.CLASSICAL)


def new_hybrid() -> Identity:
    """Return a fresh post-quantum identity."""
    return _hybrid_identity(hybrid.new_seed())


def parse_identity(text: str) -> Identity:
    """Return the one identity in `text`, a key alone or an identity file with comments.

    Raises:
        KeyError_: There is none, more than one, a plugin's, or it is mistyped.
    """
    found = parse_identities(text)
    if len(found) != 1:
        raise KeyError_(
            "one identity was expected, and there are {count}", hint="Keep one key in the file.", count=len(found)
        )
    return found[0]


def parse_identities(text: str) -> tuple[Identity, ...]:
    """Return every identity of an identity file: one a line, `#` begins a comment.

    Raises:
        KeyError_: A line is anything else. The message names the line and never repeats it.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = tuple(_identity_of(line, number) for number, line in lines if line and not line.startswith("#"))
    if not found:
        raise KeyError_("there is no identity in it", hint="An identity begins with AGE-SECRET-KEY-.")
    return found


def check_recipient(text: str) -> RecipientKind:
    """Return what kind of recipient `text` is.

    Raises:
        ConfigError: It is none. The message says what is wrong and where.
    """
    lower = text.lower()
    if lower.startswith("age-secret-key-"):
        raise ConfigError(
            "this is a secret key, and only its owner may have it",
            hint="Put the public half here, which begins with age1, and make a new key: this one has been shown.",
        )
    if lower.startswith("ssh-"):
        raise ConfigError("this is an ssh key", hint="Make an age key with `capture-agent research keygen`.")
    # With the separator: the data of one classical recipient in 1,024 begins with "pq".
    hybrid_start = hybrid.RECIPIENT_PREFIX + "1"
    kind = RecipientKind.HYBRID if lower.startswith(hybrid_start) else RecipientKind.CLASSICAL
    _recipient_bytes(text, kind)
    return kind


def encrypt(data: bytes, recipients: Sequence[str]) -> bytes:
    """Return an age file of `data` that each of `recipients` can open.

    Raises:
        ConfigError: None, a wrong one, or hybrid and classical ones together.
    """
    if _common_kind(recipients) is RecipientKind.CLASSICAL:
        return bytes(pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]))
    out = io.BytesIO()
    with encrypting(out, recipients) as sealed:
        sealed.write(data)
    return out.getvalue()


def decrypt(data: bytes, identities: Sequence[Identity]) -> bytes:
    """Return what is in the age file `data`.

    Raises:
        KeyError_: None of `identities` opens it.
        VerificationError: It is not an age file, was changed or is cut short.
    """
    stream = io.BytesIO(data)
    file_key = _opened_header(stream, identities)
    return opened(memoryview(data)[stream.tell() :], file_key)


@contextmanager
def encrypting(stream: BinaryIO, recipients: Sequence[str]) -> Iterator[BinaryIO]:
    """Give a file whose content is written to `stream`, sealed, in bounded memory.

    When the block ends the age file is complete; when it raises, what was written has no end, and
    every reader says so. `stream` is neither synced nor closed.

    Raises:
        ConfigError: None, a wrong one, or hybrid and classical recipients together.
    """
    kind = _common_kind(recipients)
    wrap = hybrid.wrap if kind is RecipientKind.HYBRID else classical.wrap
    file_key = secrets.token_bytes(stanza.FILE_KEY_BYTES)
    stream.write(stanza.write([wrap(file_key, _recipient_bytes(text, kind)) for text in recipients], file_key))
    raw = SealedWriter(stream, file_key)
    sealed = io.BufferedWriter(raw, CHUNK_BYTES)
    try:
        yield sealed
        sealed.flush()
        raw.finish()
    finally:
        # Otherwise the collector would write what is buffered whenever it likes.
        sealed.detach()


def decrypting(stream: BinaryIO, identities: Sequence[Identity]) -> BinaryIO:
    """Return a file, read in order only, of what is in the age file `stream`, in bounded memory.

    Every byte it returns is authentic. Closing it leaves `stream` open.

    Raises:
        KeyError_: None of `identities` opens it.
        VerificationError: It is not an age file or was changed; also when reading, then or cut short.
    """
    return io.BufferedReader(OpenedReader(stream, _opened_header(stream, identities)), CHUNK_BYTES)


def _opened_header(stream: BinaryIO, identities: Sequence[Identity]) -> bytes:
    """Read the header of an age file and return the file key. Raises as `decrypt`."""
    try:
        header = stanza.read(stream)
        file_key = _file_key(header.stanzas, identities)
    except ValueError as error:
        raise VerificationError(
            "this is not a file that age sealed: {why}", hint="Get the file again.", why=error
        ) from None
    if file_key is None:
        raise KeyError_("none of the keys at hand opens it", hint="Use the key of one of the people it was sealed for.")
    if not header.is_authentic(file_key):
        raise VerificationError("the header of the sealed file was changed", hint="Get the file again.")
    return file_key


def lock(data: bytes, passphrase: str) -> bytes:
    """Return an age file of `data` that opens with `passphrase`. Takes about a second, on purpose."""
    file_key = secrets.token_bytes(stanza.FILE_KEY_BYTES)
    out = io.BytesIO()
    out.write(stanza.write([scrypt.wrap(file_key, passphrase)], file_key))
    sealed = SealedWriter(out, file_key)
    sealed.write(data)
    sealed.finish()
    return out.getvalue()


def unlock(data: bytes, passphrase: str) -> bytes:
    """Return what is in a passphrase age file. Takes about a second.

    Raises:
        KeyError_: The passphrase is wrong, or the file is damaged: age cannot tell them apart.
    """
    stream = io.BytesIO(data)
    try:
        header = stanza.read(stream)
        file_key = scrypt.unwrap(header.stanzas[0], passphrase) if len(header.stanzas) == 1 else None
        if file_key is not None and header.is_authentic(file_key):
            return io.BufferedReader(OpenedReader(stream, file_key), CHUNK_BYTES).read()
    except (ValueError, VerificationError) as error:
        raise KeyError_(
            "this is no file that a passphrase opens: {why}", hint="Get the file again.", why=error
        ) from None
    except MemoryError:
        raise KeyError_("there is not enough free memory to open it", hint="Close other programs first.") from None
    raise KeyError_("the passphrase is wrong, or its file is damaged", hint="Try the passphrase again.")


def fingerprint(recipient: str) -> str:
    """Return nine words, 99 bits of the SHA-256 of the recipient's text, for two people to compare in full."""
    check_recipient(recipient)
    digest = int.from_bytes(hashlib.sha256(recipient.lower().encode()).digest(), "big")
    shifts = (256 - _WORD_BITS * (n + 1) for n in range(FINGERPRINT_WORDS))
    words = _words()
    return " ".join(words[digest >> shift & (1 << _WORD_BITS) - 1] for shift in shifts)


def example_identity() -> Identity:
    """Return the identity of the recipient in config.example.toml, which is known to everybody."""
    return _hybrid_identity(hashlib.sha256(EXAMPLE_SEED_TEXT.encode()).digest())


def is_example(recipient: str) -> bool:
    """Whether everybody could read what is sealed to `recipient`."""
    return recipient.strip().lower() == example_identity().recipient


@cache
def _words() -> tuple[str, ...]:
    return tuple((files("capture_agent.keys") / "words.txt").read_text("ascii").split())


def _hybrid_identity(seed: bytes) -> Identity:
    return Identity(hybrid.recipient_text(seed), hybrid.identity_text(seed), RecipientKind.HYBRID)


def _identity_of(line: str, number: int) -> Identity:
    if line.lower().startswith(_PLUGIN_PREFIX):
        raise KeyError_(
            "line {number} is a plugin's identity, and plugins are never started here",
            hint="Use a key that begins with AGE-SECRET-KEY-.",
            number=number,
        )
    try:
        prefix, secret = bech32.decode(line)
    except bech32.Bech32Error as error:
        raise KeyError_("line {number} is not an identity: {why}", hint=_COPY_HINT, number=number, why=error) from None
    if prefix == hybrid.IDENTITY_PREFIX and len(secret) == hybrid.SEED_BYTES:
        return _hybrid_identity(secret)
    if prefix == classical.IDENTITY_PREFIX and len(secret) == classical.KEY_BYTES:
        made = pyrage.x25519.Identity.from_str(line.upper())
        return Identity(str(made.to_public()), str(made), RecipientKind.CLASSICAL)
    raise KeyError_("line {number} is not an identity", hint="An identity begins with AGE-SECRET-KEY-.", number=number)


def _common_kind(recipients: Sequence[str]) -> RecipientKind:
    kinds = {check_recipient(recipient) for recipient in recipients}
    if not kinds:
        raise ConfigError("there is nobody to encrypt to", hint="Name at least one recipient.")
    if len(kinds) > 1:
        raise ConfigError(
            "hybrid and classical recipients cannot be together: one classical key undoes the protection of the others",
            hint="Ask everyone for an age1pq… key.",
        )
    return kinds.pop()


@lru_cache(maxsize=16)  # to decode a hybrid one takes 2 ms, and the vault seals each of its entries to the same one
def _recipient_bytes(text: str, kind: RecipientKind) -> bytes:
    """Return the public key in `text`, or raise ConfigError saying what is wrong and where."""
    if text != text.strip():
        raise ConfigError("there are spaces around the key", hint="Remove them.")
    if text.lower().rpartition("1")[0] == _PREFIX_OF[kind] and len(text) != _LENGTH_OF[kind]:
        raise ConfigError(
            "the recipient has {length} characters instead of {expected}",
            hint=_COPY_HINT,
            length=len(text),
            expected=_LENGTH_OF[kind],
        )
    try:
        prefix, data = bech32.decode(text)
    except bech32.Bech32Error as error:
        raise ConfigError("the recipient is mistyped: {why}", hint=_COPY_HINT, why=error) from None
    if text != text.lower():
        raise ConfigError("a recipient is written in small letters", hint=_COPY_HINT)
    if prefix != _PREFIX_OF[kind]:
        raise ConfigError(
            "this is not a recipient that can be used here; plugins' and other keys cannot",
            hint="A recipient begins with age1pq1 (post-quantum) or age1 (classical).",
        )
    try:
        hybrid.public_key(data) if kind is RecipientKind.HYBRID else pyrage.x25519.Recipient.from_str(text)
    except (ValueError, pyrage.RecipientError):
        raise ConfigError("the recipient is not a valid public key", hint=_COPY_HINT) from None
    return data


def _file_key(stanzas: Sequence[stanza.Stanza], identities: Sequence[Identity]) -> bytes | None:
    """Return the file key that one of `identities` opens. Stanzas of types not known are passed over."""
    if len(stanzas) > 1 and any(one.type == "scrypt" for one in stanzas):
        raise ValueError("a passphrase stands beside other recipients")
    for identity in identities:
        for one in stanzas:
            file_key = identity.unwrap(one)
            if file_key is not None:
                return file_key
    return None
