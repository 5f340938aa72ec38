"""A desktop of its own: X server, window manager, tray host, message bus, keyring and home folder.

Demo, tests and benchmarks run on it, so that they touch neither the display nor the profile of the
person who starts them. Everything it writes lies in one folder, and everything it starts ends with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from capture_agent.core.errors import DesktopError
from capture_agent.demo.programs import KILL, START_S, Programs

if TYPE_CHECKING:
    from types import TracebackType

    from Xlib.xobject import fontable

POLL_S = 0.01
BACKGROUND_RGB = 0x3B4A5A  # slate: white and black windows both stand out on screenshots
LEFT_PTR = 68  # X11/cursorfont.h XC_left_ptr

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
# What an X server is started with for a screen of {0} × {1} px. Xvnc's viewers come through a file, and none has to.
_SERVERS = {
    "Xvfb": ("-screen", "0", "{0}x{1}x24"),
    "Xtigervnc": (
        "-geometry",
        "{0}x{1}",
        "-depth",
        "24",
        "-SecurityTypes",
        "None",
        "-rfbport",
        "-1",
        "-rfbunixpath",
        "{2}",
    ),
}
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")


class PrivateDesktop:
    """A whole X11 desktop in one folder, from `with` until its end.

    Use it from one thread, the one that stays alive longest: the kernel ends the programs with the
    thread that started them.

    Attributes:
        folder: Everything that anything here writes lies below it (0700; removed at the end).
        env: The environment of this desktop's programs; nothing of the caller's but `PATH` and Python's own.
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
        server: str = "Xvfb",
    ) -> None:
        """Describe the desktop; starting it is left to `with`.

        Args:
            size: Width and height of the screen in px.
            tray: "tint2" (XEmbed), "lxqt-panel" (StatusNotifierItem) or "none".
            keyring: Whether an unlocked Secret Service runs.
            accessibility: Whether the accessibility bus is started; its switch `IsEnabled` stays off.
            window_manager: Whether openbox runs.
            server: "Xvfb", or "Xtigervnc", whose screen is seen from other computers.
        """
        self.size = size
        self.tray = tray
        self.folder = Path()
        self.display = ""
        self._keyring = keyring
        self._accessibility = accessibility
        self._window_manager = window_manager
        self._server = server
        self._programs = Programs(Path(), {})
        self._tray_host: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment of this desktop's programs."""
        return self._programs.env

    def __enter__(self) -> Self:
        # /tmp and not TMPDIR: a socket's path may have 107 bytes, and a test's temporary folder is longer
        self.folder = Path(tempfile.mkdtemp(prefix="desktop-", dir="/tmp"))
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {"LANG": "C.UTF-8", "XDG_SESSION_TYPE": "x11", "XDG_CURRENT_DESKTOP": "openbox"}
        for name, below in _FOLDERS.items():
            path = self.folder / below
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            env[name] = str(path)
        self._programs = Programs(self.folder, env)
        try:
            self._start_all()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_all(self) -> None:
        self._start_bus()
        self._start_display()
        if self._window_manager:
            self.start("openbox", "--sm-disable")
            self._wait("the window manager", lambda: self._root_has("_NET_SUPPORTING_WM_CHECK"))
        if self._keyring:
            self._programs.start(
                "gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", given=b"\n"
            )
            self._wait("the keyring", lambda: self._bus_has("org.freedesktop.secrets"))
        if self._accessibility:
            # Qt tells the registry of a program once, as that starts. If the registry, which is only started for that,
            # does not come up then, the program runs on and is never seen.
            self._wait("the accessibility bus", self._registry_answers)
        self.start_tray()

    def start(
        self, *command: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program on this desktop, in a process group of its own, with its output in `log(program)`.

        The kernel kills it when this process ends, however that happens.
        """
        return self._programs.start(*command, env=env, cwd=cwd)

    def log(self, program: str) -> Path:
        """Return the file that holds what `program` printed."""
        return self._programs.log(program)

    def stop(self, program: subprocess.Popen[bytes], *, by: int = signal.SIGTERM) -> int:
        """End a program that `start` returned, with its process group; return its exit code."""
        return self._programs.stop(program, by=by)

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
        self._programs.close()
        if self.folder != Path():
            _remove(self.folder)

    def _start_bus(self) -> None:
        """Start the message bus before anything else, or libdbus would start one that nobody ends."""
        address = f"unix:path={self.folder}/run/bus"
        options = ("--session", "--nofork", "--nopidfile", f"--address={address}")
        self._programs.start_server("dbus-daemon", *options, option="--print-address")
        # Nothing here may reach the real system bus; what asks for it gets this one, and finds no services on it.
        self.env.update(DBUS_SESSION_BUS_ADDRESS=address, DBUS_SYSTEM_BUS_ADDRESS=address)

    def _start_display(self) -> None:
        width, height = self.size
        own = [word.format(width, height, self.folder / "run" / "vnc") for word in _SERVERS[self._server]]
        options = (*own, "-nolisten", "tcp", "-noreset", "-s", "0")
        self.display = ":" + self._programs.start_server(self._server, *options, option="-displayfd")
        self.env["DISPLAY"] = self.display
        from Xlib import display

        with closing(display.Display(self.display)) as server:
            root = server.screen().root
            font = cast("fontable.Font | None", server.open_font("cursor"))
            if font is None:
                raise DesktopError("the X server has no cursor font", hint="Is Xvfb installed whole?")
            arrow = font.create_glyph_cursor(font, LEFT_PTR, LEFT_PTR + 1, (0, 0, 0), (65535, 65535, 65535))
            root.change_attributes(background_pixel=BACKGROUND_RGB, cursor=arrow)
            root.clear_area(0, 0, width, height)
            server.sync()

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not ready():
            if time.monotonic() > deadline:
                raise DesktopError(f"{what} did not start", hint="Start it by hand on an Xvfb, and see what it says.")
            time.sleep(POLL_S)

    def _root_has(self, name: str) -> bool:
        from Xlib import X, display

        with closing(display.Display(self.display)) as server:
            return server.screen().root.get_full_property(server.intern_atom(name), X.AnyPropertyType) is not None

    def _tray_owned(self) -> bool:
        from Xlib import display

        with closing(display.Display(self.display)) as server:
            return bool(server.get_selection_owner(server.intern_atom("_NET_SYSTEM_TRAY_S0")))

    def _bus_has(self, name: str) -> bool:
        return bool(self._ask_bus("org.freedesktop.DBus", "/org/freedesktop/DBus", "NameHasOwner", name))

    def _registry_answers(self) -> bool:
        """Start the accessibility bus and the registry on it, unless they run, and return whether both answer."""
        bus = self._ask_bus("org.a11y.Bus", "/org/a11y/bus", "GetAddress")
        root = "/org/a11y/atspi/accessible/root"
        return bool(bus) and bool(
            self._ask_bus("org.a11y.atspi.Registry", root, "GetRole", face="org.a11y.atspi.Accessible", bus=str(bus))
        )

    def _ask_bus(self, name: str, path: str, method: str, *words: str, face: str = "", bus: str = "") -> object:
        """Return the first value that a service answers with, None if it answers with an error or not in time.

        `face` is the interface if it is not called as the service is, `bus` the bus if it is not the session's.
        """
        from jeepney import DBusAddress, MessageType, new_method_call
        from jeepney.io.blocking import open_dbus_connection

        with open_dbus_connection(bus=bus or self.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            call = new_method_call(DBusAddress(path, name, face or name), method, "s" * len(words) or None, words)
            try:
                reply = connection.send_and_get_reply(call, timeout=START_S)
            except TimeoutError:
                return None
        failed = reply.header.message_type is MessageType.error
        return None if failed else reply.body[0]

    def _xrandr(self, *options: str) -> None:
        done = subprocess.run(("xrandr", *options), env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DesktopError(f"xrandr failed: {done.stderr.strip()}", hint="Is x11-xserver-utils installed?")


def _remove(folder: Path) -> None:
    """Remove a folder in which a dying program may still be writing its last file."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(POLL_S)
