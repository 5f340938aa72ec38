"""Deliver what the person released, by itself and on a thread of its own: tried, noted, and only then let go.

The ledger says what has to go where (`ledger.deliveries`), so a restart goes on wherever the last run ended: a file
leaves the outbox once the entry is written that it arrived, and a try that was cut short is made again.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from capture_agent.core.delivery import LONGEST_S, OF_THE_NETWORK, Trouble, Undelivered, as_error, back_s, delay_s
from capture_agent.core.destination import Destination, parse
from capture_agent.core.errors import CaptureAgentError, FaultError
from capture_agent.core.network import NOWHERE, Addresses
from capture_agent.core.progress import CancelledError, Progress, silent
from capture_agent.ledger.deliveries import Parcel, deliveries
from capture_agent.ledger.standing import Kind
from capture_agent.outbox.credentials import find, name_of, pack
from capture_agent.outbox.errand import send
from capture_agent.session.shelf import Shelf
from capture_agent.session.snapshot import Delivery

LOOK_US = 2_000_000  # how often it is looked whether the network is another one, while something waits: 0.4 ms each
CLOSE_S = 3.0  # how long closing waits for a file that is on its way; then it is tried again at the next start


@dataclass(slots=True)
class _Luck:
    """How it went with one destination lately. `again` is on the input clock, in µs."""

    failures: int = 0
    again_us: int = 0
    again: datetime | None = None
    error: CaptureAgentError | None = None
    trouble: Trouble | None = None


class Delivering:
    """The deliveries of one profile. Main thread only, but for `deliver`, which is slow; never both at once."""

    def __init__(
        self,
        shelf: Shelf,
        now_us: Callable[[], int],
        metered: Callable[[], bool] = lambda: False,
        rate: Callable[[], int | None] = lambda: None,
        addresses: Callable[[], Addresses | None] = lambda: None,
    ) -> None:
        """Deliver nothing yet.

        `metered`: whether nothing may go now because the network costs by volume; `rate`: how many bytes a second may
        go at most, if there is a cap; `addresses`: those of this computer, None while nobody knows. All are asked
        before each file, on any thread; the last one every `LOOK_US`, too, while something waits.
        """
        self._shelf = shelf
        self._now_us = now_us
        self._metered = metered
        self._rate = rate
        self._addresses = addresses
        self._last: Addresses | None = None  # those that were seen last
        self._look_us = 0  # when to look again
        self._luck: dict[str, _Luck] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: CaptureAgentError | None = None

    # --- what is

    @property
    def state(self) -> Delivery | None:
        """What waits and why; None: nothing does."""
        waiting = self.waiting()
        if not waiting:
            return None
        there = [luck for parcel in waiting if (luck := self._luck.get(parcel.destination)) is not None]
        troubled = [luck for luck in there if luck.error is not None]
        error = self._fault or next((luck.error for luck in troubled), None)
        problem, hint = ("", "") if error is None else error.said()
        return Delivery(
            waiting=len(waiting),
            to=tuple(dict.fromkeys(parcel.destination for parcel in waiting)),
            going=self.going,
            problem=problem,
            hint=hint,
            code=0 if error is None else error.exit_code,
            again=min((luck.again for luck in troubled if luck.again is not None), default=None),
        )

    @property
    def going(self) -> bool:
        """Whether something is on its way now."""
        return self._thread is not None and self._thread.is_alive()

    def waiting(self) -> tuple[Parcel, ...]:
        """Return what has to go and is here. What somebody took from the outbox by hand, they delivered themselves."""
        known = self._shelf.ledger.folded(deliveries)
        return tuple(one for one in known.waiting if self._path(one).exists())

    # --- by itself

    def tick(self) -> None:
        """Deliver what is due, on a thread. Called many times a second, and costs nothing while nothing waits."""
        if self.going or self._stop.is_set() or self._fault is not None:
            return
        self._look()
        if not self._due():
            return
        # A daemon, so that a share that hangs cannot keep a person from quitting.
        self._thread = threading.Thread(target=self._round, name="delivery", daemon=True)
        self._thread.start()

    def now(self) -> None:
        """Try at once what would be tried later."""
        for luck in self._luck.values():
            luck.again_us = 0
        self._fault = None
        self.tick()

    def close(self) -> None:
        """Stop, and wait a moment for what is on its way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _look(self) -> None:
        """See whether this computer is in another network, or in none any more: then what hung on it is due soon."""
        now = self._now_us()
        if now < self._look_us or not self.waiting():
            return
        self._look_us = now + LOOK_US
        found, before = self._addresses(), self._last
        if found is None:
            return
        self._last = found
        if before in {None, found}:
            return
        for luck in self._luck.values():
            if luck.trouble in OF_THE_NETWORK:
                luck.failures = 0
                if luck.trouble is Trouble.OFFLINE:
                    luck.error = None
                wait = back_s(random.random()) if found else 0.0  # noqa: S311 - no secret depends on it
                if now + wait * 1e6 < luck.again_us:
                    self._later(luck, wait)

    def _due(self) -> list[Parcel]:
        now = self._now_us()
        return [one for one in self.waiting() if self._luck.setdefault(one.destination, _Luck()).again_us <= now]

    def _round(self) -> None:
        try:
            for _ in self._tried(self._due(), silent):
                pass
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - the thread's boundary: whatever it is is told in words
            self._fault = FaultError(
                "what delivers your recordings has died ({kind})",
                hint="Quit, start again, and report this line.",
                kind=type(error).__name__,
            )

    # --- at once

    def deliver(self, progress: Progress = silent) -> tuple[tuple[Parcel, ...], CaptureAgentError | None]:
        """Try everything that waits once, now; return what arrived, and the first error.

        Raises:
            CancelledError: `progress` raised it.
        """
        arrived: list[Parcel] = []
        first: CaptureAgentError | None = None
        for parcel, error in self._tried(self.waiting(), progress):
            first = first or error
            if error is None:
                arrived.append(parcel)
        return tuple(arrived), first

    def _tried(
        self, parcels: Sequence[Parcel], progress: Progress
    ) -> Iterator[tuple[Parcel, CaptureAgentError | None]]:
        """Yield each file of `parcels` once it was tried. One destination that fails holds up no other."""
        failing: set[str] = set()
        for parcel in parcels:
            if parcel.destination in failing or parcel not in self.waiting():  # withdrawn meanwhile
                continue
            error = self._try(parcel, progress)
            if error is not None:
                failing.add(parcel.destination)
            yield parcel, error

    def _try(self, parcel: Parcel, progress: Progress) -> CaptureAgentError | None:
        luck = self._luck.setdefault(parcel.destination, _Luck())
        try:
            self._carry(parcel, progress)
        except Undelivered as undelivered:
            luck.trouble = undelivered.trouble
            error: CaptureAgentError = as_error(undelivered.trouble, parcel.destination)
        except CaptureAgentError as failed:
            luck.trouble, error = None, failed
        else:
            self._luck[parcel.destination] = _Luck()
            return None
        luck.error = error
        if luck.trouble is Trouble.OFFLINE:  # nothing was tried, and nobody knows when; `_look` sees when
            self._later(luck, LONGEST_S)
            luck.again = None
        else:
            luck.failures += 1
            self._later(luck, delay_s(luck.failures, random.random()))  # noqa: S311 - no secret depends on it
        return error

    def _later(self, luck: _Luck, seconds: float) -> None:
        wait = timedelta(seconds=seconds)
        luck.again_us = self._now_us() + wait // timedelta(microseconds=1)
        luck.again = self._shelf.now() + wait

    def _carry(self, parcel: Parcel, progress: Progress) -> None:
        """Deliver one file, note it, and let it go, in this order."""
        destination = _parsed(parcel)
        if destination.needs_network(os.environ) and self._addresses() == NOWHERE:
            self._last = NOWHERE  # from here on `_look` sees a change
            raise Undelivered(Trouble.OFFLINE)
        if not destination.is_folder and self._metered():
            raise Undelivered(Trouble.METERED)
        with self._shelf.lock:
            credentials = find(destination, self._shelf.vault.secrets.get, os.environ)
        carried = send(
            self._path(parcel),
            destination,
            credentials,
            lambda done, size: progress(parcel.name, done, size),
            self._stop,
            rate=self._rate(),
        )
        body = {
            "file": parcel.name,
            "destination": parcel.destination,
            "sha256": carried.sha256,
            "bytes": carried.size,
        }
        with self._shelf.lock:
            self._shelf.ledger.append(Kind.DELIVERED, parcel.study, body, self._shelf.now())
            if parcel.name in self._shelf.ledger.folded(deliveries).finished:
                with suppress(OSError):  # the next start does it
                    self._path(parcel).unlink(missing_ok=True)

    # --- access

    def keep_access(self, environ: Mapping[str, str]) -> list[str]:
        """Keep what `environ` has for the destinations that something was or is meant for; return these.

        Raises:
            CaptureAgentError: It has nothing for one of them, or the secrets are locked.
        """
        kept = []
        for destination in self._stores():
            try:
                found = find(destination, lambda _name: None, environ)
            except Undelivered as trouble:
                raise as_error(trouble.trouble, destination.text) from None
            with self._shelf.lock:
                self._shelf.vault.secrets.set(name_of(destination), pack(found))
            kept.append(destination.text)
        return kept

    def forget_access(self) -> list[str]:
        """Forget what was kept for them; return these."""
        stores = self._stores()
        with self._shelf.lock:
            for destination in stores:
                self._shelf.vault.secrets.delete(name_of(destination))
        return [one.text for one in stores]

    def _stores(self) -> list[Destination]:
        """Return the stores that were agreed to."""
        policies = (entry.body.get("policy") for entry in self._shelf.ledger.entries if entry.kind is Kind.ACCEPTED)
        named = dict.fromkeys(str(one.get("destination") or "") for one in policies if isinstance(one, Mapping))
        found = [parse(text) for text in named if text]
        return [one for one in found if not one.is_folder]

    def _path(self, parcel: Parcel) -> Path:
        return self._shelf.outbox / Path(parcel.name).name


def _parsed(parcel: Parcel) -> Destination:
    try:
        return parse(parcel.destination)
    except ValueError:
        raise Undelivered(Trouble.NO_SUCH_PLACE) from None
