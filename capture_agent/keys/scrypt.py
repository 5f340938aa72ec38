"""Passphrases of age: the file key wrapped by scrypt.

pyrage has them too, but it measures the machine while it reads, and calls the right passphrase
wrong where the file costs sixteen times of what a second buys just then: on a busy machine that is
any file. So the header is made and read here, with a cost that is always the same.

Source: C2SP age, "The scrypt recipient type"; RFC 7914.
"""

from __future__ import annotations

import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from capture_agent.keys.stanza import FILE_KEY_BYTES, Stanza, b64decode, b64encode

STANZA_TYPE = "scrypt"
WORK = 18  # log2 of scrypt's N, as age itself writes: 256 MiB and about a second, once a process
MAX_WORK = 22  # 4 GiB, the limit of age itself; a file that wants more wants to exhaust this computer
_R, _P = 8, 1
_SALT_BYTES = 16
_KEY_BYTES = 32
_TAG_BYTES = 16
_ZERO_NONCE = bytes(12)  # the wrapping key is used once only
_LABEL = b"age-encryption.org/v1/scrypt"
_NUMBER = re.compile(r"[1-9][0-9]?")


def wrap(file_key: bytes, passphrase: str) -> Stanza:
    """Return the stanza from which only who knows `passphrase` gets `file_key`."""
    salt = secrets.token_bytes(_SALT_BYTES)
    body = _cipher(passphrase, salt, WORK).encrypt(_ZERO_NONCE, file_key, None)
    return Stanza((STANZA_TYPE, b64encode(salt), str(WORK)), body)


def unwrap(stanza: Stanza, passphrase: str) -> bytes | None:
    """Return the file key, or None if the passphrase is another one.

    Raises:
        ValueError: It is not a stanza that age writes, or it wants more than `MAX_WORK`.
    """
    if stanza.type != STANZA_TYPE or len(stanza.args) != 3 or len(stanza.body) != FILE_KEY_BYTES + _TAG_BYTES:
        raise ValueError("it was not locked with a passphrase")
    salt, work = b64decode(stanza.args[1]), stanza.args[2]
    if len(salt) != _SALT_BYTES or not _NUMBER.fullmatch(work):
        raise ValueError("a passphrase stanza has the wrong shape")
    if int(work) > MAX_WORK:
        raise ValueError(f"it wants more work than is allowed (2^{work}, and 2^{MAX_WORK} is the limit)")
    try:
        return _cipher(passphrase, salt, int(work)).decrypt(_ZERO_NONCE, stanza.body, None)
    except InvalidTag:
        return None


def _cipher(passphrase: str, salt: bytes, work: int) -> ChaCha20Poly1305:
    derived = Scrypt(salt=_LABEL + salt, length=_KEY_BYTES, n=1 << work, r=_R, p=_P).derive(passphrase.encode())
    return ChaCha20Poly1305(derived)
