"""The calls of `macos_fields` into the frameworks of macOS. Not exercised on a real system yet.

Sources: AXUIElement.h, AXAttributeConstants.h (ApplicationServices), CarbonEventsCore.h, CFString.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_float, c_int32, c_long, c_ubyte, c_uint32, c_ulong, c_void_p

from capture_agent.desktop.base import LOOK_S, AnswerError
from capture_agent.desktop.macos_fields import Roles

_FRAMEWORKS = "/System/Library/Frameworks"
_UTF8 = 0x08000100  # kCFStringEncodingUTF8
_MAX_ROLE = 128  # bytes: roles are short words


class Frameworks:
    """The `MacCalls` of macOS itself. Loading the frameworks asks for no permission, and neither does any call."""

    def __init__(self) -> None:
        """Load the frameworks."""
        self._core = core = ctypes.CDLL(f"{_FRAMEWORKS}/CoreFoundation.framework/CoreFoundation")
        core.CFStringCreateWithCString.argtypes = (c_void_p, ctypes.c_char_p, c_uint32)
        core.CFStringCreateWithCString.restype = c_void_p
        core.CFStringGetCString.argtypes = (c_void_p, ctypes.c_char_p, c_long, c_uint32)
        core.CFStringGetCString.restype = c_ubyte
        core.CFGetTypeID.argtypes = (c_void_p,)
        core.CFBooleanGetValue.argtypes = (c_void_p,)
        core.CFBooleanGetValue.restype = c_ubyte
        core.CFRelease.argtypes = (c_void_p,)
        core.CFRelease.restype = None
        self._services = services = ctypes.CDLL(f"{_FRAMEWORKS}/ApplicationServices.framework/ApplicationServices")
        services.AXIsProcessTrusted.restype = c_ubyte
        services.AXUIElementCreateApplication.argtypes = (c_int32,)
        services.AXUIElementCreateApplication.restype = c_void_p
        services.AXUIElementSetMessagingTimeout.argtypes = (c_void_p, c_float)
        services.AXUIElementSetMessagingTimeout.restype = c_int32
        services.AXUIElementCopyAttributeValue.argtypes = (c_void_p, c_void_p, POINTER(c_void_p))
        services.AXUIElementCopyAttributeValue.restype = c_int32
        self._carbon = ctypes.CDLL(f"{_FRAMEWORKS}/Carbon.framework/Carbon")
        self._carbon.IsSecureEventInputEnabled.restype = c_ubyte
        for types in (core.CFGetTypeID, core.CFStringGetTypeID, core.CFBooleanGetTypeID, services.AXUIElementGetTypeID):
            types.restype = c_ulong

    def secure_input(self) -> bool:
        """See `MacCalls.secure_input`."""
        return bool(self._carbon.IsSecureEventInputEnabled())

    def trusted(self) -> bool:
        """See `MacCalls.trusted`."""
        return bool(self._services.AXIsProcessTrusted())

    def frontmost(self, pid: int) -> bool:
        """See `MacCalls.frontmost`."""
        with self._program(pid) as program, self._value(program, b"AXFrontmost") as value:
            return bool(self._core.CFBooleanGetValue(self._is(value, self._core.CFBooleanGetTypeID())))

    def focused(self, pid: int) -> Roles:
        """See `MacCalls.focused`."""
        with self._program(pid) as program, self._value(program, b"AXFocusedUIElement") as value:
            element = self._is(value, self._services.AXUIElementGetTypeID())
            self._limit(element)
            return Roles(self._text(element, b"AXRole"), self._text(element, b"AXSubrole", or_none=True))

    def close(self) -> None:
        """See `MacCalls.close`: what was asked for was given back at once."""

    @contextmanager
    def _program(self, pid: int) -> Iterator[int]:
        program = self._services.AXUIElementCreateApplication(pid)
        if not program:
            raise AnswerError("a program does not tell what it shows")
        try:
            self._limit(program)
            yield program
        finally:
            self._core.CFRelease(program)

    def _limit(self, element: int) -> None:
        """Let a program that hangs be waited for no longer than a quarter of a look: one look asks four times."""
        if self._services.AXUIElementSetMessagingTimeout(element, LOOK_S / 4):
            raise AnswerError("a program does not tell what it shows")

    @contextmanager
    def _value(self, element: int, name: bytes, *, or_none: bool = False) -> Iterator[int | None]:
        """Give an attribute of an element; None: it has none, where that may be."""
        key = self._core.CFStringCreateWithCString(None, name, _UTF8)
        value = c_void_p()
        try:
            failed = self._services.AXUIElementCopyAttributeValue(element, key, byref(value))
        finally:
            self._core.CFRelease(key)
        if failed and not (or_none and failed in _HAS_NONE):
            raise AnswerError("a program does not tell what it shows")
        try:
            yield value.value
        finally:
            if value.value is not None:
                self._core.CFRelease(value)

    def _is(self, value: int | None, kind: int) -> int:
        if value is None or self._core.CFGetTypeID(value) != kind:
            raise AnswerError("a program tells what it shows in an unknown way")
        return value

    def _text(self, element: int, name: bytes, *, or_none: bool = False) -> str:
        with self._value(element, name, or_none=or_none) as value:
            if value is None and or_none:
                return ""
            text = ctypes.create_string_buffer(_MAX_ROLE)
            word = self._is(value, self._core.CFStringGetTypeID())
            if not self._core.CFStringGetCString(word, text, _MAX_ROLE, _UTF8):
                raise AnswerError("a program tells what it shows in an unknown way")
            return text.value.decode()


_HAS_NONE = frozenset({-25205, -25212})  # kAXErrorAttributeUnsupported, kAXErrorNoValue (AXError.h)
