"""What people read: one name and one concrete example for each category, and how times and sizes are said. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from capture_agent.core.events import Category, Outcome
from capture_agent.core.keyboard import COUNT_US
from capture_agent.core.language import noted, say, say_many
from capture_agent.core.names import category_name
from capture_agent.core.policy import OWN_DEVICE, Policy, Recipient
from capture_agent.core.rules import DESKTOP_APP

PRODUCT = "Capture Agent"
OWN_KEY_WORDS = noted("a key that is made on this computer and never leaves it")
NEVER_RECORDED = noted("Never recorded: microphone, camera, clipboard, files, location.")

_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class CategoryWords:
    """How a category is named, and a real example of what is stored of it, in the language that is spoken."""

    category: Category
    stored: str

    @property
    def name(self) -> str:
        """The category's name, as a title."""
        return category_name(self.category)

    @property
    def example(self) -> str:
        """What is stored, by an example."""
        return say(self.stored, seconds=COUNT_US // 1_000_000)


CATEGORY_WORDS: dict[Category, CategoryWords] = {
    words.category: words
    for words in (
        CategoryWords(Category.KEYBOARD, noted("What you type, key by key: “H”, “e”, “l”, “l”, “o”, Enter, Ctrl+S.")),
        CategoryWords(
            Category.SHORTCUTS,
            noted("Shortcuts and keys such as Enter, not what you type: “Ctrl+S”, “a key”, “a key”, Enter."),
        ),
        CategoryWords(
            Category.COUNTS, noted("How many keys you press in {seconds} seconds, and not which: “38 keys”.")
        ),
        CategoryWords(Category.POINTER, noted("Where you point, click and scroll: “left click at 412, 230”.")),
        CategoryWords(Category.WINDOWS, noted("Which window you work in: “Text editor, report.txt, 800 × 600”.")),
        CategoryWords(Category.SCREEN, noted("A video of your chosen programs. All others are painted over in grey.")),
        CategoryWords(Category.TASKS, noted("What you say you set out to do: “Book a room”, done after 4 minutes.")),
    )
}

OUTCOME_WORDS: dict[Outcome, str] = {
    Outcome.DONE: noted("&Done"),
    Outcome.NOT_POSSIBLE: noted("It was &not possible"),
    Outcome.GAVE_UP: noted("I &gave up"),
}

DIFFICULTY_WORDS = (
    noted("No answer"),
    noted("1 – very easy"),
    noted("2 – easy"),
    noted("3 – so-so"),
    noted("4 – hard"),
    noted("5 – very hard"),
)


def category_names(categories: Iterable[Category]) -> str:
    """Return "keyboard, mouse and screen": the categories in their fixed order, for a sentence."""
    chosen = set(categories)
    return join_words([category_name(category, inside=True) for category in CATEGORY_WORDS if category in chosen])


def join_words(words: list[str]) -> str:
    """Return "a", "a and b", "a, b and c", or "nothing"."""
    if not words:
        return say("nothing")
    if len(words) == 1:
        return words[0]
    return say("{first} and {last}", first=", ".join(words[:-1]), last=words[-1])


def duration(seconds: float) -> str:
    """Return a length of time in its largest two units: "8 s", "12 min", "2 h 5 min"."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    hours, minutes = whole // _HOUR_S, whole % _HOUR_S // _MINUTE_S
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def moment(when: datetime) -> str:
    """Return when something was, in local time, to the minute."""
    return when.astimezone().strftime(say("%d %b %Y, %H:%M"))


def size(count: int) -> str:
    """Return a number of bytes as people read it: "812 B", "3.4 MB" (decimal units)."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{_decimal(value)} {unit}"
    return f"{_decimal(value / 1000)} TB"


def _decimal(value: float) -> str:
    """Return one decimal, behind a point or what the language has instead."""
    return f"{value:.1f}".replace(".", say("."))


def days(count: int) -> str:
    """Return "today", "1 day" or "N days": how long until something expires."""
    if count <= 0:
        return say("today")
    return say_many("{count} day", "{count} days", count)


def app_title(name: str, known: str | None) -> str:
    """Return how a program is shown: its title and, where it differs, the name that rules use."""
    if name == DESKTOP_APP:
        return say("The desktop background")
    if not known or known.lower() == name:
        return known or name
    return f"{known} ({name})"


def recipient_key(recipient: Recipient, fingerprint: str) -> str:
    """Return the line under a recipient's name: the nine words, or that the key stays here."""
    return say(OWN_KEY_WORDS) if recipient.key == OWN_DEVICE else fingerprint


def own(policy: Policy, text: str) -> str:
    """Return a text of `policy` as it is shown: a study's as it stands, ours in the language that is spoken."""
    return say(text) if policy.is_own else text


def run_by(policy: Policy) -> str:
    """Return who runs a study, and whom to ask."""
    return say("Run by {name}. Questions: {contact}", name=policy.controller, contact=policy.contact)


def where(policy: Policy) -> str:
    """Return where recordings are stored, and where they go when shared."""
    if policy.is_own or policy.destination is None:
        return say("On this computer only, encrypted.")
    return say(
        "On this computer, encrypted. What you share is delivered to {place}, encrypted, too; nothing else is sent.",
        place=policy.destination,
    )


def how_long(policy: Policy) -> str:
    """Return for how long recordings are kept on this computer."""
    return say_many(
        "{count} day, then they are destroyed on this computer.",
        "{count} days, then they are destroyed on this computer.",
        policy.retention_days,
    )


def when_leaving(policy: Policy) -> str:
    """Return what opting out does, and what it cannot undo."""
    if policy.is_own:
        return say("Recording stops at once. You may destroy all recordings; nobody can open them then.")
    return say(
        "Recording stops at once and your recordings can be destroyed. "
        "What you already shared has left this computer; its readers are asked to delete it."
    )


NO_PROGRAMS = noted("None. No content will be recorded until you choose at least one program.")
OTHER_PEOPLE = noted(
    "Mail, messages and calls show what other people write, say and look like, and nobody has asked them. "
    "These programs stay off until you switch them on."
)
