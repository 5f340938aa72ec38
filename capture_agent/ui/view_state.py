"""What tray, menu and window show, derived from a snapshot alone. Pure: no Qt, no clock, no state of its own.

::

    state       icon        left click      because
    off         off         open window     nothing is recorded; attention if something is wrong
    recording   recording   pause           the only icon that says so, and always shown while it is so
    paused      paused      open window     resuming is a click on a button that says so
    … counting  paused      stay paused     a click on the icon is never what lets recording go on
    suspended   paused      pause           it would go on by itself; attention if it says what is wrong
    fault       attention   open window     recording has ended and the person has to look
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from capture_agent.core.events import Category
from capture_agent.core.language import LANGUAGES, language, noted, say, say_many
from capture_agent.core.recording import State
from capture_agent.core.validity import ends_soon
from capture_agent.session.snapshot import Snapshot
from capture_agent.session.status import WAITING
from capture_agent.ui import words


class Icon(StrEnum):
    """The four icons, told apart by shape."""

    OFF = "off"
    RECORDING = "recording"
    PAUSED = "paused"
    ATTENTION = "attention"


class Click(StrEnum):
    """What a left click on the icon does. Nothing else: it never resumes."""

    PAUSE = "pause"
    OPEN = "open"


class Command(StrEnum):
    """Everything a person can ask for in menu and window."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    NOT_ME = "not-me"
    HABITS = "habits"
    TASK = "task"
    RECORDINGS = "recordings"
    RECORDED = "recorded"
    NEVER = "never"
    FORGET = "forget"
    OPT_OUT = "opt-out"
    QUIT = "quit"


class Page(StrEnum):
    """Which page the window shows first."""

    FIRST_RUN = "first-run"
    MAIN = "main"


PAUSES: tuple[tuple[str, int | None], ...] = (
    (noted("15 &minutes"), 15),
    (noted("1 &hour"), 60),
    (noted("Until I &resume"), None),
)

FORGETS: tuple[tuple[str, int], ...] = (
    (noted("&5 minutes"), 5),
    (noted("&15 minutes"), 15),
    (noted("&60 minutes"), 60),
)

_OPEN_STATES = frozenset({State.RECORDING, State.PAUSED, State.SUSPENDED})
_PAUSABLE = _OPEN_STATES
_GOES_ON = frozenset({State.RECORDING, State.SUSPENDED})  # something is recorded, or will be without being asked
_WITHOUT_A_PROBLEM: Mapping[State, Icon] = MappingProxyType(
    {
        State.OFF: Icon.OFF,
        State.RECORDING: Icon.RECORDING,
        State.PAUSED: Icon.PAUSED,
        State.SUSPENDED: Icon.PAUSED,
        State.FAULT: Icon.ATTENTION,
    }
)
# Recording must say that it records, and a pause that it is one, whatever else is wrong; the text says the rest.
_NEVER_COVERED = frozenset({State.RECORDING, State.PAUSED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be asked for: its text with mnemonic, whether it can be asked for now, whether it shows."""

    text: str
    enabled: bool = True
    visible: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """Everything that is shown, as values."""

    icon: Icon
    status: str
    tooltip: str
    click: Click
    page: Page
    entries: Mapping[Command, Entry]
    must_ask: bool
    task: str
    not_recorded: tuple[str, ...]
    problem: str
    hint: str
    sign_needed: bool  # a session is open or has failed: an indicator has to be on the screen
    reminder: str  # that what was agreed to ends soon, or room does; said quietly, in the window and on the icon


def icon_of(snapshot: Snapshot) -> Icon:
    """Return the icon that is true of `snapshot`."""
    if snapshot.state not in _NEVER_COVERED and (snapshot.attention or _asks_again(snapshot)):
        return Icon.ATTENTION
    return _WITHOUT_A_PROBLEM[snapshot.state]


def view(snapshot: Snapshot, now: datetime) -> View:
    """Return what is shown of `snapshot` at `now` (aware, as the snapshot's own times)."""
    icon = icon_of(snapshot)
    status = _status(snapshot, now)
    counting = snapshot.state is State.PAUSED and snapshot.resumes_in is not None
    click = Click.PAUSE if counting or snapshot.state in _GOES_ON else Click.OPEN
    action = say("Click to pause.") if click is Click.PAUSE else say("Click to open the window.")
    if counting:
        action = say("Click to stay paused.")
    asks_again = not snapshot.problem and _asks_again(snapshot)
    problem = say(_CHANGED) if asks_again else snapshot.problem
    reminder = _reminder(snapshot, now)
    lines = [
        f"{words.PRODUCT}: {_lower(status) if language() == LANGUAGES[0] else status}",
        *([snapshot.pause_note] if snapshot.pause_note and snapshot.state is State.PAUSED else []),
        *([problem] if problem else []),
        *([reminder] if reminder else []),
        *([snapshot.just_now] if snapshot.just_now else []),
        *snapshot.unseen_text,
        action,
    ]
    return View(
        icon=icon,
        status=status,
        tooltip="\n".join(lines),
        click=click,
        page=Page.FIRST_RUN
        if snapshot.joined is None and not snapshot.can_leave and not snapshot.broken
        else Page.MAIN,
        entries=MappingProxyType(_entries(snapshot)),
        must_ask=snapshot.must_ask and not snapshot.refused and snapshot.joined is not None,
        task=_task(snapshot, now),
        not_recorded=_not_recorded(snapshot),
        problem=problem,
        hint=snapshot.hint or (say(_CHANGED_HINT) if asks_again else ""),
        sign_needed=snapshot.state is not State.OFF,
        reminder=reminder,
    )


_CHANGED = noted("What the study asks for has changed since you agreed.")
_CHANGED_HINT = noted("Nothing is recorded until you have looked at it.")


def _reminder(snapshot: Snapshot, now: datetime) -> str:
    lines = []
    end, room = snapshot.agreed_until, snapshot.room
    if end is not None and ends_soon(end, now):
        day = f"{end.astimezone():%F}"
        lines.append(say("What you agreed to ends on {day}. To go on after that, agree again.", day=day))
    if room.nearly:
        used, limit = words.size(room.used), words.size(room.limit)
        taken = say("Your recordings take {used} of {limit}. Delete what you do not need.", used=used, limit=limit)
        lines.append(taken)
    return "\n".join(lines)


def _asks_again(snapshot: Snapshot) -> bool:
    return snapshot.must_ask and bool(snapshot.widened) and not snapshot.refused


def _entries(snapshot: Snapshot) -> dict[Command, Entry]:
    state = snapshot.state
    joined = snapshot.joined is not None
    tasks = Category.TASKS in snapshot.consented and state in _OPEN_STATES
    again = state is State.FAULT
    open_ = state in _OPEN_STATES
    choose = snapshot.must_ask or snapshot.refused
    start = say("Choos&e what is recorded…") if choose else say("Start ag&ain") if again else say("Start &recording")
    return {
        Command.START: Entry(start, joined, joined and state not in _OPEN_STATES),
        Command.PAUSE: Entry(say("&Pause"), state in _PAUSABLE, state in _PAUSABLE),
        Command.RESUME: Entry(say("&Resume"), state is State.PAUSED, state is State.PAUSED),
        Command.STOP: Entry(say("Stop and sa&ve"), state in _OPEN_STATES, state in _OPEN_STATES),
        Command.NOT_ME: Entry(say("N&ot me: pause and forget"), snapshot.shared and open_, snapshot.shared and open_),
        Command.HABITS: Entry(say("W&hen recording begins…"), joined),
        Command.TASK: Entry(
            say("Finish the &task…") if snapshot.task else say("Start a &task…"), tasks or snapshot.task is not None
        ),
        Command.RECORDINGS: Entry(say("&My recordings…") + (f" ({snapshot.held})" if snapshot.held else ""), joined),
        Command.RECORDED: Entry(say("&What is recorded…"), joined),
        Command.NEVER: Entry(say("&Never record…"), joined),
        # Recordings of a study that was left may still be here.
        Command.FORGET: Entry(say("&Forget the last"), not snapshot.broken),
        # Withdrawing is always allowed, also when nothing was agreed to yet.
        Command.OPT_OUT: Entry(say("Opt out and &delete…"), joined or snapshot.can_leave),
        Command.QUIT: Entry(say("&Quit (saves, then stops)") if state in _OPEN_STATES else say("&Quit")),
    }


def _status(snapshot: Snapshot, now: datetime) -> str:
    match snapshot.state:
        case State.RECORDING:
            since = snapshot.recording_since
            what = words.category_names(snapshot.consented)
            if since is None:
                return say("Recording {what}", what=what)
            return say("Recording {what} for {time}", what=what, time=_ago(since, now))
        case State.PAUSED:
            until = snapshot.paused_until
            if snapshot.resumes_in is not None:
                return say("Recording resumes in {seconds} s", seconds=snapshot.resumes_in)
            if until is None:
                return say("Paused until you resume")
            return say("Paused for {time} more", time=_left(until, now))
        case State.SUSPENDED:
            return (
                say("Waiting, nothing is recorded now") if snapshot.waiting is None else say(WAITING[snapshot.waiting])
            )
        case State.FAULT:
            return say("Recording has stopped")
        case State.OFF:
            return _off(snapshot)


def _off(snapshot: Snapshot) -> str:
    if snapshot.broken:
        return say("Not recording")
    if snapshot.joined is None:
        return say("Not recording, nothing is set up yet")
    if snapshot.refused:
        return say("Not recording, you said no")
    if snapshot.starts_in is not None:
        return say_many("Recording begins in {count} second", "Recording begins in {count} seconds", snapshot.starts_in)
    if snapshot.hours_over:
        return say("Not recording: the hours for it are over, and what was recorded is saved")
    if snapshot.must_ask:
        return say("Not recording, you have not agreed to anything")
    return say("Not recording")


def _not_recorded(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the sentences on what is not recorded now; while nothing is, that is the only one that matters."""
    if snapshot.state in {State.OFF, State.FAULT}:
        return (say("Nothing is recorded now."), *snapshot.not_recorded)
    if snapshot.state is State.PAUSED:
        noted = (snapshot.pause_note,) if snapshot.pause_note else ()
        return (say("Nothing is recorded during the pause."), *noted, *snapshot.not_recorded)
    if snapshot.state is State.SUSPENDED and not snapshot.not_recorded:
        return (say("Nothing is recorded now."),)
    return snapshot.not_recorded


def _task(snapshot: Snapshot, now: datetime) -> str:
    if snapshot.task is None:
        return ""
    return f"{snapshot.task.text} · {_ago(snapshot.task.started, now)}"


def _ago(since: datetime, now: datetime) -> str:
    return words.duration((now - since).total_seconds())


def _left(until: datetime, now: datetime) -> str:
    """Round up: a pause never ends earlier than it says."""
    seconds = max(timedelta(0), until - now).total_seconds()
    return words.duration(seconds if seconds < 60 else -(-seconds // 60) * 60)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
