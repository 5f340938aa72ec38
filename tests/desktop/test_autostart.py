"""The file that starts the program at log-in, as desktops read it."""

import configparser
import shlex
import subprocess
import sys

import pytest

from capture_agent.desktop import autostart


def read(text):
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    parser.read_string(text)
    return parser["Desktop Entry"]


@pytest.mark.parametrize("path", ["/usr/bin/capture-agent", "/home/Jo Ann/a b", '/o"dd/$x/`y`/back\\slash/100%'])
def test_a_desktop_reads_the_command_that_was_meant(path):
    fields = read(autostart.entry((path, "-m", "capture_agent")))
    assert (fields["Type"], fields["Terminal"]) == ("Application", "false")
    # First the escapes of the key file, then the quoting of the command, then the field codes.
    command = fields["Exec"].replace("\\\\", "\\").replace("%%", "%")
    assert shlex.split(command.replace("\\`", "`").replace("\\$", "$")) == [path, "-m", "capture_agent"]


def test_the_command_starts_this_program():
    words = autostart.command()
    done = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("capture-agent ")
    assert words[0] == sys.executable or words[0].endswith("capture-agent")
