"""Send a courier off with one file, and learn what came of it. To a store it goes as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import Destination
from capture_agent.core.errors import FaultError
from capture_agent.core.progress import CancelledError
from capture_agent.outbox import courier
from capture_agent.outbox.credentials import without
from capture_agent.outbox.inbox import Cap, Carried, Watch

_LOOK_S = 0.2  # how often it is looked whether nobody waits for the courier any more


def send(
    path: Path,
    destination: Destination,
    credentials: Mapping[str, str],
    watch: Watch,
    stop: threading.Event,
    *,
    rate: int | None = None,
) -> Carried:
    """Deliver the file at `path`, `rate` bytes a second at most. Slow; any thread that lives as long as this takes.

    Raises:
        Undelivered: It did not arrive, as far as is known.
        CancelledError: `stop` was set; what was begun is as if it had been killed, and may be made again.
        FaultError: The courier did not come back.
    """

    def watched(done: int, size: int) -> None:
        if stop.is_set():
            raise CancelledError
        watch(done, size)

    watched(0, 0)
    if destination.is_folder:
        return courier.carry(path, destination, {}, watched, None if rate is None else Cap(rate))
    order = {"path": str(path), "destination": destination.text, "credentials": dict(credentials), "rate": rate}
    return _answer(_run(json.dumps(order), stop))


def _run(order: str, stop: threading.Event) -> str:
    # -P: a folder that happens to be the current one must not lend its modules. What it says on standard error is
    # dropped: it could be anything.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "capture_agent.outbox.courier"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=without(os.environ),
    )
    given: str | None = order
    with process:
        while True:
            try:
                said, _ = process.communicate(given, timeout=_LOOK_S)
            except subprocess.TimeoutExpired:
                given = None  # it is on its way
                if stop.is_set():
                    process.kill()
                    raise CancelledError from None
            else:
                return said


def _answer(said: str) -> Carried:
    try:
        answer = json.loads(said)
        if "trouble" not in answer:
            return Carried(str(answer["sha256"]), int(answer["size"]))
        trouble = Trouble(answer["trouble"])
    except (ValueError, KeyError, TypeError):
        raise FaultError(
            "what delivers your recordings has failed",
            hint="Nothing is lost: it is tried again by itself. Please report this.",
        ) from None
    raise Undelivered(trouble)
