"""The tray icon on real panels: shown, true, clicked with real X events, and never trusted without proof."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PIL import Image, ImageGrab
from ui_driver import Driver

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

RED = (224, 40, 60)  # icons.COLOURS[RECORDING]
BLUE = (43, 128, 208)  # PAUSED
DOUBLE_CLICK_S = 0.8  # two clicks that are closer than half of this are one double click
JOIN = "agent.choose_own(); agent.asked(); agent.accept(m.MOST, frozenset({'xterm'}), 'en', 'read')"


@pytest.fixture(params=["tint2", "lxqt-panel"])
def panel(request: pytest.FixtureRequest) -> Iterator[PrivateDesktop]:
    """A desktop with either kind of panel."""
    with PrivateDesktop(tray=request.param, keyring=False) as desktop:
        yield desktop


@pytest.fixture
def bare() -> Iterator[PrivateDesktop]:
    """A desktop without any panel."""
    with PrivateDesktop(tray="none", keyring=False) as desktop:
        yield desktop


def screen(desktop: PrivateDesktop) -> Image.Image:
    return ImageGrab.grab(xdisplay=desktop.display)


def pixels(desktop: PrivateDesktop, colour: tuple[int, int, int], box: tuple[int, int, int, int] | None = None) -> int:
    """Count the pixels of exactly that colour on the screen, or in (left, top, right, bottom) of it."""
    image = screen(desktop).convert("RGB")
    return (image.crop(box) if box else image).tobytes().count(bytes(colour))


def panel_box(desktop: PrivateDesktop) -> tuple[int, int, int, int]:
    width, height = desktop.size
    return (0, height - 32, width, height)


def until_pixels(desktop: PrivateDesktop, colour: tuple[int, int, int], wanted: bool) -> None:
    deadline = time.monotonic() + 10
    while (pixels(desktop, colour, panel_box(desktop)) > 20) is not wanted:
        assert time.monotonic() < deadline, f"{colour} in the panel: not {wanted}"
        time.sleep(0.05)


def icon_centre(ui: Driver) -> tuple[int, int]:
    """Return where the panel shows the icon, found by its colour: panels that draw icons themselves tell no place."""
    left, top, right, bottom = panel_box(ui.desktop)
    image = screen(ui.desktop).convert("RGB").crop((left, top, right, bottom))
    data = image.load()
    found = [(x, y) for x in range(image.width) for y in range(image.height) if data[x, y] in {RED, BLUE}]
    assert found, "no icon in the panel"
    return left + sum(x for x, _ in found) // len(found), top + sum(y for _, y in found) // len(found)


@pytest.mark.promise("P6")
def test_the_icon_is_proved_and_says_what_is_true(panel: PrivateDesktop) -> None:
    with Driver(panel) as ui:
        how = "embedded" if panel.tray == "tint2" else "status-notifier"
        ui.until(lambda seen: seen["proof"] == how)
        until_pixels(panel, RED, False)
        ui.say(JOIN)
        ui.say("agent.start()")
        seen = ui.until(lambda seen: seen["state"] == "recording")
        assert seen["announced"] == ["recording"]  # drawn before the interval opened
        until_pixels(panel, RED, True)
        ui.say("agent.pause(None)")
        until_pixels(panel, RED, False)
        until_pixels(panel, BLUE, True)
        ui.until(lambda seen: (seen["proof"], seen["icon"], seen["fallback"]) == (how, "paused", False))


@pytest.mark.promise("P5")
def test_a_left_click_pauses_at_once_and_never_resumes(panel: PrivateDesktop) -> None:
    with Driver(panel) as ui:
        ui.until(lambda seen: seen["proof"])
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording")
        until_pixels(panel, RED, True)
        ui.click_at(*icon_centre(ui))
        ui.until(lambda seen: seen["state"] == "paused")
        assert "mainWindow" not in ui.seen()["windows"]
        until_pixels(panel, BLUE, True)
        time.sleep(DOUBLE_CLICK_S)
        ui.click_at(*icon_centre(ui))
        seen = ui.until(lambda seen: "mainWindow" in seen["windows"])
        assert seen["state"] == "paused"
        assert "resume" not in seen["calls"]


@pytest.mark.promise("P5")
def test_the_second_of_two_quick_clicks_pauses_what_is_recorded_by_then_and_opens_nothing(
    desktop: PrivateDesktop,
) -> None:
    """Qt tells of it as a double click alone. Told by hand, because nobody is that fast on a busy machine."""
    double = "shell.tray._tray.activated.emit(shell.tray._tray.ActivationReason.DoubleClick)"
    with Driver(desktop) as ui:
        ui.until(lambda seen: seen["proof"])
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording")
        ui.say(double)
        ui.until(lambda seen: seen["state"] == "paused")
        ui.say(double)
        seen = ui.seen()
        assert (seen["state"], "mainWindow" in seen["windows"]) == ("paused", False)


def test_a_left_click_while_off_opens_the_window(desktop: PrivateDesktop) -> None:
    with Driver(desktop) as ui:
        ui.until(lambda seen: seen["proof"])  # the panel still moves the icon before
        ui.click_icon()
        seen = ui.until(lambda seen: "mainWindow" in seen["windows"])
        assert seen["calls"] == []


def test_every_entry_of_the_menu_does_what_it_says(desktop: PrivateDesktop) -> None:
    with Driver(desktop) as ui:
        ui.until(lambda seen: seen["proof"])
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording")

        ui.choose("Pause", "1 hour")
        ui.until(lambda seen: seen["state"] == "paused" and "pause 60" in seen["calls"])
        ui.choose("Resume")
        ui.until(lambda seen: seen["state"] == "recording")
        ui.choose("Start a task…")
        ui.until(lambda seen: "startTaskDialog" in seen["windows"])
        ui.key("Escape")
        ui.choose("My recordings…")
        ui.find("My recordings", "page tab")
        ui.until(lambda seen: "mainWindow" in seen["windows"])
        ui.choose("What is recorded…")
        ui.find("Change what is recorded…")
        ui.choose("Never record…")
        ui.find("A program by its name, also one that you never opened", "text")
        ui.say("agent.running['gimp'] = 'GIMP'")
        ui.choose("Not recorded: gimp (new)…")
        ui.until(lambda seen: "consentPanel" in seen["windows"])
        assert not ui.find("GIMP", "check box").checked
        ui.say("shell._panel.reject()")
        ui.say("agent.running['gedit'] = 'Text'")
        ui.choose("Not recorded: gedit (new)…")  # gimp was seen, and left as it is
        assert "Not recorded: gimp (new)…" not in ui.seen()["menu"]
        ui.until(lambda seen: "consentPanel" in seen["windows"])
        ui.say("shell._panel.reject()")
        ui.choose("Opt out and delete…")
        ui.until(lambda seen: "optOutDialog" in seen["windows"])
        ui.key("Escape")
        ui.until(lambda seen: "optOutDialog" not in seen["windows"])
        assert ui.seen()["state"] == "recording"
        ui.choose("Quit (saves, then stops)")
        assert ui.program.wait(10) == 0


@pytest.mark.promise("P6")
def test_when_the_panel_dies_the_proof_is_lost_and_the_small_window_takes_over(panel: PrivateDesktop) -> None:
    with Driver(panel) as ui:
        ui.until(lambda seen: seen["proof"])
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording")
        panel.stop_tray()
        ui.until(lambda seen: seen["fallback"], within=2.0)
        seen = ui.until(lambda seen: seen["proof"] == "fallback")
        left, top, width, height = seen["fallback_box"]
        ui.until(lambda seen: seen["state"] == "recording")
        assert pixels(panel, RED, (left, top, left + width, top + height)) > 20
        panel.start_tray()
        ui.until(lambda seen: seen["proof"] in {"embedded", "status-notifier"} and not seen["fallback"])
        until_pixels(panel, RED, True)


@pytest.mark.promise("P6")
def test_without_a_panel_the_small_window_is_there_before_anything_is_recorded(bare: PrivateDesktop) -> None:
    with Driver(bare) as ui:
        time.sleep(0.5)
        seen = ui.seen()
        assert (seen["proof"], seen["fallback"]) == (None, False)  # nothing to show while off
        ui.say(JOIN)
        ui.say("agent.start()")
        seen = ui.until(lambda seen: seen["state"] == "recording")
        assert (seen["proof"], seen["fallback"]) == ("fallback", True)
        ui.click("Pause", "push button")
        ui.until(lambda seen: seen["state"] == "paused")
        ui.click("Open", "push button")
        seen = ui.until(lambda seen: "mainWindow" in seen["windows"])
        assert seen["state"] == "paused"


@pytest.mark.promise("P6")
def test_the_small_window_lies_above_a_full_screen_program_and_takes_no_focus(bare: PrivateDesktop) -> None:
    with Driver(bare) as ui:
        ui.say(JOIN)
        bare.start("xterm", "-fullscreen", "-title", "covers everything")
        ui.xdotool("search", "--sync", "--name", "covers everything")
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording" and seen["proof"] == "fallback")
        assert pixels(bare, RED) > 20
        ui.click("Pause", "push button")
        ui.until(lambda seen: seen["state"] == "paused")
        assert ui.xdotool("getactivewindow", "getwindowname").strip() == "covers everything"


@pytest.mark.promise("P6")
def test_a_covered_small_window_comes_back_to_the_top(bare: PrivateDesktop) -> None:
    with Driver(bare) as ui:
        ui.say(JOIN)
        ui.say("agent.start()")
        seen = ui.until(lambda seen: seen["proof"] == "fallback")
        from Xlib import X, display

        server = display.Display(bare.display)
        left, top, width, height = seen["fallback_box"]
        cover = server.screen().root.create_window(
            left, top, width, height, 0, server.screen().root_depth, override_redirect=1, background_pixel=0xFFFFFF
        )
        assert X.CopyFromParent == 0
        cover.map()
        server.sync()
        time.sleep(1.0)
        ui.until(lambda seen: seen["proof"] == "fallback")
        assert pixels(bare, RED, (left, top, left + width, top + height)) > 20
        server.close()


@pytest.mark.promise("P6")
@pytest.mark.parametrize("late", ["tint2", "lxqt-panel"])
def test_a_panel_that_comes_late_gets_the_icon(bare: PrivateDesktop, late: str) -> None:
    with Driver(bare) as ui:
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["proof"] == "fallback")
        bare.tray = late
        bare.start_tray()
        ui.until(lambda seen: seen["proof"] in {"embedded", "status-notifier"} and not seen["fallback"])
        until_pixels(bare, RED, True)


@pytest.mark.promise("P6")
def test_a_panel_of_the_other_kind_gets_the_icon_too(panel: PrivateDesktop) -> None:
    """Qt alone shows the icon nowhere then, and says that it is visible."""
    with Driver(panel) as ui:
        ui.until(lambda seen: seen["proof"])
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording")
        panel.stop_tray()
        ui.until(lambda seen: seen["proof"] == "fallback")
        panel.tray = "tint2" if panel.tray == "lxqt-panel" else "lxqt-panel"
        panel.start_tray()
        ui.until(lambda seen: seen["proof"] in {"embedded", "status-notifier"} and not seen["fallback"])
        until_pixels(panel, RED, True)


@pytest.mark.promise("P6")
def test_a_panel_that_hangs_proves_nothing_and_does_not_hang_us(bare: PrivateDesktop) -> None:
    import signal

    bare.tray = "lxqt-panel"
    bare.start_tray()
    with Driver(bare) as ui:
        ui.until(lambda seen: seen["proof"] == "status-notifier")
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording")
        host = bare._tray_host
        assert host is not None
        host.send_signal(signal.SIGSTOP)
        ui.until(lambda seen: seen["proof"] == "fallback", within=3.0)
        host.send_signal(signal.SIGCONT)
        ui.until(lambda seen: seen["proof"] == "status-notifier")


@pytest.mark.parametrize("late", [False, True])
def test_the_menu_that_a_panel_draws_itself_reaches_us(bare: PrivateDesktop, late: bool) -> None:
    bare.tray = "lxqt-panel"
    if not late:
        bare.start_tray()
    with Driver(bare) as ui:
        ui.say(JOIN)
        ui.say("agent.start()")
        ui.until(lambda seen: seen["state"] == "recording")
        if late:
            bare.start_tray()
        ui.until(lambda seen: seen["proof"] == "status-notifier")
        until_pixels(bare, RED, True)
        x, y = icon_centre(ui)
        ui.click_at(x, y, 3)
        quit_y = bare.size[1] - 30 - 12  # the last entry lies right above the panel
        deadline = time.monotonic() + 10
        while screen(bare).convert("RGB").getpixel((x - 20, quit_y)) != (255, 255, 255):
            assert time.monotonic() < deadline, "no menu"
            time.sleep(0.05)
        ui.click_at(x - 150, quit_y)
        assert ui.program.wait(10) == 0
