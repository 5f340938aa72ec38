"""Classical recipients of age, `age1…` (X25519), for files that are written or read as a stream.

pyrage handles whole files in memory and pulls from a reader; a bundle is a tar that is pushed and
larger than memory. So its header is made here, byte for byte what pyrage and age make.

Source: C2SP age, "The X25519 recipient type".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from capture_agent.keys.stanza import FILE_KEY_BYTES, Stanza, b64decode, b64encode

STANZA_TYPE = "X25519"
RECIPIENT_PREFIX = "age"
IDENTITY_PREFIX = "age-secret-key-"
KEY_BYTES = 32
_TAG_BYTES = 16
_ZERO_NONCE = bytes(12)  # the wrapping key is used once only
_INFO = b"age-encryption.org/v1/X25519"


def wrap(file_key: bytes, recipient: bytes) -> Stanza:
    """Return the stanza from which only the holder of `recipient`'s secret half gets `file_key`."""
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    body = _cipher(shared, share, recipient).encrypt(_ZERO_NONCE, file_key, None)
    return Stanza((STANZA_TYPE, b64encode(share)), body)


def opener(secret: bytes) -> Callable[[Stanza], bytes | None]:
    """Return `unwrap` with this secret half."""
    key = X25519PrivateKey.from_private_bytes(secret)
    return partial(unwrap, key=key, recipient=key.public_key().public_bytes_raw())


def unwrap(stanza: Stanza, key: X25519PrivateKey, recipient: bytes) -> bytes | None:
    """Return the file key, or None if the stanza is not for this secret half; `recipient` is the public one.

    Raises:
        ValueError: It is an X25519 stanza, but not one that age writes.
    """
    if stanza.type != STANZA_TYPE:
        return None
    if len(stanza.args) != 2 or len(stanza.body) != FILE_KEY_BYTES + _TAG_BYTES:
        raise ValueError("an X25519 stanza has the wrong shape")
    share = b64decode(stanza.args[1])
    if len(share) != KEY_BYTES:
        raise ValueError("an X25519 stanza has the wrong shape")
    # Raises ValueError for a share of low order, as the format wants.
    shared = key.exchange(X25519PublicKey.from_public_bytes(share))
    try:
        return _cipher(shared, share, recipient).decrypt(_ZERO_NONCE, stanza.body, None)
    except InvalidTag:
        return None


def _cipher(shared: bytes, share: bytes, recipient: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(SHA256(), 32, salt=share + recipient, info=_INFO).derive(shared))
