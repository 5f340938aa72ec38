"""A held session on its owner's disk, as something that can be read as often as needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from capture_agent.encode.event_log import Message
from capture_agent.held import reader
from capture_agent.held.cut import Cut, Span
from capture_agent.keys.age import Identity
from capture_agent.outbox.describe import SESSION, STARTED, STUDY


class HeldRecording:
    """Reads the parts of one held session. What it noted is known when they were read to the end once."""

    def __init__(self, path: Path, identity: Identity, without: Sequence[Span] = ()) -> None:
        """Read what the session says in the clear. What lies in the spans `without` is left out, as if it was cut.

        Raises:
            StorageError: The file is missing, odd, or in a newer format.
            VerificationError: It is damaged.
        """
        self._path = path
        self._identity = identity
        self._without = without
        outside = reader.read_outside(path)
        head = outside.head
        self._total = len(outside.parts)
        self.study = head.study
        self._notes: dict[str, str] = {SESSION: head.session, STUDY: head.study, STARTED: head.created}
        self._complete = False

    @property
    def notes(self) -> Mapping[str, str]:
        """What the recorder said at the start and, if it came to that, at the end."""
        return self._notes

    @property
    def complete(self) -> bool:
        """Whether the recorder closed the session."""
        return self._complete

    @property
    def total(self) -> int:
        """How many parts its file has."""
        return self._total

    def parts(self) -> Iterator[Sequence[Message]]:
        """Yield the messages of each part. Raises as `held.reader.read` does."""
        cut, end_us = Cut(self._without), 0
        for part in reader.read(self._path, self._identity):
            if part.number == 1 or part.end:
                # The head in the clear is bound to the parts by their chain of hashes.
                self._notes = {**part.header, **self._notes}
            self._complete = bool(part.end)
            if not self._without:
                yield part.messages
                continue
            end_us = max([end_us, *(message.t_us for message in part.messages)])
            yield cut.keep(part.messages)
        if self._without:
            yield cut.finish(end_us)
