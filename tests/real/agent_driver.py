"""The real program on a private desktop, set up and used as a person does it: by clicks and keys."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from Xlib.error import ConnectionClosedError

from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.eyes import Eyes
from capture_agent.demo.hands import Hands
from capture_agent.demo.windows import Windows

ROOT = Path(__file__).parents[2]
WAIT_S = 20.0  # a busy machine with two cores
CATEGORIES = ("Keyboard", "Mouse", "Windows", "Screen", "Tasks")


class AgentDriver:
    """One person, one terminal, one agent that records for themselves."""

    def __init__(self, desktop: PrivateDesktop, env: dict[str, str] | None = None) -> None:
        self.desktop = desktop
        self._env = {"PYTHONPATH": str(ROOT), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", **(env or {})}
        self.env = {**desktop.env, **self._env}
        self._open = contextlib.ExitStack()
        self.eyes = self._open.enter_context(Eyes(desktop.env["DBUS_SESSION_BUS_ADDRESS"]))
        self.hands = self._open.enter_context(Hands(desktop.env["DISPLAY"]))
        self.windows = self._open.enter_context(Windows(desktop.env["DISPLAY"]))
        self.terminal = None
        self.process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        with contextlib.suppress(ConnectionClosedError):  # some tests take the display away
            self._open.close()

    @property
    def profile(self) -> Path:
        return Path(self.env["XDG_DATA_HOME"]) / "capture-agent"

    def open_terminal(self) -> None:
        self.desktop.start("xterm", "-e", "cat")
        window = self.windows.wait("xterm")
        self.windows.place(window, 700, 40, 500, 400)
        self.terminal = self.windows.wait("xterm")

    def start_agent(self) -> None:
        self.process = self.desktop.start(sys.executable, "-m", "capture_agent", env=self._env)

    def press(self, name: str) -> None:
        seen = self.eyes.wait(name, "push button")
        self.hands.click(*seen.centre)

    def tick(self, name: str | re.Pattern[str]) -> None:
        for _ in range(60):
            box = self.eyes.wait(name, "check box")
            area = self.eyes.wait("Accept", "push button")
            if box.y > 40 and box.y + box.height < area.y - 30:
                break
            self.hands.move(area.x - 200, area.y - 250, steps=1)
            self.hands.scroll(0, 2 if box.y > 300 else -2)
            time.sleep(0.1)
        self.hands.click(*self.eyes.wait(name, "check box").centre)

    def set_up(self) -> None:
        """From nothing to consent, recording for oneself in the terminal and on the desktop's background."""
        self.open_terminal()
        self.start_agent()
        self.press("Record for myself")
        for name in (*CATEGORIES, re.compile(r"(?i)\bxterm\b"), "The desktop background"):
            self.tick(name)
        self.press("Accept")
        self.eyes.wait_gone("Accept", "push button")

    def record(self) -> None:
        """Click Start, and wait until the agent says that it records."""
        self.press("Start recording")
        self.until("recording")

    def work_in_terminal(self) -> None:
        """Give the terminal the keyboard, and let the focus settle."""
        self.windows.activate(self.windows.wait("xterm"))
        self.windows.wait_active("xterm")
        time.sleep(0.4)

    def command(self, *words: str, code: int = 0) -> str:
        done = self.run_plain(words)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def run_plain(
        self, words: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, or the tray program where it is expected to end by itself."""
        command = [sys.executable, "-m", "capture_agent", *words]
        return subprocess.run(
            command, env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=60, check=False
        )

    def status(self) -> dict:
        return json.loads(self.command("status", "--json"))

    def until(self, state: str, within: float = WAIT_S) -> dict:
        deadline = time.monotonic() + within
        while (seen := self.status())["state"] != state:
            assert time.monotonic() < deadline, f"not {state}: {seen}"
            time.sleep(0.05)
        return seen

    def sessions(self) -> list[dict]:
        found = json.loads(self.command("sessions", "--json"))
        return found["sessions"] if isinstance(found, dict) else found

    def opened(self, session: str, out: Path) -> dict:
        self.command("open", session, "--out", str(out))
        return json.loads((out / "report.json").read_text())

    def take_display_away(self) -> None:
        """kill -9 the X server."""
        for program in self.desktop._programs._running:
            if any("Xvfb" in str(word) for word in program.args):
                program.kill()
                program.wait()

    def kill(self) -> float:
        """kill -9; return the monotonic time right before."""
        assert self.process is not None
        now = time.monotonic()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return now

    def end(self, number: int = signal.SIGTERM, within: float = WAIT_S) -> int:
        assert self.process is not None
        os.kill(self.process.pid, number)
        return self.process.wait(within)

    def log(self) -> str:
        return self.desktop.log(sys.executable).read_text()
