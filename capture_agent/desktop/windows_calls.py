"""The calls of `windows_fields` into Windows: user32, and UI Automation over COM. Not exercised on a real system yet.

Methods of COM are called by their place in the table of the interface, as UIAutomationClient.h has them (the first
three are IUnknown's). Only numbers are asked for: what an element is, whose, where, and whether it hides its text.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    from collections.abc import Iterator
    from contextlib import contextmanager
    from ctypes import POINTER, byref, c_int, c_long, c_void_p, wintypes
    from typing import Any
    from uuid import UUID

    from capture_agent.core.events import Rect
    from capture_agent.desktop.base import LOOK_S, AnswerError
    from capture_agent.desktop.windows_fields import Element

    _AUTOMATION = UUID("e22ad333-b25f-460c-83d0-0581107395c9")  # CUIAutomation8
    _AUTOMATION_2 = UUID("34723aff-0c9d-49d0-9896-7ab52df8cd8a")  # IUIAutomation2: the first that can be told a limit
    _IN_PROCESS = 1  # CLSCTX_INPROC_SERVER
    _MULTI_THREADED = 0  # COINIT_MULTITHREADED: this thread has no window, and pumps no messages
    _RELEASE = 2  # IUnknown
    _GET_FOCUSED_ELEMENT, _PUT_CONNECTION_TIMEOUT, _PUT_TRANSACTION_TIMEOUT = 8, 61, 63  # IUIAutomation2
    _PROCESS_ID, _CONTROL_TYPE, _IS_PASSWORD, _FRAMEWORK_ID, _RECTANGLE = 20, 21, 35, 40, 43  # IUIAutomationElement

    class UserInterface:
        """The `WindowsCalls` of Windows itself."""

        def __init__(self) -> None:
            """Load the libraries; COM is entered by the thread that looks, when it looks."""
            self._user = ctypes.WinDLL("user32")
            self._user.GetForegroundWindow.restype = c_void_p
            self._user.GetWindowDisplayAffinity.argtypes = (c_void_p, POINTER(wintypes.DWORD))
            self._user.IsHungAppWindow.argtypes = (c_void_p,)
            self._ole = ctypes.WinDLL("ole32")
            self._ole.CoInitializeEx.argtypes = (c_void_p, wintypes.DWORD)
            self._ole.CoCreateInstance.argtypes = (c_void_p, c_void_p, wintypes.DWORD, c_void_p, POINTER(c_void_p))
            self._strings = ctypes.WinDLL("oleaut32")
            self._strings.SysFreeString.argtypes = (c_void_p,)
            self._strings.SysFreeString.restype = None
            self._entered = False
            self._automation: int | None = None

        def foreground(self) -> int:
            """See `WindowsCalls.foreground`."""
            return self._user.GetForegroundWindow() or 0

        def affinity(self, window: int) -> int:
            """See `WindowsCalls.affinity`."""
            value = wintypes.DWORD()
            if not self._user.GetWindowDisplayAffinity(window, byref(value)):
                raise AnswerError("a program does not tell what it shows")
            return value.value

        def hangs(self, window: int) -> bool:
            """See `WindowsCalls.hangs`."""
            return bool(self._user.IsHungAppWindow(window))

        def focused(self) -> Element:
            """See `WindowsCalls.focused`."""
            element = c_void_p()
            _call(self._connected(), _GET_FOCUSED_ELEMENT, byref(element))
            with _released(element) as this:
                pid, control, password = c_int(), c_int(), c_int()
                _call(this, _PROCESS_ID, byref(pid))
                _call(this, _CONTROL_TYPE, byref(control))
                _call(this, _IS_PASSWORD, byref(password))
                return Element(pid.value, control.value, self._framework(this), bool(password.value), _place(this))

        def close(self) -> None:
            """See `WindowsCalls.close`."""
            if self._automation is not None:
                _release(self._automation)
                self._automation = None
            if self._entered:
                self._ole.CoUninitialize()
                self._entered = False

        def _connected(self) -> int:
            if not self._entered:
                if self._ole.CoInitializeEx(None, _MULTI_THREADED) < 0:
                    raise AnswerError("a program does not tell what it shows")
                self._entered = True
            if self._automation is None:
                automation = c_void_p()
                kind, interface = _guid(_AUTOMATION), _guid(_AUTOMATION_2)
                self._ole.CoCreateInstance(kind, None, _IN_PROCESS, interface, byref(automation))
                if automation.value is None:
                    raise AnswerError("a program does not tell what it shows")
                # A look asks six times, and only the first one connects.
                limit_ms = wintypes.DWORD(int(LOOK_S * 1000 / 6))
                try:
                    _call(automation.value, _PUT_CONNECTION_TIMEOUT, limit_ms)
                    _call(automation.value, _PUT_TRANSACTION_TIMEOUT, limit_ms)
                except AnswerError:
                    _release(automation.value)
                    raise
                self._automation = automation.value
            return self._automation

        def _framework(self, element: int) -> str:
            text = c_void_p()
            _call(element, _FRAMEWORK_ID, byref(text))
            if text.value is None:
                return ""
            try:
                return ctypes.wstring_at(text.value)
            finally:
                self._strings.SysFreeString(text)

    def _place(element: int) -> Rect | None:
        """Return where an element is: px, because Qt has made this program aware of each monitor's scale."""
        rect = wintypes.RECT()
        _call(element, _RECTANGLE, byref(rect))
        place = Rect(rect.left, rect.top, rect.right - rect.left, rect.bottom - rect.top)
        return place if place.width > 0 and place.height > 0 else None

    def _method(this: int, place: int, *kinds: Any) -> Any:
        table = ctypes.cast(this, POINTER(POINTER(c_void_p))).contents
        return ctypes.WINFUNCTYPE(c_long, c_void_p, *kinds)(table[place] or 0)

    def _call(this: int, place: int, argument: Any) -> None:
        kind = wintypes.DWORD if isinstance(argument, wintypes.DWORD) else c_void_p
        if _method(this, place, kind)(this, argument) < 0:
            raise AnswerError("a program does not tell what it shows")

    def _release(this: int) -> None:
        _method(this, _RELEASE)(this)

    @contextmanager
    def _released(element: c_void_p) -> Iterator[int]:
        if element.value is None:
            raise AnswerError("a program does not tell what it shows")
        try:
            yield element.value
        finally:
            _release(element.value)

    def _guid(value: UUID) -> Any:
        return ctypes.create_string_buffer(value.bytes_le, 16)
