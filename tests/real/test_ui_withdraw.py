"""Withdrawing what was shared, on a real display: in *My recordings*, and beside what *Forget* names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ui_driver import Driver
from ui_windows import AGREE, STUDY, WITHDRAWABLE

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = [pytest.mark.real, pytest.mark.promise("P12")]

LIST = [STUDY, AGREE, WITHDRAWABLE, "shell.open(ui_command('recordings'))"]
FORGET = [STUDY, AGREE, WITHDRAWABLE, "shell.open()", "shell.forget(15)"]


@pytest.fixture
def ui(desktop: PrivateDesktop) -> Iterator[Driver]:
    with Driver(desktop) as driver:
        driver.until(lambda seen: seen["proof"])
        yield driver


def withdrawn(ui: Driver) -> list[str]:
    return [call for call in ui.seen()["calls"] if call.startswith("withdraw_shared")]


def test_a_shared_recording_is_withdrawn_after_a_question_that_says_what_it_does_and_does_not(ui: Driver) -> None:
    ui.say(*LIST)
    ui.click("Sealed for Research group and Archive", "tree item")
    ui.click("Withdraw…", "push button")
    ui.find("Withdraw this recording?")
    said = " ".join(node.name for node in ui.nodes() if node.showing)
    for what in ("are told to delete it", "copies that were opened before", "a trained model", "cannot be undone"):
        assert what in said
    ui.picture("withdraw")
    ui.key("Return")  # the focus is on Cancel
    ui.until(lambda seen: "withdrawDialog" not in seen["windows"])
    assert withdrawn(ui) == []
    ui.click("Withdraw…", "push button")
    ui.click("Withdraw", "push button")
    ui.until(lambda seen: "withdraw_shared 999999999999" in seen["calls"])
    ui.find("Withdrawn from Research group and Archive", "tree item")
    ui.find("Withdrawn. Hand over the file in this folder to Research group and Archive.")
    ui.picture("withdrawn")


def test_what_forget_names_has_withdraw_beside_it(ui: Driver) -> None:
    ui.say(*FORGET)
    ui.find("Forget the last 15 minutes?")
    ui.picture("forget-withdraw")
    ui.click("Withdraw…", "push button")
    ui.find("Withdraw this recording?")
    assert withdrawn(ui) == []
    ui.click("Withdraw", "push button")
    ui.until(lambda seen: "withdraw_shared 999999999999" in seen["calls"])
    ui.find("Withdrawn", "push button")
    ui.picture("forget-withdrawn")
    assert not [call for call in ui.seen()["calls"] if call.startswith("forget ")]
    ui.click("Cancel", "push button")
    ui.say("shell.forget(15)")
    ui.find("Withdrawn", "push button")


def test_that_its_readers_cannot_be_told_yet_is_said(ui: Driver) -> None:
    ui.say(*LIST, "agent.outbox_gone = True")
    ui.click("Sealed for Research group and Archive", "tree item")
    ui.click("Withdraw…", "push button")
    ui.click("Withdraw", "push button")
    ui.find("Withdrawn; Research group and Archive cannot be told yet", "tree item")
    assert any("this is tried again by itself" in node.name for node in ui.nodes())
