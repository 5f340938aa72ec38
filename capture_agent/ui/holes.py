"""Gaps and withheld stretches for people: the words for each reason, and how it is drawn.

Each reason has a colour of its own and a pattern of its own, so that no one has to tell colours apart.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPalette, QPen

from capture_agent.core.events import GapReason
from capture_agent.core.language import noted, say
from capture_agent.core.stretches import Reason
from capture_agent.held.timeline import Hole, Timeline

_TINT = 60  # alpha of a gap's ground, 0 to 255; the pattern is drawn opaque

_GAPS = MappingProxyType(
    {
        GapReason.PAUSED: noted("You paused"),
        GapReason.INDICATOR: noted("The recording sign was not in sight"),
        GapReason.GUARD: noted("Locked, idle, or out of hours"),
        GapReason.FAULT: noted("Something went wrong"),
        GapReason.FORGOTTEN: noted("Cut out or forgotten by you"),
    }
)
_NO_REASON = noted("No reason is known")
_WITHHELD = MappingProxyType(
    {
        Reason.NOT_AGREED: noted("you did not agree"),
        Reason.OUTSIDE: noted("it was not being recorded"),
        Reason.PROGRAM: noted("a program that is not ticked"),
        Reason.FOCUS_UNKNOWN: noted("which program was in front was not known"),
        Reason.SECRET_FIELD: noted("a password field"),
        Reason.SECRET_TEXT: noted("what was typed looked like a secret"),
        Reason.FIELD_UNKNOWN: noted("the field might have been a password field"),
    }
)


class _Drawn(NamedTuple):
    pattern: Qt.BrushStyle
    light: str
    dark: str


_PATTERNS = MappingProxyType(
    {
        GapReason.PAUSED: _Drawn(Qt.BrushStyle.BDiagPattern, "#8a5a00", "#e3b341"),
        GapReason.INDICATOR: _Drawn(Qt.BrushStyle.VerPattern, "#7436d6", "#c3a5f7"),
        GapReason.GUARD: _Drawn(Qt.BrushStyle.HorPattern, "#4d5761", "#a3adb8"),
        GapReason.FAULT: _Drawn(Qt.BrushStyle.DiagCrossPattern, "#c01f2b", "#ff8a82"),
        GapReason.FORGOTTEN: _Drawn(Qt.BrushStyle.Dense5Pattern, "#1b1f24", "#e7eaee"),
    }
)
_ELSE = _Drawn(Qt.BrushStyle.CrossPattern, "#4d5761", "#a3adb8")


def gap_words(gap: Hole) -> str:
    """Return why nothing was recorded: "You paused"."""
    reason = _reason(gap)
    return say(_NO_REASON if reason is None else _GAPS.get(reason, _NO_REASON))


def withheld_words(hole: Hole) -> str:
    """Return that input was not kept, and why."""
    try:
        why = say(_WITHHELD[Reason(hole.reason)])
    except ValueError:
        why = say(_NO_REASON)
    return say("What you did was not kept here: {why}.", why=why)


def said_at(timeline: Timeline, t_us: int) -> str:
    """Return what was not recorded at a time and why; empty where everything was kept."""
    gap, withheld = timeline.gap_at(t_us), timeline.withheld_at(t_us)
    if gap is not None:
        return say("Not recorded: {why}", why=gap_words(gap))
    return "" if withheld is None else withheld_words(withheld)


def draw_gap(painter: QPainter, box: QRectF, gap: Hole, palette: QPalette) -> None:
    """Draw a gap: tinted ground, its reason's pattern, and a line around it."""
    reason = _reason(gap)
    drawn = _ELSE if reason is None else _PATTERNS.get(reason, _ELSE)
    dark = palette.color(QPalette.ColorRole.Window).lightness() < 128
    colour = QColor(drawn.dark if dark else drawn.light)
    tint = QColor(colour)
    tint.setAlpha(_TINT)
    painter.fillRect(box, palette.color(QPalette.ColorRole.Base))
    painter.fillRect(box, tint)
    painter.fillRect(box, QBrush(colour, drawn.pattern))
    painter.setPen(QPen(colour, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))


def draw_waiting(painter: QPainter, box: QRectF, palette: QPalette) -> None:
    """Draw what is marked to be cut out: hatched, with what is there still to be seen through it."""
    colour = palette.color(QPalette.ColorRole.WindowText)
    painter.fillRect(box, QBrush(colour, Qt.BrushStyle.FDiagPattern))
    painter.setPen(QPen(colour, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))


def _reason(gap: Hole) -> GapReason | None:
    try:
        return GapReason(gap.reason)
    except ValueError:
        return None
