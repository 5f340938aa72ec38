"""Opting out: every step is taken, whatever becomes of the others, and what could not be noted is noted later.

Capture stops before anything here is called. A full disk, a locked keyring or a ledger that cannot be written may
delay what is written down, never what is done.
"""

from __future__ import annotations

from collections.abc import Callable

from capture_agent.core.errors import CaptureAgentError
from capture_agent.session.agreement import Agreement
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Remembered


class Leaving:
    """Withdraws from a study, and remembers it elsewhere as long as the ledger cannot. Main thread only.

    `remember` replaces what survives a restart; `remembered` returns it.
    """

    def __init__(
        self,
        agreement: Agreement,
        holdings: Holdings,
        remembered: Callable[[], Remembered],
        remember: Callable[..., None],
    ) -> None:
        self._agreement = agreement
        self._holdings = holdings
        self._remembered = remembered
        self._remember = remember

    def withdraw(self, study: str | None, *, destroy: bool) -> None:
        """Opt out of `study`, so that nothing is captured for it, and with `destroy` let its recordings go soon.

        Raises:
            CaptureAgentError: Something could not be written down yet. The person has opted out all the same.
        """
        holdings = self._holdings
        sessions = holdings.unreleased(study) if destroy and study is not None else []
        with holdings.lock:
            self._each(
                lambda: None if study is None else self._withdrawn(study, destroying=destroy),
                lambda: holdings.intents.destroy(study or "", sessions, can_undo=True),
                lambda: holdings.reserve.spend(lambda: self._remember(joined="", study_path="")),
            )

    def catch_up(self) -> None:
        """Write down what could not be, and finish what was undone by nobody.

        Raises:
            CaptureAgentError: It still cannot be.
        """
        left, destroying = self._remembered().left, self._remembered().left_destroying
        if not left:
            return
        with self._holdings.lock:
            self._agreement.withdraw(left)
            if destroying:
                self._holdings.destroy(left, self._holdings.unreleased(left))
            self._remember(left="", left_destroying=False)

    def _withdrawn(self, study: str, *, destroying: bool) -> None:
        reserve = self._holdings.reserve
        try:
            reserve.spend(lambda: self._agreement.withdraw(study))
        except CaptureAgentError:
            # The ledger is broken: the next start must know, too.
            reserve.spend(lambda: self._remember(left=study, left_destroying=destroying))
            raise

    def _each(self, *steps: Callable[[], None]) -> None:
        """Take every step, then raise the first error."""
        first: CaptureAgentError | None = None
        for step in steps:
            try:
                step()
            except CaptureAgentError as error:
                first = first or error
        if first is not None:
            raise first
