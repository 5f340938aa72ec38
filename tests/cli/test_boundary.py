"""`__main__`: whatever goes wrong is one line without a value."""

from __future__ import annotations

import subprocess
import sys

from capture_agent.__main__ import INTERNAL, INTERRUPTED

# The program is real; what fails is a command that is added to it.
PROGRAM = """
import sys
from capture_agent import __main__
from capture_agent.cli import program
from capture_agent.control import commands

@program.app.command()
def broken(what: str) -> None:
    if what == "interrupt":
        raise KeyboardInterrupt
    if what == "here":
        raise ValueError("the secret canary")
    commands.narrowed_pause("the secret canary", 5, None)

sys.argv = ["capture-agent", "broken", *sys.argv[1:]]
sys.exit(__main__.main())
"""


def broken(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)


def test_an_error_nobody_thought_of_is_70_with_a_line_of_code_and_no_value() -> None:
    done = broken("deep")
    assert done.returncode == INTERNAL
    assert done.stderr.startswith("capture-agent: internal error AttributeError at control/commands.py:")
    assert "canary" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_an_error_outside_of_our_code_shows_no_value_either() -> None:
    done = broken("here")
    assert done.returncode == INTERNAL
    assert "ValueError" in done.stderr
    assert "canary" not in done.stderr


def test_ctrl_c_is_130_and_says_nothing() -> None:
    done = broken("interrupt")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (INTERRUPTED, "", "")
