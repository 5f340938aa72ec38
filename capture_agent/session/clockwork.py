"""The controller through the days: what it does by the clock, and who is at the computer.

It adds to what the person asks for; nothing here records more than a click of theirs stands for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from capture_agent.core.day import Happening
from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.hold import HOLD_LIMIT_DAYS, Hold, Stage
from capture_agent.core.never import NeverRule
from capture_agent.core.progress import Progress, silent
from capture_agent.core.recording import State
from capture_agent.core.schedule import Schedule
from capture_agent.core.splitting import Reason
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.changes import PLACES, Changes, Place
from capture_agent.session.controller import Controller
from capture_agent.session.daybook import Daybook, in_words
from capture_agent.session.delivering import Delivering
from capture_agent.session.finishing import Finishing
from capture_agent.session.holding import Holding
from capture_agent.session.hours import Hours, Move
from capture_agent.session.login import Login
from capture_agent.session.profile import Profile
from capture_agent.session.snapshot import HeldSession, Snapshot
from capture_agent.session.status import nearly_full
from capture_agent.session.waking import Waking
from capture_agent.session.world import World

HOLD_EVERY_US = 600_000_000  # the days of the hold are counted every ten minutes: a crash loses no more of them


class Clockwork(Controller):
    """Implements `snapshot.Agent`. Main thread only, as `Controller`."""

    def __init__(
        self, profile: Profile, vault: Vault, ledger: Ledger, world: World, places: Mapping[str, Place] = PLACES
    ) -> None:
        """See `Controller`. `places`: where the person's session can be changed."""
        super().__init__(profile, vault, ledger, world)
        self._hours = Hours(self._agreement, world, self._memory, self._can_begin)
        self._changes = Changes(profile.changes, places)
        self._login = Login(self._changes, profile.autostart)
        self._waking = Waking(self._changes)
        with self._noting():
            self._changes.undo_all(lasting=False)  # a crash left it
        self._rhythm.locked_anew = self._note_lock
        self._daybook = Daybook(profile.day, world)
        self.delivering = Delivering(self._holdings.shelf, world.now_us, self._metered, self._rate, world.addresses)
        self._finishing = Finishing(self._holdings.intents)
        self._rhythm.who = self._agreement.standing.shared
        self._holding = Holding(profile.hold, vault.secrets, world)
        self._held_us, self._held_seen = 0, (0, 0, 0, 0, len(ledger.entries))  # they are counted by now
        self._soon: tuple[str, ...] = ()
        self._due: tuple[str, ...] = ()

    def snapshot(self) -> Snapshot:
        """Return the state as it is now."""
        return replace(
            super().snapshot(),
            schedule=self._hours.schedule,
            shared=self._agreement.standing.shared,
            at_login=self._login.on,
            waking=self._agreement.standing.waking,
            woken=self._waking.woken,
            starts_in=self._hours.starts_in,
            today=self._daybook.day.whole_minutes(),
            never=tuple(sorted(self._agreement.never)),
            hours_over=self._hours.over and self._recorder.state is State.OFF,
            hold_days=self._hold_days or None,
            soon=self._soon,
            due=self._due,
            room=self._rhythm.room.now.shown(),
            delivery=self.delivering.state,
        )

    def tick(self) -> None:
        """As the controller's, for who is there as far as that was said."""
        self._rhythm.shared = self._agreement.standing.shared
        super().tick()

    def _tend(self, now: int) -> None:
        """Begin, end and wait as the hours say, then do what the controller does."""
        with self._noting():
            match self._hours.tick(self._recorder.state):
                case Move.BEGIN:
                    self.start()
                    return  # with the next tick, after a look at who is there
                case Move.END:
                    super().stop()
                    self._tell_if(Happening.HOURS_END)
                case Move.NOTHING:
                    pass
        super()._tend(now)
        with self._noting():
            if self._finishing.tick():
                self._count()
                if self._problem is not None:  # what hindered it is none any more; else recording goes on undisturbed
                    self.reload()
        self.delivering.tick()
        with self._noting():
            if self._rhythm.room.to_tell():
                self._world.tell(*nearly_full(self._rhythm.room.now))
            self._waking.follow(self._agreement.standing.waking and Category.KEYBOARD in self._agreement.captured)
            state, hinders = self._recorder.state, self._rhythm.hinders
            reason = None if hinders is None else hinders.value
            if self._daybook.due(state, reason):
                self._daybook.tick(state, reason, self._recorder.withheld_us)
                self._tell_if(Happening.IDLE if hinders is Reason.IDLE else Happening.TIME)
        with self._noting():
            self._hold()

    def quitting(self) -> bool:
        """Tell of the day if the person quits at its end; return whether there is something to be read first."""
        with self._noting():
            return self._tell_if(Happening.QUIT)
        return False

    def _tell_if(self, happening: Happening) -> bool:
        day = self._daybook.ended(happening)
        if day is not None:
            self._world.tell(*in_words(day, self._held, self._daybook.today()))
        return day is not None

    def stop(self) -> None:
        """Seal the session and stop; recording does not begin by itself again in the hours that are now."""
        super().stop()
        self._hours.skip()

    def shut_down(self) -> None:
        """Seal what is open, and undo what was changed for as long as the program runs."""
        self._finishing.close()
        try:
            super().shut_down()
        finally:
            self.delivering.close()
            with self._noting():
                self._daybook.save()
            with self._noting():
                self._hold(at_once=True)
            with self._noting():
                self._changes.undo_all(lasting=False)

    def _can_begin(self) -> bool:
        return bool(self._agreement.captured)

    def _go_on(self) -> None:
        if not self._hours.allowed:
            offer = self._agreement.offer
            hours = " / ".join(str(one) for one in ([] if offer is None else offer.schedules))
            raise ConsentError(
                "nothing is recorded at this time of the day, only {hours}",
                hint="Start again in these hours.",
                hours=hours,
            )
        if self._recorder.state is not State.PAUSED:
            self._rhythm.ask_who()
        super()._go_on()

    def deliver(self) -> None:
        """Try at once to deliver what the person shared."""
        self.delivering.now()

    def finish_forgetting(self) -> None:
        """Take out of recordings what was forgotten. Slow; any thread."""
        self._finishing.run()

    def _metered(self) -> bool:
        return not self._agreement.settings.deliver_on_metered and self._world.metered()

    def _rate(self) -> int | None:
        return self._agreement.settings.delivery_rate

    # --- who is there

    def it_is_me(self) -> None:
        """Say that the person who agreed is at the computer."""
        self._rhythm.who = False
        self._tended_us = 0

    def not_me(self) -> None:
        """Pause, and forget everything since the screen was locked last.

        Raises:
            ConsentError: This is no shared computer.
        """
        if not self._agreement.standing.shared:
            raise ConsentError(
                "this computer is not shared", hint="To forget what was recorded, use Forget; to pause, use Pause."
            )
        back = timedelta(microseconds=self._rhythm.back_us())
        if self._memory.now.locked:  # by a run before this one, perhaps; whichever is longer ago
            back = max(back, self._world.wall() - datetime.fromisoformat(self._memory.now.locked))
        self.pause(None)
        self._rhythm.ask_who()
        self.forget_since(back)

    def _note_lock(self) -> None:
        if self._agreement.standing.shared:
            with self._noting():
                self._memory.change(locked=self._world.wall().isoformat(timespec="seconds"))

    # --- what the person chooses

    def never_record(self, rule: NeverRule) -> None:
        """Keep something out from now on."""
        self._world.change_never(rule, on=True)
        self.reload()

    def allow_again(self, rule: NeverRule) -> None:
        """Take such a rule back."""
        self._world.change_never(rule, on=False)
        self._agreement.allow_again(rule)
        self.reload()

    def choose_schedule(self, schedule: Schedule | None) -> None:
        """Let recording begin by itself in these days and hours; None: never."""
        if schedule == self._hours.schedule:
            return
        if schedule is None:
            self._note_choice(Kind.UNSCHEDULED, {})
        else:
            self._note_choice(Kind.SCHEDULED, {"schedule": str(schedule)})

    def choose_start_at_login(self, on: bool) -> None:
        """Start the program when the person logs in, or do not any more. That records nothing."""
        self._login.switch(on)

    def choose_waking(self, on: bool) -> None:
        """Switch accessibility on in the person's session while the program runs, or do not any more."""
        if on != self._agreement.standing.waking:
            self._note_choice(Kind.WAKING if on else Kind.NOT_WAKING, {})

    def choose_hold(self, days: int | None) -> None:
        """Let recordings be shared by themselves after so many days of use; None: by hand alone.

        Raises:
            ConsentError: Nothing was agreed to, or there is nobody to share with.
        """
        policy = self._agreement.policy
        if days is None:
            if self._agreement.standing.hold_days is not None:
                self._note_choice(Kind.SHARING_BY_HAND, {})
        elif policy is None or policy.is_own or not self._agreement.standing.consent.permitting():
            raise ConsentError("nothing was agreed to for anybody", hint="Agree in the window first.")
        else:
            least = max(1, days, policy.min_hold_days)
            self._note_choice(Kind.SHARING_ITSELF, {"days": min(least, HOLD_LIMIT_DAYS)})
        self._hold(at_once=True)

    def choose_shared(self, shared: bool) -> None:
        """Ask at each start and after each unlock who is there, or do not any more."""
        if shared != self._agreement.standing.shared:
            self._note_choice(Kind.SHARED if shared else Kind.UNSHARED, {})
        self._rhythm.shared = shared
        if not shared:
            self.it_is_me()

    def _note_choice(self, kind: Kind, body: dict[str, object]) -> None:
        with self._holdings.lock:
            self._agreement.note(kind, body)

    # --- sharing by itself

    @property
    def _hold_days(self) -> int:
        """For how many days of use recordings are held before they are shared by themselves; 0: they never are."""
        chosen, policy = self._agreement.standing.hold_days, self._agreement.policy
        return 0 if chosen is None or policy is None else max(chosen, policy.min_hold_days)

    def _hold(self, *, at_once: bool = False) -> None:
        """Count the days, and find what is to be told of and shared, when it may have changed and every ten minutes."""
        days = 0 if self._agreement.closed_because() else self._hold_days
        policy, chosen = self._agreement.policy, self._agreement.standing.hold_chosen
        touched = self._holdings.shelf.touched
        entries = len(self._agreement.ledger.entries)  # what was released or cut on another thread shows there
        if entries != self._held_seen[-1]:
            self._count()
        now, seen = self._world.now_us(), (days, chosen, self._held, touched.total(), entries)
        if not at_once and seen == self._held_seen and now - self._held_us < HOLD_EVERY_US:
            return
        self._held_us, self._held_seen = now, seen
        self._soon = self._due = ()
        if policy is not None and days:
            waiting = [one.id for one in super().sessions() if _is_held(one) and one.study == policy.study]
            with self._holdings.lock:
                self._holding.look(waiting, touched, chosen)
            self._soon = self._holding.those(Stage.SOON, days)
            self._due = self._holding.those(Stage.DUE, days)

    def sessions(self) -> tuple[HeldSession, ...]:
        """Return the sessions, newest first; of those that are shared by themselves, when."""
        days, lines = self._hold_days, super().sessions()
        left = {one.id: self._holding.days_left(one.id, days) for one in lines if days and _is_held(one)}
        return tuple(one if left.get(one.id) is None else replace(one, shares_in=left[one.id]) for one in lines)

    def release_due(self, session: str, progress: Progress = silent) -> tuple[str, ...]:
        """Release a recording of which the hold is over. Slow; any thread."""

        def still() -> bool:
            return bool(self._hold_days) and self._holding.hold.stage(session, self._hold_days) is Stage.DUE

        if not still():
            raise ConsentError("this recording is not shared by itself now", hint="You can share it by hand.")
        return self._release(session, progress, still, self._agreement.standing.hold_chosen)

    def told(self, sessions: Collection[str]) -> None:
        """Note that the person was told of these."""
        soon = set(self._holding.those(Stage.SOON, self._hold_days))
        self._change(self._holding.hold.told(soon & set(sessions)))

    def keep(self, session: str) -> None:
        """Let a recording not be shared by itself any more."""
        self._change(self._holding.hold.keep([session]))

    def looked_at(self, session: str) -> None:
        """Hold a recording anew: the person looks at it."""
        if self._hold_days:
            self._change(self._holding.hold.anew([session]))

    def _change(self, hold: Hold) -> None:
        self._holding.hold = hold
        self._hold(at_once=True)


def _is_held(session: HeldSession) -> bool:
    return session.state == "held" and session.is_open
