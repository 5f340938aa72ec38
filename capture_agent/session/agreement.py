"""What the person agreed to, held against what the study asks for now. The ledger is the only memory of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from capture_agent.core.consent import State
from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.keyboard import implied, implying, widest
from capture_agent.core.language import say
from capture_agent.core.never import NeverKind, NeverRule, folded, never_recorded, of_kind
from capture_agent.core.policy import Effective, LegalBasis, Policy, Settings, Widening, effective, widenings
from capture_agent.core.rules import DESKTOP_APP, Rules
from capture_agent.core.validity import clock_went_back, ends, refusal_holds
from capture_agent.ledger.events import Method, event_section
from capture_agent.ledger.high_water import HighWater
from capture_agent.ledger.receipts import accepted_body, asked_body, refused_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Entry, Key, Kind, Standing, keys_to_json
from capture_agent.session.snapshot import Agreed

NEVER = datetime.min.replace(tzinfo=UTC)  # the end of what has none written down: it was over before it began


class Agreement:
    """Policy ∩ settings ∩ consent ∩ time. Main thread only."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime], seen: HighWater) -> None:
        self.ledger = ledger
        self._now = now
        self._seen = seen
        self._policy: Policy | None = None
        self._settings = Settings()
        self._standing = Standing()
        self._asked: Policy | None = None
        self._left = ""  # the study that the person said no to in this run
        self._taken_back: frozenset[Category] = frozenset()  # what the person withdrew alone in this run
        self._told_over: frozenset[Key] = frozenset()  # what is over, and was written down or tried to
        self._ceiling: tuple[frozenset[Category], frozenset[str]] | None = None
        self._kept_out: frozenset[NeverRule] = frozenset()  # what was kept out at any time since that click
        self._offer: Effective | None = None  # asked for many times a second; made anew for other files
        self._offer_settings = self._settings
        self._ends: Mapping[Key, datetime | None] = {}  # as the offer: asked for many times a second
        self._ends_of: tuple[object, ...] = (None, None, None)
        self._first_end: datetime | None = None
        self.widened: tuple[Widening, ...] = ()

    @property
    def policy(self) -> Policy | None:
        """The study that was joined, as it is now."""
        return self._policy

    @property
    def settings(self) -> Settings:
        """What the person narrowed."""
        return self._settings

    @property
    def standing(self) -> Standing:
        """Where the person stands with the study."""
        return self._standing

    @property
    def offer(self) -> Effective | None:
        """What the person may be asked for."""
        if self._policy is None:
            return None
        if self._offer is None or self._offer.policy is not self._policy or self._offer_settings is not self._settings:
            self._offer, self._offer_settings = effective(self._policy, self._settings), self._settings
        return self._offer

    def use(self, policy: Policy | None, settings: Settings) -> None:
        """Take a policy and settings into force. What goes beyond what was agreed ends the consent to it.

        Raises:
            ConfigError: A later version of the policy was in force before. The last one stays; the settings hold.
            StorageError: The consent record cannot be written; nothing permits capture then either.
            KeyError_: The version cannot be kept. The policy is in force all the same.
        """
        self._settings = settings
        try:
            if policy is not None:
                self._seen.check_policy(policy)
            self._policy = policy
        finally:
            self._read()
            if self._ceiling is not None:
                self._ceiling = (self.captured, self._agreed_apps)
                self._kept_out |= settings.never
        if policy is not None:
            self._seen.saw_policy(policy)

    def check(self, policy: Policy) -> None:
        """Return if `policy` may be joined.

        Raises:
            ConfigError: A later version of it was in force here.
        """
        self._seen.check_policy(policy)

    def begin(self) -> None:
        """Take the person's click for what is agreed now: until `end`, files can take from it and give nothing back."""
        self.end()
        self._ceiling = (self.captured, self._agreed_apps)
        self._kept_out = self._settings.never

    def end(self) -> None:
        """Wait for the next click."""
        self._ceiling = None
        self._kept_out = frozenset()

    def allow_again(self, rule: NeverRule) -> None:
        """Take the person's click for one rule that is gone from the settings: until then, it held on."""
        self._kept_out -= {rule}

    def _read(self) -> None:
        policy = self._policy
        self._standing = Standing()  # should the next line raise, nothing is permitted
        if policy is not None:
            self._standing = self.ledger.standing(policy.study)
        agreed = self._standing.policy
        self.widened = () if policy is None or agreed is None else widenings(agreed, policy)
        self._told_over = frozenset()
        self.note_over()
        if policy is not None and self.widened and self._standing.consent.permitting():
            body = {"widened": [[one.what, one.was, one.wants] for one in self.widened]}
            self._append(Kind.INVALIDATED, body, Method.POLICY)

    def _append(self, kind: Kind, body: Mapping[str, object], method: Method, *, renewed: bool = False) -> None:
        study, now = self._joined().study, self._now()
        event = event_section(self.ledger, study, kind, method, now, renewed=renewed)
        self.ledger.append(kind, study, {**body, "event": event}, now)
        self._standing = self.ledger.standing(study)

    def _joined(self) -> Policy:
        if self._policy is None:
            raise ConsentError("no study was joined", hint="Open the window and choose what to record for.")
        return self._policy

    @property
    def captured(self) -> frozenset[Category]:
        """The categories that may be captured now."""
        offer = self.offer
        if offer is None or self._left == offer.policy.study or self.widened or self.closed_because():
            return frozenset()
        agreed = {category for purpose, category in self._in_time() if purpose in offer.policy.purposes}
        captured = offer.categories & implied(agreed - self._taken_back)
        if self._ceiling is not None:
            captured &= implied(self._ceiling[0])
        return widest(captured, (implied(one.categories) for one in offer.policy.recipients))

    @property
    def apps(self) -> frozenset[str]:
        """The programs that may be recorded now."""
        return self._agreed_apps - of_kind(self.never, NeverKind.PROGRAM) - never_recorded()

    @property
    def _agreed_apps(self) -> frozenset[str]:
        offer = self.offer
        if offer is None:
            return frozenset()
        apps = self._standing.apps if offer.policy.apps is None else self._standing.apps & offer.policy.apps
        return apps if self._ceiling is None else apps & self._ceiling[1]

    @property
    def never(self) -> frozenset[NeverRule]:
        """What the person keeps out."""
        return self._settings.never | self._kept_out

    def rules(self, own_pid: int) -> Rules:
        """Return what the gate lets through now."""
        excluded = never_recorded() | of_kind(self.never, NeverKind.PROGRAM)
        titles = frozenset(folded(text) for text in of_kind(self.never, NeverKind.TITLE))
        return Rules(self.captured, self.apps, excluded, own_pid, titles=titles)

    def rows(self) -> tuple[Agreed, ...]:
        """Return where each consent that is offered, or was ever asked for, stands."""
        keys = set(self._standing.consent.states)
        if self._policy is not None:
            keys |= {(purpose, category) for purpose in self._policy.purposes for category in self._policy.categories}
        return tuple(
            Agreed(*key, self._standing.consent.state(*key), self._standing.since.get(key), self.end_of(key))
            for key in sorted(keys)
        )

    # --- time

    def end_of(self, key: Key) -> datetime | None:
        """Return when the consent to `key` is over; None if there is none.

        What was agreed to, the study and the settings each can shorten it; nothing can make it longer.
        """
        return self._permitted().get(key)

    def _permitted(self) -> Mapping[Key, datetime | None]:
        """Return when each consent that permits capture is over."""
        decides = (self._standing, self._policy, self._settings)
        if any(a is not b for a, b in zip(decides, self._ends_of, strict=True)):
            self._ends = {key: self._end(key) for key in self._standing.consent.permitting()}
            self._ends_of = decides
            self._first_end = min((one or NEVER for one in self._ends.values()), default=None)
        return self._ends

    def _end(self, key: Key) -> datetime | None:
        latest, since = self._standing.until.get(key), self._standing.since.get(key)
        if latest is None or since is None:
            return None
        offered = None if self._policy is None else self._policy.consent_months
        return min(latest, ends(since, offered, self._settings.consent_months))

    @property
    def until(self) -> datetime | None:
        """When the first of what is captured is over; None if nothing is."""
        captured = self.captured
        ends_ = [self.end_of(key) for key in self._in_time() if implied({key[1]}) & captured]
        return min((end for end in ends_ if end is not None), default=None)

    def _over(self) -> frozenset[Key]:
        now, permitted = self._now(), self._permitted()
        if self._first_end is None or now < self._first_end:
            return frozenset()
        return frozenset(key for key, end in permitted.items() if end is None or end <= now)

    def _in_time(self) -> frozenset[Key]:
        return frozenset(self._permitted()) - self._over()

    @property
    def just_over(self) -> bool:
        """Whether something is over since this was noted last."""
        return bool(self._over() - self._told_over)

    @property
    def is_over(self) -> bool:
        """Whether time, or a clock that was set, ended something: `just_over`, or `closed_because` of it."""
        return self.just_over or bool(self.closed_because())

    def note_over(self) -> None:
        """Write down what is over. It is not captured any more, whether this can be written or not."""
        over = self._over()
        if over - self._told_over:
            self._told_over = over
            self._append(Kind.EXPIRED, {"keys": keys_to_json(over)}, Method.TIME)

    def notice_time(self) -> None:
        """Remember how late it is, as long as this program runs. Called with every tick."""
        self._seen.saw_time(self._now())

    def keep_time(self, *, at_once: bool = False) -> None:
        """Remember it across restarts, too.

        Raises:
            KeyError_: It cannot be kept.
        """
        self.notice_time()
        self._seen.keep_time(at_once=at_once)

    @property
    def _clock_is_wrong(self) -> bool:
        return clock_went_back(self._seen.latest, self._now())

    def closed_because(self) -> str:
        """Return why nothing may be recorded now, in a sentence, or ""."""
        policy, latest = self._policy, self._seen.latest
        if self._clock_is_wrong and latest is not None:
            return say(
                "The clock says an earlier time than this computer has seen: {time} UTC.", time=f"{latest:%F %R}"
            )
        if policy is None:
            return ""
        if not policy.enabled:
            return say("The study was switched off by its administrator.")
        if policy.legal_basis is not LegalBasis.CONSENT:
            return say("The study does not rest on consent, and nothing is recorded without it.")
        if policy.expires is not None and policy.expires <= self._now():
            return say("The study ended on {day}.", day=f"{policy.expires:%Y-%m-%d}")
        if any(recipient.is_example for recipient in policy.recipients):
            return say("The study's recipient is the key of the example, which everybody can open.")
        return ""

    @property
    def closed_hint(self) -> str:
        """What to do about `closed_because`."""
        if self._clock_is_wrong:
            return say("Set the clock right. If it is right now and was wrong before, opt out and agree anew.")
        return say("Nothing is recorded. Ask the people who run the study.") if self.closed_because() else ""

    @property
    def must_ask(self) -> bool:
        """Whether the person agreed to nothing that is offered, and may be asked: no recent no stands against it."""
        if self._policy is None or self.captured or self.closed_because():
            return False
        return not self.refused and not self._said_no_lately()

    def _said_no_lately(self) -> bool:
        """Whether the person refused any study since choosing this one: a new name for it is no reason to ask again."""
        chosen = max((one.seq for one in self._entries_of(Kind.JOINED)), default=0)
        noes = [one.time for one in self.ledger.entries if one.kind is Kind.REFUSED and one.seq > chosen]
        return bool(noes) and refusal_holds(max(noes), self._now())

    def _entries_of(self, kind: Kind) -> Iterable[Entry]:
        study = self._joined().study
        return (one for one in self.ledger.entries if one.kind is kind and one.study == study)

    @property
    def refused(self) -> bool:
        """Whether the person's last word was no, not too long ago to be asked again."""
        return refusal_holds(self._standing.refused, self._now())

    @property
    def ended(self) -> bool:
        """Whether all that was agreed to is over."""
        return State.EXPIRED in self._standing.consent.states.values() and not self._standing.consent.permitting()

    def join(self, policy: Policy) -> None:
        """Note that the person chose this study. It permits nothing."""
        self._policy = policy
        if self._clock_is_wrong:
            self._seen.begin_time_anew(self._now())
        self._append(Kind.JOINED, {"version": policy.version}, Method.WINDOW)
        self._read()

    def note(self, kind: Kind, body: Mapping[str, object]) -> None:
        """Note what else the person chose for this study.

        Raises:
            ConsentError: None was joined.
        """
        self._append(kind, body, Method.WINDOW)

    def ask(self) -> None:
        """Note that the panel is shown."""
        self._append(Kind.ASKED, asked_body(self._joined()), Method.PANEL)
        self._asked = self._policy

    def accept(self, categories: frozenset[Category], apps: frozenset[str], locale: str, shown_text: str) -> None:
        """Note what the person agreed to.

        Raises:
            ConsentError: Nothing was ticked, something was not offered, or the panel was not shown with
                the study as it is now.
        """
        policy, offered = self._joined(), self._offered()
        if policy != self._asked:
            raise ConsentError("the study changed while you read what it asks for", hint="Read it again.")
        if not categories or not categories <= offered:
            raise ConsentError("nothing that is offered was ticked", hint="Tick what may be recorded, or refuse.")
        beyond = set() if policy.apps is None else apps - policy.apps - {DESKTOP_APP}
        if beyond:
            raise ConsentError("the study does not offer these programs", hint="Choose among the programs listed.")
        until = ends(self._now(), policy.consent_months, self._settings.consent_months)
        body = accepted_body(policy, self._keys(categories), apps, locale, shown_text)
        renewed = bool(self._standing.consent.permitting() & set(self._keys(categories)))
        self._append(Kind.ACCEPTED, {**body, "until": until.isoformat()}, Method.PANEL, renewed=renewed)
        self._left, self._taken_back = "", frozenset()
        self._read()

    def refuse(self) -> None:
        """Note that the person said no to everything that is offered. It holds even if it cannot be written down."""
        self._left = self._joined().study
        self._append(Kind.REFUSED, refused_body(self._joined()), Method.PANEL)

    def withdraw(self, study: str) -> None:
        """Note that the person opted out of `study`. It holds even if it cannot be written down."""
        self._left = study
        now = self._now()
        event = event_section(self.ledger, study, Kind.WITHDRAWN, Method.OPT_OUT, now)
        self.ledger.append(Kind.WITHDRAWN, study, {"event": event}, now)
        self._standing = self.ledger.standing(study)

    def take_back(self, category: Category) -> None:
        """Let a category, and what implies it, not be captured from now on; `withdraw_category` writes it down."""
        self._taken_back |= implying(category)

    def withdraw_category(self, category: Category) -> None:
        """Note that the person withdrew one category. It holds even if it cannot be written down."""
        self.take_back(category)
        keys = [key for key in self._standing.consent.permitting() if key[1] in implying(category)]
        self._append(Kind.WITHDRAWN, {"keys": keys_to_json(keys)}, Method.ONE_CATEGORY)

    def check_release(self) -> Policy:
        """Return the study that recordings may be released to now.

        Raises:
            ConsentError: There is none, it takes nothing now, or it changed and was not agreed to as it is.
        """
        policy = self._joined()
        if closed := self.closed_because():
            raise ConsentError(closed, hint="Nothing was released.")
        if self._left == policy.study or self.widened:
            raise ConsentError("you did not agree to what the study asks for now", hint="Read what changed first.")
        return policy

    def _offered(self) -> frozenset[Category]:
        offer = self.offer
        return frozenset() if offer is None else offer.categories

    def _keys(self, categories: frozenset[Category]) -> list[tuple[str, Category]]:
        return [(purpose, category) for purpose in self._joined().purposes for category in categories]
