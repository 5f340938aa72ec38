"""How our windows look: spacing, headings, cards, and controls that always have a name.

Light and dark follow the person's desktop (`colours.follow`). Text keeps a contrast of at least
4.5:1 (WCAG 2.2, 1.4.3); a test measures it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from capture_agent.core.language import say
from capture_agent.ui.colours import blend

GAP = 8  # px between things that belong together
SPACE = 16  # px between groups, and around a window's content
READING_WIDTH = 680  # px; longer lines are hard to read
MUTED = 0.74  # share of the text colour in secondary text, the rest is the ground
_TITLE = 1.6  # times the normal font size
_HEADING = 1.35  # times the normal font size
_LOWEST_PAGE = 48  # px; about three lines of text show at least
_BUTTON_HEIGHT = 30  # px; easy to hit
_CARD = 'QFrame[card="true"] { background: palette(base); border: 1px solid palette(midlight); border-radius: 8px; }'


def muted_colour(palette: QPalette) -> QColor:
    """Return the colour of secondary text."""
    return blend(palette.color(QPalette.ColorRole.WindowText), palette.color(QPalette.ColorRole.Window), MUTED)


def text(words: str = "", *, name: str = "") -> QLabel:
    """Return a label that wraps, is never taken for markup and cannot be selected."""
    return _plain(QLabel(words), name)


def _plain(label: QLabel, name: str) -> QLabel:
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
    label.setWordWrap(True)
    label.setObjectName(name)
    return label


class Muted(QLabel):
    """Secondary text; follows when the desktop changes between light and dark."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self._colour()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take the new palette's colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._colour()

    def _colour(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, muted_colour(QApplication.palette()))
        self.setPalette(palette)


def muted(words: str = "", *, name: str = "") -> QLabel:
    """Return a label in secondary text."""
    return _plain(Muted(words), name)


def strong(words: str = "", *, name: str = "") -> QLabel:
    """Return a label in semi-bold text."""
    label = text(words, name=name)
    font = label.font()
    font.setWeight(QFont.Weight.DemiBold)
    label.setFont(font)
    return label


def heading(words: str = "", *, name: str = "", title: bool = False) -> QLabel:
    """Return a label in large, semi-bold text; larger still for the title of a page."""
    label = strong(words, name=name)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * (_TITLE if title else _HEADING))
    label.setFont(font)
    return label


class Button(QPushButton):
    """A button that Enter presses only while it has the keyboard: no window's default takes that away from it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take Enter for Space."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)


def button(words: str, does: Callable[[], object], *, name: str) -> QPushButton:
    """Return a button that Enter does not press by accident: it is no window's default."""
    made = Button(words)
    made.setObjectName(name)
    made.setAutoDefault(False)
    made.setDefault(False)
    made.setMinimumHeight(_BUTTON_HEIGHT)
    made.clicked.connect(lambda _checked=False: does())
    return made


def line_edit(example: str, limit: int, *, name: str) -> QLineEdit:
    """Return a field for one line of at most `limit` characters, with an example that can be read."""
    field = QLineEdit()
    field.setObjectName(name)
    field.setMaxLength(limit)
    field.setPlaceholderText(example)
    return field


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


class Scrolled(QScrollArea):
    """A page exactly as high as its wrapped text at the width there is; scrolls when the window is lower."""

    def __init__(self, content: QWidget, said: str) -> None:
        super().__init__()
        self._content = content
        self.setWidget(content)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.setAccessibleName(said)
        self.verticalScrollBar().setAccessibleName(say("Scroll: {what}", what=said))
        content.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Let the page become low on a small screen: it scrolls, and what stands around it keeps its place."""
        return QSize(super().minimumSizeHint().width(), _LOWEST_PAGE)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Fit the page anew when something in it appeared, went or changed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fit the page to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        content, layout = self._content, self._content.layout()
        if layout is None:
            return
        view = self.viewport().size()
        width = min(view.width(), content.maximumWidth())
        height = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
        content.resize(width, max(height, view.height()))


def scrolled(content: QWidget, *, said: str) -> Scrolled:
    """Return `content` in a frame that scrolls up and down when the window is too small for it."""
    return Scrolled(content, said)


def fit(window: QWidget, width: int, height: int | None = None) -> None:
    """Give `window` the size it wants, or as much of it as the screen has. Without `height`: what its text needs."""
    area = (window.screen() or QApplication.primaryScreen()).availableGeometry()
    width = min(width, area.width() - 2 * SPACE)
    layout = window.layout()
    if height is None and layout is not None:
        height = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
    window.resize(width, min(height or 0, area.height() - 3 * SPACE))


def labelled(words: str, control: QWidget) -> QVBoxLayout:
    """Return `control` under its label, whose mnemonic leads to it."""
    label = QLabel(words)
    label.setBuddy(control)
    control.setAccessibleName(words.replace("&", "").rstrip(":"))
    layout = column(gap=4)
    layout.addWidget(label)
    layout.addWidget(control)
    return layout


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
