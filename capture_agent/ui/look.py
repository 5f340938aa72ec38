"""How our windows look: spacing, headings, cards, and controls that always have a name.

Everything is drawn in the palette of the person's desktop, light or dark. Text keeps a contrast
of at least 4.5:1 (WCAG 2.2, 1.4.3); a test measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

GAP = 8  # px between things that belong together
SPACE = 16  # px between groups, and around a window's content
READING_WIDTH = 680  # px; longer lines are hard to read
MUTED = 0.74  # share of the text colour in secondary text, the rest is the ground
_HEADING = 1.35  # times the normal font size
_CARD = 'QFrame[card="true"] { background: palette(base); border: 1px solid palette(midlight); border-radius: 8px; }'


def blend(front: QColor, back: QColor, share: float) -> QColor:
    """Return `share` of `front` on `back`."""
    return QColor(
        round(front.red() * share + back.red() * (1 - share)),
        round(front.green() * share + back.green() * (1 - share)),
        round(front.blue() * share + back.blue() * (1 - share)),
    )


def muted_colour(palette: QPalette) -> QColor:
    """Return the colour of secondary text."""
    return blend(palette.color(QPalette.ColorRole.WindowText), palette.color(QPalette.ColorRole.Window), MUTED)


def text(words: str = "", *, name: str = "") -> QLabel:
    """Return a label that wraps, is never taken for markup and cannot be selected."""
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if name:
        label.setObjectName(name)
    return label


def muted(words: str = "", *, name: str = "") -> QLabel:
    """Return a label in secondary text."""
    label = text(words, name=name)
    palette = label.palette()
    palette.setColor(QPalette.ColorRole.WindowText, muted_colour(QApplication.palette()))
    label.setPalette(palette)
    return label


def strong(words: str = "", *, name: str = "") -> QLabel:
    """Return a label in semi-bold text."""
    label = text(words, name=name)
    font = label.font()
    font.setWeight(QFont.Weight.DemiBold)
    label.setFont(font)
    return label


def heading(words: str = "", *, name: str = "") -> QLabel:
    """Return a label in large, semi-bold text."""
    label = strong(words, name=name)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * _HEADING)
    label.setFont(font)
    return label


def button(words: str, does: Callable[[], object], *, name: str) -> QPushButton:
    """Return a button that Enter does not press by accident: it is no window's default."""
    made = QPushButton(words)
    made.setObjectName(name)
    made.setAutoDefault(False)
    made.setDefault(False)
    made.clicked.connect(lambda _checked=False: does())
    return made


def card(*, name: str = "", said: str = "") -> tuple[QFrame, QVBoxLayout]:
    """Return a framed group on the ground of lists and text fields, and its layout. `said` is its accessible name."""
    frame = QFrame()
    frame.setProperty("card", True)
    frame.setStyleSheet(_CARD)
    if name:
        frame.setObjectName(name)
    frame.setAccessibleName(said)
    return frame, column(frame, margin=SPACE - 4)


def column(owner: QWidget | None = None, *, margin: int = 0, gap: int = GAP) -> QVBoxLayout:
    """Return a vertical layout."""
    layout = QVBoxLayout(owner) if owner is not None else QVBoxLayout()
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(gap)
    return layout


def row(*widgets: QWidget, push: bool = False) -> QHBoxLayout:
    """Return a horizontal layout of `widgets`; with `push` they keep to the left."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP)
    for widget in widgets:
        layout.addWidget(widget)
    if push:
        layout.addStretch(1)
    return layout


def scrolled(content: QWidget, *, said: str) -> QScrollArea:
    """Return `content` in a frame that scrolls up and down when the window is too small for it."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setAccessibleName(said)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.verticalScrollBar().setAccessibleName(f"Scroll {said.lower()}")
    return area


def fit(window: QWidget, width: int, height: int) -> None:
    """Give `window` the size it wants, or as much of it as the screen has."""
    area = (window.screen() or QApplication.primaryScreen()).availableGeometry()
    window.resize(min(width, area.width() - 2 * SPACE), min(height, area.height() - 3 * SPACE))


def labelled(words: str, control: QWidget) -> QVBoxLayout:
    """Return `control` under its label, whose mnemonic leads to it."""
    label = QLabel(words)
    label.setBuddy(control)
    control.setAccessibleName(words.replace("&", "").rstrip(":"))
    layout = column(gap=4)
    layout.addWidget(label)
    layout.addWidget(control)
    return layout


def box_buttons(box: QDialogButtonBox) -> Iterator[QPushButton]:
    """Yield the push buttons of a button box."""
    for made in box.buttons():
        if isinstance(made, QPushButton):
            yield made


def clear(layout: QLayout) -> None:
    """Take everything out of `layout` and delete it."""
    while (item := layout.takeAt(0)) is not None:
        inner, widget = item.layout(), item.widget()
        if inner is not None:
            clear(inner)
        if widget is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
