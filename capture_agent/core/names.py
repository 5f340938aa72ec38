"""How the categories are named to people, everywhere the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from capture_agent.core.events import Category
from capture_agent.core.language import noted, say

_NAMES: Mapping[Category, str] = MappingProxyType(
    {
        Category.KEYBOARD: noted("Keyboard"),
        Category.SHORTCUTS: noted("Keyboard, shortcuts only"),
        Category.COUNTS: noted("Keyboard, counts only"),
        Category.POINTER: noted("Mouse"),
        Category.WINDOWS: noted("Windows"),
        Category.SCREEN: noted("Screen"),
        Category.TASKS: noted("Tasks"),
    }
)
_IN_A_SENTENCE: Mapping[Category, str] = MappingProxyType(
    {
        Category.KEYBOARD: noted("keyboard"),
        Category.SHORTCUTS: noted("keyboard shortcuts"),
        Category.COUNTS: noted("number of keys"),
        Category.POINTER: noted("mouse"),
        Category.WINDOWS: noted("windows"),
        Category.SCREEN: noted("screen"),
        Category.TASKS: noted("tasks"),
    }
)


def category_name(category: Category, *, inside: bool = False) -> str:
    """Return the name of a category: as a title, or `inside` a sentence."""
    return say((_IN_A_SENTENCE if inside else _NAMES)[category])
