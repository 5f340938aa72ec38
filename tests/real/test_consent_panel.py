"""The consent panel as a person meets it: nothing decided for them, and a sample to try before they decide."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ui_driver import Driver

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

OWN = "agent.choose_own()"
CANARY = "plumtree"
# Every subset of the five switches, accepted by a click on Accept; what arrives must be that subset.
ALL_SUBSETS = (
    "from itertools import combinations\n"
    "from capture_agent.core.keyboard import MODES\n"
    "from PySide6.QtWidgets import QPushButton\n"
    "for size in range(1, 8):\n"
    "    for some in combinations(m.Category, size):\n"
    "        if len({*some} & {*MODES}) > 1: continue\n"
    "        agent.choose_own(); shell.bridge.refresh(); shell.ask()\n"
    "        panel = shell._panel\n"
    "        [panel._boxes[c].setChecked(True) for c in some]\n"
    "        panel.findChild(QPushButton, 'acceptButton').click()\n"
    "        assert agent.accepted[-1][0] == frozenset(some), some\n"
    "        agent.withdraw(destroy=False)\n"
)
SAME_FACE = (
    "from PySide6.QtWidgets import QPushButton\n"
    "from PySide6.QtGui import QImage\n"
    "two = [shell._panel.findChild(QPushButton, n) for n in ('refuseButton', 'acceptButton')]\n"
    "told = [b.text() for b in two]\n"
    "[b.setText('same') for b in two]\n"
    "agent.calls.append(f'same={two[0].grab().toImage() == two[1].grab().toImage()}')\n"
    "agent.calls.append(f'weights={len({(b.font().weight(), b.isDefault(), b.isFlat()) for b in two})}')\n"
    "[b.setText(text) for b, text in zip(two, told)]\n"
)


def run(ui: Driver, lines: str) -> None:
    """Run several lines of Python in the program."""
    ui.say(f"exec({lines!r}, globals())")


@pytest.fixture
def spy(desktop: PrivateDesktop) -> Iterator[Driver]:
    """The windows over the real controller, ledger and table of consent, with sources that are counted."""
    with Driver(desktop, "--spy") as driver:
        driver.say(OWN)
        driver.say("shell.ask()")
        driver.find("Accept", "push button")
        yield driver


@pytest.fixture
def ui(desktop: PrivateDesktop) -> Iterator[Driver]:
    with Driver(desktop) as driver:
        driver.say(OWN)
        driver.say("shell.ask()")
        driver.find("Accept", "push button")
        yield driver


@pytest.mark.promise("P1")
@pytest.mark.parametrize("keys", ["Escape", "alt+F4"])
def test_closing_the_panel_is_neither_yes_nor_no(spy: Driver, keys: str) -> None:
    spy.tick("Keyboard")
    spy.tick("Screen")
    spy.until_focused()
    spy.key(keys)
    seen = spy.until(lambda seen: "consentPanel" not in seen["windows"])
    assert seen["spied"] == {"made": 0, "kinds": ["joined", "asked"], "states": ["Requested"]}
    assert not seen["status"].startswith("Not recording, you said no")


@pytest.mark.promise("P1")
def test_trying_out_makes_no_source_and_writes_nothing(spy: Driver) -> None:
    spy.say("shell._panel.area.ensureWidgetVisible(shell._panel._try_it)")
    before = spy.seen()["spied"]["kinds"]
    spy.click("Try it in Notes")
    spy.type(CANARY)
    spy.say("[box.setChecked(True) for box in shell._panel._boxes.values()]")
    spy.click("Try it in Mail")
    spy.type(CANARY)
    spy.find("Not stored: in this sample, Mail is not ticked.")
    assert spy.seen()["spied"] == {"made": 0, "kinds": before, "states": ["Requested"]}
    spy.say("shell._panel.reject()")
    spy.until(lambda seen: "consentPanel" not in seen["windows"])
    assert spy.seen()["spied"]["made"] == 0
    holding = [p.name for p in spy.desktop.folder.rglob("*") if p.is_file() and CANARY.encode() in p.read_bytes()]
    assert holding == []
    spy.say("person.kept = [w.text() for w in app.allWidgets() if isinstance(w, QLineEdit) and 'plum' in w.text()]")
    spy.say("assert person.kept == []")


def test_what_was_tried_is_not_in_what_is_agreed_to(ui: Driver) -> None:
    ui.say("shell._panel.area.ensureWidgetVisible(shell._panel._try_it)")
    ui.click("Try it in Notes")
    ui.type(CANARY)
    ui.tick("Tasks")
    ui.click("Accept", "push button")
    assert CANARY not in ui.until(lambda seen: seen["accepted"])["accepted"][0][3]


@pytest.mark.promise("P8")
def test_the_sample_shows_live_what_would_be_stored_and_follows_the_switches(ui: Driver) -> None:
    def stored() -> list[str]:
        ui.say("agent.calls.append('rows ' + shell._panel._try_it._rows.text().replace(chr(10), '|'))")
        return str(ui.seen()["calls"][-1]).removeprefix("rows ").split("|")

    ui.say("shell._panel.area.ensureWidgetVisible(shell._panel._try_it)")
    ui.click("Try it in Notes")
    ui.type("H")
    ui.find("Not stored: Keyboard is not ticked.")
    assert stored() == ["Nothing: nothing is ticked."]
    ui.say("shell._panel._boxes[m.Category.KEYBOARD].click()")
    assert "key “H”" in stored()
    ui.say("shell._panel._boxes[m.Category.POINTER].click()")
    ui.find("Sample desktop")
    x, y = ui.find("Sample desktop").box[:2]
    ui.click_at(x + 120, y + 60)
    assert "left click at 120, 60" in stored()
    ui.find("No picture: Screen is not ticked.")
    ui.say("shell._panel._boxes[m.Category.SCREEN].click()")
    ui.find("The stored picture")
    assert stored()[0].endswith("% of it painted over")
    ui.say("shell._panel._boxes[m.Category.KEYBOARD].click()")
    assert "key “H”" not in stored()
    ui.say("shell._panel._boxes[m.Category.SHORTCUTS].click()")
    assert "a key, and not which" in stored()
    ui.say("shell._panel._boxes[m.Category.COUNTS].click()")
    assert "1 key, and not which" in stored()


@pytest.mark.promise("P1")
def test_any_choice_of_switches_is_accepted_as_it_is(ui: Driver) -> None:
    ui.say("shell._panel.reject()")
    run(ui, ALL_SUBSETS)
    seen = ui.until(lambda seen: len(seen["accepted"]) == 63)
    assert seen["problems"] == []


@pytest.mark.promise("P1")
def test_of_the_modes_of_the_keyboard_one_is_chosen_at_most(ui: Driver) -> None:
    def ticked() -> str:
        ui.say("agent.calls.append(','.join(c for c, box in shell._panel._boxes.items() if box.isChecked()))")
        return str(ui.seen()["calls"][-1])

    assert ticked() == ""
    ui.say("shell._panel._boxes[m.Category.SCREEN].click()")
    for mode in ("KEYBOARD", "COUNTS", "SHORTCUTS"):
        ui.say(f"shell._panel._boxes[m.Category.{mode}].click()")
        assert ticked() == f"{mode.lower()},screen"
    ui.say("shell._panel._boxes[m.Category.SHORTCUTS].click()")
    assert ticked() == "screen"


@pytest.mark.promise("P1")
def test_a_program_with_other_people_counts_only_once_these_are_switched_on(ui: Driver) -> None:
    def chosen() -> str:
        ui.say("agent.calls.append(' '.join(sorted(shell._panel._programs.chosen())))")
        return str(ui.seen()["calls"][-1])

    programs = "shell._panel._programs"
    for name in ("gimp", "thunderbird"):
        ui.say(f"{programs}._name.setText({name!r}); {programs}._add()")
    ui.say(f"{programs}._boxes['thunderbird'].click()")  # it cannot be ticked yet
    assert chosen() == "gimp"
    ui.tick("Also programs with other people")
    assert chosen() == "gimp"  # nothing is ticked in advance
    ui.say(f"{programs}._boxes['thunderbird'].click()")
    assert chosen() == "gimp thunderbird"
    ui.picture("other-people")
    ui.tick("Also programs with other people")
    assert chosen() == "gimp"


@pytest.mark.promise("P1")
def test_accept_and_refuse_are_drawn_the_same_to_the_pixel(ui: Driver) -> None:
    run(ui, SAME_FACE)
    assert ui.seen()["calls"][-2:] == ["same=True", "weights=1"]


@pytest.mark.promise("P2")
@pytest.mark.parametrize("scale", ["1", "2"])
@pytest.mark.parametrize("state", ["off", "recording", "paused", "problem", "asked"])
def test_opting_out_is_on_the_first_screen_of_a_small_display(state: str, scale: str) -> None:
    lines = [OWN, "agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')"]
    lines += {
        "off": [],
        "recording": ["agent.start()"],
        "paused": ["agent.start()", "agent.pause(15)"],
        "asked": ["shell.ask()"],  # in the panel itself, beside its answers
        "problem": ["agent.fail('The disk is full, and nothing more can be written to it now.', 'Free some space.')"],
    }[state]
    with PrivateDesktop(size=(1024, 768), keyring=False) as small, Driver(small, env={"QT_SCALE_FACTOR": scale}) as ui:
        asked = state == "asked"
        for line in lines if asked else [*lines, "shell.open()"]:
            ui.say(line)
        left, top, width, height = ui.settled()["buttons"]["panelOptOutButton" if asked else "optOutButton"]
        assert left >= 0 and top >= 0
        assert left + width <= 1024 and top + height <= 768 - 30  # above the desktop's own panel
        ui.click_at(int(left + width / 2), int(top + height / 2))
        ui.until(lambda seen: "optOutDialog" in seen["windows"])


def test_the_panel_is_answered_by_keys_alone(ui: Driver) -> None:
    ui.until_focused("Notice")
    ui.key("Tab")
    ui.until_focused("Keyboard")
    ui.key("space")
    ui.key("Tab", "Tab", "Tab", "Tab")
    ui.until_focused("Windows")
    ui.key("space", "space")  # on, and off again
    ui.key("alt+a")
    assert ui.until(lambda seen: seen["accepted"])["accepted"][0][0] == ["keyboard"]


@pytest.mark.parametrize("key", ["Return", "space"])
def test_a_button_that_has_the_keyboard_is_pressed_by_enter_and_by_space(ui: Driver, key: str) -> None:
    ui.until_focused("Notice")
    ui.key("shift+Tab", "shift+Tab")  # from the first control back to the last but one
    ui.until_focused("Refuse")
    ui.key(key)
    ui.until(lambda seen: seen["calls"][-1] == "refuse" and "consentPanel" not in seen["windows"])
