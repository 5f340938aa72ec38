"""CPU seconds and memory of a whole process tree, from /proc.

CPU is user and system time of all that lives, plus what each of them reaped; under
`benchmarks.supervise` nothing escapes, so the sum at two moments gives the exact cost between them
(to the kernel's clock tick, 10 ms a process). Memory is the proportional set size (PSS): pages that
several processes share count once, and shared memory with the X server by half.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_EVERY_S = 0.5  # memory: peaks shorter than this can be missed; reading PSS more often costs the tree time
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Stat:
    """One line of /proc/PID/stat: CPU in ticks, own and of reaped children."""

    pid: int
    parent: int
    own: int
    reaped: int


def parse_stat(text: str) -> Stat:
    """Return what a line of /proc/PID/stat says; the name in it may hold spaces and brackets."""
    pid = int(text.split(" ", 1)[0])
    fields = text.rpartition(")")[2].split()  # from field 3, the state
    return Stat(pid, int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14]))


def below(root: int, stats: dict[int, Stat]) -> set[int]:
    """Return the pids of all descendants of `root`, without `root`."""
    children: dict[int, list[int]] = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def read_stats() -> dict[int, Stat]:
    """Return the stat line of every process."""
    stats = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                stat = parse_stat((entry / "stat").read_text("utf-8", "replace"))
            except OSError:
                continue  # ended meanwhile
            stats[stat.pid] = stat
    return stats


def cpu_seconds(root: int) -> float:
    """Return the CPU time of all that `root`, a supervisor, ever started; its own is not counted."""
    stats = read_stats()
    ticks = sum(stats[pid].own + stats[pid].reaped for pid in below(root, stats))
    return (ticks + (stats[root].reaped if root in stats else 0)) / TICKS


def own_cpu_seconds(pid: int) -> float:
    """Return the CPU time of one process."""
    return parse_stat((PROC / str(pid) / "stat").read_text("utf-8", "replace")).own / TICKS


def memory_bytes(root: int) -> int:
    """Return the PSS of all descendants of `root` together."""
    return sum(_memory(pid) for pid in below(root, read_stats()))


def _memory(pid: int) -> int:
    """Return a process's PSS; its RSS, which is more, if it lets nobody look (not dumpable, and we are not root)."""
    place = PROC / str(pid)
    try:
        lines = (place / "smaps_rollup").read_text("ascii").splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except PermissionError:
        return int((place / "statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0  # it ended meanwhile


@dataclass
class MemoryWatch:
    """Samples a tree's memory from `with` to its end."""

    root: int
    peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> MemoryWatch:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            self.peak = max(self.peak, memory_bytes(self.root))


def wait_file(path: Path, seconds: float) -> str | None:
    """Return the text of `path` as soon as it exists, or None after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists():
            return path.read_text("utf-8")
        time.sleep(0.02)
    return None
