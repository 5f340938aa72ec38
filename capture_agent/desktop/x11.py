"""What an X11 desktop knows, for the thread that asks."""

from __future__ import annotations

from Xlib import X

from capture_agent.core.errors import DesktopError
from capture_agent.core.events import Layout, Monitor, Window
from capture_agent.desktop import x11_focus, x11_monitors, x11_remote, x11_xkb
from capture_agent.desktop.base import Attendance
from capture_agent.desktop.clock import now_us
from capture_agent.desktop.x11_connection import Connection, wait, wrapped
from capture_agent.desktop.x11_layout import LayoutTracker
from capture_agent.desktop.x11_pick import X11Pick
from capture_agent.desktop.x11_shown import Proof

SAVER_ON = 1
ANSWERS_EVERY_US = 1_000_000  # so often a round trip shows that the server still answers, whatever it has told
# Lockers that tell no bus: they grab the keyboard and lay a window of this name over everything.
LOCKERS = frozenset({"i3lock", "slock", "xlock", "xscreensaver", "xsecurelock", "xtrlock"})


class X11Desktop:
    """The X11 side of `Desktop`."""

    def __init__(self, display: str | None = None) -> None:
        """Connect to `display`; None: the environment's.

        Raises:
            DesktopError: There is no such display.
        """
        self._connection = Connection(display)
        try:
            with wrapped():
                x11_monitors.select_changes(self._connection)
                mask = X.StructureNotifyMask | X.PropertyChangeMask
                self._tracker = LayoutTracker(self._connection, root_mask=mask)
        except DesktopError:
            self._connection.close()
            raise
        self._monitors: tuple[Monitor, ...] | None = None
        self._proof: Proof | None = None
        self._proved: tuple[int, bool] | None = None  # the window last asked about, and the answer while it holds
        self._answered_us = 0

    def _listen(self) -> None:
        """Learn all that has happened until now: one round trip."""
        self._connection.sync()
        self._take_in()

    def _take_in(self) -> None:
        """Learn what the last round trip brought."""
        self._answered_us = now_us()
        events = self._connection.drain()
        if events:
            self._proved = None
        for event in events:
            if x11_monitors.is_change(self._connection, event):
                self._monitors = None
            elif event.type == X.PropertyNotify and event.window == self._connection.root:
                self._monitors = None  # the scale is in a property of the root
            else:
                self._tracker.handle(event)

    def monitors(self) -> tuple[Monitor, ...]:
        """See `Desktop.monitors`."""
        with wrapped():
            self._listen()
            if self._monitors is None:
                self._monitors = x11_monitors.read(self._connection)
            return self._monitors

    def layout(self) -> Layout:
        """See `Desktop.layout`."""
        with wrapped():
            self._listen()
            return self._tracker.layout()

    def focused(self) -> Window | None:
        """See `Desktop.focused`."""
        with wrapped():
            return x11_focus.focused(self._connection)

    def proved_shown(self, window_id: int) -> bool:
        """See `Desktop.proved_shown`.

        The server tells of every change that can matter, so as long as nothing was told the last answer holds, and
        costs nothing; once a second it costs a round trip.
        """
        try:
            if self._proved is not None and self._proved[0] == window_id and self._is_quiet():
                return self._proved[1]
            monitors = self.monitors()
            if self._proved is not None and self._proved[0] == window_id:
                return self._proved[1]
            if self._proof is None or self._proof.window != window_id:
                self._proof = Proof(self._connection, window_id)
            with wrapped():
                answer = self._proof.prove(self._tracker, [monitor.rect for monitor in monitors])
        except DesktopError:
            return False  # a display that does not answer shows nothing that could be proved
        self._proved = (window_id, answer)
        return answer

    def _is_quiet(self) -> bool:
        """Return whether the server, which answered a moment ago, has told nothing since."""
        return now_us() - self._answered_us < ANSWERS_EVERY_US and not wait(self._connection, timeout=0.0)

    can_pick = True

    def pick(self) -> X11Pick:
        """See `Desktop.pick`."""
        return X11Pick(self._connection.name, self.layout)

    def attendance(self) -> Attendance:
        """See `Desktop.attendance`. The saver's state is 1 while it is on (MIT-SCREEN-SAVER, ScreenSaverQueryInfo)."""
        with wrapped():
            saver = self._connection.root.screensaver_query_info()
            self._take_in()  # the reply was a round trip, too
            windows = self._tracker.layout().windows
        locked = any(window.app in LOCKERS or LOCKERS.intersection(window.aliases) for window in windows)
        return Attendance(int(saver.idle) * 1000, saver.state == SAVER_ON or locked)

    def is_remote(self) -> bool:
        """See `Desktop.is_remote`."""
        with wrapped():
            return x11_remote.is_remote(self._connection)

    def keyboard_layouts(self) -> tuple[str, ...]:
        """See `Desktop.keyboard_layouts`."""
        with wrapped():
            if not x11_xkb.is_there(self._connection):
                return ()
            names = self._connection.octets(self._connection.root, "_XKB_RULES_NAMES")
            return x11_xkb.layouts(names, x11_xkb.state(self._connection).group)

    def now_us(self) -> int:
        """See `Desktop.now_us`."""
        return now_us()

    def close(self) -> None:
        """See `Desktop.close`."""
        self._connection.close()
