"""What people read: one name and one concrete example for each category, and how times and sizes are said. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capture_agent.core.events import Category, Outcome
from capture_agent.core.policy import OWN_DEVICE, Policy, Recipient
from capture_agent.core.privacy import DESKTOP_APP

PRODUCT = "Capture Agent"
OWN_KEY_WORDS = "a key that is made on this computer and never leaves it"
NEVER_RECORDED = "Never recorded: microphone, camera, clipboard, files, location."

_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class CategoryWords:
    """How a category is named, and a real example of what is stored of it."""

    name: str
    example: str


CATEGORY_WORDS: dict[Category, CategoryWords] = {
    Category.KEYBOARD: CategoryWords("Keyboard", "What you type, key by key: “H”, “e”, “l”, “l”, “o”, Enter, Ctrl+S."),
    Category.POINTER: CategoryWords("Mouse", "Where you point, click and scroll: “left click at 412, 230”."),
    Category.WINDOWS: CategoryWords("Windows", "Which window you work in: “Text editor, report.txt, 800 × 600”."),
    Category.SCREEN: CategoryWords("Screen", "A video of your chosen programs. All others are painted over in grey."),
    Category.TASKS: CategoryWords("Tasks", "What you say you set out to do: “Book a room”, done after 4 minutes."),
}

OUTCOME_WORDS: dict[Outcome, str] = {
    Outcome.DONE: "&Done",
    Outcome.NOT_POSSIBLE: "It was &not possible",
    Outcome.GAVE_UP: "I &gave up",
}

DIFFICULTY_WORDS = ("No answer", "1 – very easy", "2 – easy", "3 – so-so", "4 – hard", "5 – very hard")


def category_names(categories: Iterable[Category]) -> str:
    """Return "keyboard, mouse and screen": the categories in their fixed order, for a sentence."""
    chosen = set(categories)
    return join_words([words.name.lower() for category, words in CATEGORY_WORDS.items() if category in chosen])


def join_words(words: list[str]) -> str:
    """Return "a", "a and b", "a, b and c", or "nothing"."""
    if not words:
        return "nothing"
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def duration(seconds: float) -> str:
    """Return a length of time in its largest two units: "8 s", "12 min", "2 h 5 min"."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    hours, minutes = whole // _HOUR_S, whole % _HOUR_S // _MINUTE_S
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(count: int) -> str:
    """Return a number of bytes as people read it: "812 B", "3.4 MB" (decimal units)."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def days(count: int) -> str:
    """Return "today", "1 day" or "N days": how long until something expires."""
    if count <= 0:
        return "today"
    return "1 day" if count == 1 else f"{count} days"


def app_title(name: str, known: str | None) -> str:
    """Return how a program is shown: its title and, where it differs, the name that rules use."""
    if name == DESKTOP_APP:
        return "The desktop background"
    if not known or known.lower() == name:
        return known or name
    return f"{known} ({name})"


def recipient_key(recipient: Recipient, fingerprint: str) -> str:
    """Return the line under a recipient's name: the nine words, or that the key stays here."""
    return OWN_KEY_WORDS if recipient.key == OWN_DEVICE else fingerprint


def where(policy: Policy) -> str:
    """Return where recordings are stored, and where they go when shared."""
    if policy.is_own or policy.destination is None:
        return "On this computer only, encrypted."
    # Nothing is sent by this version: whoever takes part puts the file there.
    return (
        "On this computer, encrypted. What you share becomes a file here, "
        f"for you to put into {policy.destination}; nothing is sent by itself."
    )


def how_long(policy: Policy) -> str:
    """Return for how long recordings are kept on this computer."""
    return f"{days(policy.retention_days).capitalize()}, then they are destroyed on this computer."


def when_leaving(policy: Policy) -> str:
    """Return what opting out does, and what it cannot undo."""
    if policy.is_own:
        return "Recording stops at once. You may destroy all recordings; nobody can open them then."
    return (
        "Recording stops at once and your recordings can be destroyed. "
        "What you already shared has left this computer; its readers are asked to delete it."
    )


NO_PROGRAMS = "None. No content will be recorded until you choose at least one program."
