from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.events import Button, Category, Key, Move, Rect, Scroll, TaskStarted, Window
from capture_agent.core.keyboard import widest
from capture_agent.ui.sample import AREA, KEPT, MAIL, NOTES, SHOWN, TASK, Trial, covered, window_at

ALL = frozenset(Category)
SUBSETS = [frozenset(some) for size in range(8) for some in combinations(Category, size)]


def key(text: str, *mods: str) -> Key:
    return Key(0, True, 0, text, None if mods else text, mods, injected=False)


def click(x: int, y: int) -> Button:
    return Button(0, True, "left", x, y, injected=False)


def tried() -> Trial:
    """Everything once: typed, moved, clicked and scrolled in the program that is ticked, and a task."""
    trial = Trial().add(key("H"), NOTES).add(key("s", "ctrl"), NOTES).add(Move(0, 5, 6, injected=False), None)
    trial = trial.add(click(120, 40), NOTES).add(Scroll(0, 0, 1, 120, 40, injected=False), None)
    return trial.add(TaskStarted(0, "sample", TASK), None)


WORDS = {
    Category.KEYBOARD: {"key “H”", "keys Ctrl+s"},
    Category.SHORTCUTS: {"a key, and not which", "keys Ctrl+s"},
    Category.COUNTS: {"2 keys, and not which"},
    Category.POINTER: {"pointer at 5, 6", "left click at 120, 40", "wheel turned at 120, 40"},
    Category.WINDOWS: {"window “letter.txt”, 200 × 108"},
    Category.TASKS: {"task “Book a room”"},
}


@pytest.mark.promise("P1")
@pytest.mark.parametrize("ticked", SUBSETS)
def test_the_sample_shows_what_is_ticked_and_nothing_else(ticked: frozenset[Category]) -> None:
    rows = set(tried().rows(ticked))
    kept = widest(ticked)
    for category, words in WORDS.items():
        if category not in kept:
            others = set().union(*(WORDS[other] for other in kept if other in WORDS))
            assert not rows & (words - others)
        elif len(ticked) < 3:  # of all together, the oldest do not fit
            assert words <= rows
    assert any("picture" in row for row in rows) == (Category.SCREEN in ticked)


def test_with_nothing_ticked_nothing_is_stored_and_the_reason_is_said() -> None:
    assert tried().rows(frozenset()) == ()
    assert Trial().add(key("x"), NOTES).why_not(frozenset()) == "Not stored: Keyboard is not ticked."
    assert Trial().add(click(1, 1), NOTES).why_not({Category.KEYBOARD}) == "Not stored: Mouse is not ticked."
    assert Trial().add(key("x"), NOTES).why_not(ALL) == ""


@pytest.mark.promise("P8")
def test_what_is_done_in_a_program_that_is_not_ticked_is_not_stored() -> None:
    trial = Trial().add(key("a"), NOTES).add(key("b"), MAIL).add(click(300, 100), MAIL)
    assert trial.rows(ALL - {Category.SCREEN}) == (
        "window “letter.txt”, 200 × 108",
        "key “a”",
        "another window; which one is not stored",
    )
    assert trial.why_not(ALL) == "Not stored: in this sample, Mail is not ticked."
    assert "key “c”" in trial.add(key("c"), NOTES).rows(ALL)


@pytest.mark.promise("P8")
def test_the_picture_is_painted_over_but_for_the_program_that_is_ticked() -> None:
    hidden = covered({Category.SCREEN})
    seen = AREA.area - sum(box.area for box in hidden)
    assert seen == NOTES.rect.area - NOTES.rect.intersect(MAIL.rect).area
    assert all(not box.intersect(Rect(20, 20, 20, 20)).area for box in hidden)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([NOTES, MAIL, None])), max_size=3 * KEPT))
def test_however_much_is_tried_the_sample_stays_small_and_true(done: list[tuple[str, Window | None]]) -> None:
    trial = Trial()
    where: Window | None = NOTES
    wanted = []
    for text, window in done:
        trial = trial.add(key(text), window)
        where = window or where
        wanted.append(f"key “{text}”" if where is NOTES else "")
    rows = trial.rows({Category.KEYBOARD})
    assert len(trial.events) <= KEPT
    assert len(rows) <= SHOWN
    assert list(rows) == [row for row in wanted if row][-len(rows) :] if rows else True


@pytest.mark.promise("P8")
def test_a_card_number_that_is_tried_is_not_stored_and_the_reason_is_said() -> None:
    trial = Trial()
    for character in "pay 4111 1111 1111 1111":
        trial = trial.add(key(character), NOTES)
    rows = trial.rows({Category.KEYBOARD})
    assert rows == ("key “p”", "key “a”", "key “y”", "key  ", "that a secret was typed, and not which")
    assert trial.why_not({Category.KEYBOARD}).startswith("Not stored: it looks like the number of a card")
    trial = trial.add(key("!"), NOTES)
    assert trial.why_not({Category.KEYBOARD}) == ""
    assert trial.rows({Category.COUNTS}) == ("24 keys, and not which",)


def test_a_point_belongs_to_the_uppermost_window() -> None:
    assert window_at(200, 80) is MAIL
    assert window_at(30, 30) is NOTES
    assert window_at(2, 2) is None
