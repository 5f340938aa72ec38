"""The controller through the days: what it does by the clock, and who is at the computer.

It adds to what the person asks for; nothing here records more than a click of theirs stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from capture_agent.core.day import Happening
from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.never import NeverRule
from capture_agent.core.recording import State
from capture_agent.core.schedule import Schedule
from capture_agent.core.splitting import Reason
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.changes import PLACES, Changes, Place
from capture_agent.session.controller import Controller
from capture_agent.session.daybook import Daybook, in_words
from capture_agent.session.hours import Hours, Move
from capture_agent.session.login import Login
from capture_agent.session.profile import Profile
from capture_agent.session.snapshot import Snapshot
from capture_agent.session.waking import Waking
from capture_agent.session.world import World


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
        self._rhythm.who = self._agreement.standing.shared

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
            self._waking.follow(self._agreement.standing.waking and Category.KEYBOARD in self._agreement.captured)
            state, hinders = self._recorder.state, self._rhythm.hinders
            reason = None if hinders is None else hinders.value
            if self._daybook.due(state, reason):
                self._daybook.tick(state, reason, self._recorder.withheld_us)
                self._tell_if(Happening.IDLE if hinders is Reason.IDLE else Happening.TIME)

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
        try:
            super().shut_down()
        finally:
            with self._noting():
                self._daybook.save()
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
