"""What the agent is doing now, as frozen values: all that windows, tray and commands ever see of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from capture_agent.core.consent import State as ConsentState
from capture_agent.core.day import Day
from capture_agent.core.events import Category, Outcome
from capture_agent.core.never import NeverRule
from capture_agent.core.policy import Effective, Policy, Widening
from capture_agent.core.progress import Progress, silent
from capture_agent.core.recording import State
from capture_agent.core.room import ENOUGH, Room
from capture_agent.core.schedule import Schedule
from capture_agent.core.splitting import Reason

if TYPE_CHECKING:
    from capture_agent.held.cut import Span
    from capture_agent.held.spans import What
    from capture_agent.held.timeline import TaskTime
    from capture_agent.ledger.my_data import SharedFile
    from capture_agent.session.my_data import Saved
    from capture_agent.session.retelling import Edit
    from capture_agent.session.review import Begun, Review


@dataclass(frozen=True, slots=True)
class Task:
    """The task that is going on."""

    id: str
    text: str
    started: datetime


@dataclass(frozen=True, slots=True)
class HeldSession:
    """One line of *My recordings*. Times are wall clock, UTC; sizes bytes; `days_left` until it expires."""

    id: str
    study: str
    started: datetime
    seconds: float
    size: int
    state: str  # "recording" | "held" | "released" | "delivered" | "withdrawn" | "expired" | "damaged"
    complete: bool
    days_left: int
    released_to: tuple[str, ...] = ()
    here: bool = True  # on this disk; what was shared or is over is listed without it, too
    pending: bool = False  # withdrawn, and the file that tells its readers could not be written yet
    shares_in: int | None = None  # days of use, this one included, until it is shared by itself; None: by hand alone
    delivered_to: tuple[str, ...] = ()  # where files of it arrived: what was shared, or that it is withdrawn
    waiting: bool = False  # some of them have not arrived yet
    cuts: tuple[WaitingCut, ...] = ()  # marked to be cut out; until they are, length and size are those of all of it
    later_readers: tuple[str, ...] = ()  # of what was shared: who may get it, as was agreed to since, and has not
    deleted_until: datetime | None = None  # until when what was deleted can be put back; nothing else is done with it

    @property
    def is_shared(self) -> bool:
        """Whether others can read it, or soon can, and it is not withdrawn."""
        return self.state in {"released", "delivered"}

    @property
    def is_open(self) -> bool:
        """Whether it is here, can be looked into, and something can be made of it."""
        return self.here and self.deleted_until is None and self.state not in {"recording", "expired", "damaged"}


@dataclass(frozen=True, slots=True)
class Shared:
    """A recording that was released: when (UTC), and to whom. What has left this computer cannot be forgotten here."""

    session: str
    when: datetime
    to: tuple[str, ...]
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was shared, or withdrawn, and has not arrived where it goes `to`. `again`: when it is tried next, UTC.

    `problem` and `hint` say why the last try failed, `code` is the exit code that stands for it.
    """

    waiting: int
    to: tuple[str, ...]
    going: bool = False
    problem: str = ""
    hint: str = ""
    code: int = 0
    again: datetime | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A recording that was shared and is withdrawn. `files` tell its readers; none while that is `pending`.

    `places`: where they are delivered by themselves; with none, the person hands them over.
    """

    session: str
    to: tuple[str, ...]
    files: tuple[str, ...]
    pending: bool
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting takes, or took: from when to when (wall clock, UTC), and of how many recordings.

    `whole` of them go completely. `tasks` are those begun in that time, as far as it is known what they were.
    """

    since: datetime
    until: datetime
    recordings: int
    whole: int = 0
    tasks: tuple[str, ...] = ()
    shared: tuple[Shared, ...] = ()


@dataclass(frozen=True, slots=True)
class Going:
    """Recordings that are destroyed when `until` (wall clock, UTC) comes, because the person opted out."""

    until: datetime
    recordings: int


@dataclass(frozen=True, slots=True)
class WaitingCut:
    """What is to be cut out of a recording, and can still be undone. Nobody gets it meanwhile."""

    number: int
    what: What
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """Where one consent stands: for what, what of, its state (W3C DPV), since when, and when it is over. UTC."""

    purpose: str
    category: Category
    state: ConsentState
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole visible state. Immutable; a new one is made for every change."""

    state: State
    joined: Policy | None  # None: first run, neither a study nor "for myself" chosen
    offer: Effective | None  # the joined policy narrowed by settings
    consented: frozenset[Category] = frozenset()
    apps: frozenset[str] = frozenset()  # programs that may be recorded
    must_ask: bool = False  # consent is missing, was invalidated or has expired
    refused: bool = False
    widened: tuple[Widening, ...] = ()  # what changed since the person agreed
    agreed_until: datetime | None = None  # when the first of what may be recorded is over, UTC
    problem: str = ""  # why the state is attention: one sentence, empty if nothing is wrong
    hint: str = ""  # what to do about `problem`
    paused_until: datetime | None = None  # None while paused: until I resume
    resumes_in: int | None = None  # s until a timed pause ends; None: no countdown is to be seen
    pause_note: str = ""  # why a timed pause did not end, in a sentence
    pause_keys: str = ""  # the hotkey that pauses, as the settings name it; empty: none
    recording_since: datetime | None = None
    task: Task | None = None
    waiting: Reason | None = None  # why a guard lets nothing be recorded now, though the person wants to
    held: int = 0  # sessions waiting for review
    not_recorded: tuple[str, ...] = ()  # what is not recorded now and why, in sentences
    unseen_text: tuple[str, ...] = ()  # of these, the programs whose text is not kept as their fields cannot be seen
    just_now: str = ""  # what is not recorded at this moment and why, in a sentence; empty: nothing of this sort
    broken: bool = False  # the profile does not fit together: nothing is recorded, and what was agreed is not known
    can_leave: bool = False  # there is something to opt out of, also where `joined` cannot say what
    keyring: str = "os"  # "os", or "passphrase" when no OS keyring could be used
    schedule: Schedule | None = None  # when recording begins by itself
    shared: bool = False  # several people use this computer
    at_login: bool = False  # the program starts when the person logs in
    waking: bool = False  # accessibility may be switched on in the person's session, for as long as the program runs
    woken: bool = False  # … and was: it was off before
    starts_in: int | None = None  # s until recording begins by itself; None: no countdown is to be seen
    today: Day | None = None  # the sums of this day, in whole minutes
    hours_over: bool = False  # nothing is recorded because the hours for it have ended
    acknowledge: bool = False  # the study has a monitoring notice that was not read yet
    decided: bool = False  # there are receipts
    never: tuple[NeverRule, ...] = ()  # what the person keeps out, whatever was agreed to
    going: Going | None = None  # what opting out or deleting is about to destroy, while that can be undone
    hold_days: int | None = None  # recordings are shared by themselves after so many days of use; None: by hand alone
    soon: tuple[str, ...] = ()  # those that are shared by themselves after one more day, and the person was not told
    due: tuple[str, ...] = ()  # those to be shared by themselves now
    room: Room = ENOUGH  # what recordings take on the disk and may take, in whole megabytes, when it has to be said
    delivery: Delivery | None = None  # what was shared and has not arrived yet

    @property
    def attention(self) -> bool:
        """Whether the person has to look."""
        return bool(self.problem)


class Agent(Protocol):
    """What windows, tray and commands may ask for. Everything here runs on the main thread and returns at once.

    Methods raise `CaptureAgentError` when they cannot do what is asked; the message is for people.
    Those marked *click* are called only from a click of the person in a window; no command, file,
    message or setting reaches them.
    """

    def snapshot(self) -> Snapshot:
        """Return the state as it is now."""

    @property
    def recording_state(self) -> State:
        """The recorder's state, which alone costs nothing to ask."""

    # --- joining and consent
    def read_study(self, path: str) -> Policy:
        """Return the study in a file, checked, without joining it."""

    def join(self, path: str) -> None:
        """*click* Join the study in a file. Nothing is recorded before consent."""

    def choose_own(self) -> None:
        """*click* Record for myself: built-in notice, own device key only, no destination, 30 days."""

    def asked(self) -> None:
        """The panel is shown now."""

    def accept(self, categories: frozenset[Category], apps: frozenset[str], locale: str, shown_text: str) -> None:
        """*click* Agree to `categories` and `apps`, having read `shown_text` as the widget rendered it."""

    def refuse(self) -> None:
        """*click* Refuse everything that is asked."""

    def acknowledge(self, locale: str, shown_text: str) -> None:
        """*click* Note that the monitoring notice was read, as the widget rendered it. It permits nothing."""

    def receipts(self) -> tuple[Mapping[str, Any], ...]:
        """Return the receipt of every decision, oldest first, as `ledger.receipt_json` makes it."""

    def my_data(self) -> tuple[SharedFile, ...]:
        """Return every file that was ever shared, the newest first: what others have of this person."""

    def save_my_data(self, out: str, locale: str, progress: Progress = silent) -> Saved:
        """Write all that is here of this person into a new folder. Slow; any thread. Stopped as `release`."""

    def withdraw(self, *, destroy: bool) -> None:
        """Opt out: stop at once; with `destroy`, unreleased sessions can never be opened again.

        For a moment `undo` keeps them; `Snapshot.going` says for how long.
        """

    def undo(self) -> None:
        """*click* Keep the recordings that are about to be destroyed. Consent does not come back."""

    def withdraw_category(self, category: Category) -> None:
        """Stop recording one category, and go on with the others. The last one is an opt-out without deleting."""

    def agreed(self) -> tuple[Agreed, ...]:
        """Return where each consent that is offered, or was ever asked for, stands."""

    def known_apps(self) -> Mapping[str, str]:
        """Return programs that have a window now or had one lately: name for rules → title for people."""

    def never_record(self, rule: NeverRule) -> None:
        """Keep something out from now on, whatever was agreed to; what still waits to be written included."""

    def allow_again(self, rule: NeverRule) -> None:
        """*click* Take such a rule back. What it kept out is recorded as far as it was agreed to, and no further."""

    # --- recording
    def start(self) -> None:
        """*click* Start recording."""

    def pause(self, minutes: int | None) -> None:
        """Pause at once, for `minutes` or until resumed."""

    def resume(self) -> None:
        """*click* Go on recording."""

    def stop(self) -> None:
        """Seal the session and stop."""

    def it_is_me(self) -> None:
        """*click* Say that the person who agreed is at this shared computer."""

    def not_me(self) -> None:
        """Pause, and forget everything since the screen was locked last: somebody else is at this shared computer."""

    def quitting(self) -> bool:
        """Tell of the day if the person quits at its end; return whether there is something to be read first."""

    # --- when recording begins by itself
    def choose_schedule(self, schedule: Schedule | None) -> None:
        """*click* Let recording begin by itself in these days and hours; None: never."""

    def choose_start_at_login(self, on: bool) -> None:
        """*click* Start the program when the person logs in, or do not any more."""

    def choose_waking(self, on: bool) -> None:
        """*click* Switch accessibility on in the person's session while the program runs, or do not any more."""

    def choose_hold(self, days: int | None) -> None:
        """*click* Let recordings be shared by themselves after so many days of use; None: by hand alone."""

    def choose_shared(self, shared: bool) -> None:
        """*click* Ask at each start and after each unlock who is there, or do not any more."""

    # --- forgetting
    def would_forget(self, minutes: int) -> Forgotten:
        """Return what forgetting the last minutes would take, and what it could not. Changes nothing."""

    def forget(self, minutes: int) -> Forgotten:
        """Forget the last minutes of every recording: nobody has them any more. Recording goes on, in a new one."""

    def finish_forgetting(self) -> None:
        """Return when what was forgotten is taken out, and no key opens an older copy. Slow; any thread."""

    # --- tasks
    def start_task(self, text: str) -> Task:
        """Begin a task; one that is going on ends as not judged ("gave up" is never assumed)."""

    def finish_task(self, outcome: Outcome, difficulty: int | None, note: str) -> None:
        """End the task that is going on."""

    # --- held sessions
    def sessions(self) -> tuple[HeldSession, ...]:
        """Return the sessions on this disk, newest first."""

    def release(self, session: str, progress: Progress = silent) -> tuple[str, ...]:
        """*click* Compose and sign bundles for those who have none; return their paths. Slow; any thread.

        Stopped by a `progress` that raises `CancelledError`: then there is no bundle, and nothing is noted.
        """

    def release_due(self, session: str, progress: Progress = silent) -> tuple[str, ...]:
        """Release one of `Snapshot.due`, as the person chose; else as `release`. Slow; any thread."""

    def told(self, sessions: Collection[str]) -> None:
        """Say that the person has seen that these are shared by themselves soon: without that none is."""

    def keep(self, session: str) -> None:
        """Let a recording not be shared by itself any more. Nothing else narrows by it."""

    def looked_at(self, session: str) -> None:
        """Say that the person looks at a recording: its hold begins anew."""

    def open_own(self, session: str, out: str, progress: Progress = silent) -> None:
        """Write one's own session, opened, into a new folder. Slow; any thread. Stopped as `release`: no folder."""

    def review(self, session: str, progress: Progress = silent, begun: Begun | None = None) -> Review:
        """Return one's own session to look at, in memory alone; `begun` is told its beginning at once. As `release`."""

    def cut(self, session: str, spans: Sequence[Span], what: What) -> None:
        """*click* Mark spans of a held session to be cut out: nothing that is made of it from now on has them.

        They can be undone until it is shared, or `cut_for_good`; crashes and restarts change nothing.
        """

    def cuts(self, session: str) -> tuple[WaitingCut, ...]:
        """Return what can still be undone, oldest first."""

    def undo_cut(self, session: str, number: int) -> None:
        """*click* Keep what was marked to be cut out."""

    def cut_for_good(self, session: str, progress: Progress = silent) -> None:
        """*click* Carry out all cuts of a session. No key that exists afterwards opens an older copy.

        Slow; any thread: what stays is written anew, and nobody waits for that. Stopped as `release`: all stays marked.
        """

    def put_task(self, session: str, task: TaskTime, progress: Progress = silent) -> Edit:
        """*click* Word, judge, move or (without an id) add a task; only the `Edit` has old words. Slow; any thread."""

    def remove_task(self, session: str, task: str, progress: Progress = silent) -> Edit:
        """*click* Take a task out, by id: its words and marks, not what was recorded meanwhile. As `put_task`."""

    def undo_edit(self, session: str, edit: Edit, progress: Progress = silent) -> Edit:
        """*click* Take an edit back, if nothing was done to the recording since. As `put_task`."""

    def deliver(self) -> None:
        """Try at once to deliver what the person shared, instead of when it is due."""

    def withdraw_shared(self, session: str) -> Withdrawn:
        """Withdraw a recording that was shared, here or not: its readers are told. Withdrawing twice is as once."""

    def delete(self, *sessions: str, for_good: bool = False) -> None:
        """*click* Destroy held sessions in a day, until which `put_back` keeps them, or `for_good` now."""

    def put_back(self, *sessions: str) -> None:
        """*click* Keep sessions that were deleted."""
