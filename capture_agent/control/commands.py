"""The commands that a running agent takes, in one table; none of them gives consent or widens anything.

What widens is a click in a window (the methods of `Agent` marked *click*), and nothing here
calls one; a test proves it for every command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from capture_agent.control.argument import Argument
from capture_agent.core.day import Day
from capture_agent.core.errors import ConfigError
from capture_agent.core.events import Category, Outcome
from capture_agent.core.policy import OWN_DEVICE
from capture_agent.core.recording import State
from capture_agent.keys import age
from capture_agent.session.snapshot import Agent, Agreed, Delivery, Forgotten, HeldSession, Snapshot, Task

MAX_PAUSE_MINUTES = 7 * 24 * 60  # longer is a pause until I resume
MAX_FORGET_MINUTES = 7 * 24 * 60  # a week; who wants more gone deletes recordings, or opts out
MAX_SESSION_CHARS = 64  # as the format of recordings allows
MAX_TASK_CHARS = 500  # one sentence; more belongs into the note
MAX_NOTE_CHARS = 4_000  # a page
MAX_CATEGORIES_CHARS = 200  # the names of all of them, with commas
DIFFICULTY = (1, 5)  # easy to hard


class Effect(StrEnum):
    """What a command can do at most."""

    SHOWS = "shows"  # tells what is
    NARROWS = "narrows"  # less is recorded than before, never more
    OPENS_WINDOW = "opens-window"  # where the person can click
    NOTES = "notes"  # keeps words that the person gave on purpose, if tasks were agreed to
    HURRIES = "hurries"  # does now what a click of the person's has ordered, and what is done by itself later


class Windows(Protocol):
    """What commands may ask of the user interface. Both return at once and act soon after, on the main thread."""

    def show(self) -> None:
        """Raise the main window."""

    def quit(self) -> None:
        """Seal what is open, then leave."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command with its arguments, checked."""

    command: str
    arguments: Mapping[str, int | str] = field(default_factory=dict, repr=False)


Result: TypeAlias = dict[str, Any]
"""What --json prints: JSON values only."""


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table: what the command can do at most, how it is done, and what it takes.

    `rest`, where there is one, returns when all of it is done: slow, and on any thread.
    """

    effect: Effect
    do: Callable[[Agent, Windows, Request, datetime], Result]
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    rest: Callable[[Agent], None] | None = None


def perform(request: Request, agent: Agent, windows: Windows, now: datetime) -> Result:
    """Do what `request` says. Main thread only.

    Raises:
        CaptureAgentError: The agent cannot do it now.
    """
    return COMMANDS[request.command].do(agent, windows, request, now)


def check(command: object, arguments: object) -> Request:
    """Return the request, if there is such a command and it takes such arguments.

    Raises:
        ConfigError: There is none, or it does not.
    """
    row = COMMANDS.get(command) if isinstance(command, str) else None
    if row is None or not isinstance(command, str):
        raise ConfigError("there is no such command", hint="Update capture-agent: the running one is another version.")
    if not isinstance(arguments, Mapping):
        raise ConfigError("arguments must be an object")
    if not set(arguments) <= set(row.arguments):
        raise ConfigError(f"{command} takes {', '.join(row.arguments) or 'no arguments'}")
    for name, argument in row.arguments.items():
        if argument.required and name not in arguments:
            raise ConfigError(f"{command} needs {name}")
    return Request(command, {name: row.arguments[name].check(name, value) for name, value in arguments.items()})


def describe(snapshot: Snapshot) -> Result:
    """Return the whole visible state, as `status --json` shows it."""
    study, going = snapshot.joined, snapshot.going
    return {
        "running": True,
        "state": snapshot.state.value,
        "study": None if study is None else {"id": study.study, "title": study.title, "version": study.version},
        "consented": sorted(snapshot.consented),
        "programs": sorted(snapshot.apps),
        "must_ask": snapshot.must_ask,
        "refused": snapshot.refused,
        "decided": snapshot.decided,
        "acknowledge": snapshot.acknowledge,
        "widened": [{"what": one.what, "was": one.was, "wants": one.wants} for one in snapshot.widened],
        "agreed_until": _time(snapshot.agreed_until),
        "problem": snapshot.problem,
        "hint": snapshot.hint,
        "paused_until": _time(snapshot.paused_until),
        "resumes_in": snapshot.resumes_in,
        "pause_note": snapshot.pause_note,
        "pause_keys": snapshot.pause_keys,
        "recording_since": _time(snapshot.recording_since),
        "task": describe_task(snapshot.task),
        "waiting": snapshot.waiting,
        "schedule": None if snapshot.schedule is None else str(snapshot.schedule),
        "shared": snapshot.shared,
        "at_login": snapshot.at_login,
        "waking": snapshot.waking,
        "woken": snapshot.woken,
        "starts_in": snapshot.starts_in,
        "today": None if snapshot.today is None else describe_day(snapshot.today),
        "hours_over": snapshot.hours_over,
        "held": snapshot.held,
        "room": asdict(snapshot.room) if snapshot.room.nearly else None,
        "hold_days": snapshot.hold_days,
        "not_recorded": list(snapshot.not_recorded),
        "unseen_text": list(snapshot.unseen_text),
        "just_now": snapshot.just_now,
        "never": [list(rule) for rule in snapshot.never],
        "broken": snapshot.broken,
        "can_leave": snapshot.can_leave,
        "keyring": snapshot.keyring,
        "going": None if going is None else {"until": _time(going.until), "recordings": going.recordings},
        "delivery": describe_delivery(snapshot.delivery),
    }


def describe_delivery(delivery: Delivery | None) -> Result | None:
    """Return what was shared and has not arrived, as `status --json` shows it."""
    return None if delivery is None else {**asdict(delivery), "again": _time(delivery.again)}


def describe_day(day: Day) -> Result:
    """Return the sums of a day in seconds, as `status --json` shows them."""
    second = 1_000_000
    return {
        "day": day.day.isoformat(),
        "recorded": day.recorded_us // second,
        "paused": day.paused_us // second,
        "not_recorded": {reason: us // second for reason, us in sorted(day.withheld.items())},
        "told": day.told,
    }


def describe_task(task: Task | None) -> Result | None:
    """Return the task that is going on, as --json shows it."""
    return None if task is None else {"id": task.id, "text": task.text, "started": _time(task.started)}


def describe_session(held: HeldSession) -> Result:
    """Return one held session, as `sessions --json` shows it."""
    return {  # each by its name: `asdict` copies, and of 10,000 that would hold up the marks for 0.2 s
        "id": held.id,
        "study": held.study,
        "started": _time(held.started),
        "seconds": held.seconds,
        "bytes": held.size,
        "state": held.state,
        "complete": held.complete,
        "days_left": held.days_left,
        "released_to": held.released_to,
        "later_readers": held.later_readers,
        "here": held.here,
        "pending": held.pending,
        "delivered_to": held.delivered_to,
        "waiting": held.waiting,
        "shares_in": held.shares_in,
        "cuts": len(held.cuts),
        "deleted_until": _time(held.deleted_until),
    }


def describe_consent(snapshot: Snapshot, agreed: Iterable[Agreed]) -> Result:
    """Return where each consent stands, and who gets what is agreed to, as `consent show --json` shows it."""
    study = snapshot.joined
    return {
        "study": None
        if study is None
        else {
            "id": study.study,
            "title": study.title,
            "version": study.version,
            "controller": study.controller,
            "contact": study.contact,
        },
        "consents": [
            {
                "purpose": one.purpose,
                "purpose_text": "" if study is None else study.purposes.get(one.purpose, ""),
                "category": one.category.value,
                "state": one.state.value,
                "since": _time(one.since),
                "until": _time(one.until),
            }
            for one in agreed
        ],
        "recorded": sorted(snapshot.consented),
        "recipients": [
            {
                "name": one.name,
                "fingerprint": "" if one.key == OWN_DEVICE else age.fingerprint(one.key),
                "categories": sorted(one.categories),
            }
            for one in (() if study is None else study.recipients)
        ],
        "programs": sorted(snapshot.apps),
        "must_ask": snapshot.must_ask,
        "refused": snapshot.refused,
        "problem": snapshot.problem,
        "hint": snapshot.hint,
    }


def describe_forgotten(told: Forgotten) -> Result:
    """Return what forgetting takes or took, and what it cannot, as `forget --json` shows it."""
    return {
        "since": _time(told.since),
        "until": _time(told.until),
        "recordings": told.recordings,
        "whole": told.whole,
        "tasks": list(told.tasks),
        "shared": [{**asdict(one), "when": _time(one.when)} for one in told.shared],
    }


def narrowed_pause(snapshot: Snapshot, minutes: int | None, now: datetime) -> int | None:
    """Return for how many minutes a command may pause; None is until the person resumes.

    A pause ends by itself only if it began by itself from recording: a command never shortens a pause
    that is there, and never lets recording begin again out of a state in which nothing was recorded.
    """
    if minutes is None or snapshot.state in {State.OFF, State.FAULT}:
        return None
    if snapshot.state is not State.PAUSED:
        return minutes
    if snapshot.paused_until is None:
        return None
    left = snapshot.paused_until - now
    return max(minutes, -(-left // timedelta(minutes=1)))


def _status(agent: Agent, _windows: Windows, _request: Request, _now: datetime) -> Result:
    return describe(agent.snapshot())


def _sessions(agent: Agent, _windows: Windows, _request: Request, _now: datetime) -> Result:
    return {"sessions": [describe_session(held) for held in agent.sessions()]}


def _pause(agent: Agent, _windows: Windows, request: Request, now: datetime) -> Result:
    minutes = request.arguments.get("minutes")
    agent.pause(narrowed_pause(agent.snapshot(), minutes if isinstance(minutes, int) else None, now))
    return describe(agent.snapshot())


def _not_me(agent: Agent, _windows: Windows, _request: Request, _now: datetime) -> Result:
    agent.not_me()
    return describe(agent.snapshot())


def _stop(agent: Agent, _windows: Windows, _request: Request, _now: datetime) -> Result:
    agent.stop()
    return describe(agent.snapshot())


def _quit(agent: Agent, windows: Windows, _request: Request, _now: datetime) -> Result:
    agent.stop()
    windows.quit()
    return describe(agent.snapshot())


def _show(agent: Agent, windows: Windows, _request: Request, _now: datetime) -> Result:
    windows.show()
    return describe(agent.snapshot())


def _task_show(agent: Agent, _windows: Windows, _request: Request, _now: datetime) -> Result:
    return {"task": describe_task(agent.snapshot().task)}


def _task_start(agent: Agent, _windows: Windows, request: Request, _now: datetime) -> Result:
    return {"task": describe_task(agent.start_task(str(request.arguments["text"])))}


def _task_finish(agent: Agent, _windows: Windows, request: Request, _now: datetime) -> Result:
    try:
        outcome = Outcome(str(request.arguments["outcome"]))
    except ValueError:
        raise ConfigError(f"outcome must be {', '.join(Outcome)}") from None
    difficulty, note = request.arguments.get("difficulty"), str(request.arguments.get("note", ""))
    task = agent.snapshot().task
    agent.finish_task(outcome, difficulty if isinstance(difficulty, int) else None, note)
    return {"task": describe_task(task), "outcome": outcome.value}


def _consent_show(agent: Agent, _windows: Windows, _request: Request, _now: datetime) -> Result:
    return describe_consent(agent.snapshot(), agent.agreed())


def _consent_withdraw(agent: Agent, _windows: Windows, request: Request, _now: datetime) -> Result:
    named = str(request.arguments.get("categories", ""))
    try:
        categories = [Category(one.strip()) for one in named.split(",") if one.strip()]
    except ValueError:
        raise ConfigError(f"categories are {', '.join(Category)}") from None
    destroy = request.arguments.get("delete") == 1
    if categories and destroy:
        raise ConfigError("what was recorded is deleted only when you opt out of everything")
    if not categories:
        agent.withdraw(destroy=destroy)
    for category in categories:
        agent.withdraw_category(category)
    return describe_consent(agent.snapshot(), agent.agreed())


def _would_forget(agent: Agent, _windows: Windows, request: Request, _now: datetime) -> Result:
    return describe_forgotten(agent.would_forget(int(request.arguments["minutes"])))


def _forget(agent: Agent, _windows: Windows, request: Request, _now: datetime) -> Result:
    return describe_forgotten(agent.forget(int(request.arguments["minutes"])))


def _withdraw(agent: Agent, _windows: Windows, request: Request, _now: datetime) -> Result:
    return asdict(agent.withdraw_shared(str(request.arguments["session"])))


def _deliver(agent: Agent, _windows: Windows, _request: Request, _now: datetime) -> Result:
    agent.deliver()
    return describe(agent.snapshot())


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


_LAST = {"minutes": Argument(int, 1, MAX_FORGET_MINUTES, required=True)}

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "status": Command(Effect.SHOWS, _status),
        "sessions": Command(Effect.SHOWS, _sessions),
        "task-show": Command(Effect.SHOWS, _task_show),
        "consent-show": Command(Effect.SHOWS, _consent_show),
        "consent-withdraw": Command(
            Effect.NARROWS,
            _consent_withdraw,
            {"categories": Argument(str, 0, MAX_CATEGORIES_CHARS), "delete": Argument(int, 0, 1)},
        ),
        "would-forget": Command(Effect.SHOWS, _would_forget, _LAST),
        "forget": Command(Effect.NARROWS, _forget, _LAST, lambda agent: agent.finish_forgetting()),
        "withdraw": Command(Effect.NARROWS, _withdraw, {"session": Argument(str, 1, MAX_SESSION_CHARS, required=True)}),
        "deliver": Command(Effect.HURRIES, _deliver),
        "pause": Command(Effect.NARROWS, _pause, {"minutes": Argument(int, 1, MAX_PAUSE_MINUTES)}),
        "not-me": Command(Effect.NARROWS, _not_me, rest=lambda agent: agent.finish_forgetting()),
        "stop": Command(Effect.NARROWS, _stop),
        "quit": Command(Effect.NARROWS, _quit),
        "show": Command(Effect.OPENS_WINDOW, _show),
        "start": Command(Effect.OPENS_WINDOW, _show),  # starting to record is a click in that window
        "task-start": Command(Effect.NOTES, _task_start, {"text": Argument(str, 1, MAX_TASK_CHARS, required=True)}),
        "task-finish": Command(
            Effect.NOTES,
            _task_finish,
            {
                "outcome": Argument(str, 1, 20, required=True),
                "difficulty": Argument(int, *DIFFICULTY),
                "note": Argument(str, 0, MAX_NOTE_CHARS),
            },
        ),
    }
)
