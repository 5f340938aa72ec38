"""Walks over every window: names, roles, keys, contrast, small screens, German. New windows belong in `ui_windows`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from ui_driver import Driver, Node
from ui_windows import OWN_WORDS, WINDOWS, WITHOUT_KEYBOARD

from capture_agent.core.language import word_list
from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

TICKS_S = 0.25  # two ticks of the program: it has told of the focus by then
POLL_S = 0.02
RAISED_BY_HAND = {"monitoring"}  # comes up without taking the keyboard from what one does
SMALL = (1024, 768)
PANEL_PX = 30  # of the desktop's own panel
# What Qt itself puts into every window and gives no name to: places, not controls.
PLACES = {"filler", "panel", "viewport", "scroll pane", "layered pane", "separator", "table column header"}
# The roles that a control may say it is; assistive programs know what can be done with each.
ROLES = {
    "push button", "check box", "radio button", "text", "password text", "combo box", "list", "list item", "table",
    "tree table", "tree item", "tree", "page tab list", "page tab", "scroll bar", "button menu", "document text",
    "menu item", "label", "spin box", "slider",
}  # fmt: skip
GERMAN = word_list("de")
# Words that give an English sentence away; none of them is a German word.
ENGLISH = {"the", "is", "are", "you", "your", "not", "and", "of", "what", "this", "recording", "with", "it", "to", "be"}


@pytest.fixture(scope="module")
def small() -> Iterator[PrivateDesktop]:
    """A small screen, for one program after the other."""
    with PrivateDesktop(size=SMALL, keyring=False) as desktop:
        yield desktop


@contextmanager
def window(small: PrivateDesktop, name: str, *options: str, scale: str = "1") -> Iterator[Driver]:
    """Bring up one window, alone on its screen, and wait until it has its place there."""
    with Driver(small, *options, env={"QT_SCALE_FACTOR": scale}) as ui:
        for line in WINDOWS[name]:
            ui.say(line)
        ui.settled()
        yield ui


def asked(ui: Driver, question: str) -> object:
    """Return what the program answers to a question that takes a moment."""
    ui.say(f"asked['it'] = {question}")
    return ui.until(lambda seen: "it" in seen["asked"])["asked"]["it"]


def unnamed(nodes: list[Node]) -> list[Node]:
    return [node for node in nodes if node.showing and not node.name.strip() and node.role not in PLACES]


def has_names_and_roles(ui: Driver, name: str) -> None:
    """Assistive programs find a name and a role for every control."""
    ui.until_showing(5)
    nodes = ui.nodes()
    assert unnamed(nodes) == []
    controls = [node for node in nodes if node.showing and node.focusable and node.role not in {"frame", "dialog"}]
    assert {node.role for node in controls} - ROLES == set(), controls
    if name not in WITHOUT_KEYBOARD:
        assert controls


def is_walked_by_keys(ui: Driver, name: str) -> None:
    """The Tab key reaches every control, forwards and backwards."""
    if name in WITHOUT_KEYBOARD:
        return
    left, top, width, _ = next(iter(ui.seen()["boxes"].values()))
    if name in RAISED_BY_HAND:
        ui.click_at(int(left + width / 2), int(top + 8))
    ui.until_focused()
    wanted = asked(ui, "looks.focusable(app)")
    assert isinstance(wanted, list)
    for key in ("Tab", "shift+Tab"):
        reached = {ui.seen()["focus"]}
        for _ in range(3 * len(wanted)):  # in a field for a time, Tab goes from hours to minutes first
            reached.add(moved(ui, key))
            if set(wanted) <= reached:
                break
        assert set(wanted) - reached == set(), key


def moved(ui: Driver, key: str) -> str:
    """Press a key that may move the focus, and return what has it then."""
    before, within = ui.seen()["focus"], time.monotonic() + TICKS_S
    ui.key(key)
    while (focus := ui.seen()["focus"]) == before and time.monotonic() < within:
        time.sleep(POLL_S)
    return str(focus)


def has_letters_of_its_own(ui: Driver, _name: str) -> None:
    """A letter leads to one control each."""
    for where, letters in ui.seen()["mnemonics"].items():
        same = [one for one, other in pairwise(sorted(letters)) if one == other]
        assert not same, (where, letters)


def has_contrast(ui: Driver, _name: str) -> None:
    """Every text keeps a contrast of 4.5."""
    meant = ui.seen()["contrasts"]
    assert meant
    assert {text: ratio for text, ratio in meant.items() if ratio < 4.5} == {}
    drawn = asked(ui, "looks.drawn_contrasts(app)")
    assert isinstance(drawn, dict)
    assert {text: ratio for text, ratio in drawn.items() if ratio < 4.5} == {}


def fits(ui: Driver, _name: str) -> None:
    """Everything is on the small screen, or can be scrolled to."""
    seen = ui.seen()
    assert seen["boxes"]
    for which, (left, top, width, height) in seen["boxes"].items():
        assert left >= 0 and top >= 0, which
        assert left + width <= SMALL[0] and top + height <= SMALL[1] - PANEL_PX, (which, seen["boxes"])
    assert seen["cut"] == []
    assert asked(ui, "looks.out_of_reach(app)") == []


def is_german(ui: Driver, _name: str) -> None:
    """No English sentence is left."""
    texts = asked(ui, "looks.texts(app)")
    assert isinstance(texts, list)
    said = [text for text in texts for line in text.splitlines() if english(line)]
    assert said == []


# How a window is brought up (options, scale), and what must be true of it then. What presses keys comes last.
WALKS: dict[str, tuple[tuple[str, ...], str, tuple[Callable[[Driver, str], None], ...]]] = {
    "en": ((), "1", (has_names_and_roles, has_letters_of_its_own, has_contrast, fits, is_walked_by_keys)),
    "dark": (("--dark",), "1", (has_contrast,)),
    "de": (("--german",), "1", (has_letters_of_its_own, fits, is_german)),
    "en at 200 %": ((), "2", (fits,)),
    "de at 200 %": (("--german",), "2", (fits,)),
}


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("name", WINDOWS)
def test_every_window_holds_what_all_of_them_must(small: PrivateDesktop, name: str, walk: str) -> None:
    options, scale, checks = WALKS[walk]
    with window(small, name, *options, scale=scale) as ui:
        for check in checks:
            check(ui, name)


def english(line: str) -> bool:
    """Return whether a line is English that ought to be German."""
    for own in OWN_WORDS:
        line = line.replace(own, "")
    if GERMAN.get(line, line) != line:
        return True
    words = {word.strip(".,:;!?()“”\"'").lower() for word in line.split()}
    return bool(words & ENGLISH)


ASKING = {
    "panel": "consentPanel",
    "changed panel": "consentPanel",
    "start task": "startTaskDialog",
    "finish task": "finishTaskDialog",
    "opt out": "optOutDialog",
    "forget": "forgetDialog",
    "share": "shareDialog",
    "delete": "deleteDialog",
    "monitoring": "monitoringWindow",
    "my data": "myDataWindow",
    "failure": "problemDialog",
}


@pytest.mark.parametrize("name", ASKING)
def test_escape_closes_what_asks_and_does_nothing(small: PrivateDesktop, name: str) -> None:
    with window(small, name) as ui:
        ui.until_focused()
        before = ui.seen()["calls"]
        ui.key("Escape")
        seen = ui.until(lambda seen: ASKING[name] not in seen["windows"])
        assert seen["calls"] == before
