"""The monitoring notice of a study, until it is acknowledged. It stands beside consent and never touches it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from capture_agent.core.errors import ConsentError
from capture_agent.core.policy import Policy
from capture_agent.ledger.events import Method, event_section
from capture_agent.ledger.monitoring import acknowledged_body, is_acknowledged
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind


class MonitoringNotice:
    """Whether the notice of the study is still to be read, and that it was. Main thread only."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now
        self._looked: tuple[Policy | None, bool] = (None, False)

    def due(self, policy: Policy | None) -> bool:
        """Return whether `policy` has a notice that was not acknowledged as it is now. Looked up once a policy."""
        if policy is None or policy.monitoring is None:
            return False
        if self._looked[0] is not policy:
            done = is_acknowledged(self._ledger.entries, policy.study, policy.monitoring)
            self._looked = (policy, not done)
        return self._looked[1]

    def acknowledge(self, policy: Policy | None, locale: str, shown_text: str) -> None:
        """Note that the person has read the notice. Nothing may be captured because of it.

        Raises:
            ConsentError: The study has no such notice.
        """
        if policy is None or policy.monitoring is None:
            raise ConsentError("the study has no monitoring notice", hint="There is nothing to acknowledge.")
        now = self._now()
        body = acknowledged_body(policy.study, policy.monitoring, policy.monitoring.notice(locale), shown_text)
        event = event_section(self._ledger, policy.study, Kind.ACKNOWLEDGED, Method.WINDOW, now)
        self._ledger.append(Kind.ACKNOWLEDGED, policy.study, {**body, "event": event}, now)
        self._looked = (policy, False)
