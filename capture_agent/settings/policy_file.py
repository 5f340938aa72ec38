"""A study's policy file: what it may say, and how it becomes a `core.policy.Policy`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from capture_agent.core.destination import parse as parse_destination
from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.events import Category
from capture_agent.core.hold import HOLD_LIMIT_DAYS
from capture_agent.core.policy import (
    MAX_CONSENT_MONTHS,
    MAX_FPS_LIMIT,
    OWN_STUDY,
    RETENTION_LIMIT_DAYS,
    LegalBasis,
    Policy,
    Recipient,
    Right,
)
from capture_agent.core.room import LEAST_HELD_MB, MAX_HELD_MB
from capture_agent.keys import age
from capture_agent.settings.fields import (
    MAX_NAME_CHARS,
    MAX_PROGRAMS,
    MAX_RECIPIENTS,
    MAX_TASKS,
    BasisName,
    CategoryName,
    Format,
    Fps,
    HeldMb,
    Hours,
    Moment,
    Name,
    Program,
    RightName,
    Sentence,
    Table,
)
from capture_agent.settings.notice_tables import MAX_VERSION, MonitoringTable, NoticeTable, notices_of
from capture_agent.settings.problems import RuleError, WrongFileError
from capture_agent.settings.reading import Document, Stamp, changed, read_bytes, read_document
from capture_agent.settings.toml_lines import KeyPath

_STUDY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_PURPOSE = re.compile(r"[a-z][a-z0-9-]{0,63}")


def _study(text: str) -> str:
    if not _STUDY.fullmatch(text):
        raise ValueError("it has other characters, or is too long")
    if text == OWN_STUDY:
        raise ValueError("this name stands for recording for oneself")
    return text


def _recipient_key(text: str) -> str:
    try:
        age.check_recipient(text)
    except CaptureAgentError as error:
        raise ValueError(str(error)) from None
    return text


def _destination(text: str) -> str:
    parse_destination(text)
    return text


class RecipientTable(Table):
    """`[[recipient]]`: someone who can open what is released."""

    name: Name = Field(description="who this is, for people to read")
    key: Annotated[str, AfterValidator(_recipient_key)] = Field(
        description="an age recipient: age1pq1… (post-quantum), or age1…"
    )
    categories: list[CategoryName] | None = Field(
        default=None, min_length=1, description="some of the study's categories; without it, all of them"
    )


class PolicyTable(Table):
    """The whole policy file."""

    format: Format
    study: Annotated[str, AfterValidator(_study)] = Field(
        description="the study's id: 1 to 64 of a-z, 0-9 and -, and it never changes"
    )
    version: int = Field(ge=1, le=MAX_VERSION, description="a whole number from 1, higher for every new policy")
    title: Name = Field(description=f"the study's name, one line of at most {MAX_NAME_CHARS} characters")
    controller: Name = Field(description="who is responsible for the data (GDPR art. 4(7)), one line")
    controller_address: Name = Field(description="the postal address of the controller, one line")
    contact: Name = Field(description="where participants can ask and use their rights, one line")
    independent_contact: Name = Field(
        description="someone else than a participant's manager: a data protection officer or an independent contact, "
        "one line"
    )
    complaint_authority: Name = Field(description="the authority that complaints can be made to, one line")
    jurisdiction: Name = Field(description='whose law holds, such as "DE" or "EU", one line')
    legal_basis: BasisName = Field(
        default=LegalBasis.CONSENT,
        description=f"one of {', '.join(LegalBasis)}; nothing is recorded on any other basis than consent",
    )
    rights: list[RightName] = Field(
        default=list(Right),
        min_length=1,
        description=f"a list of the participants' rights: {', '.join(Right)}",
    )
    storage: Name = Field(description="where and in which country what was released is kept, one line")
    dpia: Name | None = Field(default=None, description="the data protection impact assessment: a reference, one line")
    agreement: Name | None = Field(
        default=None, description="a works agreement or an ethics board's vote: a reference, one line"
    )
    consent_months: int = Field(
        default=MAX_CONSENT_MONTHS,
        ge=1,
        le=MAX_CONSENT_MONTHS,
        description=f"a whole number of months, 1 to {MAX_CONSENT_MONTHS}, after which everybody is asked again",
    )
    expires: Moment = Field(description="a time with a time zone, such as 2027-12-31T23:59:59Z")
    enabled: bool = Field(default=True, description="true, or false to stop all recording for this study")
    categories: list[CategoryName] = Field(
        min_length=1,
        description=f"a list of {', '.join(Category)}; shortcuts and counts keep less than keyboard",
    )
    programs: list[Program] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_PROGRAMS,
        description="a list of the programs that may be recorded; without it, the person chooses any",
    )
    tasks: list[Name] = Field(
        default_factory=list, max_length=MAX_TASKS, description="a list of tasks to choose from, one line each"
    )
    retention_days: int = Field(
        ge=1, le=RETENTION_LIMIT_DAYS, description=f"a whole number of days, 1 to {RETENTION_LIMIT_DAYS}"
    )
    max_fps: Fps = Field(default=10, description=f"a whole number of frames a second, 1 to {MAX_FPS_LIMIT}")
    schedule: Hours | None = Field(
        default=None,
        description="the days and hours in which recording is allowed, by the clock of each participant, such as "
        '"mon-fri 09:00-17:00"; without it, any',
    )
    max_held_mb: HeldMb = Field(
        default=MAX_HELD_MB,
        description=f"a whole number of megabytes that recordings may take on a participant's disk, {LEAST_HELD_MB} to "
        f"{MAX_HELD_MB}; never more than a tenth of what is free",
    )
    min_hold_days: int = Field(
        default=1,
        ge=1,
        le=HOLD_LIMIT_DAYS,
        description=f"a whole number of days of use, 1 to {HOLD_LIMIT_DAYS}, for which recordings are held at least "
        "before they are shared by themselves, if a participant chose that",
    )
    destination: Annotated[str, AfterValidator(_destination)] | None = Field(
        default=None,
        description="where released bundles are delivered: the full path of a folder, or s3://BUCKET/PREFIX, "
        "gs://BUCKET/PREFIX, az://ACCOUNT/CONTAINER/PREFIX (each takes ?endpoint=https://…, s3 also region=…); "
        "without it, participants hand them over",
    )
    purposes: dict[str, Sentence] = Field(
        min_length=1, description='a table of purposes: an id (a-z, 0-9, -) = "what the data is used for"'
    )
    recipient: list[RecipientTable] = Field(
        min_length=1, max_length=MAX_RECIPIENTS, description=f"1 to {MAX_RECIPIENTS} [[recipient]] tables"
    )
    monitoring: MonitoringTable | None = Field(
        default=None, description="a [monitoring] table, if a law wants such a notice; reading it is no consent"
    )
    notice: list[NoticeTable] = Field(
        min_length=1, description="one [[notice]] table for each language; en and de have to be there, and complete"
    )

    @field_validator("categories", "programs", "tasks", "rights")
    @classmethod
    def _no_twins(cls, values: list[str] | None) -> list[str] | None:
        return values if values is None else _unique(values)

    @field_validator("purposes")
    @classmethod
    def _purpose_ids(cls, purposes: dict[str, str]) -> dict[str, str]:
        wrong = [name for name in purposes if not _PURPOSE.fullmatch(name)]
        if wrong:
            raise RuleError(*(((name,), "a purpose's id of a-z, 0-9 and -", "other characters") for name in wrong))
        return purposes

    @field_validator("recipient")
    @classmethod
    def _recipients_fit(cls, recipients: list[RecipientTable], info: ValidationInfo) -> list[RecipientTable]:
        broken: list[tuple[KeyPath, str, str]] = []
        offered = info.data.get("categories")
        kinds = [age.check_recipient(recipient.key) for recipient in recipients]
        seen: set[str] = set()
        for number, (recipient, kind) in enumerate(zip(recipients, kinds, strict=True)):
            if kind is not kinds[0]:
                want = f"a {kinds[0].value} key like the first recipient's; the two kinds are never mixed"
                broken.append(((number, "key"), want, f"a {kind.value} key"))
            if recipient.key in seen:
                broken.append(((number, "key"), "each recipient once", "the same key again"))
            seen.add(recipient.key)
            for index, category in enumerate(recipient.categories or ()):
                if offered is not None and category not in offered:
                    broken.append(((number, "categories", index), "one of the study's categories", category.value))
        if broken:
            raise RuleError(*broken)
        return recipients

    @field_validator("notice")
    @classmethod
    def _one_notice_a_locale(cls, notices: list[NoticeTable]) -> list[NoticeTable]:
        counts = Counter(notice.locale for notice in notices)
        again = [n for n, notice in enumerate(notices) if counts[notice.locale] > 1]
        if again:
            raise RuleError(*(((n, "locale"), "each language once", notices[n].locale) for n in again[1:]))
        return notices

    def policy(self) -> Policy:
        """Return the study that this file describes."""
        bare = self._without_notices()
        monitoring = None if self.monitoring is None else self.monitoring.monitoring(bare)
        return replace(bare, notices=notices_of(bare, self.notice), monitoring=monitoring)

    @model_validator(mode="after")
    def _people_are_told_everything(self) -> PolicyTable:
        notices_of(self._without_notices(), self.notice)
        return self

    def _without_notices(self) -> Policy:
        categories = frozenset(self.categories)
        return Policy(
            study=self.study,
            version=self.version,
            title=self.title,
            controller=self.controller,
            contact=self.contact,
            purposes=MappingProxyType(dict(self.purposes)),
            categories=categories,
            recipients=tuple(
                Recipient(
                    name=one.name,
                    key=one.key,
                    kind=age.check_recipient(one.key),
                    categories=categories if one.categories is None else frozenset(one.categories),
                    is_example=age.is_example(one.key),
                )
                for one in self.recipient
            ),
            retention_days=self.retention_days,
            notices=(),
            apps=None if self.programs is None else frozenset(self.programs),
            tasks=tuple(self.tasks),
            destination=self.destination,
            max_fps=self.max_fps,
            schedule=self.schedule,
            max_held_mb=self.max_held_mb,
            min_hold_days=self.min_hold_days,
            expires=self.expires,
            enabled=self.enabled,
            controller_address=self.controller_address,
            independent_contact=self.independent_contact,
            complaint_authority=self.complaint_authority,
            jurisdiction=self.jurisdiction,
            storage=self.storage,
            legal_basis=self.legal_basis,
            rights=tuple(right for right in Right if right in self.rights),
            consent_months=self.consent_months,
            dpia=self.dpia or "",
            agreement=self.agreement or "",
        )


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy, the document it was read from, and the stamps of all files that it depends on."""

    policy: Policy
    document: Document

    @property
    def path(self) -> Path:
        """The policy file."""
        return self.document.path

    def changed(self) -> bool:
        """Return whether the policy or one of its notice files changed since it was read. One `stat` a file."""
        return any(changed(path, before) for path, before in self.document.files.items())


def read_policy(path: Path, *, now: datetime | None = None) -> PolicyFile:
    """Return the policy at `path`.

    Args:
        path: A policy file; relative notice files lie in its folder.
        now: With it, a policy that has expired by then is wrong.

    Raises:
        WrongFileError: With all problems of the file.
    """
    document = read_document(path)
    files: dict[Path, Stamp | None] = document.files

    def read(name: str) -> str:
        notice = path.parent / name
        files[notice] = None
        raw, files[notice] = read_bytes(notice)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("which is not UTF-8 text") from None

    table: Any = document.check(PolicyTable, {"read": read})
    if now is not None and table.expires <= now:
        raise WrongFileError([document.problem(("expires",), "a time that is still to come", str(table.expires))])
    return PolicyFile(table.policy(), document)


def _unique(values: list[str]) -> list[str]:
    first: dict[str, int] = {}
    twins = [n for n, value in enumerate(values) if first.setdefault(value, n) != n]
    if twins:
        raise RuleError(*(((n,), "each value once", f'"{values[n]}" again') for n in twins))
    return values
