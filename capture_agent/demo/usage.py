"""What a process has used, as the kernel counts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = 100  # USER_HZ: what /proc counts in, the same on every Linux whatever the kernel's own clock


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds (user and system, ended children included) and peak memory (resident, bytes) since its start."""

    cpu_s: float
    peak_bytes: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Return the usage of a running process (proc(5): fields 14 to 17 of stat, VmHWM of status)."""
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        ticks = sum(int(field) for field in stat.rpartition(")")[2].split()[11:15])
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
        return cls(ticks / TICKS_PER_S, int(peak[1]) * 1024 if peak else 0)
