"""An agent that keeps everything in memory and obeys the real tables of `core`: what the windows are tested against.

It implements `session.snapshot.Agent` whole. It records nothing, because the windows never see
what is recorded; all moves, refusals and errors are those of the real tables.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from memory_review import MemoryCuts, MemoryReview, MemoryTasks

from capture_agent.core import consent, recording
from capture_agent.core.errors import ConfigError, ConsentError, StorageError
from capture_agent.core.events import Category, Outcome
from capture_agent.core.never import NeverRule
from capture_agent.core.policy import (
    Effective,
    Notice,
    Policy,
    Recipient,
    RecipientKind,
    Settings,
    effective,
    widenings,
)
from capture_agent.core.progress import Progress, silent
from capture_agent.core.recording import State
from capture_agent.core.schedule import Schedule
from capture_agent.core.splitting import Reason
from capture_agent.held.tape import damaged
from capture_agent.ledger import notices
from capture_agent.ledger.my_data import Became, Consent, Reader, SharedFile
from capture_agent.session.my_data import Saved
from capture_agent.session.review import Begun
from capture_agent.session.snapshot import (
    Agreed,
    Forgotten,
    Going,
    HeldSession,
    Shared,
    Snapshot,
    Task,
    Withdrawn,
)
from capture_agent.settings.own_file import never_rule

ALL = frozenset(Category)
MOST = ALL - {Category.SHORTCUTS, Category.COUNTS}  # all that can be agreed to at once
NOTICE = """\
## What this is

Your work is recorded **only while you agree**, in the programs you choose, and sealed as it is written.

- You can pause at any time, with one click.
- Nothing leaves this computer until you share it.
- You can leave at any time, without giving a reason.
"""


def own_policy() -> Policy:
    """Return the policy of recording for oneself, with its real notices."""
    return notices.own_policy()


def study_policy(version: int = 1) -> Policy:
    """Return a study with two recipients and a list of tasks."""
    return Policy(
        study="desk-work",
        version=version,
        title="How people work at a desk",
        controller="Example University, Department of Informatics",
        contact="study@example.org",
        purposes={"research": "To understand how people use ordinary programs."},
        categories=ALL,
        recipients=(
            Recipient("Research group", "age1pq" + "q" * 40, RecipientKind.HYBRID, ALL),
            Recipient("Archive", "age1pq" + "z" * 40, RecipientKind.HYBRID, frozenset({Category.TASKS})),
        ),
        retention_days=60,
        notices=(Notice("en", 1, NOTICE),),
        tasks=("Book a room for Tuesday", "Write a short report", "Find last month's invoice"),
        destination="/srv/study/inbox",
    )


def nine_words(recipient: str) -> str:
    """Return nine words that depend on a key; the real ones come from `keys.age.fingerprint`."""
    stock = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "indigo", "juniper", "kestrel")
    return " ".join(stock[ord(letter) * (place + 1) % len(stock)] for place, letter in enumerate(recipient[-9:]))


def shared_file(number: int) -> SharedFile:
    """Return a file that was shared, with both recipients of that study, and withdrawn again if the number is odd."""
    policy, when = study_policy(), datetime(2026, 3, 1 + number, 9, 30, tzinfo=UTC)
    history = [Became("released", when, "", "ab" * 32)]
    if number % 2:
        history.append(Became("withdrawn", when + timedelta(days=1), "", "cd" * 32))
    return SharedFile(
        file=f"{number:032x}.capture",
        session=f"{number:032x}",
        recorded=when - timedelta(hours=2),
        seconds=1234.0,
        study=policy.study,
        title=policy.title,
        readers=tuple(Reader(one.name, nine_words(one.key)) for one in policy.recipients),
        categories=("keyboard", "pointer", "screen", "tasks", "windows"),
        consent=Consent("ef" * 32, when - timedelta(days=20)),
        history=tuple(history),
    )


class MemoryAgent(MemoryCuts, MemoryTasks):
    """See `session.snapshot.Agent`. `calls` names every request, in order."""

    def __init__(self, *, announce: Callable[[], None] = lambda: None) -> None:
        MemoryCuts.__init__(self)
        MemoryTasks.__init__(self)
        self.calls: list[str] = []
        self.accepted: list[tuple[frozenset[Category], frozenset[str], str, str]] = []
        self.read: list[tuple[str, str]] = []  # monitoring notices, as they were shown
        self.decided: tuple[dict[str, Any], ...] = ()  # receipts
        self.icon_at_start: list[str] = []  # what was announced each time before capture began
        self.announce = announce
        self.shared: tuple[SharedFile, ...] = ()  # what others have
        self.running = {"xterm": "XTerm", "mousepad": "Mousepad", "libreoffice-writer": "LibreOffice Writer"}
        self.broken: Exception | None = None  # what the next slow call raises
        self.outbox_gone = False  # whether what is withdrawn can be told to its readers
        self.slow: Callable[[], None] = lambda: None  # what a slow call waits for
        self.steps: Callable[[Progress], None] = lambda progress: None  # what a long one tells
        self._consent = consent.Consent.none()
        self._agreed: Policy | None = None
        self._studies: dict[str, Policy] = {}
        self._sessions: dict[str, HeldSession] = {}
        self._kept: dict[str, HeldSession] = {}  # what opting out is about to destroy
        self._now = Snapshot(State.OFF, None, None)

    # --- what a test arranges
    def offer_study(self, path: str, policy: Policy) -> None:
        """Put a study file into place."""
        self._studies[path] = policy

    def put(self, *sessions: HeldSession) -> None:
        """Put sessions on the disk."""
        self._sessions |= {session.id: session for session in sessions}
        self._set()

    def new_policy(self, policy: Policy) -> None:
        """Let the study's policy change, as when its file does."""
        wider = widenings(self._agreed, policy) if self._agreed is not None else ()
        if wider:
            self._consent = self._consent.apply(consent.Input.INVALIDATE, self._consent.permitting())
            self._step(recording.Input.LEAVE)
        self._now = replace(self._now, joined=policy, offer=effective(policy, Settings()), widened=wider)
        self._set()

    def hinder(self, problem: str, hint: str) -> None:
        """Let a guard or a lost indicator suspend recording."""
        self._now = replace(self._now, problem=problem, hint=hint)
        self._step(recording.Input.HINDER)

    def clear(self) -> None:
        """Let what hindered be gone: recording goes on, if it was."""
        self._now = replace(self._now, problem="", hint="")
        self._step(recording.Input.CLEAR)

    def count_down(self, seconds: int) -> None:
        """Let a timed pause be over, and its countdown have so many seconds left."""
        self._now = replace(self._now, resumes_in=seconds, pause_keys="ctrl+shift+f9")

    def stay(self, note: str) -> None:
        """Let a timed pause go on until resumed, because of what `note` says."""
        self._now = replace(self._now, resumes_in=None, paused_until=None, pause_note=note)

    def fail(self, problem: str, hint: str) -> None:
        """Let a thread die."""
        self._now = replace(self._now, problem=problem, hint=hint)
        self._step(recording.Input.FAIL)

    def ask_who(self) -> None:
        """Let it be asked who is there, as at a start on a shared computer."""
        self._now = replace(self._now, waiting=Reason.WHO)
        self._step(recording.Input.HINDER)

    def count(self, seconds: int | None) -> None:
        """Let recording be about to begin by itself."""
        self._now = replace(self._now, starts_in=seconds)
        self._set()

    # --- the protocol
    @property
    def recording_state(self) -> State:
        return self.snapshot().state

    def snapshot(self) -> Snapshot:
        return self._now

    def read_study(self, path: str) -> Policy:
        self.calls.append("read_study")
        if path not in self._studies:
            raise ConfigError(f"{Path(path).name} is not a study file", hint="Ask the researcher for it.")
        return self._studies[path]

    def join(self, path: str) -> None:
        policy = self.read_study(path)
        self.calls.append("join")
        self._join(policy)

    def choose_own(self) -> None:
        self.calls.append("choose_own")
        self._join(own_policy())

    def asked(self) -> None:
        self.calls.append("asked")
        self._consent = self._consent.apply(consent.Input.ASK, self._keys(self._offer().categories))
        self._set()

    def accept(self, categories: frozenset[Category], apps: frozenset[str], locale: str, shown_text: str) -> None:
        self.calls.append("accept")
        offered = self._offer().categories
        if not categories or not categories <= offered:
            raise ConsentError("only what is offered can be agreed to")
        self._consent = self._consent.apply(consent.Input.ACCEPT, self._keys(categories))
        self._consent = self._consent.apply(consent.Input.REFUSE, self._keys(offered - categories))
        self._agreed = self._now.joined
        self.accepted.append((categories, apps, locale, shown_text))
        self._now = replace(self._now, apps=apps, refused=False, widened=())
        self._set()

    def refuse(self) -> None:
        self.calls.append("refuse")
        self._consent = self._consent.apply(consent.Input.REFUSE, self._keys(self._offer().categories))
        self._now = replace(self._now, refused=True)
        self._step(recording.Input.LEAVE)

    def acknowledge(self, locale: str, shown_text: str) -> None:
        self.calls.append(f"acknowledge {locale}")
        self.read.append((locale, shown_text))
        self._now = replace(self._now, acknowledge=False)
        self._set()

    def receipts(self) -> tuple[dict[str, Any], ...]:
        self.calls.append("receipts")
        return self.decided

    def my_data(self) -> tuple[SharedFile, ...]:
        self.calls.append("my_data")
        return self.shared

    def save_my_data(self, out: str, locale: str, progress: Progress = silent) -> Saved:
        self._wait()
        self.steps(progress)
        self.calls.append(f"save_my_data {locale}")
        return Saved(len(self.shared), len(self._sessions), {})

    def withdraw(self, *, destroy: bool) -> None:
        self.calls.append(f"withdraw destroy={destroy}")
        self._consent = self._consent.apply(consent.Input.WITHDRAW, self._consent.permitting())
        if destroy and self._sessions:
            self._kept = dict(self._sessions)
            self._now = replace(self._now, going=Going(datetime.now(UTC) + timedelta(seconds=10), len(self._sessions)))
        if destroy:
            self._sessions.clear()
        self._now = replace(self._now, joined=None, offer=None, apps=frozenset(), task=None, refused=False)
        self._step(recording.Input.LEAVE)

    def would_forget(self, minutes: int) -> Forgotten:
        now = datetime.now(UTC)
        released = [one for one in self._sessions.values() if one.state == "released"]
        released += [one for one in self._sessions.values() if one.state == "withdrawn"]
        shared = tuple(
            Shared(one.id, one.started, one.released_to or ("Research group",), one.state == "withdrawn")
            for one in released
        )
        tasks = () if self._now.task is None else (self._now.task.text,)
        return Forgotten(now - timedelta(minutes=minutes), now, len(self._sessions), 1, tasks, shared)

    def forget(self, minutes: int) -> Forgotten:
        self.calls.append(f"forget {minutes}")
        return self.would_forget(minutes)

    def finish_forgetting(self) -> None:
        self._wait()
        self.calls.append("finish_forgetting")

    def undo(self) -> None:
        self.calls.append("undo")
        if self._now.going is None:
            raise ConsentError("there is nothing to undo any more", hint="What was destroyed cannot be brought back.")
        self._sessions |= self._kept
        self._now = replace(self._now, going=None)
        self._set()

    def time_is_over(self) -> None:
        """Let the moment end in which opting out can be undone."""
        self._now = replace(self._now, going=None)

    def withdraw_category(self, category: Category) -> None:
        self.calls.append(f"withdraw_category {category}")
        mine = [key for key in self._consent.permitting() if key[1] is category]
        self._consent = self._consent.apply(consent.Input.WITHDRAW, mine)
        self._set()

    def agreed(self) -> tuple[Agreed, ...]:
        return tuple(Agreed(*key, state, None, None) for key, state in sorted(self._consent.states.items()))

    def known_apps(self) -> Mapping[str, str]:
        return dict(self.running)

    def start(self) -> None:
        self.calls.append("start")
        if not self._now.consented:
            raise ConsentError("nothing was agreed to", hint="Choose what may be recorded first.")
        self._step(recording.Input.START)

    def pause(self, minutes: int | None) -> None:
        self.calls.append(f"pause {minutes}")
        until = None if minutes is None else datetime.now(UTC) + timedelta(minutes=minutes)
        self._now = replace(self._now, paused_until=until, pause_note="")
        self._step(recording.Input.PAUSE)

    def resume(self) -> None:
        self.calls.append("resume")
        self._step(recording.Input.RESUME)

    def stop(self) -> None:
        self.calls.append("stop")
        self._step(recording.Input.STOP)

    def it_is_me(self) -> None:
        self.calls.append("it_is_me")
        self._now = replace(self._now, waiting=None)

    def not_me(self) -> None:
        self.calls.append("not_me")
        self._now = replace(self._now, waiting=None)
        self._step(recording.Input.PAUSE)

    def quitting(self) -> bool:
        return False

    def choose_schedule(self, schedule: Schedule | None) -> None:
        self.calls.append(f"choose_schedule {schedule}")
        self._now = replace(self._now, schedule=schedule)

    def choose_start_at_login(self, on: bool) -> None:
        self.calls.append(f"choose_start_at_login {on}")
        self._now = replace(self._now, at_login=on)

    def choose_waking(self, on: bool) -> None:
        self.calls.append(f"choose_waking {on}")
        self._now = replace(self._now, waking=on, woken=on)

    def choose_hold(self, days: int | None) -> None:
        self.calls.append(f"choose_hold {days}")
        self._now = replace(self._now, hold_days=days)

    def release_due(self, session: str, progress: Progress = silent) -> tuple[str, ...]:
        self._now = replace(self._now, due=tuple(one for one in self._now.due if one != session))
        return self.release(session, progress)

    def told(self, sessions: Collection[str]) -> None:
        self.calls.append(f"told {len(sessions)}")
        self._now = replace(self._now, soon=())

    def keep(self, session: str) -> None:
        self.calls.append(f"keep {session}")
        self._sessions[session] = replace(self._sessions[session], shares_in=None)
        self._set()

    def looked_at(self, session: str) -> None:
        self.calls.append(f"looked_at {session}")

    def choose_shared(self, shared: bool) -> None:
        self.calls.append(f"choose_shared {shared}")
        self._now = replace(self._now, shared=shared)

    def never_record(self, rule: NeverRule) -> None:
        self.calls.append(f"never_record {rule.kind} {rule.text}")
        rule = never_rule(*rule)
        self._now = replace(self._now, never=tuple(sorted({*self._now.never, rule})))

    def allow_again(self, rule: NeverRule) -> None:
        self.calls.append(f"allow_again {rule.kind} {rule.text}")
        self._now = replace(self._now, never=tuple(one for one in self._now.never if one != rule))

    def start_task(self, text: str) -> Task:
        self.calls.append(f"start_task {text}")
        task = Task(uuid.uuid4().hex, text, datetime.now(UTC))
        self._now = replace(self._now, task=task)
        return task

    def finish_task(self, outcome: Outcome, difficulty: int | None, note: str) -> None:
        self.calls.append(f"finish_task {outcome.value} {difficulty} {note}")
        self._now = replace(self._now, task=None)

    def sessions(self) -> tuple[HeldSession, ...]:
        lines = [replace(one, cuts=tuple(self._cuts[one.id])) for one in self._sessions.values()]
        return tuple(sorted(lines, key=lambda session: session.started, reverse=True))

    def release(self, session: str, progress: Progress = silent) -> tuple[str, ...]:
        self._wait()
        self.steps(progress)
        self.calls.append(f"release {session}")
        joined = self._now.joined
        names = tuple(recipient.name for recipient in joined.recipients) if joined else ()
        line = self._sessions[session]
        self._sessions[session] = replace(line, state="released", released_to=names, later_readers=())
        self._set()
        return (f"/nowhere/{session}.capture",)

    def deliver(self) -> None:
        self.calls.append("deliver")

    def withdraw_shared(self, session: str) -> Withdrawn:
        self.calls.append(f"withdraw_shared {session}")
        line = self._sessions[session]
        self._sessions[session] = replace(line, state="withdrawn", pending=self.outbox_gone)
        self._set()
        files = () if self.outbox_gone else (f"/nowhere/{session}.capture",)
        return Withdrawn(session, line.released_to or ("Research group",), files, self.outbox_gone)

    def open_own(self, session: str, out: str, progress: Progress = silent) -> None:
        self._wait()
        self.steps(progress)
        self.calls.append(f"open_own {session} {Path(out).name}")

    def review(self, session: str, progress: Progress = silent, begun: Begun | None = None) -> MemoryReview:
        self._read(progress, begun)
        if self._sessions[session].state == "damaged":
            raise damaged("{name} was damaged or changed", name="part-000004.age")
        return MemoryReview(session, complete=self._sessions[session].complete, tasks=self._told.get(session))

    def cut_for_good(self, session: str, progress: Progress = silent) -> None:
        self._wait()
        self.steps(progress)
        super().cut_for_good(session, progress)

    def delete(self, *sessions: str, for_good: bool = False) -> None:
        self.calls += [f"delete {session}{' for good' if for_good else ''}" for session in sessions]
        if not self._sessions.keys() >= set(sessions):
            raise StorageError("that recording is not there any more", hint="Look at the list again.")
        until = datetime.now(UTC) + timedelta(days=1)
        self._sessions |= {one: replace(self._sessions[one], deleted_until=until) for one in sessions}
        self._sessions = {one: line for one, line in self._sessions.items() if not (for_good and one in sessions)}
        self._set()

    def put_back(self, *sessions: str) -> None:
        self.calls += [f"put_back {session}" for session in sessions]
        self._sessions |= {one: replace(self._sessions[one], deleted_until=None) for one in sessions}
        self._set()

    # --- inside
    def _wait(self) -> None:
        self.slow()
        if self.broken is not None:
            raise self.broken

    def _offer(self) -> Effective:
        if self._now.offer is None:
            raise ConsentError("nothing is offered", hint="Join a study, or record for yourself.")
        return self._now.offer

    def _keys(self, categories: frozenset[Category]) -> list[tuple[str, Category]]:
        return [(purpose, category) for purpose in self._offer().policy.purposes for category in categories]

    def _join(self, policy: Policy) -> None:
        self._consent = consent.Consent.none()
        self._now = replace(self._now, joined=policy, offer=effective(policy, Settings()), refused=False)
        self._set()

    def _step(self, given: recording.Input) -> None:
        before = self._now.state
        after = recording.step(before, given)
        if recording.Effect.OPEN_INTERVAL in after.effects:
            self.announce()
        since = self._now.recording_since
        if after.state is State.RECORDING and before is not State.RECORDING:
            since = datetime.now(UTC)
        self._now = replace(self._now, state=after.state, recording_since=since, resumes_in=None)
        self._set()

    def _set(self) -> None:
        offer = self._now.offer
        consented = frozenset(category for _purpose, category in self._consent.permitting())
        self._now = replace(
            self._now,
            consented=consented if offer is not None else frozenset(),
            must_ask=offer is not None and not consented,
            held=sum(session.state == "held" for session in self._sessions.values()),
        )
