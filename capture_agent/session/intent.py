"""Something that the person wants gone and that is not done yet, and when it is due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from capture_agent.held.cut import Span
from capture_agent.held.tape import SESSION_ID
from capture_agent.ledger.standing import Entry, Kind
from capture_agent.session.cutting import spans_from_json

UNDO = timedelta(seconds=10)  # long enough to notice a slip, short enough to wait for
PUT_BACK = timedelta(days=1)  # long enough to find out the next morning what was in it
AGAIN = timedelta(seconds=10)  # what could not be done (a locked keyring, a full disk) is tried again this often


@dataclass(slots=True)
class Intent:
    """An intent that is not carried out yet. `entry` is None if the ledger did not take it: then memory has to do.

    Attributes:
        not_before: When it is due; None: now.
        can_undo: It waits for a moment in which the person can undo it.
        tried: It was begun, and nobody undoes it any more.
    """

    kind: Kind
    study: str
    body: Mapping[str, object]
    entry: Entry | None
    not_before: datetime | None = None
    can_undo: bool = False
    tried: bool = False

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return what an entry that nothing closes says."""
        one = cls(entry.kind, entry.study, entry.body, entry)
        one.not_before = one.until
        return one

    @property
    def spans(self) -> dict[str, list[Span]]:
        """What is to be cut or forgotten, by session."""
        stored = self.body.get("spans")
        return {} if stored is None else spans_from_json(stored)

    @property
    def sessions(self) -> list[str]:
        """What is to be destroyed."""
        named = self.body.get("sessions")
        return [str(one) for one in named] if isinstance(named, list) else []

    @property
    def waits(self) -> bool:
        """Whether it is a cut that is not for good yet."""
        return self.kind is Kind.CUT_INTENDED and "what" in self.body

    @property
    def rewrites(self) -> bool:
        """Whether recordings are written anew for it now, which takes long: nobody waits for that."""
        return self.kind in {Kind.FORGET_INTENDED, Kind.CUT_INTENDED} and not self.waits

    @property
    def until(self) -> datetime | None:
        """Until when what was deleted can be put back; None: it was not, or it is too late."""
        return datetime.fromisoformat(str(self.body["until"])) if "until" in self.body and not self.tried else None

    def is_due(self, now: datetime) -> bool:
        """Return whether to do it now. A clock that was set back must not make anybody wait, one put right may."""
        if self.waits:
            return False  # until it is for good
        longest = 2 * (PUT_BACK if self.until is not None else max(UNDO, AGAIN))
        return self.not_before is None or self.not_before <= now or self.not_before - now > longest

    def lasts(self, now: datetime) -> bool:
        """Return whether it goes on waiting, whatever the program does."""
        return self.waits or (self.until is not None and not self.is_due(now))


def ours(sessions: Iterable[str]) -> list[str]:
    """Leave out stray files with names that no session can have: there is no key, and they are not ours to remove."""
    return sorted(one for one in sessions if SESSION_ID.fullmatch(one))
