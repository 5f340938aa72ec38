from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import ConfigError, StorageError
from capture_agent.core.events import Category
from capture_agent.core.never import NeverKind, NeverRule
from capture_agent.core.policy import Effective, Notice, Policy, Settings, effective
from capture_agent.settings import WrongFileError, read_settings, without_effect, write_rule
from capture_agent.settings.own_file import SettingsTable
from capture_agent.settings.policy_file import PolicyTable


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def policy(categories: frozenset[Category] = frozenset(Category), max_fps: int = 10) -> Policy:
    return Policy(
        study="s",
        version=1,
        title="The study",
        controller="c",
        contact="c",
        purposes={"p": "x"},
        categories=categories,
        recipients=(),
        retention_days=1,
        notices=(Notice("en", 1, "x"),),
        max_fps=max_fps,
    )


def test_without_a_file_nothing_is_narrowed(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none" / "settings.toml").settings == Settings()


# One row a setting: the line in the file, and where its effect is.
EFFECTS = {
    'categories = ["windows"]': lambda read, left: left.categories == {Category.WINDOWS},
    'never_programs = ["Signal"]': lambda read, left: left.never_apps == {"signal"},
    'never_titles = ["Bank"]': lambda read, left: read.never_titles == {"Bank"},  # at work: test_settings_at_work.py
    "max_fps = 2": lambda read, left: left.max_fps == 2,
    "max_held_mb = 50": lambda read, left: left.max_held_mb == 50,
    "consent_months = 1": lambda read, left: read.consent_months == 1,  # tests/session/test_lasting.py sees it at work
    'pause_hotkey = "ctrl+alt+p"': lambda read, left: read.pause_hotkey == "ctrl+alt+p",
    'task_hotkey = "super+f5"': lambda read, left: read.task_hotkey == "super+f5",
    'schedule = "mon 09:00-12:00"': lambda read, left: not left.allows(datetime(2026, 11, 24, 10)),
    "pause_on_battery_saver = false": lambda read, left: not read.pause_on_battery_saver,  # at work: test_rhythm.py
    "deliver_on_metered = true": lambda read, left: read.deliver_on_metered,
    "max_delivery_kbit = 64": lambda read, left: read.delivery_rate == 8_000,
    'locale = "de_CH"': lambda read, left: read.locale == "de_CH",
}


@pytest.mark.parametrize("line", EFFECTS)
def test_each_setting_has_its_effect(tmp_path: Path, line: str) -> None:
    read = read_settings(settings_file(tmp_path, line)).settings
    assert EFFECTS[line](read, effective(policy(), read))
    assert not EFFECTS[line](Settings(), effective(policy(), Settings()))


def test_every_setting_has_such_a_test() -> None:
    assert {line.split(" ")[0] for line in EFFECTS} == set(SettingsTable.model_fields) - {"format"}


@pytest.mark.parametrize("key", sorted(set(PolicyTable.model_fields) - set(SettingsTable.model_fields)))
@pytest.mark.promise("P7")
def test_nothing_that_only_a_study_may_say_can_be_set(tmp_path: Path, key: str) -> None:
    with pytest.raises(WrongFileError) as caught:
        read_settings(settings_file(tmp_path, f"{key} = 1\n"))
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [(1, key)]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("max_fps = 31", "max_fps"),
        ("max_fps = 0", "max_fps"),
        ("max_held_mb = 5001", "max_held_mb"),
        ("max_held_mb = 9", "max_held_mb"),
        ("max_delivery_kbit = 0", "max_delivery_kbit"),
        ("max_delivery_kbit = 63", "max_delivery_kbit"),
        ("max_delivery_kbit = 1000001", "max_delivery_kbit"),
        ("max_delivery_kbit = 64.5", "max_delivery_kbit"),
        ('max_delivery_kbit = "1 Mbit"', "max_delivery_kbit"),
        ('categories = ["microphone"]', "categories[1]"),
        ('pause_hotkey = "p"', "pause_hotkey"),
        ('pause_hotkey = "shift+p"', "pause_hotkey"),
        ('pause_hotkey = "ctrl+ctrl+p"', "pause_hotkey"),
        ('pause_hotkey = "ctrl+"', "pause_hotkey"),
        ('task_hotkey = "shift+ctrl+f9"', "task_hotkey"),
        ('locale = "German"', "locale"),
        ('never_titles = ["ab"]', "never_titles[1]"),
        ('never_titles = ["a\\u200bb"]', "never_titles[1]"),  # no width, no third character
        ("consent = true", "consent"),
        ("format = 2", "format"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(WrongFileError) as caught:
        read_settings(settings_file(tmp_path, f"# mine\n{text}\n"))
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [(2, key)]


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WrongFileError):
        read_settings(tmp_path / "file" / "settings.toml")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(WrongFileError):
        read_settings(tmp_path / "link")


def test_a_file_that_comes_changes_or_goes_is_noticed(tmp_path: Path) -> None:
    before = read_settings(tmp_path / "settings.toml")
    assert not before.changed()
    path = settings_file(tmp_path, "max_fps = 2\n")
    assert before.changed()
    there = read_settings(path)
    assert not there.changed()
    path.unlink()
    assert there.changed()


_SETTINGS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "categories": st.lists(st.sampled_from([c.value for c in Category]), unique=True),
        "never_programs": st.lists(st.sampled_from(["xterm", "signal", "keepassxc"])),
        "max_fps": st.integers(1, 30),
        "locale": st.sampled_from(["en", "de", "fr_CH"]),
    },
)


def within(left: Effective, right: Effective) -> bool:
    return left.categories <= right.categories and left.max_fps <= right.max_fps and left.never_apps >= right.never_apps


@pytest.mark.promise("P7")
@given(_SETTINGS, st.frozensets(st.sampled_from(Category)), st.integers(1, 30))
def test_no_settings_file_widens_a_policy(data: dict[str, Any], categories: frozenset[Category], fps: int) -> None:
    offered = policy(categories, fps)
    chosen = SettingsTable.model_validate(data).settings()
    left = effective(offered, chosen)
    assert left.policy is offered
    assert within(left, effective(offered, Settings()))


def test_what_the_study_narrows_anyway_is_said() -> None:
    chosen = Settings(categories=frozenset({Category.SCREEN, Category.TASKS}), max_fps=20)
    remarks = without_effect(chosen, policy(frozenset({Category.SCREEN}), 10))
    assert len(remarks) == 2
    assert "tasks" in remarks[0]
    assert "20" in remarks[1]
    assert without_effect(Settings(), policy()) == ()


MINE = '# what I never want\nnever_programs = ["signal"]  # my friends\nmax_fps = 2\n'
BANK, GIMP = NeverRule(NeverKind.TITLE, "My bank"), NeverRule(NeverKind.PROGRAM, "gimp")


def test_rules_are_written_into_the_file_and_the_persons_own_words_stay(tmp_path: Path) -> None:
    path = settings_file(tmp_path, MINE)
    for rule in (BANK, GIMP, BANK):
        write_rule(path, rule, on=True)
    assert read_settings(path).settings.never == {BANK, GIMP, NeverRule(NeverKind.PROGRAM, "signal")}
    text = path.read_text("utf-8")
    assert text == MINE.replace('["signal"]', '["gimp", "signal"]') + 'never_titles = ["My bank"]\n'
    for rule in (GIMP, BANK, BANK):
        write_rule(path, rule, on=False)
    assert path.read_text("utf-8") == MINE + "never_titles = []\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_first_rule_makes_the_file_and_a_link_stays_one(tmp_path: Path) -> None:
    path, real = tmp_path / "config" / "settings.toml", tmp_path / "mine.toml"
    write_rule(path, GIMP, on=True)
    assert read_settings(path).settings.never == {GIMP}
    path.unlink()
    real.write_bytes(b"max_fps = 2\r\n")
    path.symlink_to(real)
    write_rule(path, BANK, on=True)
    assert path.is_symlink()
    assert real.read_bytes() == b'max_fps = 2\r\nnever_titles = ["My bank"]\r\n'


def test_a_file_that_is_read_only_is_left_alone_and_the_person_told_what_to_write(tmp_path: Path) -> None:
    path = settings_file(tmp_path, MINE)
    path.chmod(0o400)
    with pytest.raises(StorageError) as caught:
        write_rule(path, BANK, on=True)
    assert "read-only" in str(caught.value)
    assert caught.value.hint == 'Add it yourself: never_titles = ["My bank"]'
    assert path.read_text("utf-8") == MINE


def test_a_wrong_file_is_not_written(tmp_path: Path) -> None:
    path = settings_file(tmp_path, "max_fpz = 2\n")
    with pytest.raises(WrongFileError):
        write_rule(path, BANK, on=True)
    assert path.read_text("utf-8") == "max_fpz = 2\n"


@pytest.mark.parametrize(
    "rule", [NeverRule(NeverKind.TITLE, "ab "), NeverRule(NeverKind.PROGRAM, "/bin/sh"), NeverRule(NeverKind.TITLE, "")]
)
def test_what_can_be_no_rule_is_said_and_not_written(tmp_path: Path, rule: NeverRule) -> None:
    path = settings_file(tmp_path, MINE)
    with pytest.raises(ConfigError):
        write_rule(path, rule, on=True)
    assert path.read_text("utf-8") == MINE
