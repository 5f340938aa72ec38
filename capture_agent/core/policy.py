"""What a study may ask for, and what the person leaves of it.

A `Policy` is what the admin offers, `Settings` what the person narrows, `Effective` what both
leave. Nothing in a `Settings` can widen a `Policy`; `effective` is a meet, tested as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from capture_agent.core.events import Category
from capture_agent.core.keyboard import implied
from capture_agent.core.never import NeverKind, NeverRule
from capture_agent.core.room import MAX_HELD_MB
from capture_agent.core.schedule import Schedule

# Values a person or study may choose within; each with unit and reason.
MAX_FPS_LIMIT = 30  # frames a second; more is a video, not a record of work
RETENTION_LIMIT_DAYS = 3650  # ten years; nobody can promise more
OWN_STUDY = "myself"  # the study id of recording for oneself
OWN_PURPOSE = "own-use"
OWN_RETENTION_DAYS = 30
OWN_DEVICE = "own-device"  # stands for the device's own recipient until one exists
TRAINING_PURPOSE = "train-computer-use-models"  # the id that makes every notice say what training means
MAX_CONSENT_MONTHS = 6  # after half a year nobody remembers the details of a yes; then it is asked again

# The recipient in config.example.toml. Its identity is public, so everybody could read what is sealed to it.
EXAMPLE_SEED_TEXT = "capture-agent example recipient: never use this key"


class RecipientKind(StrEnum):
    """How a recipient's key works. The two are never mixed in one bundle."""

    HYBRID = "hybrid"  # age1pq…, post-quantum
    CLASSICAL = "classical"  # age1…, X25519


class LegalBasis(StrEnum):
    """What the processing rests on (GDPR art. 6(1) a to f). Only consent ever enables capture."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    VITAL_INTERESTS = "vital-interests"
    PUBLIC_TASK = "public-task"
    LEGITIMATE_INTERESTS = "legitimate-interests"


class Right(StrEnum):
    """What a participant can claim from the controller (GDPR art. 7(3) and 15 to 21)."""

    WITHDRAW = "withdraw"
    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"


class MonitoringLaw(StrEnum):
    """Laws by which an employer tells of monitoring, and has it acknowledged. That is no consent to anything."""

    NEW_YORK = "new-york"  # Civil Rights Law § 52-c*2
    DELAWARE = "delaware"  # Code, Title 19, § 705
    CONNECTICUT = "connecticut"  # General Statutes § 31-48d


@dataclass(frozen=True, slots=True)
class Recipient:
    """Someone who can open bundles. `categories` is what this recipient gets, never more than the policy's."""

    name: str
    key: str  # "age1pq1…" or "age1…"; OWN_DEVICE when one records for oneself
    kind: RecipientKind
    categories: frozenset[Category]
    is_example: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """The text a person agrees to, in one language. `text` is Markdown, shown and hashed as it is.

    `parts`: of a text that was made from the policy, a hash of everything in it that `widenings` does not compare
    by itself. So a study that keeps for less long asks nobody again although its text changed.
    """

    locale: str
    version: int
    text: str
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What an employer has to tell about monitoring. Acknowledging it permits no capture.

    `daily`: shown again, without asking for anything, at the first start of each day.
    """

    laws: tuple[MonitoringLaw, ...]
    notices: tuple[Notice, ...]
    daily: bool = False

    def notice(self, locale: str) -> Notice:
        """Return the text in `locale`, as `Policy.notice` does."""
        return in_language(self.notices, locale)


def in_language(notices: tuple[Notice, ...], locale: str) -> Notice:
    """Return the notice in `locale` ("de_CH" falls back to "de"), else the first one."""
    for wanted in (locale, locale.split("_", maxsplit=1)[0]):
        for notice in notices:
            if notice.locale == wanted:
                return notice
    return notices[0]


@dataclass(frozen=True, slots=True)
class Policy:
    """A study as its admin offers it."""

    study: str
    version: int
    title: str
    controller: str
    contact: str
    purposes: Mapping[str, str]  # purpose id → sentence
    categories: frozenset[Category]
    recipients: tuple[Recipient, ...]
    retention_days: int
    notices: tuple[Notice, ...]
    apps: frozenset[str] | None = None  # None: the person chooses any
    tasks: tuple[str, ...] = ()
    destination: str | None = None
    max_fps: int = 10
    expires: datetime | None = None
    enabled: bool = True  # the kill switch; lifting it never resumes capture
    controller_address: str = ""
    independent_contact: str = ""  # a data protection officer, or anybody who is nobody's manager
    complaint_authority: str = ""
    jurisdiction: str = ""
    storage: str = ""  # where what was released is kept, for people to read
    legal_basis: LegalBasis = LegalBasis.CONSENT
    rights: tuple[Right, ...] = tuple(Right)
    consent_months: int = MAX_CONSENT_MONTHS
    dpia: str = ""  # reference to the data protection impact assessment
    agreement: str = ""  # reference to a works agreement, an ethics board's vote, or a data sharing contract
    monitoring: Monitoring | None = None
    schedule: Schedule | None = None  # when recording is allowed at all; None: at any time
    max_held_mb: int = MAX_HELD_MB  # what recordings may take on the participant's disk
    min_hold_days: int = 1  # for how many days recordings are held at least before they are shared by themselves

    @property
    def is_own(self) -> bool:
        """Whether this is recording for oneself."""
        return self.study == OWN_STUDY

    def notice(self, locale: str) -> Notice:
        """Return the notice in `locale` ("de_CH" falls back to "de"), else the first one."""
        return in_language(self.notices, locale)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person chose. Every default leaves the policy as it is."""

    categories: frozenset[Category] | None = None
    never_apps: frozenset[str] = frozenset()
    never_titles: frozenset[str] = frozenset()  # texts, as the person wrote them
    max_fps: int | None = None
    pause_hotkey: str = "ctrl+shift+f9"
    task_hotkey: str = "ctrl+shift+f10"
    locale: str = ""
    schedule: Schedule | None = None
    consent_months: int | None = None  # for how long a consent lasts at most
    pause_on_battery_saver: bool = True
    max_held_mb: int | None = None
    deliver_on_metered: bool = False  # also over a network that costs by volume
    max_delivery_kbit: int | None = None  # a second

    @property
    def delivery_rate(self) -> int | None:
        """How many bytes a second what is delivered may take; None: as many as there are."""
        return None if self.max_delivery_kbit is None else self.max_delivery_kbit * 1000 // 8

    @property
    def never(self) -> frozenset[NeverRule]:
        """What the person keeps out, as rules."""
        programs = {NeverRule(NeverKind.PROGRAM, name) for name in self.never_apps}
        return frozenset(programs | {NeverRule(NeverKind.TITLE, text) for text in self.never_titles})


@dataclass(frozen=True, slots=True)
class Effective:
    """What may be asked for on this machine: policy narrowed by settings."""

    policy: Policy
    categories: frozenset[Category]
    never_apps: frozenset[str] = field(default_factory=frozenset)
    max_fps: int = 10
    schedules: tuple[Schedule, ...] = ()  # recording is allowed when all of them are open
    max_held_mb: int = MAX_HELD_MB

    def allows(self, local: datetime) -> bool:
        """Return whether recording is allowed at a moment of the wall clock here."""
        return all(schedule.opening(local) is not None for schedule in self.schedules)


def effective(policy: Policy, settings: Settings) -> Effective:
    """Return `policy` narrowed by `settings`."""
    narrowed = policy.categories if settings.categories is None else implied(settings.categories)
    categories = policy.categories & narrowed
    fps = policy.max_fps if settings.max_fps is None else min(policy.max_fps, settings.max_fps)
    schedules = tuple(one for one in (policy.schedule, settings.schedule) if one is not None)
    held_mb = policy.max_held_mb if settings.max_held_mb is None else min(policy.max_held_mb, settings.max_held_mb)
    return Effective(policy, categories, settings.never_apps, fps, schedules, held_mb)


@dataclass(frozen=True, slots=True)
class Widening:
    """One thing that a new policy asks for and the agreed one did not. `was` and `wants` are for people to read."""

    what: str
    was: str
    wants: str


def widenings(agreed: Policy, new: Policy) -> tuple[Widening, ...]:
    """Return everything in `new` that goes beyond `agreed`, or changes what was agreed to.

    Capture under `new` needs a fresh consent unless this is empty.
    """
    found: list[Widening] = []

    def compare(what: str, was: object, wants: object, *, wider: bool) -> None:
        if wider:
            found.append(Widening(what, str(was), str(wants)))

    compare("study", agreed.study, new.study, wider=agreed.study != new.study)
    compare("title", agreed.title, new.title, wider=agreed.title != new.title)
    compare("controller", agreed.controller, new.controller, wider=agreed.controller != new.controller)
    for what, was, wants in _particulars(agreed, new):
        compare(what, was or "not there", wants or "not there", wider=was != wants)
    for right in agreed.rights:
        compare("right", right, "not there", wider=right not in new.rights)
    longer = new.consent_months > agreed.consent_months
    compare("months a consent lasts", agreed.consent_months, new.consent_months, wider=longer)
    for purpose in sorted(new.purposes):
        was = agreed.purposes.get(purpose, "")
        compare(f"purpose {purpose}", was or "not there", new.purposes[purpose], wider=was != new.purposes[purpose])
    for category in sorted(new.categories - implied(agreed.categories)):
        compare("category", "not there", category, wider=True)
    known = {recipient.key: recipient for recipient in agreed.recipients}
    for recipient in new.recipients:
        before = known.get(recipient.key)
        compare("recipient", "not there", recipient.name, wider=before is None)
        if before is not None:
            compare("recipient's name", before.name, recipient.name, wider=before.name != recipient.name)
            for category in sorted(recipient.categories - implied(before.categories)):
                compare(f"what {recipient.name} gets", "not there", category, wider=True)
    compare("days kept", agreed.retention_days, new.retention_days, wider=new.retention_days > agreed.retention_days)
    compare(
        "end of the study",
        _end(agreed.expires),
        _end(new.expires),
        wider=agreed.expires is not None and (new.expires is None or new.expires > agreed.expires),
    )
    compare(
        "destination",
        agreed.destination or "none",
        new.destination or "none",
        wider=new.destination not in {None, agreed.destination},
    )
    compare("frames a second", agreed.max_fps, new.max_fps, wider=new.max_fps > agreed.max_fps)
    compare("megabytes held", agreed.max_held_mb, new.max_held_mb, wider=new.max_held_mb > agreed.max_held_mb)
    compare("days of hold", agreed.min_hold_days, new.min_hold_days, wider=new.min_hold_days < agreed.min_hold_days)
    hours_wider = agreed.schedule is not None and (new.schedule is None or not new.schedule.within(agreed.schedule))
    compare("hours", agreed.schedule or "any", new.schedule or "any", wider=hours_wider)
    apps_wider = agreed.apps is not None and (new.apps is None or bool(new.apps - agreed.apps))
    compare("programs", _apps(agreed.apps), _apps(new.apps), wider=apps_wider)
    old_notices = {notice.locale: notice for notice in agreed.notices}
    for notice in new.notices:
        before_text = old_notices.get(notice.locale)
        compare(
            f"notice ({notice.locale})",
            "not there" if before_text is None else f"version {before_text.version}",
            f"version {notice.version}",
            wider=before_text is None or not _says_no_more(before_text, notice),
        )
    return tuple(found)


def _says_no_more(agreed: Notice, new: Notice) -> bool:
    return new.text == agreed.text or (bool(new.parts) and new.parts <= agreed.parts)


def _particulars(agreed: Policy, new: Policy) -> tuple[tuple[str, str, str], ...]:
    """Return what people are told of who answers for the data, where it is and by which right: name, before, after."""
    return (
        ("controller's address", agreed.controller_address, new.controller_address),
        ("independent contact", agreed.independent_contact, new.independent_contact),
        ("complaint authority", agreed.complaint_authority, new.complaint_authority),
        ("jurisdiction", agreed.jurisdiction, new.jurisdiction),
        ("storage", agreed.storage, new.storage),
        ("legal basis", agreed.legal_basis, new.legal_basis),
        ("impact assessment", agreed.dpia, new.dpia),
        ("agreement", agreed.agreement, new.agreement),
    )


def _apps(apps: frozenset[str] | None) -> str:
    return "any you choose" if apps is None else ", ".join(sorted(apps)) or "none"


def _end(expires: datetime | None) -> str:
    return "none" if expires is None else f"{expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
