"""What is never recorded: programs by name, private browsing by title; and the programs with other people."""

import tomllib
from pathlib import Path

import pytest

from capture_agent.core import never

LEAST_LANGUAGES = 20


def groups(name):
    return tomllib.loads(Path(never.__file__).with_name(f"{name}.toml").read_text("utf-8"))[name]


def private_texts(*, bracketed=False):
    return [
        pytest.param(text, id=f"{group['what']} in {language}")
        for group in groups("private")
        for language, texts in group["texts"].items()
        for text in texts
        if (text[0] in "(（") == bracketed
    ]


@pytest.mark.promise("P8")
@pytest.mark.parametrize(
    "program",
    ["keepassxc", "pinentry-gtk-2", "gcr-prompter", "i3lock", "remmina", "virt-viewer", "xephyr", "qemu-system-x86_64"],
)
def test_programs_that_ask_for_secrets_or_show_other_computers_are_on_the_list(program):
    assert program in never.never_recorded()


@pytest.mark.parametrize("name", ["never", "people"])
def test_every_group_names_its_source_and_every_name_can_match(name):
    for group in groups(name):
        assert group["source"]
        assert group["names"] == [name.lower().strip() for name in group["names"]]
        assert len(set(group["names"])) == len(group["names"])


def test_no_program_is_both_never_recorded_and_offered_with_other_people():
    assert not never.never_recorded() & never.with_other_people()


def test_private_browsing_is_known_in_many_languages_with_a_source_for_each_browser():
    for group in groups("private"):
        assert group["source"]
    assert (
        sorted(len(group["texts"]) for group in groups("private"))[-2] >= LEAST_LANGUAGES
    )  # of two families of browsers


@pytest.mark.promise("P8")
@pytest.mark.parametrize("text", private_texts())
def test_a_window_of_private_browsing_is_known_by_its_title(text):
    """However the browser puts it: before its name, behind it, in brackets, in a part of its own."""
    for title in (
        f"My bank — Mozilla Firefox {text}",
        f"My bank - Mozilla Firefox ({text})",
        f"My bank – {text} Mozilla Firefox",
        f"My bank — Work — {text} — Firefox",
        f"Mozilla Firefox-{text}",
        f"My bank - [{text}] - Microsoft Edge",
        text.upper(),
    ):
        assert never.is_private(title), title


@pytest.mark.promise("P8")
@pytest.mark.parametrize("text", private_texts(bracketed=True))
def test_a_window_of_private_browsing_is_known_by_its_name_on_the_accessibility_bus(text):
    assert never.is_private(f"My bank - Chromium {text}")
    assert never.is_private(f"My bank - Google Chrome{text}")


@pytest.mark.parametrize(
    "title",
    [
        "",
        "Private Browsing - Mozilla Support — Mozilla Firefox",
        "InPrivate or not - a comparison - Microsoft Edge",
        "private.txt - Text editor",
        "My bank — Mozilla Firefox",
        "The anonym house - Chromium",
        "How to use Private Browsing in Firefox — Mozilla Firefox",
    ],
)
def test_other_windows_are_not_private(title):
    assert not never.is_private(title)
