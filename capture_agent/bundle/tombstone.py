"""A tombstone says that a recording which was released is withdrawn. Pure.

It is a DSSE envelope of its own payload type, valid in one of two ways. The participant's agent signs it with the
study's device key, and says how many withdrawals there were before. Or whoever has the *withdrawal code* of the receipt
makes it, on any machine: the code is what the manifest holds the SHA-256 of, and the seed of the key that signs.

Withdrawing twice is the same as once, so a tombstone that is copied or sent again does nothing more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from capture_agent.bundle.manifest import Closed, Sha256, Short, Withdrawals
from capture_agent.core.errors import ConfigError, StorageError, VerificationError
from capture_agent.keys import bech32, dsse
from capture_agent.keys.dsse import SigningKey
from capture_agent.keys.strict_json import canonical_json, strict_object

FORMAT = 1  # of tombstones; a reader refuses higher numbers
KIND = "capture-agent/tombstone"
TOMBSTONE_NAME = "tombstone.dsse.json"  # the one member of a sealed tombstone
SUFFIX = ".tombstone"  # of a file that is the envelope itself: who has the code alone knows no recipients
MAX_BYTES = 64 << 10  # of an envelope; one has less than 1 KiB
CODE_PREFIX = "withdrawal-"
_CODE_BYTES = 32
_NONE_BEFORE = "0" * 64
_HINT = "Get it again from where it came from."


class _Signed(Closed):
    """Signed by the study's device key."""

    kind: Literal["capture-agent/tombstone"] = "capture-agent/tombstone"
    format: Literal[1] = 1
    study: Short
    device: Short
    withdrawal_sha256: Sha256
    withdrawals: Withdrawals


class _Coded(Closed):
    """Signed by the key whose seed is the code, which anyone can make who knows the code."""

    kind: Literal["capture-agent/tombstone"] = "capture-agent/tombstone"
    format: Literal[1] = 1
    code: Annotated[str, Field(max_length=200)]


@dataclass(frozen=True, slots=True)
class Withdrawable:
    """What a manifest says that a tombstone has to name: the study, the key that signs, and the hash of the code."""

    study: str
    device: str
    withdrawal_sha256: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A tombstone whose signature holds. `study`, `device` and `withdrawals` are None in one made from the code."""

    withdrawal_sha256: str
    study: str | None = None
    device: str | None = None
    withdrawals: Withdrawals | None = None

    def withdraws(self, recording: Withdrawable) -> bool:
        """Return whether this is the withdrawal of `recording`: by its code, or by the very key that released it."""
        if self.withdrawal_sha256 != recording.withdrawal_sha256:
            return False
        return self.device is None or (self.study, self.device) == (recording.study, recording.device)


def after(before: Withdrawals, withdrawal_sha256: str) -> Withdrawals:
    """Return count and chain once the recording with this hash is withdrawn, too."""
    chained = f"{before.sha256 or _NONE_BEFORE}{withdrawal_sha256}".encode()
    return Withdrawals(count=before.count + 1, sha256=hashlib.sha256(chained).hexdigest())


def sign(key: SigningKey, study: str, withdrawal_sha256: str, withdrawals: Withdrawals) -> bytes:
    """Return the envelope of a tombstone; `withdrawals` counts this one, too."""
    said = _Signed(study=study, device=key.public, withdrawal_sha256=withdrawal_sha256, withdrawals=withdrawals)
    return key.sign(dsse.TOMBSTONE, canonical_json(said.model_dump()))


def from_code(code: str) -> bytes:
    """Return the envelope that anyone can make who has the code.

    Raises:
        ConfigError: It is not a whole code; the message says where it is wrong.
    """
    seed = parse_code(code)
    return SigningKey.from_seed(seed).sign(dsse.TOMBSTONE, canonical_json(_Coded(code=code_text(seed)).model_dump()))


def code_text(secret: bytes) -> str:
    """Return the 32 bytes as people keep them: `withdrawal-1…`, with a checksum that finds slips of the pen."""
    return bech32.encode(CODE_PREFIX, secret)


def parse_code(text: str) -> bytes:
    """Return the 32 bytes of a code, typed with or without spaces.

    Raises:
        ConfigError: It is not one.
    """
    hint = f"A code begins with {CODE_PREFIX}1. It is on the receipt of what was shared; copy all of it."
    try:
        prefix, secret = bech32.decode("".join(text.split()))
    except bech32.Bech32Error as error:
        raise ConfigError(f"the withdrawal code is mistyped: {error}", hint=hint) from None
    if prefix != CODE_PREFIX or len(secret) != _CODE_BYTES:
        raise ConfigError("this is no withdrawal code", hint=hint)
    return secret


def code_sha256(secret: bytes) -> str:
    """Return what the manifest says of a code."""
    return hashlib.sha256(secret).hexdigest()


def parse(envelope: bytes) -> Tombstone:
    """Return the tombstone in `envelope`, once its signature was checked with the key, or the code, that it claims.

    That the key is the one that released a recording is for `Tombstone.withdraws` to say.

    Raises:
        VerificationError: It is malformed, was changed, or somebody else signed it.
        StorageError: It is of a newer format.
    """
    if len(envelope) > MAX_BYTES:
        raise VerificationError("the withdrawal is larger than any that is made", hint=_HINT)
    claimed = strict_object(dsse.unverified_payload(envelope), "the withdrawal")
    if claimed.get("kind") != KIND:
        raise VerificationError("this is no withdrawal", hint=_HINT)
    number = claimed.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise StorageError(
            f"this withdrawal has format {number}, and this version of Capture Agent reads up to {FORMAT}",
            hint="Install a newer version of Capture Agent.",
        )
    try:
        return _coded(envelope) if "code" in claimed else _signed(envelope, str(claimed.get("device")))
    except (ValidationError, ConfigError):
        raise VerificationError("the withdrawal is not as the format says", hint=_HINT) from None


def _signed(envelope: bytes, device: str) -> Tombstone:
    said = _Signed.model_validate_json(dsse.verify(envelope, dsse.TOMBSTONE, [device]).payload)
    return Tombstone(said.withdrawal_sha256, said.study, said.device, said.withdrawals)


def _coded(envelope: bytes) -> Tombstone:
    seed = parse_code(_Coded.model_validate_json(dsse.unverified_payload(envelope)).code)
    dsse.verify(envelope, dsse.TOMBSTONE, [SigningKey.from_seed(seed).public])
    return Tombstone(code_sha256(seed))
