"""Take spans out of held sessions so that no key that exists afterwards opens what was in them, nor an older copy.

What stays of a session is written beside it under a new identity; then the vault changes all keys in one step; then the
new file takes the old one's place. Whatever step a crash interrupts, doing it again from the beginning completes it.

All of that happens under the lock that ledger and vault need, and whoever else needs them waits. What takes seconds of
it, the writing, can be done before and without the lock: `drafted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from capture_agent.core.errors import CaptureAgentError, StorageError, VerificationError
from capture_agent.core.progress import CUTTING, Progress
from capture_agent.held import reader, rewrite
from capture_agent.held.cut import FOREVER_US, Cut, Span, is_whole, merged
from capture_agent.keys import age
from capture_agent.session.shelf import Shelf

_STILL_WANTED_S = 0.1  # how often who waits for a turn asks whether it is still wanted


@dataclass(frozen=True, slots=True)
class Draft:
    """What stays of a session without `spans`, written beside it and sealed to a key that nobody keeps yet.

    `touched`: what the shelf counted of the session when the writing began.
    """

    session: str
    spans: tuple[Span, ...]
    identity: age.Identity = field(repr=False)
    touched: int

    def fits(self, shelf: Shelf, spans: Mapping[str, Sequence[Span]]) -> bool:
        """Return whether it is what `spans` would leave of the session as it is now."""
        return merged(spans.get(self.session, ())) == self.spans and shelf.touched[self.session] == self.touched


@contextmanager
def alone(shelf: Shelf, progress: Progress) -> Iterator[None]:
    """Be the one who writes drafts. Who waits for that must not hold the lock: who writes needs it in the end.

    Raises:
        CancelledError: `progress` raised it while others wrote; nothing has happened.
    """
    while not shelf.drafting.acquire(timeout=_STILL_WANTED_S):
        progress(CUTTING, 0, 0)
    try:
        yield
    finally:
        shelf.drafting.release()


@contextmanager
def drafted(shelf: Shelf, spans: Mapping[str, Sequence[Span]], progress: Progress) -> Iterator[tuple[Draft, ...]]:
    """Write what stays of sessions, without the lock; within the block `cut_out` can use it, and after it it is gone.

    Of a session there is no draft if nothing stays, or if it could not be written: `cut_out` does without, and says why
    it fails.

    Raises:
        CancelledError: `progress` raised it; nothing has happened.
    """
    with alone(shelf, progress):
        drafts: list[Draft] = []
        try:
            for session, cut in spans.items():
                with suppress(CaptureAgentError, OSError):  # of a file that may be removed meanwhile
                    drafts += _draft(shelf, session, merged(cut), progress)
            yield tuple(drafts)
        finally:
            for session in spans:
                rewrite.draft_path(shelf.store.path(session)).unlink(missing_ok=True)


def _draft(shelf: Shelf, session: str, spans: tuple[Span, ...], progress: Progress) -> list[Draft]:
    if not spans or is_whole(spans):
        return []
    with shelf.lock:
        old, touched = identity_of(shelf, session), shelf.touched[session]
    fresh = age.new_classical()
    path = shelf.store.path(session)
    suffix = rewrite.DRAFT_SUFFIX
    written = rewrite.rewrite(path, old, fresh.recipient, Cut(spans), suffix=suffix, progress=progress)
    return [Draft(session, spans, fresh, touched)] if written else []


def cut_out(shelf: Shelf, spans: Mapping[str, Sequence[Span]], drafts: Iterable[Draft] = ()) -> None:
    """Take `spans` out of the sessions that they are given for, by id. Those of `drafts` that fit are used.

    Raises:
        StorageError: The disk has no room for what stays. What was to go is gone from the sessions themselves; it is
            to be called again, so that older copies cannot be opened either.
        KeyError_: The keyring is locked. Sessions that go as a whole are gone; it is to be called again for the others.
    """
    with shelf.lock:
        fitting = {draft.session: draft for draft in drafts if draft.fits(shelf, spans)}
        shelf.touched.update(spans.keys())  # of a mapping it would add the values
        for session, cut in spans.items():
            if is_whole(cut):  # needs no key, and makes room
                shelf.store.remove(session)
        for session in spans:
            complete(shelf, session)
        _Work(shelf, spans, fitting).do()


def spans_to_json(spans: Mapping[str, Sequence[Span]]) -> list[list[object]]:
    """Return spans as they stand in an intent; null is the end of the session."""
    return [
        [session, span.start_us, None if span.end_us == FOREVER_US else span.end_us]
        for session, cut in sorted(spans.items())
        for span in cut
    ]


def spans_from_json(stored: object) -> dict[str, list[Span]]:
    """Return what `spans_to_json` made.

    Raises:
        VerificationError: It is not that.
    """
    found: dict[str, list[Span]] = {}
    for row in stored if isinstance(stored, list) else [None]:
        match row:
            case [str(session), int(start_us), None]:
                found.setdefault(session, []).append(Span(start_us))
            case [str(session), int(start_us), int(end_us)]:
                found.setdefault(session, []).append(Span(start_us, end_us))
            case _:
                raise VerificationError("the consent record holds an intent that is damaged")
    return found


def complete_all(shelf: Shelf) -> None:
    """Finish what a crash interrupted, of sessions that no intent names: tasks that were told anew, or were not.

    Nobody can be writing a draft yet: those that are there are nobody's.
    """
    with shelf.lock:
        for draft in shelf.store.files(rewrite.DRAFT_SUFFIX):
            draft.unlink()
        for new in shelf.store.files(rewrite.NEW_SUFFIX):
            with suppress(CaptureAgentError):
                complete(shelf, new.stem)


def identity_of(shelf: Shelf, session: str) -> age.Identity:
    """Return what opens a session's file, after finishing what was interrupted. Raises as `Vault.identity`."""
    complete(shelf, session)
    return shelf.vault.identity(session)


def complete(shelf: Shelf, session: str) -> None:
    """Put a new file in its place whose key the vault has already; remove one whose key was never kept."""
    path = shelf.store.path(session)
    new = rewrite.new_path(path)
    if not new.exists():
        return
    if session in shelf.vault.sessions() and _opens(new, shelf.vault.identity(session)):
        rewrite.put_in_place(path)
    else:
        new.unlink()


def _opens(new: Path, identity: age.Identity) -> bool:
    try:
        return reader.opens(new, identity)
    except VerificationError:
        return False  # it was never finished


class _Work:
    """One run over all sessions: those whose keys go, and the identities of what stays of them."""

    def __init__(self, shelf: Shelf, spans: Mapping[str, Sequence[Span]], drafts: Mapping[str, Draft]) -> None:
        self._shelf = shelf
        self._spans = spans
        self._drafts = drafts
        self._gone: list[str] = []
        self._stays: dict[str, age.Identity] = {}
        self._failed: StorageError | None = None

    def do(self) -> None:
        for session, cut in self._spans.items():
            if session in self._shelf.vault.sessions():
                self._rewrite(session, cut)
            else:
                self._shelf.store.remove(session)  # its key has gone, and then there was a crash
        if self._gone:
            self._change_keys()
        for session in self._gone:
            if session in self._stays:
                rewrite.put_in_place(self._shelf.store.path(session))
            else:
                self._shelf.store.remove(session)
        if self._failed is not None:
            raise self._failed

    def _rewrite(self, session: str, cut: Sequence[Span]) -> None:
        path = self._shelf.store.path(session)
        if is_whole(cut) or not path.exists():
            self._gone.append(session)
            return
        try:
            identity = self._shelf.vault.identity(session)
        except VerificationError:
            self._gone.append(session)  # its key is damaged: nobody can open it
            return
        if session in self._drafts and rewrite.take_draft(path):
            self._stays[session] = self._drafts[session].identity
            self._gone.append(session)
            return
        fresh = age.new_classical()
        try:
            if rewrite.rewrite(path, identity, fresh.recipient, Cut(cut)):
                self._stays[session] = fresh
            self._gone.append(session)
        except StorageError as error:
            self._failed = self._failed or error
            rewrite.cut_in_place(path, identity, Cut(cut))

    def _change_keys(self) -> None:
        vault, path = self._shelf.vault, self._shelf.store.path
        try:
            self._shelf.reserve.spend(lambda: vault.destroy(self._gone, self._stays))
        except CaptureAgentError:
            # The vault may have changed its keys already: the file that it opens stays, without what was to go.
            for session in self._stays:
                with suppress(CaptureAgentError):
                    complete(self._shelf, session)
                    rewrite.cut_in_place(path(session), vault.identity(session), Cut(self._spans[session]))
            raise
