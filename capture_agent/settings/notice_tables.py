"""The notices of a policy file: made from a template or a study's own words, and complete in both cases. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from capture_agent.core.policy import Monitoring, MonitoringLaw, Notice, Policy
from capture_agent.ledger.monitoring import build as build_monitoring
from capture_agent.ledger.templates import LANGUAGES, IncompleteError, Item, build, missing_items, parts, template
from capture_agent.settings.fields import LawName, Locale, Name, Sentence, Table, plain
from capture_agent.settings.problems import RuleError, WrongFileError
from capture_agent.settings.toml_lines import KeyPath

MAX_VERSION = 2**31  # far more than one a second for a lifetime, and exact in every JSON reader
MAX_NOTICE_CHARS = 100_000  # 40 pages; nobody reads more
_Broken = tuple[KeyPath, str, str]


def _only_true(value: bool) -> bool:
    if not value:
        raise ValueError("a text of your own needs no such line")
    return value


def _notice_file(name: str, info: ValidationInfo) -> str:
    """Return the *content* of the notice file `name`, which lies beside the policy or below it."""
    parts = (*PurePosixPath(name).parts, *PureWindowsPath(name).parts)
    if ".." in parts or PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive:
        raise ValueError("it does not lie in the policy's folder")
    read: Callable[[str], str] = (info.context or {})["read"]
    try:
        text = read(name)
    except WrongFileError as error:
        raise ValueError(f"which cannot be used: {error.problems[0].found}") from None
    if len(text) > MAX_NOTICE_CHARS:
        raise ValueError(f"which has {len(text)} characters")
    return plain(text)


class NoticeTable(Table):
    """`[[notice]]`: the text a person agrees to, in one language; `text` here or in a `file`."""

    locale: Locale = Field(description='a language such as "en" or "de_CH"')
    version: int = Field(ge=1, le=MAX_VERSION, description="a whole number from 1, higher for every new text")
    template: Annotated[bool, AfterValidator(_only_true)] = Field(
        default=False, description="true to have the text made from this policy; only in en and de"
    )
    purposes: dict[str, Sentence] | None = Field(
        default=None,
        description="for a template: the study's purposes in this language; the first notice takes the study's",
    )
    storage: Name | None = Field(
        default=None,
        description="for a template: the study's storage in this language; the first notice takes the study's",
    )
    text: Annotated[str, Field(max_length=MAX_NOTICE_CHARS), AfterValidator(plain)] | None = Field(
        default=None, description=f"the notice in Markdown, at most {MAX_NOTICE_CHARS} characters"
    )
    file: Annotated[str, AfterValidator(_notice_file)] | None = Field(
        default=None,
        description=f"a Markdown file in the policy's folder, UTF-8, at most {MAX_NOTICE_CHARS} characters",
    )

    @model_validator(mode="after")
    def _has_one_text(self) -> NoticeTable:
        given = [name for name in ("text", "file", "template") if getattr(self, name)]
        if len(given) != 1:
            raise RuleError(((), "one of text, file and template", " and ".join(given) or "none of them"))
        words = [name for name in ("purposes", "storage") if getattr(self, name) is not None]
        if words and not self.template:
            raise RuleError(*(((name,), "a template that uses it", "a text of your own") for name in words))
        return self

    @property
    def own_text(self) -> str:
        """The study's own words, "" with a template. `file` holds the file's content since it was validated."""
        return self.text or self.file or ""


class MonitoringTable(Table):
    """`[monitoring]`: what an employer has to tell by law, acknowledged and never taken for consent."""

    laws: list[LawName] = Field(
        min_length=1, description=f"a list of the laws that want it: {', '.join(MonitoringLaw)}"
    )
    version: int = Field(ge=1, le=MAX_VERSION, description="a whole number from 1, higher for every new text")
    daily: bool = Field(default=False, description="true to show it again, as a quiet note, on each day")
    text: dict[str, Annotated[str, Field(max_length=MAX_NOTICE_CHARS), AfterValidator(plain)]] | None = Field(
        default=None,
        description='a text of your own by language, {en = "…", de = "…"}; without it, it is made from this policy',
    )

    @field_validator("text")
    @classmethod
    def _in_every_language(cls, text: dict[str, str] | None) -> dict[str, str] | None:
        if text is not None and set(text) != set(LANGUAGES):
            raise RuleError(((), f"a text for each of {', '.join(LANGUAGES)}", ", ".join(sorted(text)) or "none"))
        return text

    def monitoring(self, policy: Policy) -> Monitoring:
        """Return the notice of `policy`, in every language."""
        laws = tuple(law for law in MonitoringLaw if law in self.laws)
        texts = self.text or {language: build_monitoring(policy, laws, language) for language in LANGUAGES}
        notices = tuple(Notice(language, self.version, texts[language]) for language in LANGUAGES)
        return Monitoring(laws, notices, self.daily)


def notices_of(policy: Policy, tables: Sequence[NoticeTable]) -> tuple[Notice, ...]:
    """Return the notices of a policy that has none yet.

    Raises:
        RuleError: A language is missing, a text lacks a heading, or there is nothing to fill a template with.
    """
    languages = [_language(table) for table in tables]
    broken: list[_Broken] = [
        (("notice",), f'a complete notice in "{language}", too', f"only {', '.join(languages)}")
        for language in LANGUAGES
        if language not in languages
    ]
    notices = []
    for number, table in enumerate(tables):
        found: list[_Broken] = []
        notices.append((_built if table.template else _checked)(policy, table, number, found))
        broken += found
    if broken:
        raise RuleError(*broken)
    return tuple(notices)


def _language(table: NoticeTable) -> str:
    return table.locale.split("_", maxsplit=1)[0]


def _checked(_policy: Policy, table: NoticeTable, number: int, broken: list[_Broken]) -> Notice:
    """Return a study's own text; note each item that it does not have, in the languages that have a template."""
    language = _language(table)
    for item in missing_items(table.own_text, language) if language in LANGUAGES else ():
        heading = template(language).sections[item].heading
        broken.append((("notice", number), f'the heading "{heading}" with what it says below it', "no such heading"))
    return Notice(table.locale, table.version, table.own_text)


def _built(policy: Policy, table: NoticeTable, number: int, broken: list[_Broken]) -> Notice:
    language = _language(table)
    if language not in LANGUAGES:
        want = f"a language that has a template: {', '.join(LANGUAGES)}"
        broken.append((("notice", number, "locale"), want, f'"{table.locale}"'))
        return Notice(table.locale, table.version, "")
    first = number == 0  # the study's own words are in the language of its first notice
    purposes = table.purposes if table.purposes is not None else policy.purposes if first else {}
    broken += [
        (("notice", number, "purposes", name), "a purpose that the study has", "another one")
        for name in purposes
        if name not in policy.purposes
    ]
    text, storage = template(language), table.storage or (policy.storage if first else "")
    try:
        made = build(text, policy, purposes, storage)
    except IncompleteError as error:
        for item, name in error.missing:
            way = ("purposes", name) if item == Item.PURPOSES and name in policy.purposes else (name,)
            broken.append((("notice", number, *way), f"what the notice says of it in {language}", "nothing"))
        return Notice(table.locale, table.version, "")
    return Notice(table.locale, table.version, made, parts(text, policy, purposes, storage))
