"""Run the tests as `make test` does, or add up what its runs said.

usage: run_tests.py run [PYTEST OPTION…]   inside scripts/unprivileged: parallel tests, then those that run alone
       run_tests.py sum FOLDER             print one total of all JUnit files in FOLDER, as the last line
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

Test = TypeVar("Test")

SLOWEST = 20
DISPLAY = "tests/real"  # where the tests are that need one
ALONE = "serial"  # measures its own time stamps: nothing else may run beside it
NOT_HERE = "not soak and not two_accounts"  # long versions have `make soak`; two accounts are run by scripts/namespace
MAX_WORKERS = 8  # scripts/namespace makes as many small disks
NO_TESTS = 5  # pytest's exit code when nothing was selected


def begin(name: str, *options: str, into: Path | None = None, nice: int = 0) -> subprocess.Popen[bytes]:
    """Start pytest with its results under `name` in the results folder, and what it prints in the file `into`."""
    out = Path(os.environ["CAPTURE_AGENT_OUT"])
    command = (
        *("nice", "-n", str(nice), sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *(f"--durations={SLOWEST}", f"--junitxml={out / f'junit-{name}.xml'}"),
        *(f"--promises={out / f'promises-{name}.json'}", *options),
    )
    if into is None:
        return subprocess.Popen(command)
    with into.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)


def ended(program: subprocess.Popen[bytes]) -> int:
    """Wait for pytest; return its exit code."""
    code = program.wait()
    return 0 if code == NO_TESTS else code


def run(options: list[str]) -> int:
    """Run what may run side by side, then what may not."""
    # Tests with a display wait as well as work; with more workers than this, programs are too late for what they show.
    workers = str(min(MAX_WORKERS, (os.cpu_count() or 2) + 1))
    many = ("-n", workers, "--dist", "worksteal", "-m", f"{NOT_HERE} and not {ALONE}")
    if options:
        together = ended(begin("parallel", *many, *options))
    else:
        # All others only work. One after the other, they get what is left of the processors meanwhile.
        said = Path(os.environ["CAPTURE_AGENT_OUT"]) / "without-display.txt"
        one = ("-m", f"{NOT_HERE} and not {ALONE}", f"--ignore={DISPLAY}")
        others = begin("without-display", *one, into=said, nice=19)
        together = ended(begin("display", *many, DISPLAY))
        together = ended(others) or together
        sys.stdout.write(said.read_text(encoding="utf-8"))
        sys.stdout.flush()
    alone = ended(begin("alone", "-m", f"{NOT_HERE} and {ALONE}", *options))
    return together or alone


def long_first(tests: Sequence[Test], is_long: Callable[[Test], bool], workers: int) -> list[Test]:
    """Return `tests` in the order in which each of `workers`, who get an equal run of them, begins with its long ones.

    Who has nothing left steals from the end of another's run; a long test there would let everybody wait for one.
    """
    long = [test for test in tests if is_long(test)]
    short = [test for test in tests if not is_long(test)]
    ordered: list[Test] = []
    for worker in range(workers):
        own = long[worker::workers]
        rest = max(0, (len(tests) - len(ordered)) // (workers - worker) - len(own))
        ordered += own + short[:rest]
        del short[:rest]
    return ordered


def total(folder: Path) -> int:
    """Print the total of the JUnit files in `folder`; return 1 if anything failed, was skipped or nothing ran."""
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for file in sorted(folder.glob("junit-*.xml")):
        for suite in ElementTree.parse(file).getroot().iter("testsuite"):
            for name in counts:
                counts[name] += int(suite.get(name, "0"))
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    sys.stdout.write(f"{passed} passed, {failed} failed, {counts['skipped']} skipped\n")
    return 0 if passed and not failed and not counts["skipped"] else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["sum"]:
        sys.exit(total(Path(sys.argv[2])))
    sys.exit(run(sys.argv[2:]))
