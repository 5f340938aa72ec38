"""Where the demo's recordings go: a store that a program plays, or a folder; and what its reader finds there.

The program is `scripts/demo_store.py`, an S3 server with its reader. It runs as a process of its own, because in here
one module alone opens connections.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Protocol, cast

from capture_agent.core.errors import DesktopError

_END_S = 5.0  # a server whose standard input has ended


class Store(Protocol):
    """One place where recordings are delivered, with all that lies in it."""

    destination: str
    """What the study's policy says."""
    access: Mapping[str, str]
    """What opens it for participants, by the names of environment variables; nothing for a folder."""

    def fetch(self, into: Path) -> list[Path]:
        """Let the study's reader copy all that lies there into the folder `into`; return the copies."""

    def look(self, name: str) -> Mapping[str, int]:
        """Return which HTTP status participants get who read, look at, list or delete; nothing for a folder."""


@contextmanager
def opened(program: Path | None, folder: Path, env: Mapping[str, str]) -> Iterator[Store]:
    """Have a store until the end of the `with`: `program` plays it, in the environment `env`; without one, a folder.

    Raises:
        DesktopError: The program does not say where the store is.
    """
    if program is None:
        yield _Folder(folder / "released")
        return
    with (folder / "store.log").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, str(program.resolve())),
            env=dict(env),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
        )
    with process:  # closes its standard input, and so ends it, however this one ends
        try:
            yield _Played(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout))
            process.communicate(timeout=_END_S)
        finally:
            process.kill()


class _Folder:
    def __init__(self, inbox: Path) -> None:
        inbox.mkdir(mode=0o700)
        self.destination = str(inbox)
        self.access: Mapping[str, str] = MappingProxyType({})
        self._inbox = inbox

    def fetch(self, into: Path) -> list[Path]:
        return [Path(shutil.copy2(path, into)) for path in self._inbox.iterdir()]

    def look(self, _name: str) -> Mapping[str, int]:
        return {}


class _Played:
    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders, self._answers = orders, answers
        told = self._answer()
        self.destination = str(told["destination"])
        self.access: Mapping[str, str] = told["access"]

    def fetch(self, into: Path) -> list[Path]:
        return [into / str(name) for name in self._ask(do="fetch", into=str(into))["names"]]

    def look(self, name: str) -> Mapping[str, int]:
        return self._ask(do="look", name=name)

    def _ask(self, **order: str) -> dict[str, Any]:
        with suppress(BrokenPipeError):  # then there is no answer
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(self._answers.readline())
        except ValueError:
            hint = "See why with `python scripts/demo_store.py`, or leave out --store."
            raise DesktopError("the store of the demo does not answer", hint=hint) from None
        return answer
