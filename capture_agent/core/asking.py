"""Whether the field or terminal with the keyboard asks for a secret, from what is seen of it. Pure.

What is not seen is UNKNOWN, never CLEAR.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from capture_agent.core.events import Verdict, Window

# Roles of AT-SPI (AtspiRole in atspi-constants.h).
INVALID = 0
PASSWORD_TEXT = 40
TERMINAL = 60
TEXT, ENTRY = 61, 79
# Something inside one of these has the keyboard, and which it is was not said: invalid, dialog, filler, frame,
# panel, unknown, viewport, window, application, document frame, document web, embedded.
_CONTAINERS = frozenset({INVALID, 16, 20, 23, 39, 67, 68, 69, 75, 82, 95, 76})
MULTI_LINE = 17  # AtspiStateType

# Control types of UI Automation (UIAutomationClient.h) that take no text, or say whether they hide it: button, check
# box, combo box, edit, hyperlink, list item, list, menu, menu bar, menu item, radio button, slider, spinner, tab, tab
# item, tree, tree item, data grid, data item, split button, table. The others hold something whose kind is not said.
_CONTROLS = frozenset({50000, 50002, 50003, 50004, 50005, 50007, 50008, 50009, 50010, 50011, 50013, 50015, 50016})
_CONTROLS |= {50018, 50019, 50023, 50024, 50028, 50029, 50031, 50036}
# A document is a text of several lines where these frameworks made it, and a page with fields elsewhere.
_DOCUMENT = 50030
_TEXT_FRAMEWORKS = frozenset({"Win32", "WinForm", "WPF", "XAML"})

# Roles of macOS (AXRoleConstants.h), as above.
_SECURE = "AXSecureTextField"
_ROLES = frozenset({"AXTextField", "AXTextArea", "AXComboBox", "AXButton", "AXCheckBox", "AXRadioButton"})
_ROLES |= {"AXPopUpButton", "AXMenuButton", "AXMenu", "AXMenuItem", "AXMenuBarItem", "AXLink", "AXSlider"}
_ROLES |= {"AXIncrementor", "AXList", "AXOutline", "AXTable", "AXBrowser", "AXRow", "AXCell", "AXTabGroup"}


@dataclass(frozen=True, slots=True)
class Pty:
    """One pseudo-terminal: how it treats keys, and who reads them (names as the kernel cuts them)."""

    number: int
    echo: bool
    canonical: bool
    foreground: frozenset[str]


@dataclass(frozen=True, slots=True)
class Widget:
    """Something that has the keyboard, by its program's word: role and states, numbers of AT-SPI."""

    role: int
    states: frozenset[int] = frozenset()


@cache
def _names(group: str) -> frozenset[str]:
    text = resources.files("capture_agent.core").joinpath("asking.toml").read_text("utf-8")
    return frozenset(tomllib.loads(text)[group]["names"])


class Remedy(StrEnum):
    """What makes the fields of a program visible."""

    LEAVE_REMOTE = "leave-remote"  # a terminal: what runs in it hides them
    BROWSER_FLAG = "browser-flag"
    ACCESSIBILITY = "accessibility"
    LONG_TEXT = "long-text"  # nothing: its entries of one line look all alike, only longer texts are known


def remedy(app: str, *, plain_hides: bool = False) -> Remedy:
    """Return what makes the fields of `app` visible, which are not; its name as rules have it.

    `plain_hides`: see `judge_widgets`.
    """
    if plain_hides:
        return Remedy.LONG_TEXT
    if app in _names("terminals"):
        return Remedy.LEAVE_REMOTE
    return Remedy.BROWSER_FLAG if app in _names("browsers") else Remedy.ACCESSIBILITY


def is_terminal(window: Window) -> bool:
    """Return whether a window is nothing but a pseudo-terminal's."""
    return bool({window.app, *window.aliases} & _names("terminals"))


def is_console(window: Window) -> bool:
    """Return whether a window of Windows or macOS shows a terminal: nothing there tells of its echo."""
    return bool({window.app, *window.aliases} & (_names("consoles") | _names("terminals")))


def judge_terminals(ptys: Collection[Pty]) -> Verdict:
    """Return the worst verdict of the pseudo-terminals below one window; which of them is in front is not known."""
    verdicts = {_judge_pty(pty) for pty in ptys}
    if Verdict.SENSITIVE in verdicts:
        return Verdict.SENSITIVE
    return Verdict.CLEAR if verdicts == {Verdict.CLEAR} else Verdict.UNKNOWN


def _judge_pty(pty: Pty) -> Verdict:
    """Return what keys are that go to `pty`.

    Echo off with lines edited by the kernel is a password prompt. Echo off without is a program that
    draws what is typed itself (a shell's line editor, vi), or sudo with pwfeedback: the program tells.
    """
    if not pty.echo and (pty.canonical or pty.foreground & _names("askers")):
        return Verdict.SENSITIVE
    if not pty.foreground or pty.foreground & _names("remote"):
        return Verdict.UNKNOWN
    return Verdict.CLEAR


def judge_widgets(focused: Collection[Widget], *, plain_hides: bool) -> Verdict | None:
    """Return what the focused widgets of a program are; None: a terminal, ask its pseudo-terminals.

    `plain_hides`: the program's toolkit gives plain and hidden entries the same role (GTK 4), so that
    only a text of several lines is known to be no secret.
    """
    if any(widget.role == PASSWORD_TEXT for widget in focused):
        return Verdict.SENSITIVE
    inner = [widget for widget in focused if widget.role not in _CONTAINERS]
    if not inner:
        return Verdict.UNKNOWN
    if any(widget.role == TERMINAL for widget in inner):
        return None
    if plain_hides and any(may_hide(widget) for widget in inner):
        return Verdict.UNKNOWN
    return Verdict.CLEAR


def may_hide(widget: Widget) -> bool:
    """Return whether a widget may be a hidden entry where those look like plain ones."""
    return widget.role in {TEXT, ENTRY} and MULTI_LINE not in widget.states


def plain_hides(toolkit: str, version: str) -> bool:
    """Return whether a toolkit's hidden entries look like plain ones."""
    return toolkit.lower() == "gtk" and version.split(".", maxsplit=1)[0] == "4"


def judge_control(control: int, framework: str, *, password: bool) -> Verdict:
    """Return what an element of UI Automation is: its control type, what it is made with, its IsPassword."""
    if password:
        return Verdict.SENSITIVE
    known = control in _CONTROLS or (control == _DOCUMENT and framework in _TEXT_FRAMEWORKS)
    return Verdict.CLEAR if known else Verdict.UNKNOWN


def judge_role(role: str, subrole: str) -> Verdict:
    """Return what an element of macOS is."""
    if _SECURE in {role, subrole}:
        return Verdict.SENSITIVE
    return Verdict.CLEAR if role in _ROLES else Verdict.UNKNOWN
