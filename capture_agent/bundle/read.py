"""Read a bundle, strictly: nothing in it is used before its signature and hash were verified.

The order is decrypt, verify the manifest's signature, parse it, judge the device's key, then each
member as it is listed, then zeros to the end. Whatever differs raises, and the error says where.
No part of the file names a program, a path or an address that anything follows.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol, cast

from capture_agent.bundle import sizes, ustar
from capture_agent.bundle.manifest import (
    CONSENT_NAME,
    MANIFEST_NAME,
    MAX_CONSENT,
    MAX_MANIFEST,
    Manifest,
    Member,
    parse,
)
from capture_agent.bundle.tombstone import TOMBSTONE_NAME, Tombstone
from capture_agent.bundle.tombstone import parse as parse_tombstone
from capture_agent.core.errors import ConfigError, VerificationError
from capture_agent.keys import age, dsse
from capture_agent.keys.strict_json import strict_object

BLOCK_READ = 1 << 18  # bytes read at a time; memory stays bounded whatever a member's size
_AGAIN = "Ask the participant to send the bundle again."


class Standing(StrEnum):
    """What is known about the device key that signed a bundle. Only the first two are called verified."""

    TRUSTED = "trusted"  # a person compared it, or an enrolment statement names it
    PINNED = "pinned"  # the same key as in the first bundle of this participant
    FIRST_USE = "pinned-on-first-use"  # never seen before: written down now, compared by nobody

    @property
    def is_verified(self) -> bool:
        """Whether a bundle with such a signature may be called verified."""
        return self is not Standing.FIRST_USE


class KnownDevices(Protocol):
    """Which device keys are known; `research.devices` is one."""

    def judge(self, study: str, pseudonym: str, key: str) -> Standing:
        """Return the standing of `key` as the signer of this participant's bundles.

        Called after the signature was checked with `key`, before any member is read.

        Raises:
            VerificationError: The key is not known, or another key is known for this participant.
        """


@dataclass(frozen=True, slots=True)
class Verified:
    """What the front of a bundle says, verified: manifest, who signed it, and the hash that the next release names."""

    manifest: Manifest
    signer: str
    standing: Standing
    manifest_sha256: str


class Bundle:
    """An open bundle: its verified manifest, and once, in order, its members."""

    def __init__(self, stream: BinaryIO, identities: Sequence[age.Identity], known: KnownDevices) -> None:
        """Read as far as the manifest.

        Raises:
            KeyError_: None of `identities` opens this bundle.
            VerificationError: It is damaged, was changed, or its device key is not known.
            StorageError: It is of a newer format.
        """
        self._tape = _Tape(age.decrypting(stream, identities))
        self.front = self._read_front(known)
        self._names: list[str] = [MANIFEST_NAME]

    @property
    def manifest(self) -> Manifest:
        """What the bundle says about itself."""
        return self.front.manifest

    def _read_front(self, known: KnownDevices) -> Verified:
        name, envelope = _first(self._tape)
        if name == TOMBSTONE_NAME:
            raise VerificationError(
                "this is no recording but the withdrawal of one",
                hint="Leave it beside the recordings; it is obeyed there.",
            )
        payload, signer = dsse.verify(envelope, dsse.MANIFEST, [_claimed_signer(envelope)])
        manifest = parse(payload)
        standing = known.judge(manifest.study, manifest.pseudonym, signer)
        return Verified(manifest, signer, standing, hashlib.sha256(envelope).hexdigest())

    def members(self) -> Iterator[tuple[Member, BinaryIO]]:
        """Yield each member with a stream of its content; a member is drained before the next.

        The stream raises VerificationError at its end if the content is not what was signed, so
        keep nothing of a bundle until this iterator has ended. `consent.json` is also unambiguous JSON.

        Raises:
            VerificationError: A member is missing, added, swapped, repeated or changed, or the end is not as written.
        """
        for member in self.manifest.members:
            self._tape.where = member.name
            self._check_header(member)
            content = _Content(self._tape, member)
            yield member, cast(BinaryIO, content)
            content.drain()
            self._tape.zeros(ustar.filling(member.size))
            self._names.append(member.name)
        self._check_end()

    def _check_header(self, expected: Member) -> None:
        block = self._tape.exactly(ustar.BLOCK)
        if block == bytes(ustar.BLOCK):
            raise VerificationError(f"{expected.name} is missing from the bundle", hint=_AGAIN)
        name, size = ustar.parse(block)
        if name == expected.name and size != expected.size:
            raise VerificationError(f"{name} has another length than was signed", hint=_AGAIN)
        if name == expected.name:
            return
        if name in self._names or name not in {member.name for member in self.manifest.members}:
            raise self._surplus(name)
        raise VerificationError(f"{expected.name} is missing, or not in its place: {name} stands there", hint=_AGAIN)

    def _surplus(self, name: str) -> VerificationError:
        if name in self._names:
            return VerificationError(f"{name} is in the bundle twice", hint=_AGAIN)
        return VerificationError(f"{_printable(name)} is in the bundle and was not signed", hint=_AGAIN)

    def _check_end(self) -> None:
        self._tape.where = "the end of the bundle"
        first = self._tape.exactly(ustar.BLOCK)
        if first != bytes(ustar.BLOCK):
            name, _ = ustar.parse(first)
            raise self._surplus(name)
        self._tape.zeros(ustar.BLOCK)
        self._tape.only_zeros_up_to(sizes.most_plain(self._tape.position))

    def verify(self) -> None:
        """Read everything to the end and keep nothing.

        Raises:
            VerificationError: As `members`.
        """
        for _ in self.members():
            pass  # each is drained, and so checked, before the next


def read_tombstone(stream: BinaryIO, identities: Sequence[age.Identity]) -> Tombstone | None:
    """Return the tombstone that a sealed file holds, verified; None if it holds something else.

    Raises:
        KeyError_: None of `identities` opens it.
        VerificationError: It is damaged, was changed, or is not signed by whom it says.
        StorageError: It is of a newer format.
    """
    tape = _Tape(age.decrypting(stream, identities))
    name, envelope = _first(tape)
    if name != TOMBSTONE_NAME:
        return None
    if tape.exactly(len(ustar.END)) != ustar.END:
        raise VerificationError("something is hidden behind the withdrawal", hint=_AGAIN)
    tape.only_zeros_up_to(sizes.most_plain(tape.position))
    return parse_tombstone(envelope)


def _first(tape: _Tape) -> tuple[str, bytes]:
    """Return name and content of the first member: a manifest or a tombstone, if the file is one of ours."""
    tape.where = MANIFEST_NAME
    name, size = ustar.parse(tape.exactly(ustar.BLOCK))
    if name not in {MANIFEST_NAME, TOMBSTONE_NAME}:
        raise VerificationError("the bundle does not begin with its manifest", hint=_AGAIN)
    if size > MAX_MANIFEST:
        raise VerificationError("the manifest is larger than any that is written", hint=_AGAIN)
    envelope = tape.exactly(size)
    tape.zeros(ustar.filling(size))
    return name, envelope


def _claimed_signer(envelope: bytes) -> str:
    """Return the key that the manifest says it is signed with: a claim, used only to check the signature with it."""
    claimed = strict_object(dsse.unverified_payload(envelope), "the manifest").get("device")
    try:
        dsse.check_public_key(claimed if isinstance(claimed, str) else "")
    except ConfigError:
        raise VerificationError("the manifest does not say which device signed it", hint=_AGAIN) from None
    return str(claimed)


def check_consent(data: bytes) -> None:
    """Refuse a consent record that two programs could read differently.

    Raises:
        VerificationError: It is not one unambiguous JSON object.
    """
    if len(data) > MAX_CONSENT:
        raise VerificationError(f"{CONSENT_NAME} is larger than any that is written", hint=_AGAIN)
    strict_object(data, CONSENT_NAME)


class _Tape:
    """The decrypted stream, read forward only; `where` is what errors name."""

    def __init__(self, plain: BinaryIO) -> None:
        self._plain = plain
        self.where = "the beginning"
        self.position = 0

    def some(self, most: int) -> bytes:
        """Return 1 to `most` bytes, or none at the end.

        Raises:
            VerificationError: The age layer is damaged here.
        """
        try:
            data = self._plain.read(most)
        except VerificationError as error:
            raise VerificationError(f"the bundle is damaged or cut short in {self.where}", hint=_AGAIN) from error
        self.position += len(data)
        return data

    def exactly(self, count: int) -> bytes:
        """Return `count` bytes.

        Raises:
            VerificationError: The stream is damaged or ends before.
        """
        parts: list[bytes] = []
        while count:
            part = self.some(count)
            if not part:
                raise VerificationError(f"the bundle is cut short in {self.where}", hint=_AGAIN)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def zeros(self, count: int) -> None:
        """Read `count` bytes that fill a block up.

        Raises:
            VerificationError: One is not zero.
        """
        if any(self.exactly(count)):
            raise VerificationError(f"something is hidden behind {self.where}", hint=_AGAIN)

    def only_zeros_up_to(self, end: int) -> None:
        """Read to the end, which is at most at `end`.

        Raises:
            VerificationError: Something else than zeros follows, or more than padding can be.
        """
        while part := self.some(BLOCK_READ):
            if part.count(0) != len(part):
                raise VerificationError("something is hidden behind the end of the bundle", hint=_AGAIN)
            if self.position > end:
                raise VerificationError("the bundle is longer than its content allows", hint=_AGAIN)


class _Content(io.RawIOBase):
    """The content of one member; reaching its end checks its hash."""

    def __init__(self, tape: _Tape, member: Member) -> None:
        self._tape = tape
        self._member = member
        self._left = member.size
        self._hash = hashlib.sha256()
        self._checked = False
        self._consent = bytearray()

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes; all that is left without it. Raises VerificationError at a wrong end."""
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        data = self._tape.exactly(wanted)
        self._left -= wanted
        self._hash.update(data)
        if self._member.name == CONSENT_NAME:
            self._consent += data
        if not self._left and not self._checked:
            self._checked = True
            if self._hash.hexdigest() != self._member.sha256:
                raise VerificationError(f"{self._member.name} was changed after it was signed", hint=_AGAIN)
            if self._member.name == CONSENT_NAME:
                check_consent(bytes(self._consent))
        return data

    def drain(self) -> None:
        """Read what was not read."""
        while True:
            self.read(BLOCK_READ)
            if not self._left:
                return


def _printable(name: str) -> str:
    """Return a name that nobody signed, fit to print."""
    return repr(name[:60])
