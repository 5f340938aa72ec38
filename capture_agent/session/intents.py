"""What the person wants gone: noted in the ledger first, then done. A restart does what is still open.

Destroying may wait a moment, so that the person can undo it; a crash, a restart and quitting end the wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from capture_agent.core.errors import CaptureAgentError, ConsentError, KeyError_, StorageError
from capture_agent.core.policy import OWN_STUDY
from capture_agent.held.cut import Span
from capture_agent.held.tape import SESSION_ID
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.session.cutting import cut_out, spans_from_json, spans_to_json
from capture_agent.session.shelf import Shelf
from capture_agent.session.snapshot import Going
from capture_agent.session.withdrawing import bury

UNDO = timedelta(seconds=10)  # long enough to notice a slip, short enough to wait for
AGAIN = timedelta(seconds=10)  # what could not be done (a locked keyring, a full disk) is tried again this often


@dataclass(slots=True)
class _Open:
    """An intent that is not carried out yet. `entry` is None if the ledger did not take it: then memory has to do."""

    kind: Kind
    study: str
    body: Mapping[str, object]
    entry: Entry | None
    not_before: datetime | None = None
    can_undo: bool = False
    deleted: bool = False  # one by one, by the person

    @property
    def sessions(self) -> list[str]:
        named = self.body.get("sessions")
        return [str(one) for one in named] if isinstance(named, list) else []


class Intents:
    """The open intents of one profile."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._open = [_Open(one.kind, one.study, one.body, one) for one in shelf.ledger.open_intents()]

    @property
    def hidden(self) -> frozenset[str]:
        """The sessions that are going to be destroyed: nobody is shown or handed them any more."""
        return frozenset(session for one in self._open if one.kind is Kind.DESTROY_INTENDED for session in one.sessions)

    @property
    def going(self) -> Going | None:
        """What can still be undone."""
        waiting = [one for one in self._open if one.can_undo and one.not_before is not None]
        if not waiting:
            return None
        until = min(one.not_before for one in waiting if one.not_before is not None)
        return Going(until, sum(len(one.sessions) for one in waiting), all(one.deleted for one in waiting))

    def destroy(
        self,
        study: str,
        sessions: Iterable[str],
        *,
        can_undo: bool = False,
        deleted: bool = False,
        expired: Mapping[str, str] | None = None,
    ) -> None:
        """Make sure that no key that exists afterwards opens these sessions, and remove them.

        The intent is in the ledger first, so a crash between click and completion changes nothing. With `can_undo`
        only that is done now, and `finish_due` does the rest. `deleted`: one by one, not by opting out. `expired` says
        when those began whose time is over.

        Raises:
            CaptureAgentError: It could not be noted or done; it is tried again with `finish_due`.
        """
        # A stray file may have a name that no session can have: there is no key, and it is not ours to remove.
        gone = sorted(one for one in sessions if SESSION_ID.fullmatch(one))
        if not gone:
            return
        until = self._shelf.now() + UNDO if can_undo else None
        body: dict[str, object] = {"sessions": gone}
        if expired:
            body["expired"] = dict(expired)
        if until is not None:
            body["due"] = until.isoformat(timespec="milliseconds")
        with self._shelf.lock:
            # A file that is damaged may not say whose it is.
            one = _Open(Kind.DESTROY_INTENDED, study or OWN_STUDY, body, None, until, can_undo, deleted)
            if can_undo:
                self._open.append(one)  # it is done even if it cannot be noted
                one.entry = self._note(one)
            else:
                one.entry = self._note(one)
                self._open.append(one)
                self._try(one)

    def forget(self, study: str, spans: Mapping[str, Sequence[Span]], seal: Callable[[], None]) -> None:
        """Forget spans of sessions, by id. `seal` closes the one that is open, and is called once the intent is noted.

        Raises:
            CaptureAgentError: As `cutting.cut_out`; it is tried again with `finish_due`.
        """
        self._take_out(Kind.FORGET_INTENDED, study, spans, seal)

    def cut(self, study: str, spans: Mapping[str, Sequence[Span]]) -> None:
        """Cut spans out of sessions, by id; none of them is open.

        Raises:
            CaptureAgentError: As `cutting.cut_out`; it is tried again with `finish_due`.
        """
        self._take_out(Kind.CUT_INTENDED, study, spans, lambda: None)

    def _take_out(self, kind: Kind, study: str, spans: Mapping[str, Sequence[Span]], seal: Callable[[], None]) -> None:
        one = _Open(kind, study or OWN_STUDY, {"spans": spans_to_json(spans)}, None)
        with self._shelf.lock:
            self._open.append(one)
            with suppress(CaptureAgentError):  # it is done all the same, only a crash right now would not be survived
                one.entry = self._note(one)
            seal()
            self._try(one)

    def withdraw(self, study: str, session: str, withdrawal_sha256: str, event: Mapping[str, object]) -> None:
        """Withdraw a session that was released. It counts once it is noted, which needs no keyring.

        Raises:
            CaptureAgentError: It could not be noted, and nothing has happened; or its readers cannot be told yet,
                which is tried again with `finish_due`.
        """
        body = {"session": session, "withdrawal_sha256": withdrawal_sha256, "event": dict(event)}
        one = _Open(Kind.RELEASE_WITHDRAWN, study, body, None)
        with self._shelf.lock:
            one.entry = self._note(one)
            self._open.append(one)
            self._try(one)

    def undo(self) -> None:
        """Keep what was going to be destroyed.

        Raises:
            ConsentError: It is too late, or there is nothing.
            StorageError: It cannot be noted; it goes on being destroyed.
        """
        with self._shelf.lock:
            waiting = [one for one in self._open if one.can_undo]
            if not waiting:
                raise ConsentError(
                    "there is nothing to undo any more", hint="What was destroyed cannot be brought back."
                )
            for one in waiting:
                self._close(one, Kind.KEPT)

    def finish_due(self) -> bool:
        """Do what is due, and return whether something was. Called often; cheap if nothing is open.

        Raises:
            CaptureAgentError: Something could not be done; it is tried again after `AGAIN`.
        """
        if not self._open:
            return False
        now = self._shelf.now()
        due = [one for one in self._open if _is_due(one, now)]
        self._finish(due)
        return bool(due)

    def finish(self) -> None:
        """Do everything that is open, and wait for nothing. Raises as `finish_due`."""
        self._finish(list(self._open))

    def discard(self, sessions: list[str]) -> None:
        """Destroy the keys of `sessions`, then their files.

        Raises:
            CaptureAgentError: The keys could not be destroyed; the files are gone all the same.
        """
        with self._shelf.lock:
            try:
                self._shelf.reserve.spend(lambda: self._shelf.vault.destroy(sessions))
            except (StorageError, KeyError_):
                self._remove(sessions)  # this makes room, and leaves less behind whatever comes
                self._shelf.vault.destroy(sessions)
            self._remove(sessions)

    def _finish(self, those: list[_Open]) -> None:
        first: CaptureAgentError | None = None
        for one in those:
            try:
                with self._shelf.lock:
                    self._try(one)
            except CaptureAgentError as error:
                first = first or error
        if first is not None:
            raise first

    def _try(self, one: _Open) -> None:
        one.can_undo, one.not_before = False, self._shelf.now() + AGAIN
        self._carry_out(one)

    def _carry_out(self, one: _Open) -> None:
        match one.kind:
            case Kind.DESTROY_INTENDED:
                self.discard(one.sessions)
                self._close(one, Kind.DESTROYED)
            case Kind.FORGET_INTENDED | Kind.CUT_INTENDED:
                cut_out(self._shelf, spans_from_json(one.body.get("spans")))
                self._close(one, Kind.FORGOTTEN if one.kind is Kind.FORGET_INTENDED else Kind.CUT)
            case Kind.RELEASE_WITHDRAWN if one.entry is not None:
                self._tell(one, one.entry)
            case _:
                raise StorageError(
                    "this version cannot do what {kind!r} asks for", hint="Update Capture Agent.", kind=one.kind.value
                )

    def _tell(self, one: _Open, entry: Entry) -> None:
        """Write the tombstones, and note them: what no entry names is removed at the next start."""
        with ExitStack() as unnoted:
            written = bury(self._shelf, entry)
            for path in written:
                unnoted.callback(path.unlink, missing_ok=True)
            self._close(one, Kind.TOMBSTONED, files=[path.name for path in written])
            unnoted.pop_all()

    def _close(self, one: _Open, kind: Kind, **more: object) -> None:
        if one.entry is not None:
            body, study = {"intent": one.entry.seq, **more}, one.study
            self._shelf.reserve.spend(lambda: self._shelf.ledger.append(kind, study, body, self._shelf.now()))
        self._open.remove(one)

    def _note(self, one: _Open) -> Entry:
        return self._shelf.reserve.spend(
            lambda: self._shelf.ledger.append(one.kind, one.study, one.body, self._shelf.now())
        )

    def _remove(self, sessions: list[str]) -> None:
        for session in sessions:
            self._shelf.store.remove(session)


def _is_due(one: _Open, now: datetime) -> bool:
    """Return whether to do it now. A clock that was set back must not make anybody wait."""
    return one.not_before is None or one.not_before <= now or one.not_before - now > max(UNDO, AGAIN)
