"""A list of 1,000 recordings: its first lines at once, the others while nobody waits for them."""

from __future__ import annotations

import time

import pytest
from ui_driver import WAIT_S, Driver
from ui_windows import AGREE, STUDY

from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.ui.recordings import _AT_ONCE

pytestmark = pytest.mark.real

COUNT = 1_000
MANY = (
    "agent.put(*[m.HeldSession(f'{i:012x}', 'desk-work', m.datetime(2026, 1, 1, tzinfo=m.UTC) + m.timedelta(hours=i), "
    f"40.0, 10 ** 6, 'held', True, 60) for i in range({COUNT})])"
)
LINES = "shell.window.recordings._list.topLevelItemCount()"
CHOSEN = "[line.text(0) for line in shell.window.recordings._list.selectedItems()]"


def told(ui: Driver, question: str) -> object:
    ui.say(f"asked[{question!r}] = {question}")
    return ui.until(lambda seen: question in seen["asked"])["asked"][question]


def until(ui: Driver, question: str, answer: object) -> None:
    within = time.monotonic() + WAIT_S
    while told(ui, question) != answer:
        assert time.monotonic() < within, question


def test_a_long_list_shows_its_first_lines_at_once_and_gets_the_others_afterwards() -> None:
    with PrivateDesktop(keyring=False) as desktop, Driver(desktop) as ui:
        ui.say(STUDY, AGREE, MANY)
        ui.say(f"shell.open(ui_command('recordings')); asked['first'] = {LINES}")
        assert ui.until(lambda seen: "first" in seen["asked"])["asked"]["first"] == _AT_ONCE
        until(ui, LINES, COUNT)
        ui.say(f"page = shell.window.recordings; page._list.setCurrentItem(page._list.topLevelItem({COUNT - 1}))")
        oldest = told(ui, CHOSEN)
        ui.say(f"agent.delete('{COUNT - 1:012x}', for_good=True); page.reload(); asked['again'] = {LINES}")
        assert ui.until(lambda seen: "again" in seen["asked"])["asked"]["again"] == _AT_ONCE
        until(ui, LINES, COUNT - 1)
        assert told(ui, CHOSEN) == oldest  # the line that was chosen is, as soon as it is there
        assert ui.seen()["problems"] == []
