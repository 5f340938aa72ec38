"""The agent: what windows, tray and commands may ask for, carried out in one place on the main thread.

It joins the recorder (what is recorded now), the agreement (what may be), the holdings (what was)
and the little that survives a restart. It knows no Qt and no operating system: both come in as `World`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from capture_agent.core.errors import CaptureAgentError, ConsentError
from capture_agent.core.events import Category, Event
from capture_agent.core.language import say
from capture_agent.core.policy import Policy, Settings
from capture_agent.core.recording import Input, State
from capture_agent.core.splitting import Reason
from capture_agent.held.writer import Writer
from capture_agent.keys.vault import Vault
from capture_agent.ledger.high_water import HighWater
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.record import Ledger
from capture_agent.session import status
from capture_agent.session.agreement import Agreement
from capture_agent.session.expiry import ClockError, Expiry
from capture_agent.session.forgetting import Forgetting
from capture_agent.session.holdings import Holdings
from capture_agent.session.kept import Kept
from capture_agent.session.leaving import Leaving
from capture_agent.session.monitoring import MonitoringNotice
from capture_agent.session.pauses import Pauses
from capture_agent.session.profile import Memory, Profile
from capture_agent.session.recorder import Recorder
from capture_agent.session.rhythm import Rhythm
from capture_agent.session.snapshot import Agreed, Snapshot
from capture_agent.session.studio import AgreedStudio
from capture_agent.session.tasks import Tasks, kept_task
from capture_agent.session.world import World

TEND_EVERY_US = 150_000  # with every second tick of 100 ms, also if one is early, and each of 200: at least every 250
SWEEP_EVERY_US = 600_000_000  # whether a recording's time is over is looked at every ten minutes


class Controller(Kept):
    """Implements `snapshot.Agent`. Main thread only, but for what `Kept` names."""

    def __init__(self, profile: Profile, vault: Vault, ledger: Ledger, world: World) -> None:
        """Read what survived the last run, and finish what a crash interrupted. Nothing is recorded yet.

        Raises:
            CaptureAgentError: Profile, ledger or vault cannot be used as they are; nothing was changed.
        """
        self._profile = profile
        self._vault = vault
        self._world = world
        self._holdings = Holdings(profile, vault, ledger, world.wall)
        self._agreement = Agreement(ledger, world.wall, HighWater(vault.secrets))
        self._memory = Memory(profile.state)
        self._remember = self._memory.change
        self._monitoring = MonitoringNotice(ledger, world.wall)
        self._tasks = Tasks(self._put, world.now_us, kept_task(vault.secrets))
        self._studio = AgreedStudio(self._agreement, self._holdings, world, self._tasks.opening_events, self._sealed)
        self._pauses = Pauses(world, self._memory)
        self._recorder = Recorder(self._studio, world.now_us, paused=self._pauses.stands)
        self._rhythm = Rhythm(self._recorder, world, self._agreement, self._holdings)
        self._unproved = False
        self._recording_since: datetime | None = None
        self._forgetting = Forgetting(self._holdings.shelf, self._holdings.intents, self._studio.ages)
        self._leaving = Leaving(self._agreement, self._holdings, lambda: self._memory.now, self._remember)
        self._expiry = Expiry(self._holdings, self._memory)
        with self._holdings.shelf.store.one_look():  # nothing is recorded yet
            self._recovered = self._holdings.recover()
            self.reload()
            self._sweep()

    # --- what is

    @property
    def recording_state(self) -> State:
        """The recorder's state."""
        return self._recorder.state

    @property
    def rests(self) -> bool:
        """Whether nothing waits for the next tick, which may then come later."""
        return self._recorder.rests

    @property
    def settings(self) -> Settings:
        """What the person chose."""
        return self._agreement.settings

    def snapshot(self) -> Snapshot:
        """Return the state as it is now."""
        agreement, captured, apps = self._agreement, self._agreement.captured, self._agreement.apps
        unseen = status.unseen_text(self._recorder.state, captured, apps, self._world.unseen_fields())
        problem, hint = status.trouble(
            self._recorder.state,
            self._recorder.fault or self._problem,
            waiting=self._rhythm.hinders,
            closed=(agreement.closed_because(), agreement.closed_hint),
            ended=agreement.ended and not agreement.refused,
            unproved=self._unproved,
            recovered=self._recovered,
            widened=bool(agreement.widened),
        )
        return Snapshot(
            state=self._recorder.state,
            joined=agreement.policy,
            offer=agreement.offer,
            consented=captured,
            apps=apps,
            must_ask=agreement.must_ask,
            refused=agreement.refused,
            widened=agreement.widened,
            agreed_until=agreement.until,
            problem=problem,
            hint=hint,
            paused_until=self._pauses.until,
            resumes_in=self._pauses.resumes_in,
            pause_note=self._pauses.note,
            pause_keys=agreement.settings.pause_hotkey,
            recording_since=self._recording_since,
            task=self._tasks.current,
            waiting=self._rhythm.hinders,
            held=self._held,
            not_recorded=status.not_recorded(self._recorder.state, captured, apps, unseen, self._world.limits()),
            unseen_text=unseen,
            just_now=status.just_now(self._recorder.state, self._recorder.withholding),
            can_leave=agreement.policy is not None or bool(self._memory.now.joined),
            keyring=self._vault.secrets.kind,
            going=self._holdings.intents.going,
            decided=self._holdings.decided,
            acknowledge=self._monitoring.due(agreement.policy),
        )

    # --- time passes

    def tick(self) -> None:
        """Notice what died and who left, and mark. Called every 100 ms, and every 200 ms while it `rests`.

        If the last one was a moment ago and nothing is over since, it does no more than that.
        """
        now = self._world.now_us()
        self._recorder.check()
        if self._rhythm.look():
            self._tended_us = 0  # goes on in a new session as soon as it can
        if now - self._tended_us >= TEND_EVERY_US or self._agreement.is_over:
            self._tend(now)
        else:
            self._recorder.mark()

    def _tend(self, now: int) -> None:
        """Prove, mark, and do what is due by the clock."""
        self._tended_us = now
        self._agreement.notice_time()
        if self._recorder.state in {State.RECORDING, State.SUSPENDED}:
            self._prove()
            self._recorder.mark()
            if self._agreement.closed_because():
                self._narrowed()
        elif self._recorder.state is State.PAUSED and self._pauses.over():
            with self._noting():  # no click, so nothing comes back that files took away
                self._go_on()
        if self._agreement.just_over:
            self._narrowed()
            with self._noting(), self._holdings.lock:
                self._agreement.note_over()
        if self._recorder.state is not State.RECORDING:
            self._recording_since = None
        with self._noting():
            if self._holdings.intents.finish_due():
                self.reload()  # what hindered it is no problem any more
                self._count()
        if now - self._swept_us >= SWEEP_EVERY_US:
            self._sweep()

    def _prove(self) -> None:
        proved = self._world.prove_indicator()
        self._unproved = not proved
        if proved and self._recorder.state is State.SUSPENDED and self._rhythm.hinders is None:
            self._world.announce_recording()
            self._recorder.give(Input.CLEAR)
            self._recording_since = self._world.wall()
        elif not proved:
            self._recorder.give(Input.HINDER)

    def _sweep(self) -> None:
        """Destroy recordings whose time is over. What cannot be done now (a locked keyring) is tried again later."""
        self._swept_us = self._world.now_us()
        with self._noting():
            self._leaving.catch_up()
        with self._noting():
            self._agreement.keep_time()
        with self._noting():
            if isinstance(self._problem, ClockError):
                self._problem = None
            self._expiry.sweep(self._world.wall(), self._swept_us + self._world.presence().slept_us)
        with self._noting():
            self._count()

    def reload(self) -> None:
        """Read study and settings again. A file that is wrong changes nothing, and the tray says so.

        What was agreed and is no longer offered is not captured from now on.
        """
        joined, settings, self._problem = self._agreement.policy, self._agreement.settings, None
        with self._noting():
            settings = self._world.settings()
        with self._noting():
            joined = self._world.joined_study(self._memory.now.study_file)
            if joined is None and self._memory.now.joined == "own":
                joined = own_policy()
        if self._problem is not None and self._agreement.policy is None:
            return  # the last good files stay in force; at a start there are none, so nothing can begin
        try:
            with self._holdings.lock:
                self._agreement.use(joined, settings)
        except CaptureAgentError as error:
            # It is in force all the same; what could not be written down is found anew at the next start.
            self._problem = error
        finally:
            self._narrowed()

    def _narrowed(self) -> None:
        """Obey after consent, policy or settings changed: go on with less, or not at all."""
        if not self._agreement.captured:
            self._leave()
        elif self._recorder.state is State.OFF and self._pauses.stands:
            self._recorder.give(Input.RETURN)
            with self._noting():
                self._pauses.begin(None)
        elif self._studio.outdated():
            self._recorder.split(Reason.CONSENT)
            self._tended_us = 0
        elif self._recorder.state is State.RECORDING:
            # Sources are made for what is agreed: start a fresh stretch with what is left.
            self._recorder.give(Input.HINDER)
            self._tended_us = 0
        else:
            self._recorder.apply_rules()

    def _leave(self) -> None:
        """Stop, as there is nothing to record now. A pause is remembered: only the person ends one."""
        self._agreement.end()
        if self._recorder.state in {State.RECORDING, State.SUSPENDED, State.PAUSED}:
            self._recorder.give(Input.LEAVE)
            self._pauses.cover()

    # --- joining and consent

    def read_study(self, path: str) -> Policy:
        """Return the study in a file, checked, without joining it."""
        return self._world.read_study(Path(path))

    def join(self, path: str) -> None:
        """Join the study in a file."""
        policy = self._world.read_study(Path(path))
        self._agreement.check(policy)
        self._remember(joined="study", study_path=str(Path(path).resolve()))
        self._join(policy)

    def choose_own(self) -> None:
        """Record for myself."""
        self._remember(joined="own", study_path="")
        self._join(own_policy())

    def _join(self, policy: Policy) -> None:
        self._leave()
        with self._holdings.lock:
            self._agreement.use(policy, self._world.settings())
            self._agreement.join(policy)
        self.reload()  # from now on a study's file is watched, and a system policy still wins

    def asked(self) -> None:
        """The panel is shown now."""
        with self._holdings.lock:
            self._agreement.ask()

    def accept(self, categories: frozenset[Category], apps: frozenset[str], locale: str, shown_text: str) -> None:
        """Agree."""
        with self._holdings.lock:
            self._agreement.accept(categories, apps, locale, shown_text)
        self._agreement.end()  # a click, too
        self._narrowed()

    def refuse(self) -> None:
        """Refuse everything that is asked."""
        try:
            with self._holdings.lock:
                self._agreement.refuse()
        finally:
            self._narrowed()

    def acknowledge(self, locale: str, shown_text: str) -> None:
        """Note that the monitoring notice was read. It permits nothing."""
        with self._holdings.lock:
            self._monitoring.acknowledge(self._agreement.policy, locale, shown_text)

    def withdraw(self, *, destroy: bool) -> None:
        """Opt out: capture stops first, whatever else can or cannot be done. See `Leaving`."""
        policy = self._agreement.policy
        study = self._agreement.ledger.current_study if policy is None else policy.study
        try:
            self._leave()
        finally:
            try:
                self._leaving.withdraw(study, destroy=destroy)
                with self._noting():  # at worst what is agreed to next comes up paused
                    self._pauses.end()
            finally:
                self._tasks.drop()
                self._remember_task()
                # Also if no file can be read now that says what is in force instead.
                self._agreement.use(None, self._agreement.settings)
                self.reload()
                self._count()

    def withdraw_category(self, category: Category) -> None:
        """Stop recording one category. What is left goes on in a fresh stretch; the last one is an opt-out."""
        if not self._agreement.standing.categories - {category}:
            self.withdraw(destroy=False)
            return
        self._agreement.take_back(category)
        self._narrowed()
        with self._holdings.lock:
            self._holdings.reserve.spend(lambda: self._agreement.withdraw_category(category))

    def agreed(self) -> tuple[Agreed, ...]:
        """Return where each consent that was ever asked for stands."""
        return self._agreement.rows()

    def known_apps(self) -> Mapping[str, str]:
        """Return programs that have a window now."""
        return self._world.known_apps()

    # --- recording

    def start(self) -> None:
        """Start recording.

        Raises:
            ConsentError: Nothing was agreed to.
        """
        if self._recorder.state in {State.RECORDING, State.SUSPENDED}:
            return
        self._agreement.begin()
        self._go_on()

    def _go_on(self) -> None:
        if not self._agreement.captured:
            self._agreement.end()
            reason = self._agreement.closed_because() or say("Nothing was agreed to, so nothing can be recorded.")
            raise ConsentError(reason, hint="Open the window and read what is asked.")
        self._tended_us = 0
        self._recorder.give(Input.RESUME if self._recorder.state is State.PAUSED else Input.START)
        self._recovered = 0
        self._pauses.end()

    def pause(self, minutes: int | None) -> None:
        """Pause at once. What survives a restart is written after capture has stopped."""
        ends = self._recorder.state is not State.FAULT  # what had ended does not begin by itself
        self._recorder.give(Input.PAUSE)
        if self._recorder.state is State.PAUSED:
            self._pauses.begin(minutes if ends else None)

    def resume(self) -> None:
        """Go on recording."""
        if self._recorder.state is State.PAUSED:
            self.start()

    def stop(self) -> None:
        """Seal the session and stop."""
        self._recorder.give(Input.STOP)
        self._agreement.end()
        self._pauses.end()
        self._count()

    def shut_down(self) -> None:
        """Seal what is open. A pause outlives the process: it comes back paused."""
        self._recorder.give(Input.STOP)
        with self._noting():
            self._agreement.keep_time(at_once=True)
        self._remember(paused=self._pauses.stands)
        with self._noting():  # what cannot be done now is done at the next start
            self._holdings.intents.finish()

    def fail(self, error: CaptureAgentError) -> None:
        """Stop because of `error`, sealed as far as it got."""
        self._recorder.fail(error)

    def _sealed(self, writer: Writer, complete: bool) -> None:
        """Remove a session again that holds nothing. That this fails is told, and stops nothing."""
        with self._noting():
            self._holdings.drop_empty(writer, complete=complete)
            self._count()

    def _put(self, event: Event) -> bool:
        return self._recorder.put(event)
