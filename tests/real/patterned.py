"""Programs that show a known pattern of colours: run as a program, one X client that obeys lines on its standard input.

What nobody may see is red on dark red; what may be seen is cyan on dark cyan, and nothing else on the desktop has more
red than green: a pixel that has tells of the forbidden window even where it only shines through.
"""

from __future__ import annotations

import select
import subprocess
import sys
import time
from types import TracebackType

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.protocol import event as xevent

RED, DARK_RED, CYAN, DARK_CYAN = 0xFF0000, 0xA00000, 0x00D0D0, 0x007878
COLOURS = {"forbidden": (RED, DARK_RED), "allowed": (CYAN, DARK_CYAN)}
STRIPE = 16  # px; wider than what a codec smears
TICK_S = 0.015  # between two pictures of what moves in each window
LATE_S = 0.03  # until a program paints what became free, as toolkits do
READY = b"ready\n"


class Program:
    """One client with one managed window and its pop-ups; `name` is its class."""

    def __init__(self, name: str, x: int, y: int, width: int, height: int) -> None:
        self.name, self.colours = name, COLOURS[name]
        self.display = Display()
        self.screen = self.display.screen()
        self.size = (width, height)
        self.popups: dict[str, object] = {}
        self.drawn = 0
        self.exposed_at: dict[int, float] = {}
        self.ticked_at, self.most_late = time.monotonic(), TICK_S
        self.open(x, y, width, height)

    def create(self, x: int, y: int, width: int, height: int, **how: object) -> object:
        # Xlib and XCB give a number again after a million others, python-xlib at once: on a busy machine xcompmgr then
        # takes the new window for the one that it still lets fade, and never shows it.
        self.display.display.allocate_resource_id()
        # As with Qt and GTK: without a background what was there stays on the screen until the program paints.
        return self.screen.root.create_window(
            x, y, width, height, 0, self.screen.root_depth, background_pixmap=X.NONE, event_mask=X.ExposureMask, **how
        )

    def open(self, x: int, y: int, width: int, height: int) -> None:
        self.window = self.create(x, y, width, height)
        self.window.set_wm_class(self.name, self.name)
        self.window.set_wm_name(self.name)
        self.window.set_wm_normal_hints(flags=1 << 0 | 1 << 2, x=x, y=y)  # USPosition, PPosition
        bare = self.display.intern_atom("_MOTIF_WM_HINTS")
        self.window.change_property(bare, bare, 32, [2, 0, 0, 0, 0])  # no frame: its colours are not ours
        if self.name == "allowed":
            everywhere = self.display.intern_atom("_NET_WM_DESKTOP")
            self.window.change_property(everywhere, Xatom.CARDINAL, 32, [0xFFFFFFFF])
        self.gc = self.window.create_gc()
        self.window.map()

    def obey(self, line: str) -> None:
        what, *words = line.split()
        numbers = [int(word) for word in words if word.lstrip("-").isdigit()]
        match what:
            case "move":
                self.window.configure(x=numbers[0], y=numbers[1])
            case "resize":
                self.window.configure(width=numbers[0], height=numbers[1])
            case "raise":
                self.window.configure(stack_mode=X.Above)
            case "lower":
                self.window.configure(stack_mode=X.Below)
            case "close":
                self.window.destroy()
            case "open":
                self.open(*numbers)
            case "minimise":
                self.ask(self.window, "WM_CHANGE_STATE", [3, 0, 0, 0, 0])
            case "restore":
                self.window.map()
            case "focus":
                self.ask(self.window, "_NET_ACTIVE_WINDOW", [2, X.CurrentTime, 0, 0, 0])
            case "full":
                full = self.display.intern_atom("_NET_WM_STATE_FULLSCREEN")
                self.ask(self.window, "_NET_WM_STATE", [numbers[0], full, 0, 1, 0])
            case "workspace":
                self.ask(self.screen.root, "_NET_CURRENT_DESKTOP", [numbers[0], X.CurrentTime, 0, 0, 0])
            case "popup":  # a name, then where
                popup = self.popups[words[0]] = self.create(*numbers, override_redirect=True, save_under=True)
                popup.map()
            case "popdown":
                self.popups.pop(words[0]).destroy()
        self.display.flush()

    def ask(self, window: object, message: str, data: list[int]) -> None:
        told = xevent.ClientMessage(window=window, client_type=self.display.intern_atom(message), data=(32, data))
        self.screen.root.send_event(told, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)

    def paint(self, window: object) -> None:
        for number, colour in enumerate(self.colours):
            self.gc.change(foreground=colour)
            rows = [(0, y, 3000, STRIPE) for y in range(number * STRIPE, 2000, 2 * STRIPE)]
            window.poly_fill_rectangle(self.gc, rows)

    def tick(self) -> None:
        """Paint what was exposed, `LATE_S` after it, and one stripe anew: there is always something to record."""
        now = time.monotonic()
        if now - self.ticked_at > self.most_late:
            self.most_late = now - self.ticked_at
            print(self.most_late, flush=True)
        self.ticked_at = now
        windows = {int(window.id): window for window in (self.window, *self.popups.values())}
        for number in [n for n, at in self.exposed_at.items() if now - at >= LATE_S]:
            del self.exposed_at[number]
            if number in windows:
                self.paint(windows[number])
        self.drawn += 1
        self.gc.change(foreground=self.colours[self.drawn % 2])
        self.window.fill_rectangle(self.gc, 0, 0, 3000, STRIPE)
        self.display.flush()

    def run(self) -> None:
        self.display.set_error_handler(lambda *_: None)  # a window that is painted may be gone
        self.display.sync()
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([sys.stdin], [], [], TICK_S)
            if readable:
                line = sys.stdin.readline()
                if not line:
                    return
                self.obey(line)
            while self.display.pending_events():
                met = self.display.next_event()
                if met.type == X.Expose:
                    self.exposed_at.setdefault(int(met.window.id), time.monotonic())
            self.tick()


class Patterned:
    """The running program, from the test's side."""

    def __init__(self, name: str, env: dict[str, str], place: tuple[int, int, int, int]) -> None:
        command = (sys.executable, __file__, name, *map(str, place))
        self.most_late = 0.0  # s; the longest time in which it painted nothing, known when it has ended
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == READY

    def __call__(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def __enter__(self) -> Patterned:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.most_late = max(map(float, self.process.stdout.read().split()), default=0.0)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


if __name__ == "__main__":
    Program(sys.argv[1], *map(int, sys.argv[2:6])).run()
