"""Run a command and account for every process it ever starts.

    python -m benchmarks.supervise REPORT -- COMMAND…

Made a *child subreaper* (prctl(2)), this process inherits whatever its descendants leave behind, so
that nothing leaves the tree by detaching itself, and the CPU time of all that ended adds up in its
own `cutime` and `cstime` (proc(5)). When the last of them is gone it writes REPORT: JSON with the
command's exit code and the seconds of all of them.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> None:
    """Run what the command line says."""
    report, command = Path(sys.argv[1]), sys.argv[3:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    # Signals to the whole group are for the command; this process stays until all are gone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(command)
    _write(report.with_suffix(".pid"), str(child.pid))
    code = None
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            break
        if pid == child.pid:
            code = os.waitstatus_to_exitcode(status)
            child.returncode = code  # it was reaped here
            _write(report.with_suffix(".code"), str(code))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    _write(report, json.dumps({"code": code, "cpu_s": used.ru_utime + used.ru_stime}))


def _write(path: Path, text: str) -> None:
    """Write a whole file at once, for a reader that polls."""
    fresh = path.with_name(path.name + "~")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    main()
