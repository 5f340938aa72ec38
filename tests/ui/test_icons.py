from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtGui import QColor, QImage

from capture_agent.ui import look
from capture_agent.ui.icons import COLOURS, SIZES, draw
from capture_agent.ui.view_state import Icon

LIGHT_PANEL, DARK_PANEL = "#f6f6f6", "#1e2126"


def silhouette(icon: Icon, size: int) -> set[tuple[int, int]]:
    """Return the pixels that are more than half covered: what is left of an icon without its colour."""
    image = draw(icon, size)
    return {(x, y) for x in range(size) for y in range(size) if QColor.fromRgba(image.pixel(x, y)).alpha() > 127}


def luminance(colour: QColor) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF())


def contrast(one: str | QColor, other: str | QColor) -> float:
    """Return the contrast ratio of WCAG 2.2."""
    high, low = sorted((luminance(QColor(one)), luminance(QColor(other))), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("one", "other"), list(combinations(Icon, 2)))
def test_any_two_icons_differ_by_shape_alone(one: Icon, other: Icon, size: int) -> None:
    first, second = silhouette(one, size), silhouette(other, size)
    assert len(first ^ second) / len(first | second) > 0.25


@pytest.mark.parametrize("panel", [LIGHT_PANEL, DARK_PANEL])
@pytest.mark.parametrize("icon", list(Icon))
def test_icons_stand_out_on_light_and_dark_panels(icon: Icon, panel: str) -> None:
    assert contrast(COLOURS[icon], panel) >= 3.0


@pytest.mark.parametrize("size", [16, 32, 48, 64])
def test_straight_edges_are_crisp(size: int) -> None:
    """The two bars lie on whole pixels: no pixel of theirs is half covered."""
    image: QImage = draw(Icon.PAUSED, size)
    alphas = {QColor.fromRgba(image.pixel(x, y)).alpha() for x in range(size) for y in range(size)}
    assert alphas == {0, 255}


@pytest.mark.parametrize("size", SIZES)
def test_no_icon_touches_the_edge_of_its_place_or_is_lost_in_it(size: int) -> None:
    for icon in Icon:
        shape = silhouette(icon, size)
        height = max(y for _, y in shape) - min(y for _, y in shape) + 1
        assert height >= 0.7 * size


@pytest.mark.parametrize(("text", "ground"), [("#000000", "#efefef"), ("#e8e9eb", "#2b2d31"), ("#000000", "#ffffff")])
def test_secondary_text_keeps_its_contrast(text: str, ground: str) -> None:
    assert contrast(look.blend(QColor(text), QColor(ground), look.MUTED), ground) >= 4.5
