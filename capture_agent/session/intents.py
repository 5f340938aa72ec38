"""What the person wants gone: noted in the ledger first, then done. A restart does what is still open.

After opting out, destroying waits a moment, so that the person can undo it; a crash, a restart and quitting end the
wait. What was deleted can be put back for a day, restarts or not. A cut waits until the person says that it is for
good, or shares the recording: it is in the ledger at once, so nothing else ends the wait, and nothing forgets it. What
is for good is another intent, and that one a restart finishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime

from capture_agent.core.errors import CaptureAgentError, ConsentError, KeyError_, StorageError
from capture_agent.core.policy import OWN_STUDY
from capture_agent.core.progress import Progress, silent
from capture_agent.held.cut import Span, is_whole, merged
from capture_agent.held.spans import What
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.session.cutting import Draft, cut_out, drafted, spans_from_json, spans_to_json
from capture_agent.session.intent import AGAIN, PUT_BACK, UNDO, Intent, ours
from capture_agent.session.shelf import Shelf
from capture_agent.session.snapshot import Going, WaitingCut
from capture_agent.session.withdrawing import bury


class Intents:
    """The open intents of one profile."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._open = [Intent.of(one) for one in shelf.ledger.open_intents()]

    @property
    def hidden(self) -> frozenset[str]:
        """The sessions that are going to be destroyed, or forgotten whole: nobody is shown or handed them any more."""
        going = [one for one in tuple(self._open) if one.kind is Kind.DESTROY_INTENDED and one.until is None]
        destroyed = {session for one in going for session in one.sessions}
        forgotten = [one.spans for one in tuple(self._open) if one.kind is Kind.FORGET_INTENDED]
        return frozenset(destroyed | {session for spans in forgotten for session in spans if is_whole(spans[session])})

    @property
    def deleted(self) -> Mapping[str, datetime]:
        """The sessions that can be put back, and until when: they are listed, and nothing can be made of them."""
        hidden, waiting = self.hidden, [one for one in tuple(self._open) if one.until is not None]
        return {
            session: one.until for one in waiting for session in one.sessions if one.until and session not in hidden
        }

    @property
    def going(self) -> Going | None:
        """What can still be undone."""
        waiting = [one for one in self._open if one.can_undo and one.not_before is not None]
        if not waiting:
            return None
        until = min(one.not_before for one in waiting if one.not_before is not None)
        return Going(until, sum(len(one.sessions) for one in waiting))

    def destroy(
        self,
        study: str,
        sessions: Iterable[str],
        *,
        can_undo: bool = False,
        expired: Mapping[str, str] | None = None,
    ) -> None:
        """Make sure that no key that exists afterwards opens these sessions, and remove them.

        The intent is in the ledger first, so a crash between click and completion changes nothing. With `can_undo`
        only that is done now, and `finish_due` does the rest. `expired` says when those began whose time is over.

        Raises:
            CaptureAgentError: It could not be noted or done; it is tried again with `finish_due`.
        """
        gone = ours(sessions)
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
            one = Intent(Kind.DESTROY_INTENDED, study or OWN_STUDY, body, None, until, can_undo)
            self._shelf.touched.update(gone)  # what is being composed right now is not to go out any more
            if can_undo:
                self._open.append(one)  # it is done even if it cannot be noted
                one.entry = self._note(one)
            else:
                one.entry = self._note(one)
                self._open.append(one)
                self._try(one)

    def delete(self, study: str, sessions: Iterable[str]) -> None:
        """Destroy sessions in a day, or with the next start after it, unless they are put back.

        Raises:
            CaptureAgentError: It cannot be noted, and nothing has happened.
        """
        gone = ours(sessions)
        if not gone:
            return
        until = self._shelf.now() + PUT_BACK
        body = {"sessions": gone, "until": until.isoformat()}
        with self._shelf.lock:
            self._add(Intent(Kind.DESTROY_INTENDED, study or OWN_STUDY, body, None, until))

    def put_back(self, sessions: Iterable[str]) -> None:
        """Keep what was deleted.

        Raises:
            ConsentError: One of them was not, or it is too late; nothing has happened.
            StorageError: It cannot be noted; it stays deleted.
        """
        wanted = frozenset(sessions)
        with self._shelf.lock:
            if not wanted <= self.deleted.keys() & self._shelf.vault.sessions():
                raise ConsentError("it cannot be put back any more", hint="What was destroyed cannot be brought back.")
            for one in [one for one in self._open if one.until is not None and not wanted.isdisjoint(one.sessions)]:
                rest = [session for session in one.sessions if session not in wanted]
                if rest:  # first, so that a crash in between leaves them deleted, too
                    self._add(replace(one, body={**one.body, "sessions": rest}))
                self._close(one, Kind.KEPT)

    def make_room(self) -> bool:
        """Destroy now what was deleted, and return whether there was something.

        Raises:
            CaptureAgentError: It cannot be done; it is tried again with `finish_due`.
        """
        deleted = [one for one in self._open if one.until is not None]
        self._finish(deleted)
        return bool(deleted)

    def _add(self, one: Intent) -> None:
        one.entry = self._note(one)
        self._open.append(one)
        self._shelf.touched.update(one.sessions)  # what is being composed right now is not to go out any more

    def forget(self, study: str, spans: Mapping[str, Sequence[Span]], seal: Callable[[], None]) -> None:
        """Forget spans of sessions, by id: nobody has them from now on. `finish_cuts` then takes them out.

        `seal` closes the session that is open, and is called once the intent is noted.
        """
        one = Intent(Kind.FORGET_INTENDED, study or OWN_STUDY, {"spans": spans_to_json(spans)}, None)
        with self._shelf.lock:
            self._open.append(one)
            with suppress(CaptureAgentError):  # it is done all the same, only a crash right now would not be survived
                one.entry = self._note(one)
            self._shelf.touched.update(spans.keys())  # what is being composed right now has them still
            seal()

    def finish_cuts(self, progress: Progress = silent, session: str | None = None) -> bool:
        """Take out what was forgotten, or cut for good, and is there still: of all sessions, or of one.

        Slow; any thread, but not under the lock. Returns whether there was something.

        Raises:
            CaptureAgentError: As `cutting.cut_out`; it is to be called again.
            CancelledError: `progress` raised it; what was not taken out yet still is to be.
        """
        with self._shelf.lock:
            those = [one for one in self._open if one.rewrites and (session is None or session in one.spans)]
        first: CaptureAgentError | None = None
        for one in those:
            try:
                with drafted(self._shelf, one.spans, progress) as drafts, self._shelf.lock:
                    if any(one is other for other in self._open):
                        self._try(one, drafts)
            except CaptureAgentError as error:
                first = first or error
        if first is not None:
            raise first
        return bool(those)

    @property
    def cuts_are_due(self) -> bool:
        """Whether `finish_cuts` is to be called now."""
        return bool(self._open) and any(one.rewrites and one.is_due(self._shelf.now()) for one in self._open)

    def cut(self, study: str, session: str, spans: Sequence[Span], what: What) -> None:
        """Mark spans of a session to be cut out; it is not open.

        Raises:
            StorageError: It cannot be noted, and nothing has happened.
        """
        body = {"spans": spans_to_json({session: merged(spans)}), "what": what.value}
        one = Intent(Kind.CUT_INTENDED, study or OWN_STUDY, body, None)
        with self._shelf.lock:
            one.entry = self._note(one)
            self._open.append(one)
            self._shelf.touched[session] += 1  # what is being composed right now has it still

    def cuts(self, session: str) -> tuple[WaitingCut, ...]:
        """Return what is marked in a session."""
        return self.marked.get(session, ())

    @property
    def marked(self) -> Mapping[str, tuple[WaitingCut, ...]]:
        """What is marked, by session."""
        found: dict[str, tuple[WaitingCut, ...]] = {}
        with self._shelf.lock:
            for one in self._undoable():
                if one.entry is None:
                    continue
                for session, spans in one.spans.items():
                    cut = WaitingCut(one.entry.seq, What(str(one.body["what"])), tuple(spans))
                    found[session] = (*found.get(session, ()), cut)
        return found

    def going_of(self, session: str) -> tuple[Span, ...]:
        """Return everything that is to go of a session, also what nobody can undo any more and is not done yet."""
        with self._shelf.lock:
            return merged(span for one in self._open for span in one.spans.get(session, ()))

    def check_left(self, session: str) -> None:
        """Raise `ConsentError` if everything in a session is to go: there is nothing to share."""
        if is_whole(self.going_of(session)):
            raise ConsentError("all of it is marked to be cut out", hint="Undo a cut, or delete the recording.")

    def undo_cut(self, session: str, number: int) -> None:
        """Keep what was marked.

        Raises:
            ConsentError: It is cut out already.
            KeyError_, StorageError: It cannot be noted; it stays marked.
        """
        with self._shelf.lock:
            marked = next((one for one in self._marked(session) if one.entry and one.entry.seq == number), None)
            if marked is None:
                raise ConsentError("there is nothing to undo any more", hint="What was cut out cannot be brought back.")
            self._close(marked, Kind.CUT_UNDONE)
            self._shelf.touched[session] += 1

    def cut_for_good(self, session: str, progress: Progress = silent) -> None:
        """Cut out what is marked in a session now, and what should have been before. Slow; any thread.

        Until what stays is written nothing is noted and nobody waits: each cut can still be undone, and a crash leaves
        them marked. What is done then takes a moment.

        Raises:
            CaptureAgentError: As `cutting.cut_out`; it is tried again with `finish_cuts`.
            CancelledError: `progress` raised it; it stays marked.
        """
        self.finish_cuts(progress, session)
        with self._shelf.lock:
            wanted = self._marked(session)
            spans = merged(span for one in wanted for span in one.spans[session])
        with drafted(self._shelf, {session: spans}, progress) as drafts, self._shelf.lock:
            marked = [one for one in self._marked(session) if any(one is other for other in wanted)]
            if marked:
                spans = merged(span for one in marked for span in one.spans[session])
                replaced = [one.entry.seq for one in marked if one.entry is not None]
                body = {"spans": spans_to_json({session: spans}), "replaces": replaced}
                good = Intent(Kind.CUT_INTENDED, marked[0].study, body, None)
                good.entry = self._note(good)
                self._open.append(good)
            for one in [one for one in self._open if session in one.spans and not one.waits]:
                self._try(one, drafts)

    def _marked(self, session: str) -> list[Intent]:
        return [one for one in self._undoable() if session in one.spans]

    def _undoable(self) -> list[Intent]:
        """Return the cuts that can be undone: a cut that is for good takes their place at once."""
        replaced = {id(other) for one in self._open for other in self._replaced(one)}
        return [one for one in self._open if one.waits and id(one) not in replaced]

    def withdraw(self, study: str, session: str, withdrawal_sha256: str, event: Mapping[str, object]) -> None:
        """Withdraw a session that was released. It counts once it is noted, which needs no keyring.

        Raises:
            CaptureAgentError: It could not be noted, and nothing has happened; or its readers cannot be told yet,
                which is tried again with `finish_due`.
        """
        body = {"session": session, "withdrawal_sha256": withdrawal_sha256, "event": dict(event)}
        one = Intent(Kind.RELEASE_WITHDRAWN, study, body, None)
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
        """Do what is due and quick, and return whether something was. Called often; cheap if nothing is open.

        Raises:
            CaptureAgentError: Something could not be done; it is tried again after `AGAIN`.
        """
        if not self._open:
            return False
        now = self._shelf.now()
        due = [one for one in self._open if one.is_due(now) and not one.rewrites]
        self._finish(due)
        return bool(due)

    def finish(self) -> None:
        """Do everything that is open, and wait for nothing. Raises as `finish_due`."""
        now = self._shelf.now()
        self._finish([one for one in self._open if not one.lasts(now) or self._is_moot(one)])

    def _is_moot(self, one: Intent) -> bool:
        """Return whether there is nothing left of what is to be cut or destroyed: then nobody undoes it any more."""
        return self._shelf.vault.sessions().isdisjoint([*one.spans, *one.sessions])

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

    def _finish(self, those: list[Intent]) -> None:
        first: CaptureAgentError | None = None
        for one in those:
            try:
                with self._shelf.lock:
                    self._try(one)
            except CaptureAgentError as error:
                first = first or error
        if first is not None:
            raise first

    def _try(self, one: Intent, drafts: Iterable[Draft] = ()) -> None:
        one.can_undo, one.tried, one.not_before = False, True, self._shelf.now() + AGAIN
        self._carry_out(one, drafts)

    def _carry_out(self, one: Intent, drafts: Iterable[Draft]) -> None:
        match one.kind:
            case Kind.DESTROY_INTENDED:
                self.discard(one.sessions)
                self._close(one, Kind.DESTROYED)
                for deleted in [other for other in self._open if other.until is not None and self._is_moot(other)]:
                    self._close(deleted, Kind.DESTROYED)
            case Kind.FORGET_INTENDED | Kind.CUT_INTENDED:
                cut_out(self._shelf, spans_from_json(one.body.get("spans")), drafts)
                for replaced in self._replaced(one):  # before it is closed itself: a crash in between does it again
                    self._close(replaced, Kind.CUT)
                self._close(one, Kind.FORGOTTEN if one.kind is Kind.FORGET_INTENDED else Kind.CUT)
            case Kind.RELEASE_WITHDRAWN if one.entry is not None:
                self._tell(one, one.entry)
            case _:
                raise StorageError(
                    "this version cannot do what {kind!r} asks for", hint="Update Capture Agent.", kind=one.kind.value
                )

    def _replaced(self, one: Intent) -> list[Intent]:
        named = one.body.get("replaces", [])
        numbers = named if isinstance(named, list) else []
        return [other for other in self._open if other.entry is not None and other.entry.seq in numbers]

    def _tell(self, one: Intent, entry: Entry) -> None:
        """Write the tombstones, and note them: what no entry names is removed at the next start."""
        with ExitStack() as unnoted:
            written = bury(self._shelf, entry)
            for path in written:
                unnoted.callback(path.unlink, missing_ok=True)
            self._close(one, Kind.TOMBSTONED, files=[path.name for path in written])
            unnoted.pop_all()

    def _close(self, one: Intent, kind: Kind, **more: object) -> None:
        if one.entry is not None:
            body, study = {"intent": one.entry.seq, **more}, one.study
            self._shelf.reserve.spend(lambda: self._shelf.ledger.append(kind, study, body, self._shelf.now()))
        self._open.remove(one)

    def _note(self, one: Intent) -> Entry:
        return self._shelf.reserve.spend(
            lambda: self._shelf.ledger.append(one.kind, one.study, one.body, self._shelf.now())
        )

    def _remove(self, sessions: list[str]) -> None:
        for session in sessions:
            self._shelf.store.remove(session)
