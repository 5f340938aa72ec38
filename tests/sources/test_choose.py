"""Which sources are constructed for which consent."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from capture_agent.core.events import Category
from capture_agent.core.keyboard import MODES
from capture_agent.desktop.base import InputBackEnd
from capture_agent.sources.base import Sight
from capture_agent.sources.choose import choose
from capture_agent.sources.fields import Fields
from capture_agent.sources.input_pynput import PynputInput
from capture_agent.sources.input_x11 import X11Input
from capture_agent.sources.screen import X11Screen
from capture_agent.sources.windows import X11Windows

SUBSETS = list(chain.from_iterable(combinations(Category, n) for n in range(len(Category) + 1)))


@pytest.mark.promise("P1")
@pytest.mark.parametrize("categories", SUBSETS)
def test_nothing_is_constructed_that_was_not_agreed_to(categories: tuple[Category, ...]) -> None:
    chosen = choose(categories, max_fps=10, display=":no-such-display")
    kinds = [type(source) for source in chosen.all]
    asked = set(categories) - {Category.TASKS}
    assert (X11Windows in kinds) is bool(asked)  # where the focus is decides what may be kept of the rest
    assert (X11Screen in kinds) is (Category.SCREEN in asked)
    assert (X11Input in kinds) is bool(asked & {*MODES, Category.POINTER})
    # Where something typed could be recorded or seen, the kind of its field decides.
    assert (Fields in kinds) is bool(asked - {Category.WINDOWS})

    assert (chosen.screen is not None) is (Category.SCREEN in asked)
    # Where a task begins or ends, whoever sees looks anew; nobody else can be asked to.
    assert [source for source in chosen.all if isinstance(source, Sight)] == [s for s in (chosen.screen,) if s]


@pytest.mark.parametrize("keyboard", [True, False])
def test_a_display_without_xinput_is_read_by_pynput(keyboard: bool) -> None:
    categories = {Category.KEYBOARD if keyboard else Category.POINTER}
    chosen = choose(categories, max_fps=10, back_end=InputBackEnd.PYNPUT, display=":no-such-display")
    kinds = [type(source) for source in chosen.all]
    assert PynputInput in kinds
    assert X11Input not in kinds


@pytest.mark.promise("P1")
def test_without_consent_there_is_no_source_at_all() -> None:
    assert choose((), max_fps=10).all == ()
    assert choose({Category.TASKS}, max_fps=10).all == ()
