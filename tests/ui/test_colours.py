"""Both palettes keep what they promise, measured on the colours; the windows are measured in `tests/real`."""

from __future__ import annotations

from itertools import product

import pytest
from PySide6.QtGui import QColor, QPalette

from capture_agent.ui import try_it
from capture_agent.ui.colours import palette
from capture_agent.ui.look import MUTED, blend
from capture_agent.ui.switch import outline_colour

TEXT, OUTLINE = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
R = QPalette.ColorRole
PAIRS = [
    *product((R.WindowText, R.Text, R.PlaceholderText, R.Link), (R.Window, R.Base, R.AlternateBase)),
    (R.ButtonText, R.Button),
    (R.HighlightedText, R.Highlight),
    (R.ToolTipText, R.ToolTipBase),
]


def contrast(one: QColor, other: QColor) -> float:
    def light(colour: QColor) -> float:
        parts = (colour.redF(), colour.greenF(), colour.blueF())
        red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_of_a_palette_can_be_read_on_its_ground(dark: bool) -> None:
    worn = palette(dark=dark)
    faint = [(a.name, b.name) for a, b in PAIRS if contrast(worn.color(a), worn.color(b)) < TEXT]
    assert faint == []
    muted = blend(worn.color(R.WindowText), worn.color(R.Window), MUTED)
    assert min(contrast(muted, worn.color(ground)) for ground in (R.Window, R.Base)) >= TEXT


@pytest.mark.parametrize("dark", [False, True])
def test_what_cannot_be_used_now_can_still_be_read(dark: bool) -> None:
    worn = palette(dark=dark)
    worn.setCurrentColorGroup(QPalette.ColorGroup.Disabled)
    assert contrast(worn.color(R.ButtonText), worn.color(R.Button)) >= OUTLINE


@pytest.mark.parametrize("dark", [False, True])
def test_switches_stand_out_on_and_off(dark: bool) -> None:
    worn = palette(dark=dark)
    for ground in (R.Window, R.Base):
        assert contrast(outline_colour(worn), worn.color(ground)) >= OUTLINE
        assert contrast(worn.color(R.Highlight), worn.color(ground)) >= OUTLINE
    assert contrast(worn.color(R.HighlightedText), worn.color(R.Highlight)) >= OUTLINE


def test_one_palette_is_light_and_the_other_dark() -> None:
    light, dark = palette(dark=False), palette(dark=True)
    assert light.color(R.Window).lightness() > 200
    assert dark.color(R.Window).lightness() < 60


def test_the_sample_desktop_can_be_read() -> None:
    for ground in (try_it._WINDOW, try_it._TITLE):
        assert contrast(try_it._INK, ground) >= 7
    assert contrast(blend(try_it._INK, try_it._WINDOW, MUTED), try_it._WINDOW) >= TEXT
