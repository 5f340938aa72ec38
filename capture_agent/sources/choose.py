"""The sources for this system and for what may be captured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Category
from capture_agent.core.keyboard import MODES
from capture_agent.desktop.base import InputBackEnd

if TYPE_CHECKING:
    from capture_agent.sources.base import Source
    from capture_agent.sources.fields import Fields
    from capture_agent.sources.screen import X11Screen


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources that are not started, in the order in which to start them; `screen` and `fields` are also among `all`."""

    all: tuple[Source, ...]
    screen: X11Screen | None
    fields: Fields | None = None


def choose(
    categories: Collection[Category],
    *,
    max_fps: float,
    back_end: InputBackEnd = InputBackEnd.XI2,
    display: str | None = None,
    session_bus: str | None = None,
) -> Sources:
    """Return fresh sources for exactly these categories; `back_end` is what `desktop.choose.input_back_end` said.

    Windows are always observed when anything is: where the keyboard is decides what may be kept of
    the rest; so are fields, where something typed could be recorded or seen. Nothing is constructed for
    a category that is not in `categories`.

    Raises:
        DesktopError: This version does not record on this system.
    """
    if sys.platform == "win32" or sys.platform == "darwin":
        raise DesktopError("this version records on X11 only", hint="use Linux with an X11 session")
    observed = set(categories) - {Category.TASKS}
    if not observed:
        return Sources((), None)
    from capture_agent.desktop.choose import open_fields
    from capture_agent.sources.fields import Fields, each
    from capture_agent.sources.screen import X11Screen
    from capture_agent.sources.windows import X11Windows

    # Fields and focus first: what is typed, and what is seen, is judged by them.
    shown = observed & {*MODES, Category.POINTER, Category.SCREEN}
    fields = Fields(lambda: open_fields(session_bus)) if shown else None
    chosen: list[Source] = [] if fields is None else [fields]
    chosen.append(X11Windows(changed=None if fields is None else fields.focused, display=display))
    screen = X11Screen(max_fps=max_fps, display=display) if Category.SCREEN in observed else None
    if screen is not None:
        chosen.append(screen)
    keyboard, pointer = bool(observed.intersection(MODES)), Category.POINTER in observed
    if keyboard or pointer:
        nudges = [part.nudge for part in (fields, screen) if part is not None]
        chosen.append(_input(back_end, keyboard, pointer, each(*nudges), display))
    return Sources(tuple(chosen), screen, fields)


def _input(
    back_end: InputBackEnd, keyboard: bool, pointer: bool, pressed: Callable[[int], None] | None, display: str | None
) -> Source:
    if back_end is InputBackEnd.PYNPUT:
        from capture_agent.sources.input_pynput import PynputInput

        return PynputInput(keyboard=keyboard, pointer=pointer, pressed=pressed)  # on the environment's display
    from capture_agent.sources.input_x11 import X11Input

    return X11Input(keyboard=keyboard, pointer=pointer, pressed=pressed, display=display)
