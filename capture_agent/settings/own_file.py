"""The person's own `settings.toml`: it narrows what a study asks for, and can do nothing else."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from capture_agent.core.delivery import LEAST_KBIT, MAX_KBIT
from capture_agent.core.errors import ConfigError, StorageError
from capture_agent.core.language import noted
from capture_agent.core.never import LEAST_TEXT, NeverKind, NeverRule
from capture_agent.core.policy import MAX_CONSENT_MONTHS, MAX_FPS_LIMIT, Policy, Settings
from capture_agent.core.room import LEAST_HELD_MB, MAX_HELD_MB
from capture_agent.keys.files import make_private_folder, replace_private
from capture_agent.settings.fields import (
    MAX_PROGRAMS,
    MAX_TITLE_TEXTS,
    CategoryName,
    ConsentMonths,
    DeliveryKbit,
    Format,
    Fps,
    HeldMb,
    Hotkey,
    Hours,
    Locale,
    Program,
    Table,
    TitleText,
)
from capture_agent.settings.problems import Problem, RuleError, WrongFileError
from capture_agent.settings.reading import FORMAT, Document, Stamp, changed, read_document
from capture_agent.settings.toml_edit import with_text, without_texts

_DEFAULTS = Settings()
_BY_HAND = {True: noted("Add it yourself: {line}"), False: noted("Take it out yourself: {line}")}


class SettingsTable(Table):
    """The whole settings file. Each key narrows, or is a matter of taste; a test flips each and sees its effect."""

    format: Format = Field(default=FORMAT)
    categories: list[CategoryName] | None = Field(
        default=None, description="a list of the categories that studies may ask for at all; without it, any"
    )
    never_programs: list[Program] = Field(
        default_factory=list, max_length=MAX_PROGRAMS, description="a list of programs that are never recorded"
    )
    never_titles: list[TitleText] = Field(
        default_factory=list,
        max_length=MAX_TITLE_TEXTS,
        description=f"a list of texts, {LEAST_TEXT} characters or more: no window with one in its title is recorded",
    )
    max_fps: Fps | None = Field(
        default=None, description=f"a whole number of frames a second, 1 to {MAX_FPS_LIMIT}; the study's number or less"
    )
    consent_months: ConsentMonths | None = Field(
        default=None,
        description=f"a whole number of months that you agree for, 1 to {MAX_CONSENT_MONTHS}; never the longer one",
    )
    pause_hotkey: Hotkey = Field(
        default=_DEFAULTS.pause_hotkey, description=f'keys that pause, such as "{_DEFAULTS.pause_hotkey}"'
    )
    task_hotkey: Hotkey = Field(
        default=_DEFAULTS.task_hotkey,
        description=f'keys that start or finish a task, such as "{_DEFAULTS.task_hotkey}"',
    )
    locale: Locale | None = Field(
        default=None,
        description='the language of windows and notices, such as "en" or "de_CH"; without it, the system\'s',
    )

    schedule: Hours | None = Field(
        default=None,
        description='the days and hours in which recording is allowed, such as "mon-fri 09:00-17:00"; without it, any',
    )

    pause_on_battery_saver: bool = Field(
        default=_DEFAULTS.pause_on_battery_saver,
        description="true, or false to go on recording while the battery is being saved",
    )

    max_held_mb: HeldMb | None = Field(
        default=None,
        description=f"a whole number of megabytes that recordings may take on the disk, {LEAST_HELD_MB} to "
        f"{MAX_HELD_MB}; the study's number or less, and never more than a tenth of what is free",
    )

    deliver_on_metered: bool = Field(
        default=_DEFAULTS.deliver_on_metered,
        description="true to deliver what you shared also over a network that costs by volume, or false",
    )

    max_delivery_kbit: DeliveryKbit | None = Field(
        default=None,
        description=f"a whole number of kilobits a second that delivering may take, {LEAST_KBIT} to {MAX_KBIT}; "
        "without it, as many as there are",
    )

    @model_validator(mode="after")
    def _hotkeys_differ(self) -> SettingsTable:
        if _combination(self.pause_hotkey) == _combination(self.task_hotkey):
            raise RuleError((("task_hotkey",), "keys that do not pause already", f'"{self.task_hotkey}" for both'))
        return self

    def settings(self) -> Settings:
        """Return what the person chose."""
        return Settings(
            categories=None if self.categories is None else frozenset(self.categories),
            never_apps=frozenset(self.never_programs),
            never_titles=frozenset(self.never_titles),
            max_fps=self.max_fps,
            pause_hotkey=self.pause_hotkey,
            task_hotkey=self.task_hotkey,
            locale=self.locale or "",
            schedule=self.schedule,
            consent_months=self.consent_months,
            pause_on_battery_saver=self.pause_on_battery_saver,
            max_held_mb=self.max_held_mb,
            deliver_on_metered=self.deliver_on_metered,
            max_delivery_kbit=self.max_delivery_kbit,
        )


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The person's settings and the stamp of the file they were read from; None if there is no file."""

    settings: Settings
    path: Path
    stamp: Stamp | None

    def changed(self) -> bool:
        """Return whether the file changed, came or went since it was read. One `stat`."""
        return changed(self.path, self.stamp)


def read_settings(path: Path) -> SettingsFile:
    """Return the person's settings; the defaults, which narrow nothing, if there is no file at `path`.

    Raises:
        WrongFileError: With all problems of the file. A file that is there and cannot be read is one:
            what it would have forbidden is not known.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return SettingsFile(_DEFAULTS, path, None)
    except OSError as error:
        raise WrongFileError([Problem(str(path), 1, 1, "", "a readable file", error.strerror or "an error")]) from None
    document = read_document(path)
    table: Any = document.check(SettingsTable)
    return SettingsFile(table.settings(), path, document.files[path])


_LISTS: dict[NeverKind, tuple[str, TypeAdapter[str]]] = {
    NeverKind.PROGRAM: ("never_programs", TypeAdapter(Program)),
    NeverKind.TITLE: ("never_titles", TypeAdapter(TitleText)),
}
_WRONG = {
    NeverKind.PROGRAM: (
        noted("This is no program's name."),
        noted("It is one word or two, such as gimp, without path."),
    ),
    NeverKind.TITLE: (noted("This text is too short."), noted("Take at least {least} characters of the title.")),
}


def never_rule(kind: NeverKind, text: str) -> NeverRule:
    """Return a rule as the settings file would hold it.

    Raises:
        ConfigError: It cannot be one.
    """
    try:
        return NeverRule(kind, _LISTS[kind][1].validate_python(text))
    except ValidationError:
        message, hint = _WRONG[kind]
        raise ConfigError(message, hint=hint, least=LEAST_TEXT) from None


def write_rule(path: Path, rule: NeverRule, *, on: bool) -> None:
    """Add a rule to the settings file at `path`, or take it out. All else in it stays as the person wrote it.

    Raises:
        WrongFileError: The file is wrong as it is; nothing was written.
        StorageError: It cannot be written, or not by a program.
        ConfigError: The rule cannot be one.
    """
    rule, key = never_rule(*rule), _LISTS[rule.kind][0]
    line = f"{key} = {json.dumps([rule.text], ensure_ascii=False)}"
    before = read_settings(path).settings.never
    if (rule in before) is on:
        return
    target = path.resolve()
    if target.exists() and not (os.access(target, os.W_OK) and target.stat().st_mode & stat.S_IWUSR):
        raise StorageError(
            noted("{path} is read-only, so nothing was changed."), hint=_BY_HAND[on], path=path, line=line
        )
    text = target.read_bytes().decode() if target.exists() else ""
    plain = text.replace("\r\n", "\n")
    plain = (
        with_text(plain, key, rule.text)
        if on
        else without_texts(plain, key, lambda one: never_rule(rule.kind, one) == rule)
    )
    after = Document(path, tomllib.loads(plain), {}).check(SettingsTable).settings()
    if after.never != (before | {rule} if on else before - {rule}):
        raise StorageError(
            noted("{path} is written so that a program cannot change it."), hint=_BY_HAND[on], path=path, line=line
        )
    if not target.parent.exists():
        make_private_folder(target.parent)
    replace_private(target, (plain if text == plain else plain.replace("\n", "\r\n")).encode())


def without_effect(settings: Settings, policy: Policy) -> tuple[str, ...]:
    """Return sentences on settings that `policy` narrows further anyway. The narrower one always holds."""
    remarks = [
        f'categories: "{category}" changes nothing: {policy.title} does not ask for it.'
        for category in sorted((settings.categories or frozenset()) - policy.categories)
    ]
    if settings.max_fps is not None and settings.max_fps > policy.max_fps:
        remarks.append(f"max_fps = {settings.max_fps} changes nothing: {policy.title} takes at most {policy.max_fps}.")
    if settings.max_held_mb is not None and settings.max_held_mb > policy.max_held_mb:
        remarks.append(
            f"max_held_mb = {settings.max_held_mb} changes nothing: {policy.title} takes at most {policy.max_held_mb}."
        )
    if settings.schedule is not None and policy.schedule is not None and policy.schedule.within(settings.schedule):
        hours = f'schedule = "{settings.schedule}"'
        remarks.append(f"{hours} changes nothing: {policy.title} takes recordings {policy.schedule} only.")
    if settings.consent_months is not None and settings.consent_months > policy.consent_months:
        remarks.append(
            f"consent_months = {settings.consent_months} changes nothing: {policy.title} asks again after "
            f"{policy.consent_months}."
        )
    return tuple(remarks)


def _combination(hotkey: str) -> frozenset[str]:
    return frozenset(hotkey.split("+"))
