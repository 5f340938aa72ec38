"""What the agent asks of a desktop, whatever the operating system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Layout, Monitor, Rect, Verdict, Window
from capture_agent.core.splitting import Reason

LOOK_S = 0.2  # a program that has not answered by then is not waited for: what it shows is not known


class AnswerError(DesktopError):
    """A program does not answer, or not what was asked, or the system does not let us ask: nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is missing. `blocks`: recording cannot start. Shown as "what. hint."."""

    name: str  # one word for --json: "display", "wayland", "tray", "library", "keyring" …
    what: str
    hint: str
    blocks: bool = True


class InputBackEnd(StrEnum):
    """How keyboard and pointer are read."""

    XI2 = "xi2"  # XInput 2: everything, with the server's times
    PYNPUT = "pynput"  # elsewhere; on X11 without what is typed: see `sources.input_pynput`


class Away(NamedTuple):
    """That the person cannot be here: since when (input clock, µs), and why, out of `core.splitting.AWAY`."""

    since_us: int
    reasons: frozenset[Reason]


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the person is at this computer, and what else speaks against recording here. Times in µs."""

    locked_us: int | None = None  # since when (input clock) the screen has been locked, blanked or another user's
    idle_us: int = 0  # since somebody last touched keyboard or pointer
    slept_us: int = 0  # how long this computer has slept since it was started: grows with every suspend
    told: frozenset[Reason] = frozenset()  # what hinders recording, as far as desktop and buses tell it

    @property
    def locked(self) -> bool:
        """Whether the screen is locked, blanked or another user's."""
        return self.locked_us is not None


class Attendance(NamedTuple):
    """What a display tells of whether somebody is here."""

    idle_us: int  # since somebody last touched keyboard or pointer, µs
    curtain: bool  # the screen saver or a screen locker's window hides everything


class Picked(NamedTuple):
    """The window that the person picked; None: there was none at that place, or they did not want to."""

    window: Window | None
    cancelled: bool = False


class Pick(Protocol):
    """A window being picked: the pointer is a cross, and no program gets what is clicked or typed meanwhile."""

    def poll(self) -> Picked | None:
        """Return what was picked, once it is; None: not yet. Never waits; Escape and the other buttons cancel.

        Raises:
            DesktopError: The display is gone.
        """

    def close(self) -> None:
        """Give pointer and keyboard back. Safe to call twice."""


class Desktop(Protocol):
    """One connection to the desktop, used from one thread only, the one that opened it."""

    @property
    def can_pick(self) -> bool:
        """Whether windows can be picked here at all."""

    def pick(self) -> Pick:
        """Let the person pick a window, used by the same thread.

        Raises:
            DesktopError: Another program holds pointer or keyboard.
        """

    def monitors(self) -> tuple[Monitor, ...]:
        """Return the monitors as they are now, numbered from 1 in the order of (x, y)."""

    def layout(self) -> Layout:
        """Return all visible top-level windows, bottom to top."""

    def focused(self) -> Window | None:
        """Return the window that has the keyboard, or None if there is none or it is not known."""

    def proved_shown(self, window_id: int) -> bool:
        """Return whether that window is mapped, on a monitor and at most half covered by others. Never raises."""

    def attendance(self) -> Attendance:
        """Return what the display itself tells of whether somebody is here. Costs one round trip."""

    def is_remote(self) -> bool:
        """Return whether this display is shown on another computer. It is, or is not, as long as it lives."""

    def keyboard_layouts(self) -> tuple[str, ...]:
        """Return the names of the keyboard layouts, the active one first."""

    def now_us(self) -> int:
        """Return the input clock in µs: the clock that events are stamped with."""

    def close(self) -> None:
        """Give the connection back. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw of the field that has the keyboard.

    Attributes:
        verdict: What may be kept of what is typed there.
        secrets: Where secret fields are on screen, px of the virtual desktop.
        whole: The whole window shows a secret, or may.
        answered: False: nothing was said, so that where secrets were seen they may still be.
        doubtful: Another look in a moment may know more.
        plain_hides: See `core.asking.judge_widgets`.
        private: Whether the window is one of private browsing; None: it does not say.
    """

    verdict: Verdict
    secrets: tuple[Rect, ...] = ()
    whole: bool = False
    answered: bool = True
    doubtful: bool = False
    plain_hides: bool = False
    private: bool | None = None


def in_time(look: Callable[[], Sight], clock: Callable[[], float]) -> Sight:
    """Return what `look` sees; UNKNOWN if there was no answer, or if it is CLEAR and took longer than `LOOK_S`.

    `clock` tells seconds. An OSError is what ctypes makes of a library that fails.
    """
    began = clock()
    try:
        sight = look()
    except (AnswerError, OSError):
        return Sight(Verdict.UNKNOWN, answered=False)
    late = sight.verdict is Verdict.CLEAR and clock() - began > LOOK_S
    return replace(sight, verdict=Verdict.UNKNOWN) if late else sight


class FieldEyes(Protocol):
    """What sees which kind of field has the keyboard. Made and used by one thread; none of its methods raises."""

    def look(self, window: Window) -> Sight:
        """Return what `window`, of a process that is not this one, shows: CLEAR only if it is known. Takes `LOOK_S`."""

    def passed(self) -> Verdict:
        """Return the worst of the fields that have got the keyboard since the last call; CLEAR: none is known of."""

    def fileno(self) -> int | None:
        """Return what becomes readable when a field gets the keyboard; None: nothing tells of it, or not now."""

    def close(self) -> None:
        """Give back what it uses. Safe to call twice."""


class Hotkeys(Protocol):
    """Global hotkeys that record nothing: the combination is grabbed, other keys are never seen."""

    def grab(self, combination: str, pressed: Callable[[], None]) -> None:
        """Call `pressed` (on the hotkey thread) whenever `combination` ("ctrl+shift+f9") goes down.

        Raises:
            ConfigError: The combination cannot be read.
            DesktopError: Another program has taken it.
        """

    def check(self) -> None:
        """Raise `FaultError` if the hotkey thread has died. Called every 100 ms; costs microseconds."""

    def close(self) -> None:
        """Ungrab everything and join the thread."""
