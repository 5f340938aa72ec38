from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from capture_agent import __version__
from capture_agent.cli import program
from capture_agent.control.commands import MAX_PAUSE_MINUTES
from capture_agent.ui.view_state import Command


def test_the_version_is_told(run: Any) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"capture-agent {__version__}\n")


def test_help_imports_nothing_heavy(run: Any) -> None:
    """What `--help` loads decides how fast it is; that is the same on every machine."""
    code = (
        "import sys; sys.argv = ['capture-agent', '--help']\n"
        "from capture_agent.__main__ import main\n"
        "code = main()\n"
        "heavy = {'PySide6', 'pydantic', 'numpy', 'av', 'mcap', 'rich', 'pyrage', 'cryptography', 'keyring', 'Xlib'}\n"
        "assert code == 0 and not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_asking_the_agent_loads_nothing_that_only_recording_needs(run: Any) -> None:
    """Every command that asks the agent would take a tenth of a second longer."""
    code = (
        "import sys, capture_agent.cli.words, capture_agent.control.client\n"
        "heavy = {'PySide6', 'numpy', 'av', 'mcap', 'rich', 'keyring', 'Xlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_limit_that_help_shows_is_the_one_that_holds() -> None:
    assert program.MAX_PAUSE_MINUTES == MAX_PAUSE_MINUTES


@pytest.mark.parametrize(
    "words",
    [
        ["frob"],
        ["pause", "--for", "0m"],
        ["pause", "--for", "1h", "--until-resumed"],
        ["task", "finish", "--outcome", "well"],
        ["open", "x"],
    ],
)
def test_a_wrong_command_line_is_2(run: Any, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["pause"], ["start"], ["task", "show"], ["task", "start", "x"]])
def test_without_an_agent_it_is_1_and_says_what_to_do(run: Any, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "capture-agent: The agent is not running, so nothing is recorded.\n  Start it with: capture-agent\n"
    )
    told = json.loads(run(*words, "--json").stdout)
    assert set(told) == {"error", "message", "hint"}


@pytest.mark.parametrize("words", [["status"], ["stop"], ["quit"]])
def test_what_asks_for_nothing_more_than_silence_is_done_without_an_agent(run: Any, words: list[str]) -> None:
    assert run(*words).returncode == 0
    assert json.loads(run(*words, "--json").stdout) == {"running": False, "state": "off"}


def test_looking_makes_nothing(run: Any, home: Path) -> None:
    for words in (["status"], ["sessions"], ["doctor"], ["task", "show"], ["open", "x", "--out", "y"], ["export", "x"]):
        run(*words)
    assert list(home.iterdir()) == []


def test_without_recordings_there_are_none(run: Any) -> None:
    assert run("sessions").stdout == "There are no recordings.\n"
    assert json.loads(run("sessions", "--json").stdout) == {"sessions": []}
    done = run("open", "3f", "--out", "x")
    assert (done.returncode, done.stdout) == (7, "")


def test_the_tray_needs_a_display_and_says_so(run: Any, home: Path) -> None:
    done = run()
    assert done.returncode == 3
    assert done.stderr.count("\n") <= 2
    assert "display" in done.stderr
    assert list(home.iterdir()) == []


def test_doctor_names_what_is_missing(run: Any, home: Path) -> None:
    done = run("doctor", "--json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert set(found) == {"ok", "running", "problems", "places", "input", "programs", "accessibility", "never"}
    assert not found["ok"]
    assert [one["name"] for one in found["problems"] if one["blocks"]] == ["display"]
    assert all(one["what"] and one["hint"] for one in found["problems"])
    assert found["places"]["profile"].startswith(str(home))
    assert "✗" in run("doctor").stdout


def test_doctor_finds_wrong_settings_and_open_folders(run: Any, home: Path) -> None:
    places = json.loads(run("doctor", "--json").stdout)["places"]
    settings, profile = Path(places["settings"]), Path(places["profile"])
    settings.parent.mkdir(parents=True)
    settings.write_text("max_fsp = 3\n", encoding="utf-8")
    profile.mkdir(parents=True, mode=0o755)
    profile.chmod(0o755)
    (profile / "state.json").write_text("{}", encoding="utf-8")
    problems = json.loads(run("doctor", "--json").stdout)["problems"]
    by_name = {one["name"]: one for one in problems}
    assert "max_fps" in by_name["settings"]["what"]
    assert by_name["settings"]["blocks"]
    assert "chmod" in by_name["modes"]["hint"]
    assert by_name["policy"]["blocks"]  # a state file that nobody can read


@pytest.mark.promise("P4")
def test_doctor_refuses_a_profile_that_is_copied_elsewhere(run: Any, home: Path) -> None:
    done = run("doctor", "--json", XDG_DATA_HOME=str(home / "Nextcloud" / "data"))
    assert done.returncode == 3
    (found,) = [one for one in json.loads(done.stdout)["problems"] if one["name"] == "place"]
    assert "Nextcloud" in found["what"] and found["blocks"]
    assert "XDG_DATA_HOME" in found["hint"]


def test_a_reader_that_goes_away_is_no_fault(home: Path) -> None:
    command = f"{sys.executable} -m capture_agent research open --help | true"
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}
    assert done.stderr == ""


# What is in the menu and does not widen, as commands; what widens opens its window, where a person can click.
IN_MENU = {
    Command.START: "start",
    Command.RESUME: "start",
    Command.HABITS: "start",
    Command.PAUSE: "pause",
    Command.STOP: "stop",
    Command.NOT_ME: "not-me",
    Command.TASK: "task",
    Command.RECORDINGS: "sessions",
    Command.RECORDED: "consent show",
    Command.NEVER: "start",
    Command.FORGET: "forget",
    Command.OPT_OUT: "consent withdraw",
    Command.QUIT: "quit",
}


@pytest.mark.parametrize("entry", Command)
def test_everything_in_the_menu_is_a_command_too(run: Any, entry: Command) -> None:
    done = run(*IN_MENU[entry].split(), "--help")
    assert (done.returncode, "--json" in done.stdout) == (0, entry is not Command.TASK)
