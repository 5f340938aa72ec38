"""A connection to the X server: the house's typed door to python-xlib.

python-xlib reports errors of requests without a reply to a handler, by default by printing them.
Windows may vanish between two requests at any time, so errors that say "there is no such
window" are part of life; every other one is kept and raised by the next `drain`.
"""

from __future__ import annotations

import select
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from Xlib import error
from Xlib.display import Display

from capture_agent.core.errors import DesktopError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from Xlib.xobject.drawable import Window as XWindow

    from capture_agent.desktop.waker import Waker

# What a request for a window that has just gone comes back with.
GONE = (error.BadWindow, error.BadDrawable, error.BadMatch, error.BadAtom, error.BadValue)
# What python-xlib raises for a connection that cannot be made or was lost.
LOST = (error.DisplayError, error.ConnectionClosedError, error.XauthError, error.XNoAuthError, OSError)
MAX_PROPERTY_WORDS = 1024  # 4 KiB of a property at most: a title may be as long as its program likes


@contextmanager
def wrapped() -> Iterator[None]:
    """Turn what python-xlib raises inside into `DesktopError`."""
    try:
        yield
    except (*LOST, error.XError) as problem:
        raise DesktopError("the display does not answer", hint="log in again") from problem


def _close_leftovers(problem: BaseException | None) -> None:
    """Close the sockets that python-xlib leaves open when connecting fails: local variables of its frames."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        while problem is not None:
            traceback.clear_frames(problem.__traceback__)
            problem = problem.__context__


class Connection:
    """One connection to the X server, used by one thread at a time.

    Attributes:
        display: python-xlib's display.
        root: The root window of the default screen.
    """

    def __init__(self, name: str | None = None) -> None:
        """Connect to the display `name` (None: the environment's).

        Raises:
            DesktopError: There is no such display, or it lets nobody in.
        """
        try:
            self.display = Display(name)
        except LOST as problem:
            _close_leftovers(problem)
            raise DesktopError(
                "the display cannot be reached", hint="start the agent inside a desktop session; DISPLAY names it"
            ) from problem
        self.name = name
        # Any: python-xlib adds the extensions' methods to windows at run time.
        self.root: Any = self.display.screen().root
        self._atoms: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._unexpected: list[error.XError] = []
        self._closed = False
        self.display.set_error_handler(self._keep_error)

    def _keep_error(self, problem: error.XError, _request: object) -> None:
        if not isinstance(problem, GONE):
            self._unexpected.append(problem)

    def fileno(self) -> int:
        """Return the socket, for `select`."""
        return self.display.fileno()

    def drain(self) -> list[Any]:
        """Return every event that has arrived, without waiting.

        Raises:
            Xlib.error.XError: A request of ours failed for another reason than a window that is gone.
            Xlib.error.ConnectionClosedError: The server is gone.
        """
        count = self.display.pending_events()
        events = [self.display.next_event() for _ in range(count)]
        if self._unexpected:
            raise self._unexpected.pop(0)
        return events

    def queued(self) -> bool:
        """Return whether events were read while waiting for a reply: `select` does not see those."""
        return bool(self.display.display.event_queue)

    def sync(self) -> None:
        """Wait until the server has carried out everything sent so far; events until then can be drained."""
        self.display.sync()

    def flush(self) -> None:
        """Send what is waiting to be sent."""
        self.display.flush()

    def atom(self, name: str) -> int:
        """Return the server's number for `name`."""
        number = self._atoms.get(name)
        if number is None:
            number = self._atoms[name] = self.display.intern_atom(name)
        return number

    def atom_name(self, number: int) -> str:
        """Return the name of an atom, empty for 0 or one that does not exist."""
        if not number:
            return ""
        name = self._names.get(number)
        if name is None:
            try:
                name = self.display.get_atom_name(number)
            except GONE:
                name = ""
            self._names[number] = name
        return name

    def is_extension_event(self, event: Any, *names: str) -> bool:
        """Return whether `event` is one of an extension's, by the names of python-xlib's classes.

        `isinstance` does not tell: python-xlib copies the class for each connection.
        """
        codes = self.display.extension_event
        for name in names:
            code = getattr(codes, name, None)
            number, part = code if isinstance(code, tuple) else (code, None)
            if number == event.type and (part is None or part == event.sub_code):
                return True
        return False

    def window(self, number: int) -> XWindow:
        """Return the handle of a window."""
        return self.display.create_resource_object("window", number)

    def words(self, window: XWindow, name: str) -> tuple[int, ...]:
        """Return a property of 32-bit numbers, empty if the window has none, or is gone."""
        try:
            found = window.get_property(self.atom(name), 0, 0, MAX_PROPERTY_WORDS)
        except GONE:
            return ()
        if found is None or found.format != 32:
            return ()
        return tuple(found.value)

    def octets(self, window: XWindow, name: str) -> bytes:
        """Return a property of bytes, empty if the window has none, or is gone."""
        try:
            found = window.get_property(self.atom(name), 0, 0, MAX_PROPERTY_WORDS)
        except GONE:
            return b""
        if found is None or found.format != 8:
            return b""
        value = found.value
        return value.encode("latin-1") if isinstance(value, str) else bytes(value)

    def close(self) -> None:
        """Close the connection. Safe to call twice, and after the server has gone."""
        if self._closed:
            return
        self._closed = True
        try:
            self.display.close()
        except LOST:
            # It was lost already; python-xlib then keeps the socket, which would leak.
            self.display.display.socket.close()


def wait(*sources: Connection | Waker, timeout: float | None = None) -> Iterable[Connection | Waker]:
    """Wait until one of `sources` has something to read, `timeout` seconds at most; return those that have."""
    if any(isinstance(source, Connection) and source.queued() for source in sources):
        timeout = 0.0
    ready, _, _ = select.select(sources, (), (), timeout)
    return ready
