"""Key events of one X connection that said XI 2.0: none reach it while another program has grabbed the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from Xlib.ext import xinput

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Key
from capture_agent.desktop import x11_xi2, x11_xkb
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.x11_clock import Ordered, measure
from capture_agent.desktop.x11_connection import Connection
from capture_agent.desktop.x11_keymap import Keymap, held

_MASK = xinput.RawKeyPressMask | xinput.RawKeyReleaseMask


class KeyReader:
    """Reads keys, knows what they mean, and closes what a grab left open."""

    def __init__(self, display: str | None, pressed: Callable[[int], None] | None) -> None:
        """Connect and select.

        Raises:
            DesktopError: No such display, no XKB there, or libxkbcommon-x11 is missing.
        """
        self.connection = Connection(display)
        self._pressed = pressed
        try:
            if not x11_xkb.is_there(self.connection):
                raise DesktopError("the X server has no keyboard extension", hint="use an X server that has XKB")
            self._keymap = Keymap(display)
        except DesktopError:
            self.connection.close()
            raise
        self._clock = Ordered(measure(self.connection))
        x11_xkb.select(self.connection)
        x11_xi2.select(self.connection, x11_xi2.KEYS, _MASK)
        # State changes that are queued by now may be older than this answer. Each carries the whole
        # state, so reading them all leads to the same end.
        self._modifiers = x11_xkb.state(self.connection)
        self._devices = x11_xi2.devices(self.connection)
        self._layout_changed = False
        self._down: dict[int, Key] = {}

    def read(self) -> list[Key]:
        """Return the keys that went down or up since the last call, the oldest first.

        When it returns, all that happened before the call has been read.
        """
        result = self._translate(self.connection.drain())
        before = dict(self._down)
        # The round trip, and the answer to "what is still down?".
        bits = self.connection.display.query_keymap()
        result += self._translate(self.connection.drain())
        result += self._released_unseen(before, bits, result)
        return result

    def _translate(self, events: list[Any]) -> list[Key]:
        result: list[Key] = []
        for event in events:
            if (raw := x11_xi2.parse(event)) is not None:
                key = self._key(raw)
                if key is not None:
                    result.append(key)
            elif (modifiers := x11_xkb.state_change(event)) is not None:
                self._modifiers = modifiers
            elif x11_xkb.is_layout_change(event):
                self._layout_changed = True
            elif x11_xi2.is_hierarchy_change(event):
                self._devices = x11_xi2.devices(self.connection)
        return result

    def _key(self, raw: x11_xi2.Raw) -> Key | None:
        t_us = self._clock.to_us(raw.time, now_us())
        injected = raw.source in self._devices.xtest
        if self._layout_changed:
            self._layout_changed = False
            self._keymap.reload()
        if raw.kind is x11_xi2.Kind.KEY_UP:
            down = self._down.pop(raw.detail, None)
            # The symbol that went down comes up, whatever the modifiers are by now.
            sym = down.sym if down is not None else self._keymap.symbol(raw.detail, self._modifiers)
            return Key(t_us, False, raw.detail, sym, None, held(self._modifiers), injected)
        if raw.repeat:
            return None  # it is still down
        if self._pressed is not None:
            self._pressed(t_us)
        meaning = self._keymap.press(raw.detail, self._modifiers)
        key = Key(t_us, True, raw.detail, meaning.sym, meaning.text, meaning.mods, injected)
        self._down[raw.detail] = key
        return key

    def _released_unseen(self, before: dict[int, Key], bits: bytes, read: list[Key]) -> list[Key]:
        """Return releases for keys that are up although nobody said so: another program's grab hid it.

        Only keys that we saw going down are looked at. The true moment is not known; it is set to
        the end of what was read, or now.
        """
        gone = [
            key for code, key in before.items() if self._down.get(code) is key and not bits[code >> 3] >> (code & 7) & 1
        ]
        if not gone:
            return []
        self._keymap.forget()
        t_us = max((key.t_us for key in read), default=now_us() // 1000 * 1000)
        for key in gone:
            del self._down[key.code]
        return [Key(t_us, False, key.code, key.sym, None, held(self._modifiers), key.injected) for key in gone]

    def close(self) -> None:
        """Give connection and keymap back. Safe to call twice."""
        self.connection.close()
        self._keymap.close()
