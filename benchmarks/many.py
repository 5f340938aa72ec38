"""python -m benchmarks.many: what 10,000 recordings, held and shared, cost at the start, in the list and in the tray.

A profile is filled by the real writer, vault and ledger on a desktop of its own; then the agent starts, with nothing
and with all of them. Wall clock, medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import machine
from capture_agent.control.client import Client, NotRunningError
from capture_agent.core.events import Category
from capture_agent.core.keyboard import widest
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.vault import Secrets, Vault, choose_secrets
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipts import accepted_body, asked_body, offered_keys
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.profile import Memory, Profile

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from capture_agent.desktop.base import Desktop
    from capture_agent.session.clockwork import Clockwork
    from capture_agent.ui.shell import Shell

MANY, ROUNDS = 10_000, 5
READY_S = 120.0
POLL_S = 0.005
APP = "capture-agent"


class Taken(NamedTuple):
    """How long something took, in s."""

    wall: float
    cpu: float

    @property
    def ms(self) -> dict[str, int]:
        """Return both in ms."""
        return {"wall": round(self.wall * 1e3), "cpu": round(self.cpu * 1e3)}


class Deferred:
    """Secrets that reach the keyring once, at the end: it takes 30 ms for each, and gets 40,000 here."""

    kind = "os"

    def __init__(self, behind: Secrets) -> None:
        self._behind = behind
        self._new: dict[str, str | None] = {}

    def get(self, name: str) -> str | None:
        return self._new[name] if name in self._new else self._behind.get(name)

    def set(self, name: str, value: str) -> None:
        self._new[name] = value

    def delete(self, name: str) -> None:
        self._new[name] = None

    def flush(self) -> None:
        for name, value in self._new.items():
            if value is None:
                self._behind.delete(name)
            else:
                self._behind.set(name, value)


def fill(count: int) -> None:
    """Fill the profile of this user with `count` recordings that were shared, and are still here."""
    profile = Profile.of_user()
    profile.create()
    secrets = Deferred(choose_secrets(profile.folder, None))
    vault = Vault(profile.vault, secrets)
    ledger = Ledger(profile.ledger, vault)
    policy = own_policy()
    # A reader, so that there is somebody to share with; it stands in the record alone.
    ledger.append(Kind.JOINED, policy.study, {"version": policy.version}, datetime.now(UTC))
    ledger.append(Kind.ASKED, policy.study, asked_body(policy), datetime.now(UTC))
    agreed = {key for key in offered_keys(policy) if key[1] in widest(frozenset(Category))}
    body = accepted_body(policy, agreed, {"xterm"}, "en", "What was shown")
    accepted = ledger.append(Kind.ACCEPTED, policy.study, body, datetime.now(UTC))
    Memory(profile.state).change(joined="own")
    began = datetime.now(UTC) - timedelta(days=20)
    identities = {f"{number:032x}": age.new_classical() for number in range(count)}
    vault.destroy([], replace=identities)
    for number, (session, identity) in enumerate(identities.items()):
        when = began + timedelta(seconds=100 * number)
        about = {"study": policy.study, "started": when.isoformat(), "consent": accepted.sha256}
        writer = Writer.create(profile.held, session, identity.recipient, about)
        writer.close("stopped", {"withheld_us": "{}"})
        shared = {
            "session": session,
            "bundle": f"{number:032x}.capture",
            "recipients": ["Lab"],
            "categories": sorted(category.value for category in policy.categories),
            "started": when.isoformat(),
            "seconds": 60.0,
            "counter": number + 1,
            "digest": "0" * 64,
        }
        ledger.append(Kind.RELEASED, policy.study, shared, when)
    secrets.flush()


def begin() -> tuple[QApplication, Desktop, Clockwork, Shell]:
    """Start this user's agent on this display as the program does, with no window open yet."""
    from PySide6.QtWidgets import QApplication

    from capture_agent import app as program
    from capture_agent.desktop.choose import open_desktop
    from capture_agent.desktop.process import to_stay
    from capture_agent.ui import colours
    from capture_agent.ui.shell import Shell

    application = QApplication(["capture-agent"])
    application.setQuitOnLastWindowClosed(False)
    colours.follow(application)
    profile, desktop = Profile.of_user(), open_desktop()
    with to_stay():  # as the program does
        agent = program.open_controller(profile, None, program.LocalWorld(profile, desktop), whole=True)
    shell = Shell(agent, desktop.proved_shown, age.fingerprint, application.quit)
    return application, desktop, agent, shell


def window() -> None:
    """Open the window of this user's agent on this display, and print how long things take there, in ms."""
    from capture_agent.ui.view_state import Command

    application, desktop, agent, shell = begin()
    shell.open()
    settle(application.processEvents)
    page = shell.window.recordings

    def opened() -> float:
        """Show the list, and return how long it took until its first lines were painted."""
        shell.window._tabs.setCurrentIndex(0)
        settle(application.processEvents)
        before = time.perf_counter()
        shell.open(Command.RECORDINGS)
        while not page._list.topLevelItemCount():
            application.processEvents()
        page._list.repaint()
        application.processEvents()
        return time.perf_counter() - before

    def menu() -> float:
        before = time.perf_counter()
        shell.tray.menu.popup(shell.window.pos())
        application.processEvents()
        shell.tray.menu.repaint()
        taken = time.perf_counter() - before
        shell.tray.menu.close()
        return taken

    stalls: list[float] = []
    first = opened()
    deadline = time.perf_counter() + 3.0
    while time.perf_counter() < deadline:  # whatever goes on behind it
        before = time.perf_counter()
        application.processEvents()
        stalls.append(time.perf_counter() - before)
    found = {
        "first": first,
        "again": statistics.median(opened() for _ in range(ROUNDS)),
        "menu": statistics.median(menu() for _ in range(ROUNDS)),
        "stall": max(stalls),
    }
    print(json.dumps({name: round(taken * 1e3, 1) for name, taken in found.items()}))
    shell.close()
    agent.shut_down()
    desktop.close()


def settle(work: Callable[[], object], seconds: float = 0.5) -> None:
    """Do what is due for a moment."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        work()


@contextmanager
def running(desktop: PrivateDesktop) -> Iterator[Taken]:
    """Give what the agent took from its start until it answers; it ends with the block."""
    client = Client(Path(desktop.env["XDG_DATA_HOME"]) / APP)
    before = time.perf_counter()
    agent = desktop.start(sys.executable, "-m", "capture_agent", env={"PYTHONPATH": str(Path.cwd())})
    try:
        while True:
            try:
                client.ask("status")
                break
            except NotRunningError:
                if time.perf_counter() - before > READY_S:
                    raise
                time.sleep(POLL_S)
        yield Taken(time.perf_counter() - before, cpu_seconds(agent.pid))
    finally:
        desktop.stop(agent)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def command(desktop: PrivateDesktop, *words: str) -> tuple[Taken, str]:
    """Return what a Python module takes on `desktop`, and what it prints."""
    before, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**desktop.env, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-m", *words], env=env, check=True, stdout=subprocess.PIPE, text=True)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Taken(time.perf_counter() - before, cpu), done.stdout


def measure(counts: Sequence[int], rounds: int) -> dict[str, object]:
    """Return the figures of profiles with so many recordings, in ms: wall clock, and CPU time where it says so.

    They are measured in turns, so that whatever else the machine does meets all of them.
    """
    with ExitStack() as stack:
        desktops = {count: stack.enter_context(PrivateDesktop()) for count in counts}
        first, starts = {}, defaultdict(list)
        listed, told, alone = defaultdict(list), defaultdict(list), defaultdict(list)
        for count, desktop in desktops.items():
            filled, _ = command(desktop, "benchmarks.many", "--fill", str(count))
            print(f"{count:,} recordings were made in {filled.wall:.0f} s", file=sys.stderr)
            with running(desktop) as first[count]:  # the first start after an update looks into each file once
                pass
        for count, desktop in [*desktops.items()] * rounds:
            with running(desktop) as start:
                starts[count].append(start)
                listed[count].append(command(desktop, "capture_agent", "sessions", "--json"))
                told[count].append(command(desktop, "capture_agent", "sessions"))
            alone[count].append(command(desktop, "capture_agent", "sessions", "--json"))
            for _, said in (listed[count][-1], alone[count][-1]):
                assert len(json.loads(said)["sessions"]) == count
        return {
            str(count): {
                "the first start": first[count].ms,
                "start": median(starts[count]).ms,
                "sessions --json": median([one for one, _ in listed[count]]).ms,
                "sessions": median([one for one, _ in told[count]]).ms,
                "sessions --json, no agent": median([one for one, _ in alone[count]]).ms,
                **({"window": json.loads(command(desktop, "benchmarks.many", "--window")[1])} if count else {}),
            }
            for count, desktop in desktops.items()
        }


def median(those: Sequence[Taken]) -> Taken:
    """Return the medians."""
    return Taken(statistics.median(one.wall for one in those), statistics.median(one.cpu for one in those))


def main() -> None:
    """Measure what the command line asks for, and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("--count", type=int, default=MANY, help="recordings (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="starts and lists of each (%(default)s)")
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--window", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fill is not None:
        fill(asked.fill)
    elif asked.window:
        window()
    else:
        found = measure((0, asked.count), asked.rounds)
        print(json.dumps({**machine.when_and_what(), "load": round(os.getloadavg()[0], 2), "ms": found}, indent=1))


if __name__ == "__main__":
    main()
