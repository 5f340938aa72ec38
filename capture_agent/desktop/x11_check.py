"""What is missing on this desktop, found before Qt is started: Qt aborts the process instead of raising."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from Xlib.ext import xinput

from capture_agent.core.errors import DesktopError
from capture_agent.desktop import x11_remote, x11_xi2, x11_xkb
from capture_agent.desktop.base import InputBackEnd, Problem
from capture_agent.desktop.x11_connection import Connection

# What Qt's xcb plugin (ldd libqxcb.so) and libxkbcommon need from the system, and the Debian package that has it.
# If any one of these is missing Qt says "xcb-cursor0 is needed" and aborts, or cannot be imported.
LIBRARIES = (
    ("libEGL.so.1", "libegl1"),
    ("libGL.so.1", "libgl1"),
    ("libX11-xcb.so.1", "libx11-xcb1"),
    ("libdbus-1.so.3", "libdbus-1-3"),
    ("libfontconfig.so.1", "libfontconfig1"),
    ("libglib-2.0.so.0", "libglib2.0-0"),
    ("libxcb-cursor.so.0", "libxcb-cursor0"),
    ("libxcb-icccm.so.4", "libxcb-icccm4"),
    ("libxcb-image.so.0", "libxcb-image0"),
    ("libxcb-keysyms.so.1", "libxcb-keysyms1"),
    ("libxcb-randr.so.0", "libxcb-randr0"),
    ("libxcb-render-util.so.0", "libxcb-render-util0"),
    ("libxcb-shape.so.0", "libxcb-shape0"),
    ("libxcb-shm.so.0", "libxcb-shm0"),
    ("libxcb-sync.so.1", "libxcb-sync1"),
    ("libxcb-xfixes.so.0", "libxcb-xfixes0"),
    ("libxcb-xkb.so.1", "libxcb-xkb1"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    ("libxkbcommon.so.0", "libxkbcommon0"),
)
# Name, least version that is needed, for what.
EXTENSIONS = (
    ("DAMAGE", "the screen"),
    ("XFIXES", "the screen"),
    ("RANDR", "monitors"),
    ("MIT-SHM", "the screen"),
    ("XKEYBOARD", "the keyboard"),
    ("MIT-SCREEN-SAVER", "idle time"),
)
XI_NEEDED = (2, 2)  # since then the pointer is told of during grabs
RECORD = "RECORD"  # what pynput reads
RANDR_NEEDED = (1, 5)  # since then it knows monitors
_X11_HINT = 'log out, and choose an X11 session ("… on Xorg") when you log in'


def check(env: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return what hinders recording on the desktop that `env` describes; nothing if it can go on.

    Needs no Qt and no import that could fail. The order is that in which a person would solve them.
    """
    wayland = check_session(env)
    if wayland:
        return wayland
    missing = check_libraries(ctypes.CDLL)
    try:
        connection = Connection(env.get("DISPLAY", ""))
    except DesktopError:
        what = "there is no display" if not env.get("DISPLAY") else "the display does not answer"
        return (*missing, Problem("display", what, "start the agent inside a desktop session"))
    try:
        return (*missing, *_check_server(connection, env))
    finally:
        connection.close()


def check_session(env: Mapping[str, str]) -> tuple[Problem, ...]:
    """Refuse Wayland, where X programs see only each other: a recording would be silently partial."""
    session = env.get("XDG_SESSION_TYPE", "")
    if session == "wayland" or (session != "x11" and env.get("WAYLAND_DISPLAY")):
        return (Problem("wayland", "this is a Wayland session, which cannot be recorded", _X11_HINT),)
    return ()


def check_libraries(load: Callable[[str], object]) -> tuple[Problem, ...]:
    """Return a problem for the system libraries that `load` cannot find (it then raises OSError)."""
    packages = []
    for library, package in LIBRARIES:
        try:
            load(library)
        except OSError:
            packages.append(package)
    if not packages:
        return ()
    names = " ".join(packages)
    return (Problem("library", f"system libraries are missing: {names}", f"on Debian: sudo apt install {names}"),)


def _check_server(connection: Connection, env: Mapping[str, str]) -> tuple[Problem, ...]:
    there = set(connection.display.list_extensions())
    if "XWAYLAND" in there:
        return (Problem("wayland", "this display belongs to a Wayland session", _X11_HINT),)
    problems = [
        Problem("extension", f"the X server lacks {name}, which {purpose} needs", "use a current Xorg")
        for name, purpose in EXTENSIONS
        if name not in there
    ]
    if problems:
        return tuple(problems)
    problems += _check_input(connection, there)
    version = connection.display.xrandr_query_version()
    if (version.major_version, version.minor_version) < RANDR_NEEDED:
        problems.append(Problem("extension", "the X server's RANDR is older than 1.5", "use a current Xorg"))
    if not x11_xkb.is_there(connection):
        problems.append(Problem("extension", "the X server's XKEYBOARD cannot be used", "use a current Xorg"))
    if not _has_window_manager(connection):
        problems.append(
            Problem("window-manager", "no window manager runs", "start one that knows EWMH, such as openbox")
        )
    return (*problems, *_check_remote(connection, env))


def input_back_end(display: str | None = None) -> InputBackEnd:
    """Return how keyboard and pointer can be read on this display: by XInput 2 if it knows that.

    Raises:
        DesktopError: There is no such display.
    """
    connection = Connection(display)
    try:
        return InputBackEnd.XI2 if _has_xi2(connection) else InputBackEnd.PYNPUT
    finally:
        connection.close()


def _has_xi2(connection: Connection) -> bool:
    if not connection.display.has_extension(xinput.extname):
        return False
    return x11_xi2.say_version(connection, XI_NEEDED) >= XI_NEEDED


def _check_input(connection: Connection, there: AbstractSet[str]) -> tuple[Problem, ...]:
    if _has_xi2(connection):
        return ()
    hint = "use a current Xorg"
    if RECORD not in there:
        return (Problem("extension", f"the X server has neither XInput 2 nor {RECORD}, which input needs", hint),)
    what = "the X server has no XInput 2, so pynput reads the keyboard: shortcuts and named keys, not what is typed"
    return (Problem("input", what, f"{hint} to record what is typed", blocks=False),)


def _check_remote(connection: Connection, env: Mapping[str, str]) -> tuple[Problem, ...]:
    if not (x11_remote.started_from_afar(env) or x11_remote.is_remote(connection)):
        return ()
    what = "this session is used from another computer, so nothing is recorded in it"
    return (Problem("remote", what, "record at the computer itself", blocks=False),)


def _has_window_manager(connection: Connection) -> bool:
    """Return whether a living window manager names the active window (EWMH, "_NET_SUPPORTING_WM_CHECK")."""
    named = connection.words(connection.root, "_NET_SUPPORTING_WM_CHECK")
    if not named or connection.words(connection.window(named[0]), "_NET_SUPPORTING_WM_CHECK") != named:
        return False
    return connection.atom("_NET_ACTIVE_WINDOW") in connection.words(connection.root, "_NET_SUPPORTED")
