"""What our windows look like from inside the program: texts, places, contrasts, and where the Tab key could go."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QTabBar,
    QTreeWidget,
    QWidget,
)

from capture_agent.ui.switch import Switch

FIXED = {"fallbackSign"}  # has colours of its own
_BUTTON_EDGE = 6  # px of a button's frame, which is no text
_MIN_PIXELS = 12  # a text has more pixels than this


def menu_boxes(app: QApplication) -> dict[str, list[float]]:
    """Return where the entries of open menus are: Qt leaves the menus of tray icons out of the accessible tree."""
    boxes = {}
    for menu in app.topLevelWidgets():
        if isinstance(menu, QMenu) and menu.isVisible():
            for action in menu.actions():
                box = menu.actionGeometry(action).translated(menu.pos())
                boxes[action.text().replace("&", "")] = [box.x(), box.y(), box.width(), box.height()]
    return boxes


def windows(app: QApplication) -> list[QWidget]:
    """Return our visible windows; not menus, and not Qt's window for the icon."""
    return [w for w in app.topLevelWidgets() if w.isVisible() and w.objectName() and not isinstance(w, QMenu)]


def controls(app: QApplication) -> list[QWidget]:
    """Return the labels, buttons and fields that can be seen, or scrolled to, in our windows."""
    kinds = (QLabel, QAbstractButton, QLineEdit)
    found = [c for w in windows(app) if w.objectName() not in FIXED for c in w.findChildren(QWidget)]
    return [c for c in dict.fromkeys(found) if isinstance(c, kinds) and c.isVisible() and c.text()]


def window_boxes(app: QApplication) -> dict[str, list[float]]:
    """Return the place of each window with its frame, in px of the screen."""
    ratio = app.devicePixelRatio()
    boxes = {}
    for window in windows(app):
        if window.objectName() not in FIXED and not window.metaObject().className().startswith("QSystemTray"):
            frame = window.frameGeometry()
            boxes[window.objectName()] = [n * ratio for n in (frame.x(), frame.y(), frame.width(), frame.height())]
    return boxes


def button_boxes(app: QApplication) -> dict[str, list[float]]:
    """Return the place of each button that can be seen whole now, in px of the screen, by its object name."""
    ratio = app.devicePixelRatio()
    boxes = {}
    for made in (c for c in controls(app) if isinstance(c, QPushButton)):
        at = made.mapToGlobal(made.rect().topLeft())
        if made.visibleRegion().boundingRect() == made.rect():
            boxes[made.objectName()] = [n * ratio for n in (at.x(), at.y(), made.width(), made.height())]
    return boxes


def out_of_reach(app: QApplication) -> list[str]:
    """Return the controls that are neither in sight nor in a page that scrolls."""
    return [
        c.text()
        for c in controls(app)
        if c.visibleRegion().boundingRect() != c.rect() and not scrolls(c) and c.width() and c.height()
    ]


def page_of(widget: QWidget) -> QWidget:
    """Return what is drawn whole around a widget: its window, or the page that scrolls."""
    above = widget.parentWidget()
    while above is not None and above is not widget.window():
        outer = above.parentWidget()
        if outer is not None and isinstance(outer.parentWidget(), QScrollArea):
            return above
        above = outer
    return widget.window()


def scrolls(widget: QWidget) -> bool:
    """Return whether a widget stands in something that scrolls."""
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, QAbstractScrollArea):
            return True
        above = above.parentWidget()
    return False


def cut(app: QApplication) -> list[str]:
    """Return the texts that have less room than they need."""
    short = []
    for control in controls(app):
        if isinstance(control, QLabel) and control.wordWrap():
            words = max((control.fontMetrics().horizontalAdvance(word) for word in control.text().split()), default=0)
            lacks = control.height() < control.heightForWidth(control.width()) or control.width() < words
        elif isinstance(control, QLineEdit):
            lacks = control.height() < control.minimumSizeHint().height()
            lacks = lacks or (not control.text() and _too_long(control))
        elif isinstance(control, Switch):
            lacks = control.width() < control.sizeHint().width() - 6 and not control.objectName().startswith("program-")
        else:
            lacks = control.width() < control.minimumSizeHint().width()
        if lacks:
            short.append(control.text())
    short += [f.placeholderText() for f in app.allWidgets() if isinstance(f, QLineEdit) and _too_long(f)]
    return short


def _too_long(field: QLineEdit) -> bool:
    """Return whether the example in a field is cut off."""
    room = field.width() - 8
    return field.isVisible() and field.fontMetrics().horizontalAdvance(field.placeholderText()) > room


def texts(app: QApplication) -> list[str]:
    """Return every text that people and assistive programs read in our windows and in the icon's menu."""
    said: list[str] = []
    for window in windows(app):
        said += [window.windowTitle()]
        for widget in (window, *window.findChildren(QWidget)):
            if not widget.isVisible():
                continue
            said += [widget.accessibleName(), widget.accessibleDescription(), widget.toolTip()]
            if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
                said.append(widget.text())
            if isinstance(widget, QLineEdit):
                said.append(widget.placeholderText())
            if isinstance(widget, QComboBox):
                said += [widget.itemText(n) for n in range(widget.count())]
            if isinstance(widget, QTabBar):
                said += [widget.tabText(n) for n in range(widget.count())]
            if isinstance(widget, QTreeWidget):
                said += [widget.headerItem().text(n) for n in range(widget.columnCount())]
                lines = [widget.topLevelItem(n) for n in range(widget.topLevelItemCount())]
                said += [line.text(n) for line in lines if line is not None for n in range(widget.columnCount())]
    for menu in app.topLevelWidgets():
        if isinstance(menu, QMenu):
            said += [menu.accessibleName(), *[action.text() for action in menu.actions()]]
    return [text for text in said if text.strip()]


def contrasts(app: QApplication) -> dict[str, float]:
    """Return the contrast of every enabled text with its ground, by the palettes that the widgets use."""
    found = {}
    role = QPalette.ColorRole
    for control in controls(app):
        if not control.isEnabled():
            continue
        palette = control.palette()
        on_card = False
        above = control
        while above is not None:
            on_card = on_card or bool(above.property("card"))
            above = above.parentWidget()
        if isinstance(control, QLineEdit):
            ground, colours = palette.color(role.Base), [palette.color(role.Text), palette.color(role.PlaceholderText)]
        elif isinstance(control, QPushButton):
            ground, colours = palette.color(role.Button), [palette.color(role.ButtonText)]
        else:
            ground = app.palette().color(role.Base if on_card else role.Window)
            colours = [palette.color(role.WindowText)]
        found[control.text()] = min(round(contrast(text, ground), 2) for text in colours)
    return found


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of WCAG 2.2."""

    def luminance(colour: QColor) -> float:
        parts = (colour.redF(), colour.greenF(), colour.blueF())
        red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def drawn_contrasts(app: QApplication) -> dict[str, float]:
    """Return the contrast of every enabled text as it is drawn: its strongest pixels against the most frequent ones."""
    found = {}
    for control in controls(app):
        if not control.isEnabled() or (isinstance(control, QLabel) and not control.pixmap().isNull()):
            continue
        page = page_of(control)
        box = QRect(control.mapTo(page, control.rect().topLeft()), control.size())
        if isinstance(control, Switch | QRadioButton):
            box.setLeft(box.left() + 40)
        elif isinstance(control, QAbstractButton | QLineEdit):
            box = box.adjusted(_BUTTON_EDGE, _BUTTON_EDGE, -_BUTTON_EDGE, -_BUTTON_EDGE)
        ratio = _drawn(page.grab(box).toImage())
        if ratio is not None:
            found[control.text()] = ratio
    return found


def _drawn(image: QImage) -> float | None:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    if image.isNull():
        return None
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    flat = pixels[:, : image.width(), :3].reshape(-1, 3).astype(np.float64) / 255
    if len(flat) < _MIN_PIXELS:
        return None
    linear = np.where(flat <= 0.04045, flat / 12.92, ((flat + 0.055) / 1.055) ** 2.4)
    light = linear @ np.array([0.0722, 0.7152, 0.2126])
    values, counts = np.unique(np.round(light, 5), return_counts=True)
    ground = float(values[counts.argmax()])
    ratios = np.where(light > ground, (light + 0.05) / (ground + 0.05), (ground + 0.05) / (light + 0.05))
    strongest = np.sort(ratios)[-_MIN_PIXELS // 2 :]
    return round(float(strongest.min()), 2)


def mnemonics(app: QApplication) -> dict[str, list[str]]:
    """Return the letters that the visible buttons, labels and tabs answer to, by window."""
    found: dict[str, list[str]] = {}
    for control in controls(app):
        said = isinstance(control, QAbstractButton) or (isinstance(control, QLabel) and control.buddy() is not None)
        if said and "&" in control.text():
            letter = control.text().replace("&&", "").partition("&")[2][:1].lower()
            found.setdefault(control.window().objectName(), []).append(letter)
    for tabs in (t for w in windows(app) for t in w.findChildren(QTabBar) if t.isVisible()):
        letters = [tabs.tabText(n).partition("&")[2][:1].lower() for n in range(tabs.count())]
        found.setdefault(tabs.window().objectName(), []).extend(letters)
    return found


def name_of(widget: QWidget | None) -> str:
    """Return a name for a widget that is its own within a window."""
    if widget is None:
        return ""
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return f"{type(widget).__name__} {widget.objectName() or widget.accessibleName() or text}"


def focusable(app: QApplication) -> list[str]:
    """Return what Tab should reach in the active window. Of radio buttons it reaches one; arrows reach the others."""
    window = app.activeModalWidget() or app.activeWindow()
    if window is None:
        return []
    found = [
        w
        for w in window.findChildren(QWidget)
        if w.isVisible() and w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.focusProxy() is None
        if not isinstance(w, QScrollArea)
    ]
    radios = [w for w in found if isinstance(w, QRadioButton)]
    return [name_of(w) for w in found if w not in radios[1:] or w.isChecked()]
