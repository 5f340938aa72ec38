"""Check a policy before anybody gets it: all mistakes at once, and warnings about what is allowed but unwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from capture_agent.core.events import Category
from capture_agent.core.never import never_recorded
from capture_agent.core.policy import Policy, RecipientKind
from capture_agent.keys.age import fingerprint
from capture_agent.ledger.templates import LANGUAGES
from capture_agent.settings import Problem, WrongFileError, read_policy

EXPIRES_SOON = timedelta(days=30)  # people need time to read and agree to a new policy
LONG_RETENTION_DAYS = 365  # storage limitation, GDPR art. 5(1)(e): longer needs a reason


@dataclass(frozen=True, slots=True)
class Warning_:  # noqa: N801 - "Warning" is Python's own
    """Something that is allowed and unwise: the key, and a sentence."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong with a file, and what is unwise. `policy` is None if anything is wrong."""

    path: Path
    problems: tuple[Problem, ...]
    warnings: tuple[Warning_, ...]
    policy: Policy | None

    @property
    def ok(self) -> bool:
        """Whether the agent would take this file."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return what `admin check --json` prints."""
        return {
            "file": str(self.path),
            "ok": self.ok,
            "errors": [problem.as_dict() for problem in self.problems],
            "warnings": [{"key": one.key, "text": one.text} for one in self.warnings],
            "recipients": [
                {"name": one.name, "kind": one.kind.value, "fingerprint": fingerprint(one.key)}
                for one in (self.policy.recipients if self.policy else ())
            ],
        }

    def lines(self) -> list[str]:
        """Return what `admin check` prints."""
        said = [str(problem) for problem in self.problems]
        said += [f"{self.path}: warning: {one.key}: {one.text}" for one in self.warnings]
        if self.policy is None:
            return [*said, f"{self.path}: {len(self.problems)} to put right"]
        said += [f"{one.name}: {fingerprint(one.key)}" for one in self.policy.recipients]
        return [*said, f"{self.path}: right, with {len(self.warnings)} warning{'' if len(self.warnings) == 1 else 's'}"]


def check(path: Path, now: datetime) -> Report:
    """Return everything that is wrong or unwise about the policy at `path`."""
    try:
        policy = read_policy(path, now=now).policy
    except WrongFileError as error:
        return Report(path, error.problems, (), None)
    return Report(path, (), tuple(warnings(policy, now)), policy)


def warnings(policy: Policy, now: datetime) -> Iterator[Warning_]:
    """Yield what is unwise about a policy that is right."""
    for recipient in policy.recipients:
        if recipient.is_example:
            yield Warning_(
                "recipient",
                f"{recipient.name} has the example's key, which everybody can open; the agent refuses to record to it. "
                "Make one with `capture-agent research keygen`",
            )
    if any(recipient.kind is RecipientKind.CLASSICAL for recipient in policy.recipients):
        yield Warning_("recipient", "age1… keys are not post-quantum: what is copied today may be opened later")
    for notice in policy.notices:
        if notice.locale.split("_")[0] not in LANGUAGES:
            yield Warning_("notice", f'this version cannot check whether the one in "{notice.locale}" is complete')
    if policy.contact and policy.independent_contact == policy.contact:
        yield Warning_(
            "independent_contact", "it is the study's own contact; name somebody whom nobody here answers to"
        )
    if not policy.dpia and not policy.is_own:
        yield Warning_("dpia", "recording people at work is likely to need an impact assessment (GDPR art. 35)")
    if policy.expires is not None and policy.expires - now < EXPIRES_SOON:
        yield Warning_("expires", f"in less than {EXPIRES_SOON.days} days nothing is recorded for the study any more")
    if policy.retention_days > LONG_RETENTION_DAYS:
        yield Warning_("retention_days", f"{policy.retention_days} days is longer than a year; say why in the notice")
    if policy.destination is None:
        yield Warning_("destination", "without one, participants have to hand over released recordings themselves")
    if not policy.enabled:
        yield Warning_("enabled", "the study is switched off; nothing is recorded for it")
    for name in sorted((policy.apps or frozenset()) & never_recorded()):
        yield Warning_("programs", f'"{name}" is never recorded, whatever a policy says')
    if policy.tasks and Category.TASKS not in policy.categories:
        yield Warning_("tasks", "the list is never shown, because tasks are not among the categories")
    for category in sorted(policy.categories):
        if not any(category in recipient.categories for recipient in policy.recipients):
            yield Warning_("categories", f'"{category}" is asked for, and no recipient gets it')
