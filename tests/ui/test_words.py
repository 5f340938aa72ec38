from __future__ import annotations

from datetime import UTC, datetime

import memory_agent
import pytest

from capture_agent.core.events import Category, Outcome
from capture_agent.core.policy import OWN_DEVICE
from capture_agent.held.spans import What
from capture_agent.session.snapshot import HeldSession, WaitingCut
from capture_agent.ui import words
from capture_agent.ui.lines import state_words
from capture_agent.ui.programs import offered


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (7500, "2 h 5 min")],
)
def test_durations_are_said_in_two_units(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (3_400_000, "3.4 MB"), (5 * 10**12, "5.0 TB")],
)
def test_sizes_are_said_in_decimal_units(count: int, said: str) -> None:
    assert words.size(count) == said


def test_every_category_and_outcome_has_words_and_an_example() -> None:
    assert set(words.CATEGORY_WORDS) == set(Category)
    assert all(said.name and said.example for said in words.CATEGORY_WORDS.values())
    assert set(words.OUTCOME_WORDS) == set(Outcome)
    assert list(words.OUTCOME_WORDS) == list(Outcome)  # the dialog finds the outcome by its place


def test_categories_are_listed_in_their_fixed_order() -> None:
    assert words.category_names({Category.SCREEN, Category.KEYBOARD, Category.POINTER}) == "keyboard, mouse and screen"
    assert words.category_names([]) == "nothing"


def test_recording_for_oneself_goes_nowhere() -> None:
    assert words.where(memory_agent.own_policy()) == "On this computer only, encrypted."
    assert "/srv/study/inbox" in words.where(memory_agent.study_policy())


def test_ones_own_key_is_described_and_others_by_nine_words() -> None:
    own = memory_agent.own_policy().recipients[0]
    assert own.key == OWN_DEVICE
    assert words.recipient_key(own, "a b c") == words.OWN_KEY_WORDS
    assert words.recipient_key(memory_agent.study_policy().recipients[0], "a b c") == "a b c"


def test_the_desktop_background_can_always_be_chosen_and_comes_last() -> None:
    assert list(offered({"xterm": "XTerm", "gimp": "GIMP"}, None, ())) == ["gimp", "xterm", "desktop"]


def test_only_the_studys_programs_are_offered_when_it_names_them() -> None:
    assert set(offered({"xterm": "XTerm", "gimp": "GIMP"}, frozenset({"gimp", "inkscape"}), ())) == {"gimp", "inkscape"}


def test_programs_that_the_person_excluded_are_not_offered() -> None:
    assert "gimp" not in offered({"gimp": "GIMP"}, None, {"gimp"})
    assert "gimp" not in offered({}, frozenset({"gimp"}), {"gimp"})


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "Only yours"),
        (1, "Only yours; 1 cut waits until you share it or cut for good"),
        (2, "Only yours; 2 cuts wait until you share it or cut for good"),
    ],
)
def test_a_recording_says_how_many_cuts_wait(count: int, said: str) -> None:
    cuts = tuple(WaitingCut(number, What.STRETCH, ()) for number in range(count))
    assert state_words(HeldSession("a", "desk", datetime.now(UTC), 1.0, 1, "held", True, 29, cuts=cuts)) == said
