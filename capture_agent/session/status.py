"""What the snapshot says in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from capture_agent.core.asking import Remedy
from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.events import Category
from capture_agent.core.keyboard import MODES
from capture_agent.core.language import noted, say
from capture_agent.core.names import category_name
from capture_agent.core.recording import State
from capture_agent.core.room import Room
from capture_agent.core.rules import DESKTOP_APP
from capture_agent.core.splitting import Reason as Guard
from capture_agent.core.stretches import Reason


def trouble(
    state: State,
    error: CaptureAgentError | None,
    *,
    waiting: Guard | None,
    closed: tuple[str, str],
    ended: bool,
    unproved: bool,
    recovered: int,
    widened: bool,
) -> tuple[str, str]:
    """Return what is wrong and what to do about it, the most pressing first; empty if nothing is.

    `waiting` is the guard that lets nothing be recorded now. `closed` says why nothing may be recorded and what to do
    about it, `ended` that what was agreed to is over, `unproved` that the indicator was looked for and not found,
    `recovered` how many sessions a crash cut off.
    """
    if error is not None:
        return error.said()
    if closed[0]:
        return closed
    if state is State.SUSPENDED and waiting in _NO_ROOM and waiting is not None:
        said, todo = _NO_ROOM[waiting]
        return say(said), say(todo)
    if state is State.SUSPENDED and unproved:
        return say("The recording indicator is not shown, so nothing is recorded."), say("Uncover the tray icon.")
    if recovered and state is State.OFF:
        said = say("The last recording was cut off; what was written until then is kept, marked incomplete.")
        return said, say("Start recording when you like.")
    if ended:
        said = say("What you agreed to has ended, so nothing is recorded.")
        return said, say("Read again what is asked, if you like; or leave it at that.")
    if widened:
        return say("The study changed what it asks for."), say("Read what changed, then accept or refuse.")
    return "", ""


# Why nothing is recorded now though the person wants to: one sentence for each of `splitting.HINDERING`.
WAITING: Mapping[Guard, str] = MappingProxyType(
    {
        Guard.SHUTDOWN: noted("Waiting: this computer is shutting down, and what was recorded is saved"),
        Guard.ASLEEP: noted("Waiting: this computer is going to sleep"),
        Guard.ELSEWHERE: noted("Waiting: another user has the screen"),
        Guard.LOCKED: noted("Waiting: the screen is locked"),
        Guard.REMOTE: noted("Waiting: nothing is recorded while this computer is used from another one"),
        Guard.WHO: noted("Waiting: please say who is there"),
        Guard.IDLE: noted("Waiting: nobody has used this computer for 10 minutes"),
        Guard.DISK: noted("Waiting: the disk is nearly full; recording goes on when there is space again"),
        Guard.NETWORK: noted("Waiting: recordings would lie in a network folder or one that is copied elsewhere"),
        Guard.FULL: noted("Waiting: your recordings have taken all the room that they may take"),
        Guard.SAVER: noted("Waiting: the battery is being saved; recording goes on when that is over"),
    }
)

# What only the person can mend, and what to do: the icon says that they have to look.
_NO_ROOM: Mapping[Guard, tuple[str, str]] = MappingProxyType(
    {
        Guard.DISK: (
            noted("The disk is nearly full, so nothing is recorded."),
            noted("Free some space; recording then goes on. What was recorded is saved."),
        ),
        Guard.NETWORK: (
            noted("The folder of your recordings is a network or a synced one, so nothing is recorded."),
            noted("`capture-agent doctor` says which. Set XDG_DATA_HOME to a folder on this disk, and start again."),
        ),
        Guard.FULL: (
            noted("Your recordings have taken all the room that they may take, so nothing is recorded."),
            noted("Delete what you do not need under My recordings; recording then goes on. None is deleted for that."),
        ),
    }
)


def nearly_full(room: Room) -> tuple[str, str]:
    """Return title and text of the notice that recordings have nearly taken the room there is."""
    text = say(
        "They take {percent} % of the room that they may take. Delete what you do not need under My recordings: "
        "at 100 % nothing more is recorded.",
        percent=room.percent,
    )
    return say("Your recordings need room"), text


_KEYS_KEPT = {
    Category.SHORTCUTS: noted("What you type: of the keys, only shortcuts and named keys are told apart."),
    Category.COUNTS: noted("What you type: it is only counted how many keys you press."),
}
# What the gate does not keep at this moment: shown where one looks without taking the focus away, at the icon.
_JUST_NOW: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.PROGRAM: noted("Not recorded just now: the program in front."),
        Reason.FOCUS_UNKNOWN: noted("Not recorded just now: which program is in front is not known."),
        Reason.SECRET_FIELD: noted("Not recorded just now: the password field in front."),
        Reason.FIELD_UNKNOWN: noted("Typed text is not recorded just now: the field in front may be a password field."),
    }
)


def just_now(state: State, reason: Reason | None) -> str:
    """Return what is not recorded at this moment and why; empty if nothing is kept away, or nothing is recorded."""
    if state is not State.RECORDING or reason not in _JUST_NOW or reason is None:
        return ""
    return say(_JUST_NOW[reason])


_WHY_UNSEEN = {
    Remedy.LEAVE_REMOTE: noted(
        "Text in {name}: what runs in it, such as ssh or tmux, hides where a password is asked for."
    ),
    Remedy.BROWSER_FLAG: noted(
        "Text in {name}: its fields cannot be seen. With accessibility on and --force-renderer-accessibility they can."
    ),
    Remedy.ACCESSIBILITY: noted(
        "Text in {name}: its fields cannot be seen. Switch accessibility on in the window; if it is, start {name} anew."
    ),
    Remedy.LONG_TEXT: noted(
        "Text in fields of one line in {name}: any of them may hide a password. Longer texts are kept."
    ),
}


def unseen_text(
    state: State, captured: AbstractSet[Category], apps: AbstractSet[str], unseen: Mapping[str, Remedy]
) -> tuple[str, ...]:
    """Return in which of `apps` text is not kept as their fields could not be seen, and what helps: a sentence each.

    `unseen` are all such programs. Nothing while no text is recorded at all.
    """
    if state is not State.RECORDING or Category.KEYBOARD not in captured:
        return ()
    return tuple(say(_WHY_UNSEEN[unseen[app]], name=app) for app in sorted(apps & unseen.keys()))


def not_recorded(
    state: State,
    captured: AbstractSet[Category],
    apps: AbstractSet[str],
    unseen: Sequence[str],
    limits: Sequence[str],
) -> tuple[str, ...]:
    """Return what is not recorded now and why, one sentence each; nothing while nothing is recorded at all.

    `unseen`: what `unseen_text` says. `limits`: what this computer does not tell, in sentences.
    """
    if state is not State.RECORDING:
        return ()
    lines = [
        _not_agreed(category, captured)
        for category in Category
        if category not in captured and category not in MODES[1:]
    ]
    lines += limits
    if not apps:
        return (*lines, say("No program is ticked, so no content is recorded."))
    lines += unseen
    named = [say("the desktop background") if app == DESKTOP_APP else app for app in sorted(apps)]
    return (*lines, say("Every program except {names}.", names=", ".join(named)))


def _not_agreed(category: Category, captured: AbstractSet[Category]) -> str:
    kept = next((mode for mode in MODES if category in MODES and mode in captured), None)
    return say("{what}: you did not agree.", what=category_name(category)) if kept is None else say(_KEYS_KEPT[kept])
