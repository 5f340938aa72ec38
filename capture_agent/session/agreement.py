"""What the person agreed to, held against what the study asks for now. The ledger is the only memory of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.language import say
from capture_agent.core.never import never_recorded
from capture_agent.core.policy import Effective, LegalBasis, Policy, Settings, Widening, effective, widenings
from capture_agent.core.privacy import DESKTOP_APP, Rules
from capture_agent.ledger.receipts import accepted_body, asked_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind, Standing


class Agreement:
    """Policy ∩ settings ∩ consent. Main thread only."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self._now = now
        self._policy: Policy | None = None
        self._settings = Settings()
        self._standing = Standing()
        self._asked: Policy | None = None
        self._left = ""  # the study that the person said no to in this run
        self._ceiling: tuple[frozenset[Category], frozenset[str]] | None = None
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
        return None if self._policy is None else effective(self._policy, self._settings)

    def use(self, policy: Policy | None, settings: Settings) -> None:
        """Take a policy and settings into force. What goes beyond what was agreed ends the consent to it.

        Raises:
            StorageError: The consent record cannot be written; nothing permits capture then either.
        """
        self._policy, self._settings = policy, settings
        self._read()
        if self._ceiling is not None:
            self._ceiling = (self.captured, self.apps)

    def begin(self) -> None:
        """Take the person's click for what is agreed now: until `end`, files can take from it and give nothing back."""
        self._ceiling = None
        self._ceiling = (self.captured, self.apps)

    def end(self) -> None:
        """Wait for the next click."""
        self._ceiling = None

    def _read(self) -> None:
        policy = self._policy
        self._standing = Standing()  # should the next line raise, nothing is permitted
        if policy is not None:
            self._standing = self.ledger.standing(policy.study)
        agreed = self._standing.policy
        self.widened = () if policy is None or agreed is None else widenings(agreed, policy)
        if policy is not None and self.widened and self._standing.consent.permitting():
            body = {"widened": [[one.what, one.was, one.wants] for one in self.widened]}
            self._append(Kind.INVALIDATED, body)

    def _append(self, kind: Kind, body: Mapping[str, object]) -> None:
        policy = self._joined()
        self.ledger.append(kind, policy.study, body, self._now())
        self._standing = self.ledger.standing(policy.study)

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
        agreed = (self._standing.consent.permitted(purpose) for purpose in offer.policy.purposes)
        captured = offer.categories.intersection(frozenset[Category]().union(*agreed))
        return captured if self._ceiling is None else captured & self._ceiling[0]

    @property
    def apps(self) -> frozenset[str]:
        """The programs that may be recorded now."""
        offer = self.offer
        if offer is None:
            return frozenset()
        offered = self._standing.apps if offer.policy.apps is None else self._standing.apps & offer.policy.apps
        apps = offered - offer.never_apps - never_recorded()
        return apps if self._ceiling is None else apps & self._ceiling[1]

    def rules(self, own_pid: int) -> Rules:
        """Return what the gate lets through now."""
        never = never_recorded() | self._settings.never_apps
        return Rules(self.captured, self.apps, never, own_pid)

    def closed_because(self) -> str:
        """Return why the study takes no recordings now, in a sentence, or ""."""
        policy = self._policy
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
    def must_ask(self) -> bool:
        """Whether the person has not (or no longer) agreed to anything that is offered, nor refused it."""
        return self._policy is not None and not self.captured and not self.refused and not self.closed_because()

    @property
    def refused(self) -> bool:
        """Whether the person's last word was no."""
        return self._standing.refused is not None

    def join(self, policy: Policy) -> None:
        """Note that the person chose this study. It permits nothing."""
        self._policy = policy
        self._append(Kind.JOINED, {"version": policy.version})
        self._read()

    def ask(self) -> None:
        """Note that the panel is shown."""
        self._append(Kind.ASKED, asked_body(self._joined()))
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
        body = accepted_body(policy, self._keys(categories), apps, locale, shown_text)
        self._append(Kind.ACCEPTED, body)
        self._left = ""
        self._read()

    def refuse(self) -> None:
        """Note that the person said no to everything that is offered. It holds even if it cannot be written down."""
        self._left = self._joined().study
        self._append(Kind.REFUSED, asked_body(self._joined()))

    def leave(self, study: str) -> None:
        """Permit nothing for `study` any more, whatever the ledger says, until the person agrees anew."""
        self._left = study

    def withdraw(self, study: str) -> None:
        """Note that the person opted out of `study`. It holds even if it cannot be written down."""
        self.leave(study)
        self.ledger.append(Kind.WITHDRAWN, study, {"method": "opt out"}, self._now())
        self._standing = self.ledger.standing(study)

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
