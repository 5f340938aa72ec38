"""Signatures: DSSE v1 envelopes with Ed25519.

What is signed is the payload together with its type, so that a signature over one kind of thing
is never one over another. age says nothing of who wrote a file; this does.

Source: secure-systems-lab/dsse, protocol.md and envelope.md, v1.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from capture_agent.core.errors import ConfigError, KeyError_, VerificationError
from capture_agent.keys import bech32
from capture_agent.keys.strict_json import canonical_json, strict_object

# One type for each kind of thing that is signed; a new kind gets a new one.
MANIFEST: Final = "application/vnd.capture-agent.manifest+json"
LEDGER_ENTRY: Final = "application/vnd.capture-agent.ledger-entry+json"
TOMBSTONE: Final = "application/vnd.capture-agent.tombstone+json"
ENROLMENT: Final = "application/vnd.capture-agent.enrolment+json"
POLICY: Final = "application/vnd.capture-agent.policy+toml"
ACCESS: Final = "application/vnd.capture-agent.access+json"

PUBLIC_PREFIX = "capture-agent-key-"
SECRET_PREFIX = "capture-agent-secret-key-"  # noqa: S105 - how the text form of one begins
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
MAX_SIGNATURES = 16  # an envelope of ours has one; more would only cost time to check
_PUBLIC_HINT = "A public signing key begins with {prefix}1. Copy the whole key again."
_HINT = "Get it again from where it came from; if it fails again, somebody changed it."


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The secret half of an Ed25519 key. `public` is what others check signatures with."""

    public: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> SigningKey:
        """Return a fresh key."""
        return cls._of(Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, secret: str) -> SigningKey:
        """Return the key whose `secret` text this is.

        Raises:
            KeyError_: It is not one.
        """
        raw = _decode(secret.strip(), SECRET_PREFIX)
        if raw is None:
            raise KeyError_("this is not a secret signing key", hint="Use the text that was stored when it was made.")
        return cls._of(Ed25519PrivateKey.from_private_bytes(raw))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Return the key that 32 random bytes are the secret half of."""
        return cls._of(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def _of(cls, key: Ed25519PrivateKey) -> SigningKey:
        return cls(
            bech32.encode(PUBLIC_PREFIX, key.public_key().public_bytes_raw()),
            bech32.encode(SECRET_PREFIX, key.private_bytes_raw()).upper(),
        )

    def sign(self, payload_type: str, payload: bytes) -> bytes:
        """Return an envelope, as one line of JSON without a line feed."""
        raw = _decode(self.secret, SECRET_PREFIX)
        assert raw is not None  # noqa: S101 - both constructors made the text from a key
        signature = Ed25519PrivateKey.from_private_bytes(raw).sign(pae(payload_type, payload))
        return canonical_json(
            {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": payload_type,
                "signatures": [{"keyid": key_id(self.public), "sig": base64.b64encode(signature).decode()}],
            }
        )


class Verified(NamedTuple):
    """A payload that `key` signed."""

    payload: bytes
    key: str


def verify(envelope: bytes, payload_type: str, public_keys: Iterable[str]) -> Verified:
    """Return the payload of `envelope` and which of `public_keys` signed it.

    The key id in the envelope is not looked at: it is not signed.

    Raises:
        VerificationError: It is malformed, of another type, or none of the keys signed it.
        ConfigError: One of `public_keys` is not a key.
    """
    found_type, payload, signatures = _parse(envelope)
    if found_type != payload_type:
        raise VerificationError("what was signed is a thing of another kind", hint=_HINT)
    message = pae(payload_type, payload)
    for key in public_keys:
        checker = _public_key(key)
        for signature in signatures:
            try:
                checker.verify(signature, message)
            except InvalidSignature:
                continue
            return Verified(payload, key)
    raise VerificationError(
        "it was changed after it was signed, or somebody else signed it",
        hint="Get it again; if it comes from a new device, enrol that device first.",
    )


def unverified_payload(envelope: bytes) -> bytes:
    """Return the payload without checking who signed it: only to find out which key to ask for.

    Raises:
        VerificationError: It is malformed.
    """
    return _parse(envelope)[1]


def check_public_key(text: str) -> None:
    """Do nothing if `text` is a public signing key.

    Raises:
        ConfigError: It is not. The message says what is wrong and where.
    """
    _public_key(text)


def key_id(public: str) -> str:
    """Return 32 hex digits that name a public key: half of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(_public_key(public).public_bytes_raw()).hexdigest()[:32]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: the pre-authentication encoding of DSSE."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _parse(envelope: bytes) -> tuple[str, bytes, list[bytes]]:
    outer = strict_object(envelope, "the signature")
    if outer.keys() != {"payload", "payloadType", "signatures"}:
        raise _malformed()
    kind, signatures = outer["payloadType"], outer["signatures"]
    if not isinstance(kind, str) or not isinstance(signatures, list) or not 0 < len(signatures) <= MAX_SIGNATURES:
        raise _malformed()
    found = []
    for one in signatures:
        if not isinstance(one, dict) or not {"sig"} <= one.keys() <= {"sig", "keyid"}:
            raise _malformed()
        signature = _b64decode(one["sig"])
        if len(signature) != _SIGNATURE_BYTES:
            raise _malformed()
        found.append(signature)
    return kind, _b64decode(outer["payload"]), found


def _b64decode(text: object) -> bytes:
    if not isinstance(text, str):
        raise _malformed()
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _malformed() from None
    if base64.b64encode(data).decode() != text:
        raise _malformed()
    return data


def _decode(text: str, prefix: str) -> bytes | None:
    try:
        found, data = bech32.decode(text)
    except bech32.Bech32Error:
        return None
    return data if found == prefix and len(data) == _KEY_BYTES else None


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        prefix, data = bech32.decode(text)
    except bech32.Bech32Error as error:
        raise ConfigError(
            "the public signing key is mistyped: {why}", hint=_PUBLIC_HINT, prefix=PUBLIC_PREFIX, why=error
        ) from None
    if prefix != PUBLIC_PREFIX or len(data) != _KEY_BYTES or text != text.lower():
        raise ConfigError("this is not a public signing key", hint=_PUBLIC_HINT, prefix=PUBLIC_PREFIX)
    return Ed25519PublicKey.from_public_bytes(data)


def _malformed() -> VerificationError:
    return VerificationError("the signature is not well formed", hint=_HINT)
