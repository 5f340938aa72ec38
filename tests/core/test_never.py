"""The list of programs that are never recorded."""

import tomllib
from pathlib import Path

import pytest

from capture_agent.core import never


@pytest.mark.promise("P8")
@pytest.mark.parametrize("program", ["keepassxc", "pinentry-gtk-2", "gcr-prompter", "i3lock", "remmina"])
def test_programs_that_ask_for_secrets_are_on_the_list(program):
    assert program in never.never_recorded()


def test_every_group_names_its_source_and_every_name_can_match():
    groups = tomllib.loads(Path(never.__file__).with_name("never.toml").read_text("utf-8"))["never"]
    for group in groups:
        assert group["source"]
        assert group["names"] == [name.lower().strip() for name in group["names"]]
