"""Forgetting and undoing in the windows, on a real display: real clicks, and what assistive programs see."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ui_driver import Driver

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

OWN = "agent.choose_own()"
STUDY = "agent.offer_study('/s.toml', m.study_policy()); agent.join('/s.toml')"
AGREE = "agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')"
SESSIONS = (
    "agent.put(*[m.HeldSession(f'{i}' * 12, 'desk-work', m.datetime.now(m.UTC) - m.timedelta(hours=5 * i), 40.0 + i, "
    "10 ** 6, ('held', 'released', 'held')[i], True, 60 - i) for i in range(3)])"
)
OPT_OUT = [OWN, AGREE, SESSIONS, "agent.start()", "shell.open(ui_command('opt-out'))"]
FORGET = [STUDY, AGREE, SESSIONS, "agent.start_task('Write a letter')", "shell.open()", "shell.forget(15)"]


@pytest.fixture
def ui(desktop: PrivateDesktop) -> Iterator[Driver]:
    with Driver(desktop) as driver:
        driver.until(lambda seen: seen["proof"])
        yield driver


@pytest.mark.promise("P11")
def test_forgetting_says_first_what_goes_and_what_cannot_and_takes_one_more_click(ui: Driver) -> None:
    ui.say(*FORGET)
    ui.find("Forget the last 15 minutes?")
    ui.find("1 recording goes completely. 2 recordings lose that time.")
    ui.find("Task: Write a letter")
    assert any(node.name.startswith("Shared on ") and "Research group" in node.name for node in ui.nodes())
    ui.find("Withdraw…", "push button")
    ui.picture("forget")
    assert not [call for call in ui.seen()["calls"] if call.startswith("forget")]
    ui.click("Forget", "push button")
    ui.until(lambda seen: "forget 15" in seen["calls"])


def test_enter_and_escape_forget_nothing(ui: Driver) -> None:
    for key in ("Return", "Escape"):
        ui.say(*FORGET)
        ui.until_focused("Cancel")
        ui.key(key)
        ui.until(lambda seen: "forgetDialog" not in seen["windows"])
    assert not [call for call in ui.seen()["calls"] if call.startswith("forget ")]


def test_forgetting_is_asked_for_in_the_window_and_in_the_tray(ui: Driver) -> None:
    ui.say(OWN, AGREE, SESSIONS, "shell.open()")
    ui.click("Forget the last minutes…")
    ui.until(lambda seen: {"5 minutes", "15 minutes", "60 minutes"} <= set(seen["menu"]))
    ui.picture("forget-menu")
    ui.key("Escape")
    ui.click_icon(button=3)
    seen = ui.until(lambda seen: "Forget the last" in seen["menu"])
    x, y, width, height = seen["menu"]["Forget the last"]
    ui.click_at(int(x + width / 2), int(y + height / 2))
    seen = ui.until(lambda seen: "60 minutes" in seen["menu"])
    ui.picture("tray-menu")
    x, y, width, height = seen["menu"]["60 minutes"]
    ui.click_at(int(x + width / 2), int(y + height / 2))
    ui.find("Forget the last 60 minutes?")


@pytest.mark.promise("P2")
def test_two_clicks_opt_out_and_a_third_one_within_ten_seconds_keeps_the_recordings(ui: Driver) -> None:
    ui.say(*OPT_OUT)
    ui.click("Opt out and delete", "push button")
    ui.until(lambda seen: "withdraw destroy=True" in seen["calls"] and "undoStrip" in seen["windows"])
    assert ui.seen()["state"] == "off"
    assert any("recordings will be destroyed in" in node.name for node in ui.nodes() if node.showing)
    ui.until_focused("Undo: keep the recordings")
    ui.picture("undo")
    ui.click("Undo: keep the recordings", "push button")
    ui.until(lambda seen: "undo" in seen["calls"] and "undoStrip" not in seen["windows"])
    assert ui.seen()["problems"] == []


def test_the_strip_counts_down_and_goes_when_the_moment_is_over(ui: Driver) -> None:
    ui.say(*OPT_OUT)
    ui.click("Opt out and delete", "push button")
    ui.until(lambda seen: "undoStrip" in seen["windows"])

    def said() -> str:
        return next(node.name for node in ui.nodes() if node.showing and "will be destroyed in" in node.name)

    first = said()
    deadline = time.monotonic() + 15
    while said() == first:
        assert time.monotonic() < deadline
    ui.say("agent.time_is_over()")
    ui.until(lambda seen: "undoStrip" not in seen["windows"])


@pytest.mark.parametrize("options", [(), ("--dark",)])
@pytest.mark.parametrize("window", ["forgetDialog", "undoStrip"])
def test_its_windows_are_named_readable_and_fit_a_small_screen_at_twice_the_size(
    options: tuple[str, ...], window: str
) -> None:
    lines = FORGET if window == "forgetDialog" else [*OPT_OUT[:-1], "agent.withdraw(destroy=True)"]
    with (
        PrivateDesktop(size=(1024, 768), keyring=False) as small,
        Driver(small, *options, env={"QT_SCALE_FACTOR": "2"}) as ui,
    ):
        ui.say(*lines)
        seen = ui.until(lambda seen: window in seen["boxes"])
        time.sleep(0.5)
        seen = ui.seen()
        ui.picture(f"{window}-2x{''.join(options)}")
        left, top, width, height = seen["boxes"][window]
        assert left >= 0 and top >= 0
        assert left + width <= 1024 and top + height <= 768
        assert not seen["cut"]
        assert min(seen["contrasts"].values()) >= 4.5
