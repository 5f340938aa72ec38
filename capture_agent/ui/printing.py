"""A page as PDF, by Qt's own text documents: no browser, no printer, nothing loaded from anywhere."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QUrl
from PySide6.QtGui import QGuiApplication, QPageLayout, QPageSize, QPdfWriter, QTextDocument

from capture_agent.core.errors import StorageError


class _Page(QTextDocument):
    def loadResource(self, kind: int, name: QUrl | str) -> None:  # noqa: N802 - Qt's name
        """Load nothing: a receipt is text, and whatever is named in it stays where it is."""


def pdf(page: str, title: str) -> bytes:
    """Return an HTML page as a PDF of A4 pages. Needs Qt's application, with a display or `without_display`.

    Raises:
        StorageError: Qt could not write it.
    """
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(title)
    writer.setCreator("Capture Agent")
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0), QPageLayout.Unit.Millimeter)  # `print_` keeps 2 cm itself
    document = _Page()
    document.setHtml(page)
    document.print_(writer)
    buffer.close()
    made = bytes(data.data())
    if not made.startswith(b"%PDF-"):
        raise StorageError("the PDF could not be made", hint="Save it as HTML and print that.")
    return made


def without_display() -> QGuiApplication:
    """Return an application that shows nothing, for commands; keep it as long as `pdf` is used."""
    return QGuiApplication(["capture-agent", "-platform", "offscreen"])
