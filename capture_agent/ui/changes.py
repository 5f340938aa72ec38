"""What a study asks for now and did not before, in the words of the panel. Pure.

`core.policy.widenings` names things as files and `--json` do; people read the names below.
"""

from __future__ import annotations

import re

from capture_agent.core.events import Category
from capture_agent.core.language import noted, say
from capture_agent.core.names import category_name
from capture_agent.core.policy import Widening

NAMES = {
    "study": noted("The study"),
    "title": noted("Its title"),
    "controller": noted("Who runs it"),
    "controller's address": noted("Their address"),
    "independent contact": noted("Whom you can ask besides"),
    "complaint authority": noted("Where you can complain"),
    "jurisdiction": noted("Whose law holds"),
    "storage": noted("Where it is kept"),
    "legal basis": noted("By what right"),
    "impact assessment": noted("Impact assessment"),
    "agreement": noted("Agreement at work"),
    "right": noted("A right of yours"),
    "months a consent lasts": noted("Months until you are asked again"),
    "category": noted("May be recorded"),
    "recipient": noted("Who can read it"),
    "recipient's name": noted("Name of a reader"),
    "days kept": noted("Days kept"),
    "end of the study": noted("End of the study"),
    "destination": noted("Where it goes"),
    "frames a second": noted("Pictures a second"),
    "hours": noted("Hours"),
    "megabytes held": noted("Megabytes on this disk"),
    "days of hold": noted("Days before sharing by itself"),
    "programs": noted("Programs"),
}
_VALUES = {
    "not there": noted("not there"),
    "none": noted("none"),
    "any": noted("any"),
    "any you choose": noted("any you choose"),
}


def in_words(change: Widening) -> tuple[str, str, str]:
    """Return what changed, what was agreed to, and what is asked for now."""
    return _name(change.what), _value(change.was), _value(change.wants)


def _name(what: str) -> str:
    if what in NAMES:
        return say(NAMES[what])
    if what.startswith("purpose "):
        return say("What for")
    if reader := re.fullmatch(r"what (.*) gets", what):
        return say("What {name} gets", name=reader[1])
    if notice := re.fullmatch(r"notice \((.*)\)", what):
        return say("Notice ({language})", language=notice[1])
    return what


def _value(text: str) -> str:
    if text in _VALUES:
        return say(_VALUES[text])
    if text in set(Category):
        return category_name(Category(text), inside=True)
    if version := re.fullmatch(r"version (\d+)", text):
        return say("version {number}", number=version[1])
    return text
