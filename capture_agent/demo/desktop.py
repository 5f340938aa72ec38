"""A desktop of its own: X server, window manager, tray host, message bus, keyring and home folder.

Demo, tests and benchmarks run on it, so that they touch neither the display nor the profile of the
person who starts them. Everything it writes lies in one folder, and everything it starts ends with it.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from capture_agent.core.errors import DesktopError

if TYPE_CHECKING:
    from types import TracebackType

    from Xlib.xobject import fontable

START_S = 20.0  # a loaded machine with two cores needs up to 6 s for the slowest part, the keyring
STOP_S = 2.0  # until SIGKILL follows SIGTERM; nothing here has anything to save
POLL_S = 0.01
BACKGROUND_RGB = 0x3B4A5A  # slate: white and black windows both stand out on screenshots
if sys.platform == "win32":
    KILL = signal.SIGTERM
else:
    KILL = signal.SIGKILL
LEFT_PTR = 68  # X11/cursorfont.h XC_left_ptr
MARK = "CAPTURE_AGENT_DESKTOP"  # in the environment of all that runs here: how stop() finds what detached itself

TINT2 = """\
panel_monitor = all
panel_position = bottom center horizontal
panel_size = 100% 30
panel_items = TS
panel_dock = 0
wm_menu = 0
taskbar_mode = single_desktop
systray_padding = 4 2 4
systray_icon_size = 22
systray_monitor = 1
task_maximum_size = 200 28
task_text = 1
task_icon = 1
mouse_left = toggle_iconify
rounded = 0
border_width = 0
background_color = #20252b 100
border_color = #000000 0
rounded = 2
border_width = 1
background_color = #48525e 100
border_color = #6a7683 60
panel_background_id = 1
taskbar_background_id = 0
task_background_id = 2
task_active_background_id = 2
systray_background_id = 0
"""

LXQT_PANEL = """\
[General]
panels=panel1
[panel1]
plugins=taskbar,statusnotifier
position=Bottom
panelSize=30
width=100
width-percent=true
[taskbar]
type=taskbar
[statusnotifier]
type=statusnotifier
"""

_FOLDERS = {
    "HOME": "home",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_STATE_HOME": "home/.local/state",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_RUNTIME_DIR": "run",
    "TMPDIR": "tmp",
}
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "FONTCONFIG_PATH")


class PrivateDesktop:
    """A whole X11 desktop in one folder, from `with` until its end.

    Use it from one thread, the one that stays alive longest: the kernel ends the programs with the
    thread that started them.

    Attributes:
        folder: Everything that anything here writes lies below it (0700; removed at the end).
        env: The environment of this desktop's programs, and nothing of the caller's but `PATH` and Python's own.
        display: Name of the X display, such as ":7".
        size: Width and height in px.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] = (1280, 800),
        tray: str = "tint2",
        keyring: bool = True,
        accessibility: bool = True,
        window_manager: bool = True,
    ) -> None:
        """Describe the desktop; `start` is left to `with`.

        Args:
            size: Width and height of the screen in px.
            tray: "tint2" (XEmbed), "lxqt-panel" (StatusNotifierItem) or "none".
            keyring: Whether an unlocked Secret Service runs.
            accessibility: Whether the accessibility bus is started (toolkits' switch stays as it is by default).
            window_manager: Whether openbox runs.
        """
        self.size = size
        self.tray = tray
        self.folder = Path()
        self.env: dict[str, str] = {}
        self.display = ""
        self._keyring = keyring
        self._accessibility = accessibility
        self._window_manager = window_manager
        self._mark = uuid.uuid4().hex
        self._running: list[subprocess.Popen[bytes]] = []
        self._tray_host: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # /tmp and not TMPDIR: a socket's path may have 107 bytes, and a test's temporary folder is longer
        self.folder = Path(tempfile.mkdtemp(prefix="desktop-", dir="/tmp"))
        self.env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self.env |= {"LANG": "C.UTF-8", "XDG_SESSION_TYPE": "x11", "XDG_CURRENT_DESKTOP": "openbox", MARK: self._mark}
        for name, below in _FOLDERS.items():
            path = self.folder / below
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.env[name] = str(path)
        try:
            self._start_bus()
            self._start_display()
            if self._window_manager:
                self.start("openbox", "--sm-disable")
                self._wait("the window manager", lambda: self._root_has("_NET_SUPPORTING_WM_CHECK"))
            if self._keyring:
                self._start_keyring()
            if self._accessibility:
                self._ask_bus("org.a11y.Bus", "/org/a11y/bus", "GetAddress")
            self.start_tray()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(
        self, *command: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program on this desktop, in a process group of its own, with its output in `log(program)`.

        The kernel kills it when this process ends, however that happens.
        """
        with self.log(command[0]).open("ab") as log:
            program = subprocess.Popen(
                _tied(command),
                env={**self.env, **(env or {})},
                cwd=cwd or self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(program)
        return program

    def log(self, program: str) -> Path:
        """Return the file that holds what `program` printed."""
        return self.folder / f"{Path(program).name}.log"

    def stop(self, program: subprocess.Popen[bytes], *, by: int = signal.SIGTERM) -> int:
        """End a program that `start` returned, with its process group; return its exit code."""
        _signal_group(program, by)
        try:
            program.wait(STOP_S)
        except subprocess.TimeoutExpired:
            _signal_group(program, KILL)
            program.wait(STOP_S)
        self._running = [other for other in self._running if other is not program]
        return program.returncode

    def start_tray(self) -> None:
        """Start the tray host, and wait until icons can dock."""
        if self.tray == "tint2":
            config = self.folder / "tint2rc"
            config.write_text(TINT2, encoding="utf-8")
            self._tray_host = self.start("tint2", "-c", str(config))
            self._wait("the tray host", self._tray_owned)
        elif self.tray == "lxqt-panel":
            config = self.folder / "panel.conf"
            config.write_text(LXQT_PANEL, encoding="utf-8")
            self._tray_host = self.start("lxqt-panel", "-c", str(config))
            self._wait("the tray host", lambda: self._bus_has("org.kde.StatusNotifierWatcher"))
        elif self.tray != "none":
            raise DesktopError(f"unknown tray host {self.tray!r}", hint="Use tint2, lxqt-panel or none.")

    def stop_tray(self) -> None:
        """End the tray host as a crash would."""
        if self._tray_host is not None:
            self.stop(self._tray_host, by=KILL)
            self._tray_host = None

    def split(self) -> None:
        """Make two monitors, side by side, of the one screen."""
        width, height = self.size
        half = width // 2
        self._xrandr("--setmonitor", "left", f"{half}/254x{height}/286+0+0", "screen")
        self._xrandr("--setmonitor", "right", f"{width - half}/254x{height}/286+{half}+0", "none")

    def unsplit(self) -> None:
        """Go back to one monitor, as if the other had been unplugged."""
        self._xrandr("--delmonitor", "right")
        self._xrandr("--delmonitor", "left")

    def screenshot(self, path: Path) -> Path:
        """Write the whole screen to `path` (PNG)."""
        import mss
        import mss.tools

        with mss.MSS(display=self.display) as grabber:
            shot = grabber.grab(grabber.monitors[0])
            mss.tools.to_png(shot.rgb, shot.size, output=str(path))
        return path

    def close(self) -> None:
        """End all that was started here, whatever it did to detach itself, and remove the folder."""
        for program in reversed(self._running):
            _signal_group(program, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for program in reversed(self._running):
            try:
                program.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(program, KILL)
                program.wait(STOP_S)
        self._running.clear()
        for pid in _marked(self._mark):
            try:
                os.kill(pid, KILL)
            except ProcessLookupError:
                continue
        if self.folder != Path():
            _remove(self.folder)

    def _start_bus(self) -> None:
        """Start the message bus before anything else, or libdbus would start one that nobody ends."""
        address = f"unix:path={self.folder}/run/bus"
        self._await_line(
            "dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}", fd="--print-address"
        )
        # Nothing here may reach the real system bus; what asks for it gets this one, and finds no services on it.
        self.env |= {"DBUS_SESSION_BUS_ADDRESS": address, "DBUS_SYSTEM_BUS_ADDRESS": address}

    def _start_display(self) -> None:
        width, height = self.size
        options = ("-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset", "-s", "0")
        self.display = ":" + self._await_line("Xvfb", *options, fd="-displayfd")
        self.env["DISPLAY"] = self.display
        from Xlib import X, display

        server = display.Display(self.display)
        try:
            root = server.screen().root
            font = cast("fontable.Font | None", server.open_font("cursor"))
            if font is None:
                raise DesktopError("the X server has no cursor font", hint="Is Xvfb installed whole?")
            arrow = font.create_glyph_cursor(font, LEFT_PTR, LEFT_PTR + 1, (0, 0, 0), (65535, 65535, 65535))
            root.change_attributes(background_pixel=BACKGROUND_RGB, cursor=arrow)
            root.clear_area(0, 0, width, height)
            server.set_close_down_mode(X.RetainPermanent)
            server.sync()
        finally:
            server.close()

    def _start_keyring(self) -> None:
        with self.log("gnome-keyring-daemon").open("ab") as log:
            daemon = subprocess.Popen(
                _tied(("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")),
                env=self.env,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(daemon)
        if daemon.stdin is not None:
            daemon.stdin.write(b"\n")  # the keyring's password
            daemon.stdin.close()
        self._wait("the keyring", lambda: self._bus_has("org.freedesktop.secrets"))

    def _await_line(self, *command: str, fd: str) -> str:
        """Start a server that says, on the file descriptor it is given with option `fd`, that it is ready."""
        read, write = os.pipe()
        try:
            option = (f"{fd}={write}",) if fd.startswith("--") else (fd, str(write))
            with self.log(command[0]).open("ab") as log:
                server = subprocess.Popen(
                    _tied((*command, *option)),
                    env=self.env,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(write,),
                    start_new_session=True,
                )
            self._running.append(server)
        finally:
            os.close(write)
        try:
            return _line(read)
        except TimeoutError:
            raise DesktopError(
                f"{command[0]} did not start: {self.log(command[0]).read_text(errors='replace')[-300:]}",
                hint=f"Try {command[0]} by hand.",
            ) from None
        finally:
            os.close(read)

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not ready():
            if time.monotonic() > deadline:
                raise DesktopError(f"{what} did not start", hint=f"See the logs in {self.folder}.")
            time.sleep(POLL_S)

    def _root_has(self, name: str) -> bool:
        from Xlib import X, display

        server = display.Display(self.display)
        try:
            return server.screen().root.get_full_property(server.intern_atom(name), X.AnyPropertyType) is not None
        finally:
            server.close()

    def _tray_owned(self) -> bool:
        from Xlib import display

        server = display.Display(self.display)
        try:
            return bool(server.get_selection_owner(server.intern_atom("_NET_SYSTEM_TRAY_S0")))
        finally:
            server.close()

    def _bus_has(self, name: str) -> bool:
        return bool(self._ask_bus("org.freedesktop.DBus", "/org/freedesktop/DBus", "NameHasOwner", "s", (name,)))

    def _ask_bus(self, name: str, path: str, method: str, signature: str = "", body: tuple[str, ...] = ()) -> object:
        from jeepney import DBusAddress, new_method_call
        from jeepney.io.blocking import open_dbus_connection

        with open_dbus_connection(bus=self.env["DBUS_SESSION_BUS_ADDRESS"]) as bus:
            call = new_method_call(DBusAddress(path, name, name), method, signature or None, body)
            reply: tuple[object, ...] = bus.send_and_get_reply(call, timeout=START_S).body
        return reply[0]

    def _xrandr(self, *options: str) -> None:
        done = subprocess.run(("xrandr", *options), env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DesktopError(f"xrandr failed: {done.stderr.strip()}", hint="Is x11-xserver-utils installed?")


def _tied(command: tuple[str, ...]) -> list[str]:
    """Return `command` such that the kernel kills it when the thread that starts it ends (PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        return ["setpriv", "--pdeathsig", "KILL", "--", *command]
    raise DesktopError("a private desktop needs Linux", hint="Run this on Debian 12.")


def _signal_group(program: subprocess.Popen[bytes], number: int) -> None:
    if program.poll() is None and sys.platform != "win32":
        try:
            os.killpg(program.pid, number)
        except ProcessLookupError:
            return  # it ended between the two lines


def _marked(mark: str) -> list[int]:
    """Return the processes whose environment carries `mark`: those that left their process group."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue  # ended, or another user's
            if wanted in environment.split(b"\0"):
                found.append(int(entry.name))
    return found


def _line(fd: int) -> str:
    """Return the first line that comes through `fd`.

    Raises:
        TimeoutError: None came within `START_S`, or the writer closed before.
    """
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while b"\n" not in text:
            if not selector.select(START_S):
                raise TimeoutError
            more = os.read(fd, 4096)
            if not more:
                raise TimeoutError
            text += more
    return text.decode().splitlines()[0]


def _remove(folder: Path) -> None:
    """Remove a folder in which a dying program may still be writing its last file."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(POLL_S)
