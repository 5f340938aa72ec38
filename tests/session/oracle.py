"""What may be captured at most, worked out from what was done to the agent alone.

It reads nothing of the agent, its record or its tables.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_STUDY, Settings

SLACK = timedelta(minutes=5)
LONGEST = {None: timedelta(days=184), 1: timedelta(days=31), 3: timedelta(days=92)}  # by months in the settings


@dataclass
class Yes:
    """One click on Accept: to what, of which programs, when, and under which policy."""

    categories: frozenset
    apps: frozenset
    given: datetime
    policy: object
    longest: timedelta


@dataclass
class Oracle:
    """What may be captured at most, in the plainest words that say it."""

    yes: dict = field(default_factory=dict)  # study → Yes
    hours: dict = field(default_factory=dict)  # study → when recording may begin by itself
    policy: object = None  # what is in force; None is recording for oneself, or nothing
    study: str = ""  # what was joined
    chosen: Settings = field(default_factory=Settings)
    latest: datetime | None = None
    highest: int = 0
    clicked: bool = False  # a click on Start or Resume since recording last ended for good
    paused: bool = False

    def saw(self, now):
        self.latest = now if self.latest is None else max(self.latest, now)

    def clock_is_wrong(self, now):
        return self.latest is not None and now < self.latest - SLACK

    def reload(self, world):
        """Settings and policy are read: what widens ends the consent, for good."""
        self.chosen = world.chosen
        if world.wrong is not None or (world.study is not None and world.study.version < self.highest):
            return
        if world.study is not None:
            self.highest = max(self.highest, world.study.version)
            self.policy, self.study = world.study, world.study.study
        elif self.study != OWN_STUDY:
            self.policy, self.study = None, ""
        else:
            self.policy = None
        self.judge()

    def judge(self):
        given, now = self.yes.get(self.study), self.policy
        if given is None or now is None:
            return
        wider = (
            not with_less(now.categories) <= with_less(given.policy.categories)
            or now.retention_days > given.policy.retention_days
        )
        if wider or now.notices != given.policy.notices:
            del self.yes[self.study]

    def allowed(self, now):
        """Return the categories and programs that may be captured."""
        given = self.yes.get(self.study)
        if given is None or self.clock_is_wrong(now) or not self.clicked or self.paused:
            return frozenset(), frozenset()
        if now - given.given > min(given.longest, LONGEST[self.chosen.consent_months]):
            return frozenset(), frozenset()
        categories, apps = with_less(given.categories), given.apps - self.chosen.never_apps
        if self.policy is not None:
            if not self.policy.enabled:
                return frozenset(), frozenset()
            categories &= with_less(self.policy.categories)
            apps = apps if self.policy.apps is None else apps & self.policy.apps
        if self.chosen.categories is not None:
            categories &= with_less(self.chosen.categories)
        return categories, apps


def with_less(categories):
    """Return what somebody agrees to who ticks these: of the keyboard, also everything that says less."""
    less = {Category.KEYBOARD: {Category.SHORTCUTS, Category.COUNTS}, Category.SHORTCUTS: {Category.COUNTS}}
    return frozenset(categories).union(*(less.get(one, set()) for one in categories))
