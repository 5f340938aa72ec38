"""Keyboard and pointer through pynput, for systems without XInput 2. The only module that imports it.

pynput gives no times: events are stamped when they are called back. On X11 it reads XRecord, which
gets characters wrong after a change of layout and sees what is typed into another program's
keyboard grab; so there a printable key is told as such and nothing more, unless it is part of a
chord. Elsewhere its characters are right.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from capture_agent.core.errors import DesktopError, FaultError
from capture_agent.core.events import Button, InputEvent, Key, Move, Scroll
from capture_agent.core.keyboard import CHORD_MODS, PRINTABLE
from capture_agent.desktop.clock import now_us
from capture_agent.sources.base import Sink
from capture_agent.sources.worker import Worker

if TYPE_CHECKING:
    from pynput import keyboard, mouse
    from pynput._util import AbstractListener

# After pynput says that it listens, XRecord may not have begun: of keys typed at once, 8 of 10 were lost.
SETTLE_S = 0.1
# XRecord holds events back until its buffer is full or the server writes to some client: make it write.
FLUSH_S = 0.05
JOIN_S = 0.05  # on X11 a listener ends with the next event only; it is deaf from the moment it is told

_MODIFIERS = {
    **dict.fromkeys(("shift", "shift_l", "shift_r"), "shift"),
    **dict.fromkeys(("ctrl", "ctrl_l", "ctrl_r"), "ctrl"),
    **dict.fromkeys(("alt", "alt_l", "alt_r"), "alt"),
    **dict.fromkeys(("cmd", "cmd_l", "cmd_r"), "super"),
    "alt_gr": "altgr",
}
# pynput's names of keys, and the keysyms that X11 has for them.
_SYMBOLS = {
    "alt": "Alt_L",
    "alt_gr": "ISO_Level3_Shift",
    "alt_l": "Alt_L",
    "alt_r": "Alt_R",
    "backspace": "BackSpace",
    "caps_lock": "Caps_Lock",
    "cmd": "Super_L",
    "cmd_l": "Super_L",
    "cmd_r": "Super_R",
    "ctrl": "Control_L",
    "ctrl_l": "Control_L",
    "ctrl_r": "Control_R",
    "enter": "Return",
    "esc": "Escape",
    "num_lock": "Num_Lock",
    "page_down": "Next",
    "page_up": "Prior",
    "print_screen": "Print",
    "scroll_lock": "Scroll_Lock",
    "shift": "Shift_L",
    "shift_l": "Shift_L",
    "shift_r": "Shift_R",
}
_SPACE = "space"
_BUTTONS = {
    "left": "left",
    "middle": "middle",
    "right": "right",
    "x1": "back",
    "x2": "forward",
    "button8": "back",
    "button9": "forward",
}


class PynputInput:
    """The source of keys and pointer for other systems than X11 with XInput 2."""

    def __init__(
        self, *, keyboard: bool, pointer: bool, pressed: Callable[[int], None] | None = None, text: bool | None = None
    ) -> None:
        """Describe what may be seen; pynput listens to nothing else.

        Args:
            keyboard: Whether key events are wanted.
            pointer: Whether moves, buttons and wheel are wanted. It tells nothing of the pointer's shape.
            pressed: See `X11Input`.
            text: Whether characters are told; by default where they are right, that is not on X11.
        """
        self._keyboard = keyboard
        self._pointer = pointer
        self._pressed = pressed
        self._text = sys.platform in {"win32", "darwin"} if text is None else text
        self._listeners: list[AbstractListener] = []
        self._flusher: Worker | None = None
        self._lock = threading.Lock()  # two listeners are two threads: time and order are given under it
        self._sink: Sink | None = None
        self._mods: dict[str, None] = {}
        self._down: dict[object, Key] = {}

    def start(self, sink: Sink) -> None:
        """See `Source.start`."""
        try:
            from pynput import keyboard, mouse
        except ImportError as problem:
            raise DesktopError("the display cannot be reached", hint="start inside a desktop session") from problem
        self._sink = sink
        if self._keyboard:
            self._listeners.append(keyboard.Listener(on_press=self._on_press, on_release=self._on_release))
        if self._pointer:
            self._listeners.append(
                mouse.Listener(on_move=self._on_move, on_click=self._on_click, on_scroll=self._on_scroll)
            )
        for listener in self._listeners:
            listener.start()
        for listener in self._listeners:
            listener.wait()
        if sys.platform not in {"win32", "darwin"}:
            self._flusher = Worker("input", _keep_writing)
            self._flusher.start()
            time.sleep(SETTLE_S)

    def check(self) -> None:
        """See `Source.check`."""
        if self._flusher is not None:
            self._flusher.check()
        if self._sink is not None and not all(listener.is_alive() for listener in self._listeners):
            raise FaultError("the input source has died (listener)", hint="start recording again")

    def stop(self) -> None:
        """See `Source.stop`."""
        with self._lock:
            self._sink = None  # whatever a listener still says goes nowhere
        if self._flusher is not None:
            self._flusher.stop()
        for listener in self._listeners:
            listener.stop()
        for listener in self._listeners:
            listener.join(JOIN_S)

    def _say(self, make: Callable[[int], InputEvent | None], *, press: bool = False) -> None:
        """Stamp and hand on one event, if we are still listening."""
        with self._lock:
            if self._sink is None:
                return
            t_us = now_us()
            event = make(t_us)
            if event is None:
                return
            if press and self._pressed is not None:
                self._pressed(t_us)
            self._sink(event)

    def _on_press(self, key: keyboard.Key | keyboard.KeyCode | None, injected: bool) -> None:
        def make(t_us: int) -> Key | None:
            if key is None or key in self._down:
                return None  # unknown to pynput, or repeating because it is held
            mods = tuple(self._mods)
            name = _name(key)
            if name in _MODIFIERS:
                self._mods[_MODIFIERS[name]] = None
            code, sym, text = self._meaning(key, mods)
            self._down[key] = Key(t_us, True, code, sym, text, mods, injected)
            return self._down[key]

        self._say(make, press=True)

    def _on_release(self, key: keyboard.Key | keyboard.KeyCode | None, injected: bool) -> None:
        def make(t_us: int) -> Key | None:
            if key is None:
                return None
            name = _name(key)
            down = self._down.pop(key, None)
            code, sym = (down.code, down.sym) if down is not None else self._meaning(key, tuple(self._mods))[:2]
            mods = tuple(self._mods)
            if name in _MODIFIERS:
                self._mods.pop(_MODIFIERS[name], None)
            return Key(t_us, False, code, sym, None, mods, injected)

        self._say(make)

    def _meaning(self, key: keyboard.Key | keyboard.KeyCode, mods: tuple[str, ...]) -> tuple[int, str, str | None]:
        """Return code, symbol and text of a key that goes down while `mods` are held."""
        name = _name(key)
        chord = bool(CHORD_MODS & set(mods))
        if name and name != _SPACE:
            return 0, _SYMBOLS.get(name, name.capitalize()), None
        char = " " if name == _SPACE else getattr(key, "char", None)
        if chord:
            return 0, _SPACE if name == _SPACE else (char or PRINTABLE), None
        if not self._text:
            return 0, PRINTABLE, None
        code = getattr(key, "vk", None) or 0
        return code, _SPACE if name == _SPACE else (char or f"vk{code}"), char

    def _on_move(self, x: int, y: int, injected: bool) -> None:
        self._say(lambda t_us: Move(t_us, int(x), int(y), injected))

    def _on_click(self, x: int, y: int, button: mouse.Button, pressed: bool, injected: bool) -> None:
        name = _BUTTONS.get(button.name, str(button.value))
        self._say(lambda t_us: Button(t_us, pressed, name, int(x), int(y), injected), press=pressed)

    def _on_scroll(self, x: int, y: int, dx: int, dy: int, injected: bool) -> None:
        # pynput counts upwards
        self._say(lambda t_us: Scroll(t_us, int(dx), -int(dy), int(x), int(y), injected), press=True)


def _name(key: keyboard.Key | keyboard.KeyCode) -> str:
    """Return pynput's name of a key that has one, else an empty string."""
    return str(getattr(key, "name", ""))


def _keep_writing(worker: Worker) -> None:
    """Make the X server write to a client again and again, so that XRecord does not hold events back."""
    from capture_agent.desktop.x11_connection import Connection, wait

    connection = Connection()
    try:
        while not worker.asked:
            connection.sync()
            wait(worker.waker, timeout=FLUSH_S)
    finally:
        connection.close()
