"""Drives the user interface on a private desktop as a person would: real clicks and keys, found by accessible names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import DBusErrorResponse

from capture_agent.demo.desktop import PrivateDesktop

WAIT_S = 15.0  # a busy machine with two cores
POLL_S = 0.05
SETTLE_S = 0.25  # more than two ticks of the program
STEADY = 2  # looks in a row that see the same
PROGRAM = Path(__file__).with_name("ui_program.py")
ROOT = Path(__file__).parents[2]
_ACCESSIBLE = "org.a11y.atspi.Accessible"
_SHOWING = 25  # bit of ATSPI_STATE_SHOWING
_CHECKED = 4  # bit of ATSPI_STATE_CHECKED
_FOCUSABLE = 11  # bit of ATSPI_STATE_FOCUSABLE
_FOCUSED = 12  # bit of ATSPI_STATE_FOCUSED


@dataclass(frozen=True)
class Node:
    """One accessible object: role, name, place on the screen in px, and whether it is showing."""

    role: str
    name: str
    box: tuple[int, int, int, int]
    showing: bool
    focused: bool
    checked: bool
    focusable: bool

    @property
    def centre(self) -> tuple[int, int]:
        x, y, width, height = self.box
        return x + width // 2, y + height // 2


class Driver:
    """The program, its display and what it says of itself."""

    def __init__(self, desktop: PrivateDesktop, *options: str, env: dict[str, str] | None = None) -> None:
        self.desktop = desktop
        self._commands = desktop.folder / "commands"
        self._commands.write_text("")
        self._told = desktop.folder / "told.json"
        self._told.unlink(missing_ok=True)  # what a program before this one said
        self._sent = 0
        self._bus: DBusConnection | None = None
        self._options = options
        self._env = {"PYTHONPATH": str(ROOT), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", **(env or {})}

    def __enter__(self) -> Self:
        self.program = self.desktop.start(
            sys.executable, str(PROGRAM), str(self._commands), str(self._told), *self._options, env=self._env
        )
        self.until(lambda seen: True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bus is not None:
            self._bus.close()
        self.desktop.stop(self.program)

    # --- what the program says
    def seen(self) -> dict[str, Any]:
        return dict(json.loads(self._told.read_text())) if self._told.exists() else {}

    def until(self, true: Callable[[dict[str, Any]], object], within: float = WAIT_S) -> dict[str, Any]:
        """Wait until what the program says of itself is `true`, and return it."""
        deadline = time.monotonic() + within
        while True:
            seen = self.seen()
            if seen and true(seen):
                return seen
            if self.program.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"did not come true; {seen}; log: {self.log()}")
            time.sleep(POLL_S)

    def settled(self) -> dict[str, Any]:
        """Wait until the windows have a place and keep it: a window manager moves them after they are shown."""
        before: object = None
        same = 0
        while same < STEADY:
            time.sleep(SETTLE_S)
            seen = self.until(lambda seen: seen["boxes"])
            now = (seen["boxes"], seen["buttons"])
            same = same + 1 if now == before else 0
            before = now
        return seen

    def say(self, *commands: str) -> None:
        """Run lines of Python on the program's main thread, and wait until they are done."""
        for command in commands:
            with self._commands.open("a") as file:
                file.write(command + "\n")
            self._sent += 1
            self.until(lambda seen: seen["done"] >= self._sent)

    def picture(self, name: str) -> None:
        """Take a picture of the screen to look at afterwards, if results are kept."""
        if out := os.environ.get("CAPTURE_AGENT_OUT"):
            time.sleep(SETTLE_S * STEADY)
            self.desktop.screenshot(Path(out) / f"{name}.png")

    def log(self) -> str:
        path = self.desktop.log(sys.executable)
        return path.read_text(errors="replace")[-5000:] if path.exists() else ""

    # --- what a person does
    def xdotool(self, *words: str) -> str:
        done = subprocess.run(("xdotool", *words), env=self.desktop.env, capture_output=True, text=True, check=True)
        return done.stdout

    def click_at(self, x: int, y: int, button: int = 1) -> None:
        self.xdotool("mousemove", str(x), str(y), "sleep", "0.05", "click", str(button))

    def click(self, name: str, role: str | None = None) -> None:
        """Click the one control of that accessible name that is showing."""
        self.click_at(*self.find(name, role).centre)

    def tick(self, name: str) -> None:
        """Turn the wheel over the consent panel until the switch of that name lies above its buttons, and click it."""
        middle, _ = self.find("Consent").centre
        bottom = self.find("Accept", "push button").box[1] - 30
        for _ in range(60):
            box = self.find(name, "check box")
            if box.centre[1] < bottom:
                self.click_at(*box.centre)
                return
            self.click_at(middle, bottom - 100, button=5)
        raise AssertionError(f"{name!r} cannot be scrolled to")

    def key(self, *keys: str) -> None:
        self.xdotool("key", "--delay", "60", *keys)

    def type(self, text: str) -> None:
        self.xdotool("type", "--delay", "20", text)

    def click_icon(self, button: int = 1) -> None:
        x, y, width, height = self.until(lambda seen: seen["tray"][2] > 0)["tray"]
        self.click_at(int(x + width / 2), int(y + height / 2), button)

    def choose(self, *names: str) -> None:
        """Open the icon's menu and click one entry after the other."""
        self.click_icon(3)
        for name in names:
            x, y, width, height = self.until(lambda seen, wanted=name: wanted in seen["menu"])["menu"][name]
            self.click_at(int(x + width / 2), int(y + height / 2))

    # --- what assistive programs see
    def find(self, name: str, role: str | None = None, within: float = WAIT_S) -> Node:
        deadline = time.monotonic() + within
        while True:
            found = [n for n in self.nodes() if n.name == name and n.showing and (role is None or n.role == role)]
            if found:
                return found[0]
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing called {name!r} is showing: {sorted({n.name for n in self.nodes()})}")
            time.sleep(POLL_S)

    def until_showing(self, more_than: int) -> None:
        """Wait until assistive programs see a whole window: the program tells the bus of itself a little late."""
        deadline = time.monotonic() + WAIT_S
        while sum(node.showing for node in self.nodes()) <= more_than:
            assert time.monotonic() < deadline, "assistive programs see nothing"
            time.sleep(POLL_S)

    def until_focused(self, name: str | None = None) -> Node:
        """Wait until a control (the one called `name`) has the keyboard, and return it.

        The window manager is asked too: it learns of the focus after the program, and a key of its own (alt+F4)
        that comes before that goes nowhere.
        """
        deadline = time.monotonic() + WAIT_S
        while True:
            found = [n for n in self.nodes() if n.focused and n.role != "frame" and name in {None, n.name}]
            if found and self._is_active():
                return found[-1]
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing called {name!r} has the keyboard")
            time.sleep(POLL_S)

    def _is_active(self) -> bool:
        asked = subprocess.run(
            ("xdotool", "getactivewindow", "getwindowpid"),
            env=self.desktop.env,
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout.strip() == str(self.seen()["pid"])

    def nodes(self) -> list[Node]:
        """Return every accessible object of the program, depth first."""
        bus = self._accessibility_bus()
        found = []
        for name, path in self._call(("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"), "GetChildren")[0]:
            who = new_method_call(
                DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus"),
                "GetConnectionUnixProcessID",
                "s",
                (name,),
            )
            if bus.send_and_get_reply(who).body == (self.program.pid,):
                found += list(self._walk((name, path)))
        return found

    def _walk(self, where: tuple[str, str]) -> Iterator[Node]:
        try:
            yield self._node(where)
            children = self._call(where, "GetChildren")[0]
        except DBusErrorResponse:
            return  # it went away in between
        for child in children:
            yield from self._walk(child)

    def _node(self, where: tuple[str, str]) -> Node:
        role = self._call(where, "GetRoleName")[0]
        low = self._call(where, "GetState")[0][0]
        get = new_method_call(
            DBusAddress(where[1], where[0], "org.freedesktop.DBus.Properties"), "Get", "ss", (_ACCESSIBLE, "Name")
        )
        name = self._send(get)[0][1]
        try:
            box = self._call(where, "GetExtents", "org.a11y.atspi.Component", "u", (0,))[0]
        except DBusErrorResponse:
            box = (0, 0, 0, 0)
        bits = (_SHOWING, _FOCUSED, _CHECKED, _FOCUSABLE)
        return Node(role, name, tuple(box), *(bool(low >> bit & 1) for bit in bits))

    def _call(
        self,
        where: tuple[str, str],
        method: str,
        face: str = _ACCESSIBLE,
        signature: str = "",
        body: tuple[Any, ...] = (),
    ) -> Any:
        return self._send(new_method_call(DBusAddress(where[1], where[0], face), method, signature or None, body))

    def _send(self, message: Any) -> Any:
        reply = self._accessibility_bus().send_and_get_reply(message, timeout=WAIT_S)
        if reply.header.message_type.name == "error":
            raise DBusErrorResponse(reply)
        return reply.body

    def _accessibility_bus(self) -> DBusConnection:
        if self._bus is None:
            with open_dbus_connection(bus=self.desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as session:
                ask = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
                address = session.send_and_get_reply(ask, timeout=WAIT_S).body[0]
            self._bus = open_dbus_connection(bus=address)
        return self._bus


def value(ui: Driver, expression: str) -> object:
    """Return what an expression is in the program."""
    ui.say(f"asked['it'] = {expression}")
    return ui.seen()["asked"]["it"]


def until(ui: Driver, expression: str) -> None:
    """Return once an expression is true in the program."""
    deadline = time.monotonic() + WAIT_S
    while not value(ui, expression):
        assert time.monotonic() < deadline, expression
