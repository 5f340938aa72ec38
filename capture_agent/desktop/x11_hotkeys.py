"""Global hotkeys by XGrabKey: the server sends the combination to us, and no other key."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from Xlib import XK, X, error

from capture_agent.core.errors import ConfigError, DesktopError, FaultError
from capture_agent.desktop.waker import Waker
from capture_agent.desktop.x11_connection import LOST, Connection, wait

MODIFIERS = {
    "shift": X.ShiftMask,
    "ctrl": X.ControlMask,
    "alt": X.Mod1Mask,
    "super": X.Mod4Mask,
    "altgr": X.Mod5Mask,
}
# Caps Lock and Num Lock are modifiers too: the combination is grabbed with and without each of them.
_LOCKS = (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask)
_HELD = X.ShiftMask | X.ControlMask | X.Mod1Mask | X.Mod4Mask | X.Mod5Mask
# Where letters and digits are on a US keyboard, by the key codes of evdev and of every X server on Linux
# (xkeyboard-config, keycodes/evdev): a layout without Latin letters, such as Russian alone, has no key that makes them.
_US_ROWS = {10: "1234567890", 24: "qwertyuiop", 38: "asdfghjkl", 52: "zxcvbnm"}
_US_KEYCODES = {ord(key): first + n for first, keys in _US_ROWS.items() for n, key in enumerate(keys)}
ANSWER_S = 2.0  # the thread answers within one round trip; later means it has died


@dataclass(frozen=True, slots=True)
class Combination:
    """Modifiers as a mask of X's, and the keysym of the key."""

    mods: int
    keysym: int


def parse(text: str) -> Combination:
    """Return the combination that `text` names, such as "ctrl+shift+f9".

    Raises:
        ConfigError: A part of it is unknown, or it has no modifier or no key.
    """
    *names, key = [part.strip() for part in text.lower().split("+")]
    mods = 0
    for name in names:
        if name not in MODIFIERS:
            raise ConfigError(
                "hotkey {text!r}: {name!r} is not a modifier",
                hint="use {what} and one key",
                text=text,
                name=name,
                what=", ".join(MODIFIERS),
            )
        mods |= MODIFIERS[name]
    for spelling in (key, key.capitalize(), key.upper()):
        keysym = XK.string_to_keysym(spelling) if spelling else X.NoSymbol
        if keysym != X.NoSymbol:
            break
    if keysym == X.NoSymbol:
        raise ConfigError(
            "hotkey {text!r}: {key!r} is not a key", hint='use a key such as "f9", "pause" or "p"', text=text, key=key
        )
    if not mods:
        raise ConfigError(
            "hotkey {text!r} has no modifier", hint="a key alone would be taken from every program", text=text
        )
    return Combination(mods, keysym)


@dataclass(slots=True)
class _Wish:
    """A combination that the thread is asked to grab."""

    combination: Combination
    pressed: Callable[[], None]
    done: threading.Event = field(default_factory=threading.Event)
    taken: bool = False  # another program has it
    no_key: bool = False  # no key of this keyboard makes it


class X11Hotkeys:
    """The X11 side of `Hotkeys`: a thread with a connection of its own."""

    def __init__(self, display: str | None = None) -> None:
        """Connect to `display` (None: the environment's) and start the thread; nothing is grabbed yet.

        Raises:
            DesktopError: There is no such display.
        """
        self._connection = Connection(display)
        self._waker = Waker()
        self._wishes: deque[_Wish] = deque()
        self._grabbed: list[_Wish] = []
        self._closing = False
        self._died: str | None = None
        self._last_release_ms = -1
        self._thread = threading.Thread(target=self._run, name="hotkeys", daemon=True)
        self._thread.start()

    def grab(self, combination: str, pressed: Callable[[], None]) -> None:
        """See `Hotkeys.grab`."""
        wish = _Wish(parse(combination), pressed)
        self._wishes.append(wish)
        self._waker.wake()
        if not wish.done.wait(ANSWER_S) or self._died is not None:
            raise DesktopError("hotkeys do not work: the display does not answer", hint="log in again")
        if wish.no_key:
            raise DesktopError("no key of this keyboard makes {keys}", hint="choose another one", keys=combination)
        if wish.taken:
            raise DesktopError(
                "another program has taken {keys}", hint="choose another one in settings.toml", keys=combination
            )

    def check(self) -> None:
        """Raise `FaultError` if the thread has died. Called every 100 ms; costs microseconds."""
        if self._died is not None:
            raise FaultError("the hotkeys have died ({kind})", hint="start the agent again", kind=self._died)

    def close(self) -> None:
        """See `Hotkeys.close`. The server lets go of the keys when the connection ends."""
        self._closing = True
        self._waker.wake()
        self._thread.join()
        # A server may notice late that a connection was closed; who grabs the same keys next should find them free.
        # Not waited for: a server that hangs must not keep anybody from leaving.
        with contextlib.suppress(DesktopError, *LOST):
            self._connection.root.ungrab_key(X.AnyKey, X.AnyModifier)
            self._connection.flush()
        self._connection.close()
        self._waker.close()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._waker.clear()
                while self._wishes:
                    self._grant(self._wishes.popleft())
                for event in self._connection.drain():
                    self._handle(event)
                wait(self._waker, self._connection)
        except Exception as problem:  # noqa: BLE001 - the one boundary of this thread: anything becomes a fault
            self._died = type(problem).__name__

    def _handle(self, event: Any) -> None:
        if event.type == X.MappingNotify:
            self._connection.display.refresh_keyboard_mapping(event)
            if event.request != X.MappingPointer:
                self._grab_anew()
        elif event.type == X.KeyRelease:
            self._last_release_ms = event.time
        elif event.type == X.KeyPress and event.time != self._last_release_ms:
            # A key that is held down repeats as a release and a press at the same ms: those do not count.
            for wish in self._grabbed:
                if event.state & _HELD == wish.combination.mods and event.detail == self._keycode(wish):
                    wish.pressed()

    def _keycode(self, wish: _Wish) -> int:
        """Return the key that makes it in this layout, else where it is on a US keyboard; 0: there is none."""
        keysym = wish.combination.keysym
        code: int = self._connection.display.keysym_to_keycode(keysym)
        return code or _US_KEYCODES.get(keysym, 0)

    def _grant(self, wish: _Wish) -> None:
        self._take(wish)
        if not wish.taken and not wish.no_key:
            self._grabbed.append(wish)
        wish.done.set()

    def _grab_anew(self) -> None:
        """Grab everything again: after a change of layout the keys may be others."""
        self._connection.root.ungrab_key(X.AnyKey, X.AnyModifier)
        for wish in self._grabbed:
            self._take(wish)

    def _take(self, wish: _Wish) -> None:
        code = self._keycode(wish)
        wish.no_key = code == 0
        if wish.no_key:
            return
        refused = error.CatchError(error.BadAccess)
        for locks in _LOCKS:
            self._connection.root.grab_key(
                code, wish.combination.mods | locks, False, X.GrabModeAsync, X.GrabModeAsync, onerror=refused
            )
        self._connection.sync()
        wish.taken = refused.get_error() is not None
