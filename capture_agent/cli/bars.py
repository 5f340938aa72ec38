"""Progress of long work, for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID

from capture_agent.core.progress import Progress as Told


@contextmanager
def bars(*, quiet: bool) -> Iterator[Told]:
    """Give something that draws a bar for each long step, on standard error if that is a terminal."""
    steps: dict[str, TaskID] = {}
    off = quiet or not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), disable=off, transient=True) as shown:

        def told(what: str, done: int, total: int) -> None:
            if what not in steps:
                steps[what] = shown.add_task(what, total=None)
            shown.update(steps[what], completed=done, total=total or None)

        yield told
