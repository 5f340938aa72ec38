"""The desktop that is recorded: a reading window, a typing window and the probe's bar code.

All are of class XTerm, so that a recorder which asks which programs it may record has one answer.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.xobject.drawable import Window

from benchmarks import barcode
from capture_agent.demo.desktop import PrivateDesktop

READING, TYPING = "bench reading", "bench typing"
FONT = ("-fa", "DejaVu Sans Mono", "-fs", "9")  # 9 points: 12 px a line's letters, the smallest that people work with
READING_AT, TYPING_AT = (40, 40), (1_000, 330)  # px of the frame's corner
READING_SIZE, TYPING_SIZE = "120x54", "96x30"  # characters
SHOWN_S = 15.0  # a loaded machine needs seconds to start two terminals
SETTLE_S = 0.5


class Stage:
    """The two terminals, for one run."""

    def __init__(self, desktop: PrivateDesktop, folder: Path) -> None:
        self.desktop = desktop
        self.fifo = folder / "reading.fifo"
        os.mkfifo(self.fifo)
        read = f"exec 3<>{shlex.quote(str(self.fifo))}; exec cat <&3"
        self._terminals = [
            _terminal(desktop, READING, READING_SIZE, READING_AT, read),
            _terminal(desktop, TYPING, TYPING_SIZE, TYPING_AT, "exec cat > /dev/null"),
        ]
        wait_window(desktop.display, READING)
        wait_window(desktop.display, TYPING)
        time.sleep(SETTLE_S)

    def close(self) -> None:
        """End both."""
        for terminal in self._terminals:
            self.desktop.stop(terminal)


def _terminal(
    desktop: PrivateDesktop, title: str, size: str, at: tuple[int, int], command: str
) -> subprocess.Popen[bytes]:
    geometry = f"{size}+{at[0]}+{at[1]}"
    options = ("-bg", "white", "-fg", "black", "-geometry", geometry, "-T", title, "+bc", "-sl", "400")
    return desktop.start("xterm", *FONT, *options, "-e", "sh", "-c", command)


def wait_window(display: str, title: str) -> None:
    """Return when a window of this title is shown.

    Raises:
        TimeoutError: It did not come.
    """
    server = Display(display)
    try:
        deadline = time.monotonic() + SHOWN_S
        while find_window(server, title) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no window is called {title!r}")
            time.sleep(0.05)
    finally:
        server.close()


def find_window(server: Display, title: str) -> Window | None:
    """Return the managed window whose title begins with `title`."""
    root = server.screen().root
    listed = root.get_full_property(server.intern_atom("_NET_CLIENT_LIST"), Xatom.WINDOW)
    for number in listed.value if listed else ():
        window = server.create_resource_object("window", number)
        if str(window.get_wm_name() or "").startswith(title):
            return window
    return None


class Probe:
    """The bar code on screen."""

    def __init__(self, server: Display) -> None:
        self._server = server
        screen = server.screen()
        self._window = screen.root.create_window(
            barcode.X,
            barcode.Y,
            barcode.WIDTH,
            barcode.HEIGHT,
            0,
            screen.root_depth,
            background_pixel=screen.white_pixel,
            override_redirect=True,
        )
        self._window.set_wm_class("xterm", "XTerm")
        self._window.set_wm_name("bench probe")
        self._window.change_property(
            server.intern_atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [os.getpid()], X.PropModeReplace
        )
        self._white = self._window.create_gc(foreground=screen.white_pixel)
        self._black = self._window.create_gc(foreground=screen.black_pixel)
        self._window.map()
        self._server.sync()

    def show(self, number: int) -> None:
        """Show the bar code of `number`."""
        for n, white in enumerate(barcode.blocks(number)):
            gc = self._white if white else self._black
            self._window.fill_rectangle(gc, n * barcode.BLOCK, 0, barcode.BLOCK, barcode.BLOCK)
        self._server.flush()
