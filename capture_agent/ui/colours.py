"""Two palettes, light and dark, and which one is worn: the one that the person's desktop asks for.

Every text keeps at least 4.5:1 on its ground, every outline 3:1 (WCAG 2.2, 1.4.3 and 1.4.11);
tests measure both. A desktop that asks for high contrast keeps its own palette.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

_FADED = 0.55  # share of the text colour in what cannot be used now

_Role = QPalette.ColorRole
_LIGHT = {
    _Role.Window: "#f3f4f6",
    _Role.WindowText: "#1b1f24",
    _Role.Base: "#ffffff",
    _Role.AlternateBase: "#f7f8fa",
    _Role.Text: "#1b1f24",
    _Role.Button: "#fdfdfe",
    _Role.ButtonText: "#1b1f24",
    _Role.BrightText: "#ffffff",
    _Role.PlaceholderText: "#5c636d",
    _Role.ToolTipBase: "#ffffff",
    _Role.ToolTipText: "#1b1f24",
    _Role.Highlight: "#1f62ad",
    _Role.HighlightedText: "#ffffff",
    _Role.Accent: "#1f62ad",
    _Role.Link: "#1f62ad",
    _Role.Light: "#ffffff",
    _Role.Midlight: "#d3d8de",
    _Role.Mid: "#b9c0c9",
    _Role.Dark: "#8f98a3",
    _Role.Shadow: "#6b747f",
}
_DARK = {
    _Role.Window: "#1e2227",
    _Role.WindowText: "#e7eaee",
    _Role.Base: "#282d34",
    _Role.AlternateBase: "#2d333b",
    _Role.Text: "#e7eaee",
    _Role.Button: "#363d47",
    _Role.ButtonText: "#e7eaee",
    _Role.BrightText: "#ffffff",
    _Role.PlaceholderText: "#aab2bc",
    _Role.ToolTipBase: "#363d47",
    _Role.ToolTipText: "#e7eaee",
    _Role.Highlight: "#6db1f5",
    _Role.HighlightedText: "#10161d",
    _Role.Accent: "#6db1f5",
    _Role.Link: "#8cc2f8",
    _Role.Light: "#4a525d",
    _Role.Midlight: "#424a55",
    _Role.Mid: "#39404a",
    _Role.Dark: "#14171b",
    _Role.Shadow: "#0b0d10",
}


def blend(front: QColor, back: QColor, share: float) -> QColor:
    """Return `share` of `front` on `back`."""
    return QColor(
        round(front.red() * share + back.red() * (1 - share)),
        round(front.green() * share + back.green() * (1 - share)),
        round(front.blue() * share + back.blue() * (1 - share)),
    )


def palette(*, dark: bool) -> QPalette:
    """Return one of the two palettes."""
    made = QPalette()
    for role, colour in (_DARK if dark else _LIGHT).items():
        made.setColor(QPalette.ColorGroup.All, role, QColor(colour))
    for text, ground in (
        (_Role.WindowText, _Role.Window),
        (_Role.Text, _Role.Base),
        (_Role.ButtonText, _Role.Button),
    ):
        faded = blend(made.color(text), made.color(ground), _FADED)
        made.setColor(QPalette.ColorGroup.Disabled, text, faded)
    return made


def follow(app: QApplication) -> None:
    """Wear what the desktop asks for, from now on. Called once, before any window is made."""
    hints = app.styleHints()
    if hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast:
        return
    app.setStyle("Fusion")  # the style that draws by the palette alone
    hints.colorSchemeChanged.connect(lambda scheme: wear(app, dark=scheme is Qt.ColorScheme.Dark))
    wear(app, dark=_wants_dark(app))


def wear(app: QApplication, *, dark: bool) -> None:
    """Show every window light or dark."""
    app.setPalette(palette(dark=dark))


def _wants_dark(app: QApplication) -> bool:
    """Return what the desktop asks for; where it says nothing, a dark palette of its own says it."""
    scheme = app.styleHints().colorScheme()
    if scheme is Qt.ColorScheme.Unknown:
        return app.palette().color(_Role.Window).lightness() < app.palette().color(_Role.WindowText).lightness()
    return scheme is Qt.ColorScheme.Dark
