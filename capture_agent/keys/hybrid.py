"""Post-quantum hybrid recipients of age, `age1pq…`: ML-KEM-768 with X25519.

This module goes when pyrage brings them. Until then the key encapsulation is HPKE's
MLKEM768-X25519 (X-Wing) from `cryptography`.

Sources: C2SP age, "The hybrid ML-KEM-768 + X25519 recipient type"; RFC 9180 (HPKE). Checked
against age-encryption of npm in both directions.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from capture_agent.keys import bech32
from capture_agent.keys.stanza import FILE_KEY_BYTES, Stanza, b64decode, b64encode

STANZA_TYPE = "mlkem768x25519"
RECIPIENT_PREFIX = "age1pq"
IDENTITY_PREFIX = "age-secret-key-pq-"
SEED_BYTES = 32
_MLKEM_PUBLIC_BYTES = 1184
_MLKEM_SEED_BYTES = 64
_PUBLIC_BYTES = _MLKEM_PUBLIC_BYTES + 32
_EXPANDED_BYTES = _MLKEM_SEED_BYTES + 32
_ENCAPSULATED_BYTES = 1088 + 32  # ML-KEM-768 ciphertext, X25519 share
_TAG_BYTES = 16
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_INFO = b"age-encryption.org/mlkem768x25519"


def new_seed() -> bytes:
    """Return a fresh 32-byte seed, from which both halves of a key follow."""
    return secrets.token_bytes(SEED_BYTES)


def identity_text(seed: bytes) -> str:
    """Return the secret half, `AGE-SECRET-KEY-PQ-1…`."""
    return bech32.encode(IDENTITY_PREFIX, seed).upper()


def recipient_text(seed: bytes) -> str:
    """Return the public half, `age1pq1…`, 1959 characters."""
    mlkem, x25519 = _private_halves(seed)
    public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
    return bech32.encode(RECIPIENT_PREFIX, public)


def public_key(data: bytes) -> MLKEM768X25519PublicKey:
    """Return the public key in the 1216 bytes of a recipient.

    Raises:
        ValueError: They are not a public key.
    """
    if len(data) != _PUBLIC_BYTES:
        raise ValueError(f"a hybrid recipient has {_PUBLIC_BYTES} bytes, not {len(data)}")
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(data[:_MLKEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(data[_MLKEM_PUBLIC_BYTES:]),
    )


def wrap(file_key: bytes, recipient: bytes) -> Stanza:
    """Return the stanza from which only the holder of `recipient`'s secret half gets `file_key`."""
    sealed = _SUITE.encrypt(file_key, public_key(recipient), _INFO)
    return Stanza(
        (STANZA_TYPE, b64encode(sealed[:_ENCAPSULATED_BYTES])),
        sealed[_ENCAPSULATED_BYTES:],
    )


def opener(seed: bytes) -> Callable[[Stanza], bytes | None]:
    """Return `unwrap` with this seed."""
    return partial(unwrap, seed=seed)


def unwrap(stanza: Stanza, seed: bytes) -> bytes | None:
    """Return the file key, or None if the stanza is not for this seed.

    Raises:
        ValueError: It is a hybrid stanza, but not one that age writes.
    """
    if stanza.type != STANZA_TYPE:
        return None
    if len(stanza.args) != 2 or len(stanza.body) != FILE_KEY_BYTES + _TAG_BYTES:
        raise ValueError("a hybrid stanza has the wrong shape")
    encapsulated = b64decode(stanza.args[1])
    if len(encapsulated) != _ENCAPSULATED_BYTES:
        raise ValueError("a hybrid stanza has the wrong shape")
    mlkem, x25519 = _private_halves(seed)
    try:
        return _SUITE.decrypt(encapsulated + stanza.body, MLKEM768X25519PrivateKey(mlkem, x25519), _INFO)
    except InvalidTag:
        # HPKE says the same of a share of low order, which age wants told apart: this raises for one.
        x25519.exchange(X25519PublicKey.from_public_bytes(encapsulated[-32:]))
        return None


def _private_halves(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = hashlib.shake_256(seed).digest(_EXPANDED_BYTES)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:]),
    )
