"""The consent record: append-only, chained by hashes, each entry signed with its study's key.

A file of JSON lines; each line is a DSSE envelope. The payload names the format, the number of the
entry and the SHA-256 of the line before it. Whether the *end* was cut off no chain can tell, so the
head (how many entries, hash of the last) is kept among the secrets of the device, too.

Texts that people were shown are files beside it, named by their hash: see `kept_texts`.

Format 2, payload: {"format", "seq" from 1, "prev" (64 zeros for the first), "time" (UTC, ISO 8601),
"study", "kind", "body"}. Format 1 is the same with all texts within.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from capture_agent.core.errors import ConsentError, KeyError_, NewerVersionError, VerificationError
from capture_agent.keys import dsse
from capture_agent.keys.files import append_private, make_private_folder, read_private
from capture_agent.keys.secret_store import Secrets
from capture_agent.keys.strict_json import canonical_json, strict_object
from capture_agent.keys.vault import Vault
from capture_agent.ledger.kept_texts import KeptTexts
from capture_agent.ledger.standing import NARROWING, Entry, Kind, Standing, fold, next_intents
from capture_agent.ledger.vouched import vouched

FORMAT = 2
_READABLE = frozenset({1, 2})
_HEAD = "ledger-head"
_HEAD_FORM = re.compile(r"[1-9][0-9]{0,17}( [0-9a-f]{64}){1,2}")
_NO_HASH = "0" * 64
_KINDS = {kind.value: kind for kind in Kind}  # an enumeration looks a value up in three times as long
_DAMAGED_HINT = "Nothing was deleted. Restore this file from a backup; recording stays off until then."
T = TypeVar("T")
_OLD_HINT = "Restore the newest copy of the profile. Until then recording stays off; you can opt out and join again."


class Ledger:
    """The consent record at `path`. One process appends; `Ledger` itself holds nothing but what it read.

    Raises:
        VerificationError: An entry was changed, removed, moved, or signed by somebody else.
        ConsentError: Entries are missing at the end: an older copy was restored.
        KeyError_: The secrets of the device are locked.
        StorageError: It cannot be read, or a newer version wrote it. It is left as it is.
    """

    def __init__(self, path: Path, vault: Vault, *, look_only: bool = False) -> None:
        """Read it. `look_only`: what the secrets should know and do not is not told them either."""
        self._path = path
        self._look_only = look_only
        self._vault = vault
        self._texts = KeptTexts(path.parent / "notices")
        self._folded: dict[object, tuple[int, object]] = {}
        data = read_private(path) or b""
        self._entries, self._length = self._read(data)
        self._all: tuple[Entry, ...] = ()
        self._settled = 0
        self._who: dict[str, str] = {}
        self._check_head()
        self._settled = len(self._entries)
        # As it stands now; each entry that is added takes it one step further.
        self._standings = {study: fold(self._entries, study) for study in {entry.study for entry in self._entries}}
        self._intents: Mapping[int, Entry] = {}
        for entry in self._entries:
            self._intents = next_intents(self._intents, entry)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        if len(self._all) != len(self._entries):
            self._all = tuple(self._entries)
        return self._all

    @property
    def current_study(self) -> str | None:
        """The study that was joined last and not left."""
        current = None
        for entry in self._entries:
            if entry.kind is Kind.JOINED:
                current = entry.study
            elif entry.kind is Kind.LEFT and entry.study == current:
                current = None
        return current

    def standing(self, study: str) -> Standing:
        """Return where the person stands with `study`."""
        return self._standings.get(study, Standing())

    def folded(self, by: Callable[[Sequence[Entry]], T]) -> T:
        """Return what `by` makes of all entries; made once for each state of the record."""
        known = self._folded.get(by)
        if known is None or known[0] != len(self._entries):
            known = self._folded[by] = len(self._entries), by(self._entries)
        return cast(T, known[1])

    def who(self, study: str) -> str:
        """Return the participant's pseudonym in `study`, read once, so that it is known when the keyring is locked.

        Raises:
            KeyError_: The secrets are locked, and it was not read before.
        """
        if study not in self._who:
            self._who[study] = self._vault.pseudonym(study)
        return self._who[study]

    def open_intents(self) -> tuple[Entry, ...]:
        """Return the intents that were not carried out yet, oldest first."""
        return tuple(self._intents.values())

    def append(self, kind: Kind, study: str, body: Mapping[str, object], now: datetime) -> Entry:
        """Add an entry, signed and synced, and return it.

        Raises:
            ConsentError: The table of consent has no such move. Nothing is written.
            VerificationError: The body is not what `kind` wants. Nothing is written.
            StorageError: It cannot be written. Nothing has happened.
            KeyError_: The secrets are locked, and nothing has happened. Never for a kind in `NARROWING` of a
                study that has entries: leaving needs no keyring. The head follows later, see `unsettled`.
        """
        payload = {
            "body": self._texts.keep(body),
            "format": FORMAT,
            "kind": kind,
            "prev": self._last_hash,
            "seq": len(self._entries) + 1,
            "study": study,
            "time": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        }
        line = self._vault.signing_key(study).sign(dsse.LEDGER_ENTRY, canonical_json(payload))
        entry = _entry({**payload, "body": dict(body)}, line, hashlib.sha256(line).hexdigest())
        standing, intents = self.standing(study).after(entry), next_intents(self._intents, entry)
        if kind not in NARROWING:
            # Announced, so that a crash before the write is not taken for an entry that was cut off.
            self._keep_head(entry.seq, entry.sha256, self._last_hash)
            self._settled = len(self._entries)
        if not self._entries:
            make_private_folder(self._path.parent)
        append_private(self._path, line + b"\n", self._length)
        self._entries.append(entry)
        self._standings[study], self._intents = standing, intents
        self._length += len(line) + 1
        try:
            self.settle()
        except KeyError_:
            if kind not in NARROWING:
                raise
            # The entry stands, and whoever wrote it goes on; `unsettled` says what is missing.
        return entry

    @property
    def unsettled(self) -> bool:
        """Whether the secrets do not know the last entries yet: until then an older copy would not be noticed."""
        return self._settled < len(self._entries)

    def settle(self) -> None:
        """Keep the head among the secrets. Every `append` and every load tries it again.

        Raises:
            KeyError_: The secrets are locked.
        """
        if self._entries:
            self._keep_head(len(self._entries), self._last_hash)
        self._settled = len(self._entries)

    @property
    def _last_hash(self) -> str:
        return self._entries[-1].sha256 if self._entries else _NO_HASH

    def _keep_head(self, seq: int, sha256: str, before: str = "") -> None:
        if self._look_only:
            return
        self._vault.secrets.set(_HEAD, f"{seq} {sha256} {before}".strip())

    def _kept_head(self) -> tuple[int, str, list[str]] | None:
        """Return number and hash of the last entry, and, while one is announced, the hash of the one before it."""
        kept = self._vault.secrets.get(_HEAD)
        if kept is None:
            return None
        if not _HEAD_FORM.fullmatch(kept):
            raise VerificationError("the consent record is not the one that this device wrote", hint=_OLD_HINT)
        number, sha256, *before = kept.split(" ")
        return int(number), sha256, before

    def _check_head(self) -> None:
        """Compare the end of the file with the head among the secrets."""
        head = self._kept_head()
        count = len(self._entries)
        if head is None:
            # One entry without a head: the first one was written and then the power went.
            if count > 1:
                raise VerificationError("this device does not know this consent record", hint=_OLD_HINT)
            if count == 1:
                self._keep_head(count, self._last_hash)
            return
        seq, sha256, before = head
        if count >= seq and self._entries[seq - 1].sha256 == sha256:
            if count > seq or before:
                self._keep_head(count, self._last_hash)
        elif before == [self._last_hash] and count == seq - 1:
            self._keep_head(count, self._last_hash)
        elif before and count >= seq and (self._entries[seq - 2].sha256 if seq > 1 else _NO_HASH) == before[0]:
            # Announced and never written; then something narrowing was written while the keyring was locked.
            self._keep_head(count, self._last_hash)
        elif count < seq:
            raise ConsentError(
                "the consent record ends after entry {count}, and this device has written {seq}: an older copy "
                "was put in its place",
                hint=_OLD_HINT,
                count=count,
                seq=seq,
            )
        else:
            raise VerificationError("the consent record is not the one that this device wrote", hint=_OLD_HINT)

    def _read(self, data: bytes) -> tuple[list[Entry], int]:
        """Return the entries of `data`, verified, and how many bytes of it they are."""
        *lines, _torn = data.split(b"\n")
        entries = self._vouched(lines)
        length, before = sum(len(entry.line) + 1 for entry in entries), entries[-1].sha256 if entries else _NO_HASH
        for number, line in enumerate(lines[len(entries) :], len(entries) + 1):
            try:
                entry = self._verified(line, number, before)
            except VerificationError:
                if number == len(lines) and b"\0" in line:
                    break  # at a power cut a file system had given the file space, and not yet all content
                raise
            entries.append(entry)
            length += len(line) + 1
            before = entry.sha256
        return entries, length

    def _vouched(self, lines: Sequence[bytes]) -> list[Entry]:
        """Return the entries that the head vouches for; none if it does not, and each has to be verified."""
        head = self._kept_head()
        if head is None or len(lines) < head[0]:
            return []
        found = vouched(lines[: head[0]], head[1], _NO_HASH)
        if found is None or any(one.payload.get("format") not in _READABLE for one in found):
            return []
        if not all(map(self._vault.has_signing_key, {str(one.payload.get("study")) for one in found})):
            return []
        # To look for texts where there are none takes as long as all the rest.
        return [(self._entry if one.names_text else _entry)(one.payload, one.line, one.sha256) for one in found]

    def _entry(self, payload: Mapping[str, Any], line: bytes, sha256: str) -> Entry:
        """Return an entry that was verified, with the texts that it names."""
        body = payload.get("body")
        return _entry({**payload, "body": self._texts.restore(body) if isinstance(body, dict) else body}, line, sha256)

    def _verified(self, line: bytes, number: int, before: str) -> Entry:
        payload = strict_object(dsse.unverified_payload(line), f"entry {number} of the consent record")
        study = str(payload.get("study"))
        if not self._vault.has_signing_key(study):
            raise VerificationError("this device does not know this consent record", hint=_OLD_HINT)
        dsse.verify(line, dsse.LEDGER_ENTRY, [self._vault.signing_key(study).public])
        if payload.get("format") not in _READABLE:
            raise NewerVersionError(
                "{path} was written by a newer version (format {version!s:.10})",
                hint="Install that version again; nothing was changed.",
                path=self._path,
                version=payload.get("format"),
            )
        if payload.get("seq") != number or payload.get("prev") != before:
            raise VerificationError(
                "entry {number} of the consent record does not follow the one before it",
                hint=_DAMAGED_HINT,
                number=number,
            )
        if not isinstance(payload.get("body"), Mapping):
            raise VerificationError(
                "entry {number} of the consent record has no body", hint=_DAMAGED_HINT, number=number
            )
        return self._entry(payload, line, hashlib.sha256(line).hexdigest())


def forget_head(secrets: Secrets) -> None:
    """Forget which record was this device's: for the person who begins a new one."""
    secrets.delete(_HEAD)


def _entry(payload: Mapping[str, object], line: bytes, sha256: str) -> Entry:
    try:
        seq, body = payload["seq"], payload["body"]
        if not isinstance(seq, int) or not isinstance(body, Mapping):
            raise TypeError("an entry has a number and a body")
        return Entry(
            seq=seq,
            study=str(payload["study"]),
            kind=_KINDS[str(payload["kind"])],
            time=datetime.fromisoformat(str(payload["time"])),
            body=body,
            sha256=sha256,
            line=line,
        )
    except (KeyError, ValueError, TypeError):
        raise VerificationError("an entry of the consent record is not well formed", hint=_DAMAGED_HINT) from None
