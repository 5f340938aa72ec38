"""The pictures of docs/windows.md, made by this: `make pictures` copies them from the test's output folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from ui_driver import Driver
from ui_windows import AGREE, OWN, PLAYING, SESSIONS, STUDY, WINDOWS

from capture_agent.demo.desktop import PrivateDesktop

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "pictures" / "consent"
MARGIN = 12  # px of desktop around a window
COLOURS = 128  # a window has few, so that a picture takes a quarter of the bytes
MAX_BYTES = 90_000  # of one picture, in the repository
MAX_PICTURES = 12
TRY = "shell._panel.area.ensureWidgetVisible(shell._panel._try_it, 0, 60)"
TICK = "[shell._panel._boxes[c].setChecked(True) for c in (m.Category.KEYBOARD, m.Category.SCREEN)]"


@dataclass(frozen=True)
class Picture:
    """How one picture comes to be: what the program is told, then what a person does."""

    lines: list[str]
    window: str = "consentPanel"
    options: tuple[str, ...] = ()
    size: tuple[int, int] = (1280, 900)
    scale: str = "1"
    typed: dict[str, str] = field(default_factory=dict)  # into which field, what


PICTURES = {
    "panel": Picture([STUDY, "shell.ask()"]),
    "panel-dark": Picture([STUDY, "shell.ask()"], options=("--dark",)),
    "panel-german": Picture([OWN, "shell.ask()", TICK], options=("--german",)),
    "panel-twice-the-size": Picture([OWN, "shell.ask()"], size=(1024, 768), scale="2"),
    "panel-changed": Picture(WINDOWS["changed panel"]),
    "try-it": Picture([OWN, "shell.ask()", TICK, TRY], typed={"Try it in Notes": "Hello", "Try it in Mail": "x"}),
    "window": Picture([OWN, AGREE, "agent.start()", "shell.open()"], "mainWindow", size=(1024, 768)),
    "window-dark": Picture(
        [OWN, AGREE, "agent.start()", "agent.pause(15)", "shell.open()"], "mainWindow", ("--dark",), (1024, 768)
    ),
    "recordings": Picture(WINDOWS["looked into"], "mainWindow", size=(1024, 768)),
    "player": Picture(PLAYING, "playerWindow"),
    "opt-out": Picture([OWN, AGREE, SESSIONS, "shell.open(ui_command('opt-out'))"], "optOutDialog", size=(1024, 768)),
}


def folder() -> Path:
    """Return where results go; next to the test's own things if nobody wants them."""
    made = Path(os.environ.get("CAPTURE_AGENT_OUT", "/tmp")) / "consent"
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_shows_the_window_and_nothing_is_cut_off(name: str) -> None:
    wanted = PICTURES[name]
    with PrivateDesktop(size=wanted.size, keyring=False) as desktop:
        with Driver(desktop, *wanted.options, env={"QT_SCALE_FACTOR": wanted.scale}) as ui:
            for line in wanted.lines:
                ui.say(line)
            for field_name, text in wanted.typed.items():
                ui.click(field_name)
                ui.type(text)
            seen = ui.settled()
            assert seen["cut"] == []
            left, top, width, height = seen["boxes"][wanted.window]
            with Image.open(desktop.screenshot(desktop.folder / "whole.png")) as whole:
                box = (left - MARGIN, top - MARGIN, left + width + MARGIN, top + height + MARGIN)
                right, bottom = min(whole.width, int(box[2])), min(whole.height, int(box[3]))
                shown = whole.convert("RGB").crop((max(0, int(box[0])), max(0, int(box[1])), right, bottom))
            out = folder() / f"{name}.png"
            shown.quantize(COLOURS).save(out, optimize=True)
            assert out.stat().st_size < MAX_BYTES


def test_the_documentation_shows_these_pictures_and_no_others() -> None:
    page = (ROOT / "docs" / "windows.md").read_text("utf-8")
    assert set(re.findall(r"\(pictures/consent/([\w-]+)\.png\)", page)) == set(PICTURES)
    assert {path.stem for path in DOCS.iterdir()} == set(PICTURES)
    assert len(PICTURES) <= MAX_PICTURES
    assert all(path.stat().st_size < MAX_BYTES for path in DOCS.iterdir())
