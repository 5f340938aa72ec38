"""Windows and macOS as their documentation says they behave, as far as fields are concerned."""

from __future__ import annotations

from collections.abc import Callable

from field_contract import Situation

from capture_agent.core.events import Rect, Window
from capture_agent.desktop.base import LOOK_S, AnswerError
from capture_agent.desktop.macos_fields import MacFields, Roles
from capture_agent.desktop.windows_fields import Element, WindowsFields

EDIT, DOCUMENT, BUTTON, PANE, WINDOW = 50004, 50030, 50000, 50033, 50032
PROGRAM, OTHER = 4711, 815
CALL_S = 0.0005  # what one call takes
PLACE, FIELD = Rect(100, 100, 400, 300), Rect(120, 150, 200, 24)


class Clock:
    """Time that goes on only by what is done."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


class FakeWindows:
    """Windows with one program in front; also the stage of the contract.

    UI Automation asks the program and gives up after the time that it was told; Windows calls a program hung only after
    5 s. A program of an administrator, or the secure desktop, refuses (E_ACCESSDENIED). A focused element belongs to
    whoever has the keyboard by then, which need not be who had it when the call began.
    """

    def __init__(self, app: str = "editor") -> None:
        self.clock = Clock()
        self.window = Window(0x10A2E, app, "a title", PLACE, PLACE, PROGRAM)
        self.eyes = WindowsFields(self, self.clock)
        self.closed = 0
        self.show(Situation.PLAIN)

    def show(self, situation: Situation) -> None:
        self.element: Element | None = Element(PROGRAM, EDIT, "Win32", False, FIELD)
        self.front = self.window.id
        self.display_affinity = 0
        self.given_up = self.silent = self.refuses = self.broken = False
        self.slow_s = 0.0
        match situation:
            case Situation.SECRET:
                self.element = Element(PROGRAM, EDIT, "Win32", True, FIELD)
            case Situation.NOWHERE:
                self.element = Element(PROGRAM, PANE, "Win32", False, PLACE)
            case Situation.HANGS:
                self.silent = True
            case Situation.FORBIDDEN:
                self.refuses = True
            case Situation.ELSEWHERE:
                self.front, self.element = 0x20B3F, Element(OTHER, EDIT, "WPF", False, None)

    def now_s(self) -> float:
        return self.clock.s

    def eventually(self, true: Callable[[], bool]) -> bool:
        return true()

    # --- what the agent asks

    def foreground(self) -> int:
        self.clock.s += CALL_S
        return self.front

    def affinity(self, window: int) -> int:
        self.clock.s += CALL_S
        if window != self.window.id:
            raise AnswerError("no such window")
        return self.display_affinity

    def hangs(self, window: int) -> bool:
        self.clock.s += CALL_S
        return self.given_up

    def focused(self) -> Element:
        if self.broken:
            raise OSError("exception: access violation reading 0x0000000000000000")
        if self.silent:
            self.clock.s += LOOK_S
            raise AnswerError("UIA_E_TIMEOUT")
        self.clock.s += CALL_S + self.slow_s
        if self.refuses or self.element is None:
            raise AnswerError("E_ACCESSDENIED, or nothing has the keyboard")
        return self.element

    def close(self) -> None:
        self.closed += 1


class FakeMac:
    """macOS with one program in front; also the stage of the contract.

    Without the person's permission every question fails; one that a program does not answer fails after the time that
    was set. Secure input is one switch for all programs, which stays on while any of them wants it.
    """

    def __init__(self, app: str = "textedit") -> None:
        self.clock = Clock()
        self.window = Window(77, app, "a title", PLACE, PLACE, PROGRAM)
        self.eyes = MacFields(self, self.clock)
        self.closed = 0
        self.show(Situation.PLAIN)

    def show(self, situation: Situation) -> None:
        self.element: Roles | None = Roles("AXTextField", "")
        self.front = PROGRAM
        self.allowed, self.secure = True, False
        self.silent = False
        self.slow_s = 0.0
        match situation:
            case Situation.SECRET:
                self.element = Roles("AXTextField", "AXSecureTextField")
            case Situation.NOWHERE:
                self.element = Roles("AXScrollArea", "")
            case Situation.HANGS:
                self.silent = True
            case Situation.FORBIDDEN:
                self.allowed = False
            case Situation.ELSEWHERE:
                self.front = OTHER

    def now_s(self) -> float:
        return self.clock.s

    def eventually(self, true: Callable[[], bool]) -> bool:
        return true()

    # --- what the agent asks

    def secure_input(self) -> bool:
        self.clock.s += CALL_S
        return self.secure

    def trusted(self) -> bool:
        self.clock.s += CALL_S
        return self.allowed

    def frontmost(self, pid: int) -> bool:
        self._ask()
        return self.front == pid

    def focused(self, pid: int) -> Roles:
        self._ask()
        self.clock.s += self.slow_s
        if self.element is None:
            raise AnswerError("kAXErrorNoValue")
        return self.element

    def close(self) -> None:
        self.closed += 1

    def _ask(self) -> None:
        self.clock.s += CALL_S
        if not self.allowed:
            raise AnswerError("kAXErrorAPIDisabled")
        if self.silent:
            self.clock.s += LOOK_S / 4
            raise AnswerError("kAXErrorCannotComplete")
