from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import tree
from benchmarks.tree import Stat

ROOT = Path(__file__).resolve().parents[2]


def test_a_name_with_spaces_and_brackets_does_not_confuse_the_line() -> None:
    line = "42 (a) b (c) S 7 42 42 0 -1 4194304 9 8 0 0 11 12 13 14 20 0 1 0 100 0 0"
    assert tree.parse_stat(line) == Stat(42, 7, 23, 27)


def test_all_descendants_are_found_and_nobody_else() -> None:
    stats = {pid: Stat(pid, parent, 0, 0) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 2), (5, 4), (6, 1))}
    assert tree.below(2, stats) == {3, 4, 5}
    assert tree.below(5, stats) == set()


def test_this_process_is_among_all_processes() -> None:
    import os

    assert tree.read_stats()[os.getpid()].parent == os.getppid()


DETACHES = """
import os, subprocess, sys
# a grandchild that outlives its parent in a session of its own, and works
work = "sum(n * n for n in range(4_000_000))"
subprocess.Popen([sys.executable, "-c", work], start_new_session=True)
sys.exit(5)
"""


def test_what_detaches_itself_is_waited_for_and_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = (sys.executable, "-m", "benchmarks.supervise", str(report), "--", sys.executable, "-c", DETACHES)
    subprocess.run(command, check=True, cwd=ROOT, timeout=60)
    said = json.loads(report.read_text("utf-8"))
    assert said["code"] == 5
    alone = subprocess.run(
        (sys.executable, "-m", "benchmarks.supervise", str(tmp_path / "r.json"), "--", sys.executable, "-c", "pass"),
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert alone.returncode == 0
    assert said["cpu_s"] > json.loads((tmp_path / "r.json").read_text("utf-8"))["cpu_s"]
