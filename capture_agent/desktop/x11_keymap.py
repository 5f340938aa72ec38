"""What keys mean: libxkbcommon by ctypes, with the server's own keymap.

libxkbcommon-x11 is there wherever Qt's xcb plugin runs. pynput fixes characters when it starts
and does not know groups or AltGr; this is right in all those cases, at 20 µs a key.

What a key types (`Meaning.text`) follows what programs do: Ctrl, Alt or Super held: nothing. Dead
keys and Compose go through libxkbcommon's own composer: a dead key has no text, and the key that
ends the sequence has the composed one. An input method that composes on its own (ibus, fcitx)
changes what a program receives in ways that no recorder of keys can see.
"""

from __future__ import annotations

import ctypes
import functools
import os
from ctypes import c_char_p, c_int, c_int32, c_size_t, c_uint16, c_uint32, c_void_p
from typing import TYPE_CHECKING, NamedTuple

from capture_agent.core.errors import DesktopError

if TYPE_CHECKING:
    from capture_agent.desktop.x11_xkb import Modifiers

# Real modifiers as every layout of xkeyboard-config uses them ("pc" symbols): Mod1 Alt, Mod4 Super, Mod5 level 3.
# Locks (Caps, Num) are not held by anybody; what they do is in the symbol and the text.
_NAMES = ((1 << 0, "shift"), (1 << 2, "ctrl"), (1 << 3, "alt"), (1 << 6, "super"), (1 << 7, "altgr"))
_SILENT = frozenset({"ctrl", "alt", "super"})  # with one of these a key is a command
_COMPOSING, _COMPOSED, _CANCELLED = 1, 2, 3  # enum xkb_compose_status
_BUFFER = 64  # bytes of a symbol's name or of a key's text; the longest name has 27
# The C locale has no composing of its own; what people with no locale set get from X is this one.
_LOCALE_WITHOUT_NAME = "en_US.UTF-8"

_SIGNATURES: tuple[tuple[str, str, object, tuple[object, ...]], ...] = (
    ("libxcb.so.1", "xcb_connect", c_void_p, (c_char_p, c_void_p)),
    ("libxcb.so.1", "xcb_connection_has_error", c_int, (c_void_p,)),
    ("libxcb.so.1", "xcb_disconnect", None, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_context_new", c_void_p, (c_int,)),
    ("libxkbcommon.so.0", "xkb_context_unref", None, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_keymap_unref", None, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_state_new", c_void_p, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_state_unref", None, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_state_update_mask", c_int, (c_void_p, *(c_uint32,) * 6)),
    ("libxkbcommon.so.0", "xkb_state_key_get_one_sym", c_uint32, (c_void_p, c_uint32)),
    ("libxkbcommon.so.0", "xkb_state_key_get_utf8", c_int, (c_void_p, c_uint32, c_char_p, c_size_t)),
    ("libxkbcommon.so.0", "xkb_keysym_get_name", c_int, (c_uint32, c_char_p, c_size_t)),
    ("libxkbcommon.so.0", "xkb_compose_table_new_from_locale", c_void_p, (c_void_p, c_char_p, c_int)),
    ("libxkbcommon.so.0", "xkb_compose_table_unref", None, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_compose_state_new", c_void_p, (c_void_p, c_int)),
    ("libxkbcommon.so.0", "xkb_compose_state_unref", None, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_compose_state_feed", c_int, (c_void_p, c_uint32)),
    ("libxkbcommon.so.0", "xkb_compose_state_reset", None, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_compose_state_get_status", c_int, (c_void_p,)),
    ("libxkbcommon.so.0", "xkb_compose_state_get_utf8", c_int, (c_void_p, c_char_p, c_size_t)),
    (
        "libxkbcommon-x11.so.0",
        "xkb_x11_setup_xkb_extension",
        c_int,
        (c_void_p, c_uint16, c_uint16, c_int, *(c_void_p,) * 4),
    ),
    ("libxkbcommon-x11.so.0", "xkb_x11_get_core_keyboard_device_id", c_int32, (c_void_p,)),
    ("libxkbcommon-x11.so.0", "xkb_x11_keymap_new_from_device", c_void_p, (c_void_p, c_void_p, c_int32, c_int)),
)


class Meaning(NamedTuple):
    """What a key meant when it went down: its symbol's name, what it typed, the modifiers held."""

    sym: str
    text: str | None
    mods: tuple[str, ...]


@functools.cache
def _library() -> dict[str, ctypes._NamedFuncPointer]:
    """Return the functions of the three libraries, with their types.

    Raises:
        DesktopError: One of them is not installed.
    """
    functions = {}
    try:
        for library, name, result, arguments in _SIGNATURES:
            function = getattr(ctypes.CDLL(library), name)
            function.restype, function.argtypes = result, arguments
            functions[name] = function
    except (OSError, AttributeError) as problem:
        raise DesktopError("libxkbcommon-x11 is missing", hint="on Debian: apt install libxkbcommon-x11-0") from problem
    return functions


def held(modifiers: Modifiers) -> tuple[str, ...]:
    """Return the names of the modifiers that are held or latched."""
    mask = modifiers.base | modifiers.latched
    return tuple(name for bit, name in _NAMES if mask & bit)


class Keymap:
    """The server's keymap, and what has been composed so far. Used by one thread."""

    def __init__(self, display: str | None = None) -> None:
        """Read the keymap of `display`.

        Raises:
            DesktopError: A library is missing, the display cannot be reached or has no XKB.
        """
        self._lib = _library()
        self._xcb = self._lib["xcb_connect"](display.encode() if display else None, None)
        self._context = self._lib["xkb_context_new"](0)
        self._keymap: int | None = None
        self._state: int | None = None
        self._text = ctypes.create_string_buffer(_BUFFER)
        self._compose_table = self._lib["xkb_compose_table_new_from_locale"](self._context, _locale().encode(), 0)
        # Without a table (no libx11-data) nothing is composed and dead keys end in no text at all.
        table = self._compose_table
        self._compose: int | None = self._lib["xkb_compose_state_new"](table, 0) if table else None
        self._dead = False  # without a table: a dead key waits for the next one
        if self._lib["xcb_connection_has_error"](self._xcb) or not self._lib["xkb_x11_setup_xkb_extension"](
            self._xcb, 1, 0, 0, None, None, None, None
        ):
            self.close()
            raise DesktopError(
                "the display has no keyboard extension (XKB)", hint="use an X server that has it; all current ones do"
            )
        self.reload()

    def reload(self) -> None:
        """Read the keymap again, after a change of layout; 0.3 ms. What was composed is forgotten."""
        device = self._lib["xkb_x11_get_core_keyboard_device_id"](self._xcb)
        keymap = self._lib["xkb_x11_keymap_new_from_device"](self._context, self._xcb, device, 0)
        if not keymap:
            raise DesktopError("the keyboard layout cannot be read", hint="set it again, for example by setxkbmap us")
        self._drop_keymap()
        self._keymap = keymap
        self._state = self._lib["xkb_state_new"](keymap)
        self.forget()

    def forget(self) -> None:
        """Forget what was composed so far."""
        self._dead = False
        if self._compose:
            self._lib["xkb_compose_state_reset"](self._compose)

    def press(self, code: int, modifiers: Modifiers) -> Meaning:
        """Return what the key with keycode `code` means when it goes down in state `modifiers`."""
        self._update(modifiers)
        sym = self._lib["xkb_state_key_get_one_sym"](self._state, code)
        mods = held(modifiers)
        name = self._name(sym)
        if _SILENT & set(mods):
            return Meaning(name, None, mods)
        return Meaning(name, _printable(self._typed(code, sym, name)), mods)

    def symbol(self, code: int, modifiers: Modifiers) -> str:
        """Return the name of the symbol of a key, without taking it as typed."""
        self._update(modifiers)
        return self._name(self._lib["xkb_state_key_get_one_sym"](self._state, code))

    def _update(self, m: Modifiers) -> None:
        self._lib["xkb_state_update_mask"](
            self._state, m.base, m.latched, m.locked, m.base_group, m.latched_group, m.locked_group
        )

    def _name(self, sym: int) -> str:
        self._lib["xkb_keysym_get_name"](sym, self._text, _BUFFER)
        return self._text.value.decode()

    def _typed(self, code: int, sym: int, name: str) -> str:
        if not self._compose:
            waiting, self._dead = self._dead, name.startswith("dead_") or name == "Multi_key"
            return "" if waiting or self._dead else self._utf8("xkb_state_key_get_utf8", self._state, code)
        if not self._lib["xkb_compose_state_feed"](self._compose, sym):
            return ""  # a modifier: sequences go on across it
        status = self._lib["xkb_compose_state_get_status"](self._compose)
        if status == _COMPOSED:
            text = self._utf8("xkb_compose_state_get_utf8", self._compose)
            self.forget()
            return text
        if status == _CANCELLED:
            self.forget()
            return ""
        return "" if status == _COMPOSING else self._utf8("xkb_state_key_get_utf8", self._state, code)

    def _utf8(self, function: str, *arguments: int | None) -> str:
        self._lib[function](*arguments, self._text, _BUFFER)
        return self._text.value.decode("utf-8", "replace")

    def _drop_keymap(self) -> None:
        if self._state:
            self._lib["xkb_state_unref"](self._state)
        if self._keymap:
            self._lib["xkb_keymap_unref"](self._keymap)
        self._state = self._keymap = None

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        if not self._context:
            return
        self._drop_keymap()
        if self._compose:
            self._lib["xkb_compose_state_unref"](self._compose)
        if self._compose_table:
            self._lib["xkb_compose_table_unref"](self._compose_table)
        self._lib["xkb_context_unref"](self._context)
        self._lib["xcb_disconnect"](self._xcb)
        self._compose = self._compose_table = self._context = None


def _printable(text: str) -> str | None:
    """Return `text` if it is something to read: Return, Tab, Escape and the like have names instead."""
    return text if text and all(char.isprintable() or char == "\u00a0" for char in text) else None


def _locale() -> str:
    """Return the name of the locale whose Compose file applies."""
    name = next((os.environ[v] for v in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(v)), "C")
    return _LOCALE_WITHOUT_NAME if name.split(".")[0] in {"C", "POSIX"} else name
