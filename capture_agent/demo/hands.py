"""Real input: keys and pointer through the XTEST extension, as the X server gives them to every program."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from Xlib import XK, X, Xatom, display
from Xlib.ext import xtest

from capture_agent.core.errors import DesktopError
from capture_agent.demo.acts import Act, Expect, Kind
from capture_agent.desktop.x11_clock import ServerClock

KEY_S = 0.012  # between two keys: a very fast typist, 80 keys a second
STEP_S = 0.008  # between two steps of a pointer: what a 125 Hz mouse sends
STEPS = 12  # of a pointer on its way
# The server stamps whole ms, so the order of a key and a click within one is not known. No hands are that fast.
APART_S = 0.002
BUTTONS = {1: "left", 2: "middle", 3: "right", 8: "back", 9: "forward"}
WHEEL = {(0, -1): 4, (0, 1): 5, (-1, 0): 6, (1, 0): 7}  # (dx, dy) → X button
_NAMED = {"\n": "Return", "\t": "Tab"}


class Hands:
    """One pair of hands on one display; `acts` is the log of all that they did, in order.

    Times in the log are those of `time.monotonic`, taken around the round trip that made the server act. The answer
    carries the server's own time: where that lies outside the round trip, the machine's processors disagree on what
    time it is (virtual ones do, for moments), and the act is as unsure as they are apart.
    """

    def __init__(self, display_name: str) -> None:
        """Connect; raises Xlib's own errors when there is no such display."""
        self.acts: list[Act] = []
        self.expect = Expect.EITHER  # goes with every act from now on
        self._server = display.Display(display_name)
        root = self._server.screen().root
        pointer = root.query_pointer()
        self.x, self.y = pointer.root_x, pointer.root_y
        self._own = root.create_window(-1, -1, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._server.close()

    def key(self, name: str, *, hold: tuple[str, ...] = ()) -> None:
        """Press and release the key with this keysym name, while those of `hold` are down.

        Raises:
            DesktopError: The layout has no such key.
        """
        code, shifted = self._code(name)
        shift = ("Shift_L",) if shifted and "Shift_L" not in hold else ()
        held = (*hold, *shift)
        shifted = shifted or "Shift_L" in hold
        for other in held:
            self._press(self._code(other)[0], other, None, down=True)
        text = self._text(code, shifted=shifted) if not set(hold) - {"Shift_L"} else None
        sym = self._sym(code, shifted=shifted)
        self._press(code, sym, text, down=True)
        self._press(code, sym, None, down=False)
        for other in reversed(held):
            self._press(self._code(other)[0], other, None, down=False)

    def type(self, text: str, *, pause_s: float = KEY_S) -> None:
        """Type `text`; "\\n" is Return, "\\t" is Tab."""
        for character in text:
            self.key(_NAMED.get(character) or _sym_of(character))
            time.sleep(pause_s)

    def move(self, x: int, y: int, *, steps: int = STEPS) -> None:
        """Move the pointer to (x, y) in a straight line; a step that changes nothing is left out."""
        from_x, from_y = self.x, self.y
        for step in range(1, steps + 1):
            at = (from_x + (x - from_x) * step // steps, from_y + (y - from_y) * step // steps)
            if at == (self.x, self.y):
                continue
            self.x, self.y = at
            self._do(Kind.MOVE, "", X.MotionNotify, 0)
            if step < steps:
                time.sleep(STEP_S)

    def click(self, x: int, y: int, *, button: int = 1) -> None:
        """Move to (x, y), press and release."""
        self.move(x, y)
        time.sleep(STEP_S)
        self._do(Kind.BUTTON, BUTTONS[button], X.ButtonPress, button)
        time.sleep(STEP_S)
        self._do(Kind.BUTTON, BUTTONS[button], X.ButtonRelease, button, down=False)

    def drag(self, x: int, y: int) -> None:
        """Press where the pointer is, move to (x, y), release."""
        self._do(Kind.BUTTON, "left", X.ButtonPress, 1)
        self.move(x, y)
        self._do(Kind.BUTTON, "left", X.ButtonRelease, 1, down=False)

    def scroll(self, dx: int, dy: int) -> None:
        """Turn the wheel by clicks to the right and down (negative: left, up)."""
        sides = [((1 if dx > 0 else -1, 0), abs(dx)), ((0, 1 if dy > 0 else -1), abs(dy))]
        for side, clicks in sides:
            for _ in range(clicks):
                self._do(Kind.SCROLL, f"{side[0]},{side[1]}", X.ButtonPress, WHEEL[side])
                xtest.fake_input(self._server, X.ButtonRelease, WHEEL[side])
                self._server.sync()
                time.sleep(STEP_S)

    def _press(self, code: int, sym: str, text: str | None, *, down: bool) -> None:
        self._do(Kind.KEY, sym, X.KeyPress if down else X.KeyRelease, code, down=down, text=text)

    def _do(
        self, kind: Kind, what: str, event: int, detail: int, *, down: bool = True, text: str | None = None
    ) -> None:
        """Let the server do it, and log it with the middle of the round trip as its time."""
        before = time.monotonic_ns()
        if kind is Kind.MOVE:
            xtest.fake_input(self._server, event, x=self.x, y=self.y)
        else:
            xtest.fake_input(self._server, event, detail)
        server_ms = self._server_ms()
        after = time.monotonic_ns()
        x, y = (0, 0) if kind is Kind.KEY else (self.x, self.y)
        middle, half = (before + after) // 2000, (after - before) // 2000
        slack = half + apart_us(before // 1000, server_ms, after // 1000)
        self.acts.append(Act(middle, kind, what, down, text, x, y, self.expect, slack))

    def _server_ms(self) -> int:
        """Return the server's time, once all that was sent is carried out: a change of nothing comes back with it."""
        self._own.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"", X.PropModeAppend)
        while (event := self._server.next_event()).type != X.PropertyNotify:
            pass  # MappingNotify goes to everybody
        return int(event.time)

    def _code(self, name: str) -> tuple[int, bool]:
        """Return the key code of a keysym name, and whether Shift makes it."""
        wanted = XK.string_to_keysym(name)
        for code, index in self._server.keysym_to_keycodes(wanted) if wanted else ():
            if index in {0, 1}:
                return code, index == 1
        raise DesktopError(f"no key of this keyboard layout gives {name}", hint="Use a US layout.")

    def _sym(self, code: int, *, shifted: bool) -> str:
        keysym = self._server.keycode_to_keysym(code, int(shifted)) or self._server.keycode_to_keysym(code, 0)
        return next((name for name in (_BY_SYM.get(keysym),) if name), f"{keysym:#x}")

    def _text(self, code: int, *, shifted: bool) -> str | None:
        keysym = self._server.keycode_to_keysym(code, int(shifted)) or self._server.keycode_to_keysym(code, 0)
        return chr(keysym) if 0x20 <= keysym <= 0xFF else None


def apart_us(before_us: int, server_ms: int, after_us: int) -> int:
    """Return how far the server's time, which is cut to whole ms, lies outside of a round trip; 0: inside."""
    stamped_us = ServerClock().to_us(server_ms, before_us)
    return max(0, before_us // 1000 * 1000 - stamped_us, stamped_us - after_us)


def _sym_of(character: str) -> str:
    """Return the keysym name of a Latin-1 character: there code point and keysym are the same."""
    return _BY_SYM.get(ord(character), character)


# The names of X11/keysymdef.h, by number; the first of two names for one key is the usual one.
_BY_SYM: dict[int, str] = {}
for _group in ("latin1", "miscellany"):
    XK.load_keysym_group(_group)
for _name in dir(XK):
    if _name.startswith("XK_"):
        _BY_SYM.setdefault(getattr(XK, _name), _name[3:])
