"""The sessions on this disk: making one, listing, opening, releasing and destroying them.

Slow work (composing a bundle, opening a session) runs on the window's worker thread; ledger and
vault are then used under one lock, and never while data is being composed.
"""

from __future__ import annotations

import contextlib
import json
import platform
import secrets
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture_agent import __version__
from capture_agent.bundle.tombstone import code_sha256
from capture_agent.bundle.write import SUFFIX, remove_partial
from capture_agent.core.errors import CaptureAgentError, ConsentError, StorageError
from capture_agent.core.policy import Policy
from capture_agent.core.progress import NOTING, Progress, silent
from capture_agent.held import lifecycle
from capture_agent.held.cut import Span
from capture_agent.held.lifecycle import Input
from capture_agent.held.spans import What
from capture_agent.held.store import Store
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.vault import Vault
from capture_agent.ledger import receipt_json
from capture_agent.ledger.deliveries import deliveries
from capture_agent.ledger.events import Method, event_section
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.releases import files_of, recipients_of, released_sessions
from capture_agent.ledger.standing import Kind, Standing
from capture_agent.outbox import describe
from capture_agent.outbox.release import Signer, Terms, recipient_groups, release, withdrawal_secret
from capture_agent.session import cutting
from capture_agent.session.intents import Intents
from capture_agent.session.listing import Lines, any_over, length_s, only, state_of
from capture_agent.session.profile import Profile
from capture_agent.session.receipts import receipts
from capture_agent.session.reserve import Reserve
from capture_agent.session.shelf import Shelf
from capture_agent.session.snapshot import HeldSession, Withdrawn
from capture_agent.session.withdrawing import last_link

if TYPE_CHECKING:
    from capture_agent.session.review import Begun, Review

SESSION_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a recording says of where it was made; never a host, a user or a serial number."""

    desktop: str
    locale: str
    keyboard_layouts: tuple[str, ...]
    input_resolution_us: int
    input: str = ""  # the back end that reads keyboard and pointer


class Holdings:
    """The held sessions of one profile."""

    def __init__(self, profile: Profile, vault: Vault, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._profile = profile
        self._vault = vault
        self._ledger = ledger
        self._now = now
        self._store = Store(profile.held)
        self.reserve = Reserve(profile.reserve)
        self.shelf = Shelf(self._store, vault, ledger, self.reserve, now, profile.outbox)
        self._lock = self.shelf.lock
        self._lines = Lines(ledger)
        self.intents = Intents(self.shelf)

    @property
    def lock(self) -> threading.RLock:
        """Held while ledger and vault are used."""
        return self._lock

    def recover(self) -> int:
        """Finish what a crash interrupted; return how many sessions it left incomplete."""
        with self._lock:
            self._vault.check()
            self._tidy_outbox()
            cutting.complete_all(self.shelf)
            with contextlib.suppress(CaptureAgentError):  # tried again with every `finish_due`, which says why it fails
                self.intents.finish()
            self.reserve.keep()
            return len(self._store.recover())

    def _tidy_outbox(self) -> None:
        """Remove files that a crash left half made, that nothing in the ledger names, or that arrived."""
        remove_partial(self._profile.outbox)
        there = list(self._profile.outbox.glob("*" + SUFFIX))
        if not there:
            return
        kept = self._ledger.folded(files_of) - self._ledger.folded(deliveries).finished
        for path in there:
            if path.name not in kept:
                path.unlink()

    # --- making one

    def create(self, policy: Policy, standing: Standing, max_fps: int, around: Surroundings) -> Writer:
        """Begin a held session. Its key is in the vault before the file exists, and only there.

        Raises:
            StorageError: The disk does not take it.
        """
        session = secrets.token_hex(SESSION_ID_BYTES)
        identity = age.new_classical()
        with self._lock:
            self._vault.add(session, identity)
        about = {
            describe.STUDY: policy.study,
            describe.STARTED: self._now().astimezone(UTC).isoformat(timespec="milliseconds"),
            "consent": standing.consent_hash,
            describe.OS: f"{platform.system()} {platform.release()}",
            describe.DESKTOP: around.desktop,
            describe.LOCALE: around.locale,
            describe.KEYBOARD_LAYOUTS: json.dumps(around.keyboard_layouts),
            describe.INPUT_RESOLUTION_US: str(around.input_resolution_us),
            describe.INPUT: around.input,
            describe.AGENT_VERSION: f"{__version__} (Python {sys.version_info.major}.{sys.version_info.minor})",
            describe.MAX_FPS: str(max_fps),
        }
        return Writer.create(self._profile.held, session, identity.recipient, about)

    def drop_empty(self, writer: Writer, *, complete: bool) -> None:
        """Remove a session in which nothing was recorded; the end of a complete one is a part, too."""
        if writer.parts <= (1 if complete else 0):
            self.intents.discard([writer.path.stem])

    # --- looking

    def sessions(self) -> tuple[HeldSession, ...]:
        """Return the sessions, newest first. Opens none of them.

        Those that were shared or are over are listed without a file, too: what was shared can still be withdrawn.
        """
        with self._lock:
            known, hidden = self._vault.sessions(), self.intents.hidden
            marked, deleted = self.intents.marked, self.intents.deleted
            return self._lines.listed(self._store.sessions(), known, hidden, marked, self._now(), deleted=deleted)

    @property
    def waiting(self) -> int:
        """How many sessions wait for their owner: as the list says that they are held."""
        with self._lock:
            known, hidden = self._vault.sessions(), self.intents.hidden
            gone = self._ledger.folded(released_sessions).keys() | hidden | self.intents.deleted.keys()
            infos = self._store.sessions()
        return sum(one.id in known and one.id not in gone and not one.problem and not one.recording for one in infos)

    def find(self, start: str) -> str:
        """Return the id of the one session whose id begins with `start`, to make something of it.

        Raises:
            ConsentError: It was deleted.
            StorageError: There is none, or more than one.
        """
        hidden = self.intents.hidden
        session = only(start, [one for one in self._store.ids() if one not in hidden])
        if session in self.intents.deleted:
            raise ConsentError("this recording was deleted", hint="Put it back first, in My recordings.")
        return session

    def open_own(self, session: str, out: Path, progress: Progress = silent) -> None:
        """Write a session, opened, into the new folder `out`, without what is marked to be cut. Slow.

        Raises:
            CaptureAgentError: As `outbox.own.open_own`.
            CancelledError: `progress` raised it; `out` is not there.
        """
        from capture_agent.outbox import own  # what decodes video is loaded only when it is wanted

        with self._lock:
            session = self.find(session)
            identity = cutting.identity_of(self.shelf, session)
            without = self.intents.going_of(session)
        own.open_own(self._store.path(session), identity, out, without=without, progress=progress)

    def review(self, session: str, progress: Progress = silent, begun: Begun | None = None) -> Review:
        """Return a session, opened for its owner to look at. Slow, and written nowhere.

        Raises:
            StorageError: It is being recorded, or in a newer format.
            CaptureAgentError: As `Review`.
            CancelledError: `progress` raised it.
        """
        from capture_agent.session.review import Review

        session = self.find(session)
        self.intents.finish_cuts(progress, session)  # of what was forgotten nothing is shown
        with self._lock:
            session = self.find(session)
            if next(info for info in self._store.sessions() if info.id == session).recording:
                raise StorageError("this recording is still going on", hint="Stop recording first.")
            identity = cutting.identity_of(self.shelf, session)
        return Review(self._store.path(session), identity, progress, begun)

    # --- letting go

    def cut(self, session: str, spans: Sequence[Span], what: What) -> None:
        """Mark spans of a session to be cut out before anybody gets it.

        Raises:
            ConsentError: It is being recorded.
            CaptureAgentError: As `Intents.cut`.
        """
        with self._lock:
            session = self.find(session)
            self.allow(session, Input.CUT)
            study = next(info for info in self._store.sessions() if info.id == session).study
            self.intents.cut(study, session, spans, what)

    def retold(self, start: str) -> str:
        """Return the session whose tasks are to be told anew. Raises as `find` and `allow`."""
        with self._lock:
            session = self.find(start)
            self.allow(session, Input.RETELL)
        return session

    def allow(self, session: str, given: Input) -> None:
        """Return if `given` may happen to `session` now.

        Raises:
            ConsentError: The table of a session's life has no such move.
        """
        info = next(info for info in self._store.sessions() if info.id == session)
        lifecycle.step(state_of(info, self._ledger.folded(released_sessions).get(session)), given)

    @property
    def decided(self) -> bool:
        """Whether the person ever agreed to or refused anything on this device: then there are receipts."""
        return any(entry.kind in receipt_json.EVENT_STATES for entry in self._ledger.entries)

    def receipts(self) -> tuple[dict[str, Any], ...]:
        """Return the receipt of every decision on this device, oldest first."""
        return receipts(self._ledger, self._vault)

    def release(
        self,
        session: str,
        policy: Policy,
        standing: Standing,
        progress: Progress = silent,
        *,
        still: Callable[[], bool] = lambda: True,
        chosen: int | None = None,
    ) -> tuple[str, ...]:
        """Compose, sign and note a bundle for each group of recipients who have not got one; return their paths. Slow.

        What is marked to be cut is cut out first, and cannot be undone from then on. It is asked at the end whether it
        is `still` wanted. `chosen`: the entry by which it happens by itself.

        Raises:
            ConsentError: Nothing was agreed to for anybody, all have it already, or the session is another study's.
            CancelledError: `progress` raised it; no bundle is left and nothing is noted.
        """
        accepted = standing.accepted
        if accepted is None:
            raise ConsentError("nothing was agreed to", hint="Recordings can be released after you have agreed.")
        with self._lock:
            session = self.find(session)
            self.allow(session, Input.RELEASE)
            self.intents.check_left(session)
            got = [one.key for one in self._ledger.folded(recipients_of).get(session, ())]
            recipient_groups(policy, standing.consent, got)  # before anything is cut out
        while self.intents.going_of(session):  # what is marked meanwhile, too
            self.intents.cut_for_good(session, progress)
        with self._lock:
            if self.intents.going_of(session):
                raise _changed_mind()
            session = self.find(session)
            self.allow(session, Input.RELEASE)
            line = next(info for info in self._store.sessions() if info.id == session)
            identity = cutting.identity_of(self.shelf, session)
            key = self._vault.signing_key(policy.study)
            pseudonym = self._vault.pseudonym(policy.study)
            chain = last_link(self._ledger.entries, policy.study)
            touched = self.shelf.touched[session]
            before = self._ledger.folded(released_sessions).get(session)
            revision = 1 if before is None else before.revision + 1
        kept = receipt_json.receipt(receipt_json.accepted(accepted), pseudonym, key.public)
        record = json.dumps(kept, ensure_ascii=False, sort_keys=True).encode()
        done = release(
            self._store.path(session),
            identity,
            Terms(policy, standing.consent, record),
            Signer(key, pseudonym),
            self._profile.outbox,
            after=chain,
            revision=revision,
            got=got,
            progress=progress,
        )
        with self._lock, contextlib.ExitStack() as unnoted:
            for one in done:
                unnoted.callback(one.path.unlink, missing_ok=True)
            progress(NOTING, 0, 0)
            self.allow(session, Input.RELEASE)  # not withdrawn meanwhile
            agreed = self._ledger.standing(policy.study).consent == standing.consent
            as_it_was = session in self._vault.sessions() and self.shelf.touched[session] == touched
            if not agreed or not as_it_was or not still():
                raise _changed_mind()
            for one in done:
                body: dict[str, object] = {
                    "session": session,
                    "bundle": one.path.name,
                    "recipients": list(one.recipients),
                    "categories": sorted(one.categories),
                    "started": line.created,
                    "seconds": round(length_s(line), 3),
                    "revision": revision,
                    "counter": one.chain.counter,
                    "digest": one.chain.digest,
                    **({} if chosen is None else {"by_itself": chosen}),
                    **({"destination": policy.destination} if policy.destination else {}),
                }
                self._ledger.append(Kind.RELEASED, policy.study, body, self._now())
            unnoted.pop_all()
        return tuple(str(one.path) for one in done)

    def withdraw(self, start: str) -> tuple[Withdrawn, StorageError | None]:
        """Withdraw what was shared of the session whose id begins with `start`.

        Also returns why its readers cannot be told yet, None if they are.

        Raises:
            ConsentError: It was not shared.
            StorageError: There is no such session, or it cannot be noted; nothing has happened.
        """
        with self._lock:
            shared = self._ledger.folded(released_sessions)
            session = only(start, {*shared, *(one.id for one in self._store.sessions())})
            released = shared.get(session)
            if released is None:
                raise ConsentError("this recording was not shared", hint="To get rid of it, delete it.")
            hindered = None
            try:
                if released.withdrawn is None:
                    secret = withdrawal_secret(self._vault.signing_key(released.study), session)
                    kind, method = Kind.RELEASE_WITHDRAWN, Method.WITHDRAW
                    event = event_section(self._ledger, released.study, kind, method, self._now())
                    self.intents.withdraw(released.study, session, code_sha256(secret), event)
            except StorageError as error:
                hindered = error
            now = self._ledger.folded(released_sessions)[session]
            if hindered is not None and now.withdrawn is None:
                raise hindered
        names = () if now.told is None else sorted(files_of([now.told]))
        files = tuple(str(self._profile.outbox / name) for name in names)
        return Withdrawn(session, now.recipients, files, now.pending, now.destinations), hindered

    # --- destroying

    def destroy(self, study: str, sessions: Iterable[str]) -> None:
        """Destroy sessions now; as `Intents.destroy`."""
        self.intents.destroy(study, sessions)

    def unreleased(self, study: str) -> list[str]:
        """Return the sessions of `study` that nobody but their owner can open.

        Keys without a file, and files that do not say whose they are, count to every study: a copy may exist.
        """
        released = self._ledger.folded(released_sessions)
        found = self._store.sessions()
        unclear = self._vault.sessions().difference(info.id for info in found if info.study)
        mine = {info.id for info in found if info.study == study}
        return sorted((mine | unclear) - released.keys() - self.intents.hidden)

    def expired(self) -> list[HeldSession]:
        """Return the sessions whose time is over."""
        if not any_over(self._store.sessions(), self._ledger.entries, self._now()):
            return []
        return [one for one in self.sessions() if one.here and one.days_left == 0 and one.state != "recording"]

    def destroy_expired(self) -> None:
        """Destroy the sessions whose time is over, of every study."""
        gone = self.expired()
        for study in {one.study for one in gone}:
            began = {one.id: one.started.isoformat(timespec="seconds") for one in gone if one.study == study}
            self.intents.destroy(study, began, expired=began)


def _changed_mind() -> ConsentError:
    return ConsentError("you changed your mind while it was composed", hint="Nothing was released.")
