"""What a single value may be: the types that policy and settings files share. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from capture_agent.core.delivery import LEAST_KBIT, MAX_KBIT
from capture_agent.core.events import Category
from capture_agent.core.never import LEAST_TEXT, folded
from capture_agent.core.policy import MAX_CONSENT_MONTHS, MAX_FPS_LIMIT, LegalBasis, MonitoringLaw, Right
from capture_agent.core.room import LEAST_HELD_MB, MAX_HELD_MB
from capture_agent.core.schedule import Schedule, parse

MAX_NAME_CHARS = 200  # a title or name is one line of a window
MAX_SENTENCE_CHARS = 2_000  # a purpose is a sentence, not a notice
MAX_TASKS = 500  # a list that a person can still search
MAX_PROGRAMS = 500
MAX_TITLE_TEXTS = 500
MAX_RECIPIENTS = 20  # every one of them has to be read by every participant

# Direction overrides can make a name read as another one (Unicode TR 36).
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_HOTKEY_MODS = ("ctrl", "alt", "shift", "super")
_HOTKEY_KEY = re.compile(r"[a-z0-9]|f([1-9]|1[0-9]|2[0-4])|pause|scroll_lock|insert|home|end|page_up|page_down|space")


class Table(BaseModel):
    """A TOML table: no key that we do not know, no value that is converted in silence."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def plain(text: str) -> str:
    """Return `text` without white space around it, if people can see all of it."""
    if _INVISIBLE.search(text):
        raise ValueError("it has control characters or characters that change the direction of writing")
    if not text.strip():
        raise ValueError("it is empty")
    return text.strip()


def _line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("it has more than one line")
    return plain(text)


def _program(text: str) -> str:
    if any(char in text for char in "*?/\\"):
        raise ValueError("a program has one name, without path or wildcards")
    return _line(text).casefold()


def _title_text(text: str) -> str:
    if len(folded(_line(text))) < LEAST_TEXT:
        raise ValueError("texts that short are in nearly every title")
    return _line(text)


def _locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise ValueError("it is no language")
    return text


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError("a date alone does not say when" if isinstance(value, date) else "it is no time")  # noqa: TRY004 - pydantic
    if value.tzinfo is None:
        raise ValueError("it has no time zone; add Z or +02:00")
    return value


def _hotkey(text: str) -> str:
    *mods, key = text.split("+")
    if not mods or len(set(mods)) < len(mods) or not set(mods) <= set(_HOTKEY_MODS):
        raise ValueError("it needs one or more of ctrl, alt, shift, super, each once")
    if set(mods) == {"shift"} or not _HOTKEY_KEY.fullmatch(key):
        raise ValueError("with shift alone, or on that key, it would be typed by accident")
    return text


def _schedule(value: Any) -> Schedule:
    if not isinstance(value, str):
        raise ValueError("it is no text")  # noqa: TRY004 - pydantic
    return parse(value)


Format = Annotated[int, Field(ge=1, description="the number 1")]
Name = Annotated[str, Field(max_length=MAX_NAME_CHARS), AfterValidator(_line)]
Sentence = Annotated[str, Field(max_length=MAX_SENTENCE_CHARS), AfterValidator(plain)]
Program = Annotated[str, Field(max_length=MAX_NAME_CHARS), AfterValidator(_program)]
TitleText = Annotated[str, Field(max_length=MAX_NAME_CHARS), AfterValidator(_title_text)]
Locale = Annotated[str, AfterValidator(_locale)]
Moment = Annotated[datetime, PlainValidator(_moment)]
Hotkey = Annotated[str, AfterValidator(_hotkey)]
CategoryName = Annotated[Category, Field(strict=False)]
BasisName = Annotated[LegalBasis, Field(strict=False)]
LawName = Annotated[MonitoringLaw, Field(strict=False)]
RightName = Annotated[Right, Field(strict=False)]
Hours = Annotated[Schedule, PlainValidator(_schedule)]
HeldMb = Annotated[int, Field(ge=LEAST_HELD_MB, le=MAX_HELD_MB)]
DeliveryKbit = Annotated[int, Field(ge=LEAST_KBIT, le=MAX_KBIT)]
Fps = Annotated[int, Field(ge=1, le=MAX_FPS_LIMIT)]
ConsentMonths = Annotated[int, Field(ge=1, le=MAX_CONSENT_MONTHS)]
