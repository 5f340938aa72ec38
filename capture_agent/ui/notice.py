"""The notice as it is rendered: Markdown without HTML, without pictures, without links that open anything."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import (
    QFont,
    QPalette,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QFrame, QTextBrowser

from capture_agent.core.language import say
from capture_agent.core.policy import Notice

_HEADING = 1.15  # times the normal font size
_ABOVE = 10  # px above a heading
_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML


class NoticeView(QTextBrowser):
    """The whole notice, as high as its text: the window around it scrolls, so nothing hides in a box."""

    def __init__(self, notice: Notice) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setAccessibleName(say("Notice"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)  # a notice may name an address; no click here opens a connection
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)  # the panel's ground, light or dark
        self.setPalette(palette)
        self.document().setDocumentMargin(0)
        self.document().setMarkdown(notice.text, _FEATURES)
        self._quieten()
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._grow())

    def loadResource(self, kind: int, name: QUrl | str) -> None:  # noqa: N802 - Qt's name
        """Load nothing: a notice is text, and a picture could be a file of the person's, or an address."""

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the width with the height."""
        super().resizeEvent(event)
        self._grow()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the whole text."""
        return QSize(super().sizeHint().width(), self._height())

    def _quieten(self) -> None:
        """Keep the notice's headings below the title of the panel, and apart from what stands above them."""
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel():
                cursor = QTextCursor(block)
                cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
                letters = QTextCharFormat()
                letters.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
                letters.setFontPointSize(self.font().pointSizeF() * _HEADING)
                letters.setFontWeight(QFont.Weight.DemiBold)
                cursor.mergeCharFormat(letters)
                place = QTextBlockFormat()
                place.setTopMargin(_ABOVE if block.blockNumber() else 0)
                place.setBottomMargin(2)
                QTextCursor(block).mergeBlockFormat(place)
            block = block.next()

    def _height(self) -> int:
        return int(self.document().size().height()) + 2

    def _grow(self) -> None:
        self.setFixedHeight(self._height())
