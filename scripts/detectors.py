"""Switch off one detector at a time, in a copy of the checkout, and see that a test notices.

usage: detectors.py               those whose tests need no display
       detectors.py all           all of them; leaves the table in detectors.md, in the folder CAPTURE_AGENT_OUT
       detectors.py write FILE    puts that table into docs/privacy-gate.md

The program itself has no such switch: each is an edit, as somebody could make by mistake.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from docs import replaced

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "privacy-gate.md"
FAILED = 1  # pytest's exit code: tests ran, and some failed


class Detector(NamedTuple):
    """One detector: the edit that switches it off (`old` stands once in `file`), and the tests that must fail then."""

    name: str
    file: str
    old: str
    new: str
    tests: str
    display: bool = False


ASKING, PRIVACY, RULES, SCRUB = "core/asking.py", "core/privacy.py", "core/rules.py", "core/scrub.py"
PRESSES = "core/presses.py"
LOCKS, SPLIT = "desktop/bus_locks.py", "core/splitting.py"
DETECTORS = (
    Detector("programs that are ticked", RULES, " or window.app not in self.apps", "", "tests/core/test_privacy.py"),
    Detector("programs that are always out", RULES, "names & self.excluded or ", "", "tests/core/test_privacy.py"),
    Detector("our own windows", RULES, "window.pid == self.own_pid", "False", "tests/core/test_privacy.py"),
    Detector("private browsing", RULES, " or is_private(window.title)", "", "tests/core/test_privacy.py"),
    Detector("texts in titles", RULES, "if self.titles and any(", "if False and any(", "tests/core/test_rules.py"),
    Detector(
        "masks by the geometry of windows",
        RULES,
        "hidden = (*hidden, seen)",
        "hidden = hidden",
        "tests/core/test_privacy.py",
    ),
    Detector(
        "what was seen where windows changed",
        RULES,
        "hidden = _with(hidden, window.rect.intersect(area))",
        "hidden = hidden",
        "tests/core/test_privacy.py",
    ),
    Detector(
        "windows that a compositor still shows",
        PRIVACY,
        "if any(self.rules.judge(window) is not Verdict.CLEAR for window in frame.moving):",
        "if False:",
        "tests/core/test_privacy.py",
    ),
    Detector(
        "a moment without a focused window",
        PRIVACY,
        "inside = lasting and",
        "inside = False and",
        "tests/core/test_privacy.py",
    ),
    Detector("the hold time", "core/fields.py", "HOLD_US = 250_000", "HOLD_US = 0", "tests/core/test_fields.py"),
    Detector(
        "a look after each key",
        PRIVACY,
        "unseen = not self.fields.looked_after(event.t_us) or",
        "unseen =",
        "tests/core/test_fields.py",
    ),
    # In the logic: the tests go by the constants, and would fail for any other.
    Detector(
        "fields that are told of late",
        PRESSES,
        "return self.last_us + LATE_US if self._follows(key) else key.t_us",
        "return key.t_us",
        "tests/core/test_fields.py",
    ),
    Detector(
        "fields that were left at once",
        PRESSES,
        "return self._follows(key) and bool(self.ahead) and",
        "return False and",
        "tests/core/test_fields.py",
    ),
    Detector("places of secret fields", "core/fields.py", "if one.whole:", "if False:", "tests/core/test_fields.py"),
    Detector(
        "the role of a password field (AT-SPI)",
        ASKING,
        "if any(widget.role == PASSWORD_TEXT for widget in focused):",
        "if False:",
        "tests/core/test_asking.py",
    ),
    Detector(
        "entries of GTK 4 that may be hidden",
        ASKING,
        "if plain_hides and any(",
        "if False and any(",
        "tests/core/test_asking.py",
    ),
    Detector("the echo of terminals", ASKING, "if not pty.echo and (", "if False and (", "tests/core/test_asking.py"),
    Detector(
        "programs that ask without echo (sudo)",
        ASKING,
        ' or pty.foreground & _names("askers")',
        "",
        "tests/core/test_asking.py",
    ),
    Detector(
        "terminals within terminals (ssh, tmux)",
        ASKING,
        ' or pty.foreground & _names("remote")',
        "",
        "tests/core/test_asking.py",
    ),
    Detector(
        "IsPassword (Windows)", ASKING, "    if password:", "    if False:", "tests/desktop/test_fields_elsewhere.py"
    ),
    Detector(
        "display affinity (Windows)",
        "desktop/windows_fields.py",
        "if self._calls.affinity(window.id) != WDA_NONE:",
        "if False:",
        "tests/desktop/test_fields_elsewhere.py",
    ),
    Detector(
        "the secure subrole (macOS)",
        ASKING,
        "if _SECURE in {role, subrole}:",
        "if False:",
        "tests/desktop/test_fields_elsewhere.py",
    ),
    Detector(
        "secure input (macOS)",
        "desktop/macos_fields.py",
        "if self._calls.secure_input():",
        "if False:",
        "tests/desktop/test_fields_elsewhere.py",
    ),
    Detector("secrets in titles", PRIVACY, "title=scrub(focus.window.title)", "", "tests/core/test_privacy.py"),
    Detector(
        "secrets in what is typed",
        PRIVACY,
        "self._typed(self.typed.take(*passed), intervals)",
        "self._told(passed, intervals)",
        "tests/core/test_typed.py",
    ),
    *(
        Detector(f"by their form: {name}", SCRUB, old, new, "tests/core/test_scrub.py")
        for name, old, new in (
            ("cards", "(_CARD, _is_card, 13),", ""),
            ("bank accounts", "(_IBAN, _is_iban, 15),", ""),
            ("private keys", "(_PRIVATE_KEY, _AGE_KEY,", "(_AGE_KEY,"),
            ("age keys", "_PRIVATE_KEY, _AGE_KEY, _JWT", "_PRIVATE_KEY, _JWT"),
            ("web tokens", "_AGE_KEY, _JWT, _TOKEN", "_AGE_KEY, _TOKEN"),
            ("issuers' tokens", "_JWT, _TOKEN, _BEARER", "_JWT, _BEARER"),
            ("authorization headers", "_TOKEN, _BEARER, _URL", "_TOKEN, _URL"),
            ("passwords in addresses", "_BEARER, _URL, _NAMED)", "_BEARER, _NAMED)"),
            ("named passwords", "_URL, _NAMED)", "_URL)"),
        )
    ),
    Detector(
        "a locked screen",
        SPLIT,
        "if seen.locked_us is not None and not reasons & AWAY:",
        "if False:",
        "tests/core/test_splitting.py",
    ),
    Detector(
        "what buses, display and disk tell", SPLIT, "set(seen.told)", "set[Reason]()", "tests/core/test_splitting.py"
    ),
    Detector("battery saver", SPLIT, "return on_battery is not", "return False is not", "tests/core/test_splitting.py"),
    Detector("low disk", SPLIT, "return free < (", "return 0 > (", "tests/core/test_splitting.py"),
    Detector("nobody there", SPLIT, "if seen.idle_us >= IDLE_LIMIT_US:", "if False:", "tests/core/test_splitting.py"),
    Detector("who is there", SPLIT, "if seen.who:", "if False:", "tests/core/test_splitting.py"),
    Detector(
        "sleep",
        SPLIT,
        "if seen.slept_us - before.slept_us >= SLEEP_LEAST_US:",
        "if False:",
        "tests/core/test_splitting.py",
    ),
    Detector(
        "screen savers on the bus",
        LOCKS,
        'case "ActiveChanged", (bool(active),):',
        'case "", (bool(active),):',
        "tests/real/test_presence_x11.py",
        display=True,
    ),
    Detector(
        "logind",
        LOCKS,
        'case "PropertiesChanged", (_, dict(changed), _):',
        'case "", (_, dict(changed), _):',
        "tests/real/test_presence_x11.py",
        display=True,
    ),
    Detector(
        "the X screen saver and windows of lockers",
        "desktop/presence.py",
        "if not curtain:",
        "if True:",
        "tests/real/test_presence_x11.py",
        display=True,
    ),
    Detector(
        "grabs of the keyboard",
        "desktop/x11_xi2.py",
        "KEYS = (2, 0)",
        "KEYS = (2, 2)",
        "tests/real/test_input_x11.py -k grabbed",
        display=True,
    ),
    Detector(
        "windows that move during a grab",
        "sources/screen.py",
        "if after == layout and",
        "if True and",
        "tests/real/test_screen_x11.py -k truly",
        display=True,
    ),
    Detector(
        "what programs announce (AT-SPI)",
        "desktop/linux_fields.py",
        "widgets = bus.newly_focused()",
        "widgets = (bus.newly_focused(), ())[1]",
        "tests/real/test_fields_failing.py -k for_a_moment",
        display=True,
    ),
    Detector(
        "looking into programs (AT-SPI)",
        "desktop/linux_fields.py",
        "found = judge_widgets(shown.focused, plain_hides=shown.plain_hides)",
        "found = Verdict.CLEAR",
        "tests/real/test_field_contract.py -k situation",
        display=True,
    ),
)


def switched_off(detector: Detector, text: str) -> str:
    """Return the file without the detector."""
    if text.count(detector.old) != 1:
        raise SystemExit(f"detectors.py: {detector.file} does not have once: {detector.old}")
    return text.replace(detector.old, detector.new)


def said_failing(tests: str, copy: Path) -> str:
    """Return what pytest says of the first test that fails in `copy`; nothing if all pass."""
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not soak", *tests.split())
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode not in {0, FAILED}:
        raise SystemExit(f"detectors.py: these did not run: {tests}\n{done.stdout[-2000:]}")
    return done.stdout if done.returncode else ""


def noticed(detector: Detector, copy: Path) -> bool:
    """Return whether a test fails in `copy` with the detector switched off there."""
    path = copy / "capture_agent" / detector.file
    before = path.read_text(encoding="utf-8")
    path.write_text(switched_off(detector, before), encoding="utf-8")
    try:
        return bool(said_failing(detector.tests, copy))
    finally:
        path.write_text(before, encoding="utf-8")


def run(detectors: Sequence[Detector]) -> tuple[str, int]:
    """Switch off one after the other; return the table and how many nobody noticed."""
    table, unnoticed = "| switched off | its tests are | namely |\n|---|---|---|\n", 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "out", "__pycache__"))
        for tests in dict.fromkeys(one.tests for one in detectors):
            if said := said_failing(tests, copy):
                raise SystemExit(f"detectors.py: these fail as it is: {tests}\n{said}")
        for one in detectors:
            seen = noticed(one, copy)
            unnoticed += not seen
            row = f"| {one.name} | {'red' if seen else 'GREEN'} | `{one.tests}` |\n"
            print(row, end="", flush=True)
            table += row
    return table, unnoticed


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return 1 if a detector could be switched off unnoticed."""
    match words:
        case ["write", name]:
            table = Path(name).read_text(encoding="utf-8")
            PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "detectors", table), encoding="utf-8")
            return 0
        case [] | ["all"]:
            asked = [one for one in DETECTORS if words or not one.display]
            table, unnoticed = run(asked)
            if words:
                (Path(os.environ["CAPTURE_AGENT_OUT"]) / "detectors.md").write_text(table, encoding="utf-8")
            print(f"{unnoticed} failed to be noticed, {len(asked) - unnoticed} passed: their tests turn red")
            return 1 if unnoticed else 0
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
