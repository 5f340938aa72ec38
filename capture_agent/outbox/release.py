"""Release: a held session becomes one signed bundle for each group of recipients. Only a person's click calls this.

Recipients who get the same streams with the same kind of key share a bundle. What a recipient
gets is what the study offers them and the person agreed to, never more; marks say where
something is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from capture_agent.bundle import write
from capture_agent.bundle.manifest import (
    CONSENT_NAME,
    MAX_RECIPIENTS,
    NO_WITHDRAWALS,
    Manifest,
    Member,
    Purpose,
    Reader,
    Release,
    Withdrawals,
)
from capture_agent.bundle.read import check_consent
from capture_agent.bundle.tombstone import code_sha256
from capture_agent.core.consent import Consent
from capture_agent.core.errors import ConfigError, ConsentError, StorageError
from capture_agent.core.events import Category
from capture_agent.core.keyboard import implied, widest
from capture_agent.core.language import noted
from capture_agent.core.policy import OWN_DEVICE, Policy, Recipient
from capture_agent.core.progress import Progress, silent
from capture_agent.keys import age
from capture_agent.keys.age import Identity
from capture_agent.keys.dsse import MANIFEST, SigningKey
from capture_agent.outbox.compose import Composed, compose
from capture_agent.outbox.held_recording import HeldRecording
from capture_agent.outbox.order import agreed


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a study stands on this device: how many releases there were, the hash of the last manifest, withdrawals."""

    counter: int = 0
    digest: str | None = None
    withdrawals: Withdrawals = NO_WITHDRAWALS


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed to: the study, the state of each consent, and the record in force (JSON) as the bundle has it."""

    policy: Policy
    consent: Consent
    record: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """Who releases: the study's device key and the pseudonym that goes with it."""

    key: SigningKey = field(repr=False)
    pseudonym: str


@dataclass(frozen=True, slots=True)
class Released:
    """One bundle: where it is, for whom, with what. `chain` is where the next release goes on."""

    path: Path
    recipients: tuple[str, ...]
    categories: frozenset[Category]
    chain: Chain


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients of one bundle, and what they get, for each purpose."""

    recipients: tuple[Recipient, ...]
    purposes: Mapping[str, frozenset[Category]]

    @property
    def categories(self) -> frozenset[Category]:
        """Everything in the bundle."""
        return frozenset(category for kept in self.purposes.values() for category in kept)


def release(
    held_path: Path,
    identity: Identity,
    terms: Terms,
    signer: Signer,
    out_folder: Path,
    *,
    after: Chain = Chain(),
    revision: int = 1,
    got: Collection[str] = (),
    progress: Progress = silent,
) -> list[Released]:
    """Compose, sign and seal a bundle for each group of recipients of the policy; return what was written.

    The caller keeps the `chain` of the last one and hands it in as `after` next time. Those whose keys are among
    `got` have the session already, and get nothing. All bundles are written, or none.

    Raises:
        ConsentError: Nothing in it was agreed to for anybody, all have it, or it was recorded for another study.
        ConfigError: A recipient is the example's, or their key is wrong.
        StorageError: The disk is full or read-only, or the session cannot be put into a bundle.
        VerificationError: The session is damaged.
    """
    groups = recipient_groups(terms.policy, terms.consent, got)
    check_consent(terms.record)
    recording = HeldRecording(held_path, identity)
    if recording.study != terms.policy.study:
        raise ConsentError(
            "this session was recorded for another study, or for yourself",
            hint="What was agreed to then does not allow this study to have it.",
        )
    done: list[Released] = []
    with contextlib.ExitStack() as undo:
        for group in groups:
            composed = compose(recording, partial(agreed, categories=group.categories), progress)
            manifest, members = _signed(composed, group, terms, signer, after=after, revision=revision)
            envelope = signer.key.sign(MANIFEST, manifest.to_bytes())
            path = write.write(members, envelope, [one.key for one in group.recipients], out_folder)
            undo.callback(path.unlink, missing_ok=True)
            after = Chain(after.counter + 1, hashlib.sha256(envelope).hexdigest(), after.withdrawals)
            done.append(Released(path, tuple(one.name for one in group.recipients), group.categories, after))
        undo.pop_all()
    return done


def recipient_groups(policy: Policy, consent: Consent, got: Collection[str] = ()) -> list[Group]:
    """Return who gets what: policy ∩ recipient ∩ consent, equal ones together, hybrid and classical ones apart.

    Whose key is among `got` is left out: a later recipient gets a bundle of its own, and nobody a second one.

    Raises:
        ConsentError: Nobody gets anything.
        ConfigError: A recipient's key is known to everybody.
    """
    if policy.is_own or any(recipient.key == OWN_DEVICE for recipient in policy.recipients):
        raise ConsentError(
            "this was recorded for yourself; there is nobody to release it to",
            hint="Open it with `capture-agent open`.",
        )
    permitted = {purpose: implied(consent.permitted(purpose)) & policy.categories for purpose in policy.purposes}
    together: dict[tuple[str, tuple[Category, ...]], list[Recipient]] = {}
    had = False
    for recipient in policy.recipients:
        if recipient.is_example or age.is_example(recipient.key):
            raise ConfigError(
                "the key of {name} is the example's, which everybody can open",
                hint="The study's admin has to put a key of their own into the study file.",
                name=recipient.name,
            )
        offered = {category for allowed in permitted.values() for category in allowed}
        gets = widest(implied(recipient.categories) & offered)
        if gets and recipient.key in got:
            had = True
        elif gets:
            together.setdefault((recipient.kind, tuple(sorted(gets))), []).append(recipient)
    if had and not together:
        raise ConsentError("all who may read this recording have it already", hint="Nothing was released.")
    if not together:
        raise ConsentError("nothing was agreed to for anybody", hint="Nothing was released.")
    found = []
    for (_, shared), recipients in sorted(together.items()):
        purposes = {purpose: kept for purpose, allowed in permitted.items() if (kept := allowed & frozenset(shared))}
        found += [Group(tuple(some), purposes) for some in _batches(recipients, MAX_RECIPIENTS)]
    return found


def withdrawal_secret(key: SigningKey, session: str) -> bytes:
    """Return the 32 bytes that whoever withdraws this session shows; the bundle carries their SHA-256.

    They follow from the study's key, so nothing has to be stored, and only its holder can make them.
    """
    return hmac.digest(key.secret.encode(), b"capture-agent withdrawal " + session.encode(), "sha256")


def _signed(
    composed: Composed, group: Group, terms: Terms, signer: Signer, *, after: Chain, revision: int
) -> tuple[Manifest, list[tuple[Member, write.Content]]]:
    """Return the manifest of a group's bundle, and its members in order."""
    consent = write.Content(CONSENT_NAME, lambda stream: _put(terms.record, stream))
    members = [(write.measure(consent), consent), *composed.members]
    session = composed.described.session
    manifest = _manifest(
        {
            **dict(composed.described),
            "revision": revision,
            "policy_version": terms.policy.version,
            "pseudonym": signer.pseudonym,
            "device": signer.key.public,
            "purposes": tuple(
                Purpose(id=purpose, text=terms.policy.purposes[purpose], categories=tuple(sorted(categories)))
                for purpose, categories in sorted(group.purposes.items())
            ),
            "recipients": tuple(
                Reader(name=one.name, kind=one.kind, fingerprint=age.fingerprint(one.key)) for one in group.recipients
            ),
            "consent_sha256": members[0][0].sha256,
            "withdrawal_sha256": code_sha256(withdrawal_secret(signer.key, session)),
            "release": Release(counter=after.counter + 1, previous=after.digest),
            "withdrawals": after.withdrawals,
            "members": tuple(member for member, _ in members),
        }
    )
    return manifest, members


def _manifest(fields: Mapping[str, Any]) -> Manifest:
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        where = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}))
        raise StorageError(
            "this session cannot be put into a bundle: {what} is not as the format allows",
            hint="Please report this; nothing was released.",
            what=where or noted("its list of contents"),
        ) from None


def _put(data: bytes, stream: BinaryIO) -> None:
    stream.write(data)


def _batches(recipients: Sequence[Recipient], size: int) -> list[Sequence[Recipient]]:
    return [recipients[start : start + size] for start in range(0, len(recipients), size)]
