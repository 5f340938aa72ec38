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
from collections.abc import Callable, Mapping
from pathlib import Path

from mcap.reader import make_reader
from Xlib.display import Display
from Xlib.error import ConnectionClosedError
from Xlib.ext import res

from capture_agent.control.client import Client, NotRunningError
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.eyes import Eyes, Name, Seen
from capture_agent.demo.hands import Hands
from capture_agent.demo.windows import Windows

ROOT = Path(__file__).parents[2]
WAIT_S = 20.0  # a busy machine with two cores
CATEGORIES = ("Keyboard", "Mouse", "Windows", "Screen", "Tasks")
BACKGROUND = "The desktop background"
PASSPHRASE = "correct horse battery staple"
STEADY = 5  # looks in a row that see the same connections
WHEEL_PX = 60  # what one click of the wheel scrolls in Qt, about


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

    def open_terminal(self, *options: str) -> None:
        self.desktop.start("xterm", *(options or ("-e", "cat")))
        window = self.windows.wait("xterm")
        self.windows.place(window, 700, 40, 500, 400)
        self.eventually(lambda: self.windows.wait("xterm").x >= 700, "the terminal does not get its place")
        self.terminal = self.windows.wait("xterm")

    def start_agent(self) -> None:
        self.process = self.desktop.start(sys.executable, "-m", "capture_agent", env=self._env)

    def press(self, name: Name, role: str | None = "push button") -> None:
        self.hands.click(*self.eyes.wait(name, role).centre)

    def tick(self, *names: Name) -> None:
        """Tick boxes of the panel, scrolling to each first, and see that it is ticked."""
        area = self.eyes.wait("Consent")
        boxes = [seen for seen in self.eyes.all() if seen.role == "check box"]
        for name in names:
            fitting = [box for box in boxes if (box.name == name if isinstance(name, str) else name.search(box.name))]
            assert fitting, f"no {name} among {[box.name for box in boxes]}"
            box = fitting[0]
            self._scroll_to(box, area)
            box = self.eyes.again(box)
            self.hands.click(box.x + min(10, box.width // 2), box.centre[1])
            self.eventually(lambda box=box: "checked" in self.eyes.again(box).states, f"{name} is not ticked")

    def _scroll_to(self, box: Seen, area: Seen) -> None:
        """Turn the wheel over the panel until the whole box is inside it."""
        for _ in range(60):
            box = self.eyes.again(box)
            above, below = area.y - box.y, box.y + box.height - area.y - area.height
            if above <= 0 and below <= 0:
                return
            away = -above if above > 0 else below
            self.hands.move(*area.centre, steps=1)
            self.hands.scroll(0, round(away / WHEEL_PX) or (1 if away > 0 else -1))
            self.eventually(lambda was=box: self.eyes.again(was).y != was.y, f"the panel does not scroll to {box.name}")
        raise AssertionError(f"{box.name} cannot be scrolled to")

    def eventually(self, true: Callable[[], object], otherwise: str, within: float = WAIT_S) -> None:
        deadline = time.monotonic() + within
        while not true():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.02)

    def set_up(
        self,
        study: Path | None = None,
        categories: tuple[str, ...] = CATEGORIES,
        programs: tuple[Name, ...] = (re.compile(r"(?i)\bxterm\b"), BACKGROUND),
    ) -> None:
        """From nothing to consent: for oneself or for a study, in the terminal and on the background."""
        if self.terminal is None:
            self.open_terminal()
        self.start_agent()
        self._to_front()  # a window that is being placed moves away under the first click
        if study is None:
            self.press("Record for myself")
        else:
            self.join(study)
        self.agree(*categories, *programs)

    def join(self, study: Path) -> None:
        """Join the study in a file by the first page."""
        self.press("Join a study…")
        self.eyes.wait("File name:", "text")
        self.hands.type(f"{study}\n")
        self.press("Join this study")

    def agree(self, *names: Name) -> None:
        """Tick these switches and programs of the panel, and accept."""
        self.tick(*names)
        self.press("Accept")
        self.eyes.wait_gone("Accept", "push button")

    def front(self) -> None:
        """Raise the agent's window."""
        self.command("start")
        self._to_front()

    def _to_front(self) -> None:
        self.windows.activate(self.windows.wait("capture-agent"))
        self.windows.wait_active("capture-agent")

    def release(self) -> list[Path]:
        """Share the newest recording by click; return the bundles that this made."""
        outbox = self.profile / "outbox"
        before = set(outbox.glob("*.capture"))
        self.front()
        self.press("My recordings", "page tab")
        self.press(re.compile("Only yours"), None)
        self.press("Share…")
        self.press("Share")
        self.eyes.wait(re.compile("^Sealed for"))
        return sorted(set(outbox.glob("*.capture")) - before)

    def record(self) -> None:
        """Click Start, and wait until the agent says that it records."""
        self.press("Start recording")
        self.until("recording")

    def work_in_terminal(self) -> None:
        """Give the terminal the keyboard, and let the focus settle, and sources that are just starting again."""
        self.windows.activate(self.windows.wait("xterm"))
        self.windows.wait_active("xterm")
        counts = [-1]
        deadline = time.monotonic() + WAIT_S
        while len(set(counts[-STEADY:])) > 1 or len(counts) < STEADY:
            assert time.monotonic() < deadline, f"its sources come and go: {counts}"
            time.sleep(0.1)
            counts.append(self.connections())

    def command(self, *words: str, code: int = 0) -> str:
        done = self.run_plain(words)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def run_plain(
        self, words: tuple[str, ...] = (), env: dict[str, str] | None = None, pass_fds: tuple[int, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, or the tray program where it is expected to end by itself."""
        return subprocess.run(
            [sys.executable, "-m", "capture_agent", *words],
            env={**self.env, **(env or {})},
            pass_fds=pass_fds,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def research(self, *words: str, code: int = 0) -> str:
        """Run a command of the researcher's, with the passphrase of their key."""
        reading, writing = os.pipe()
        try:
            os.write(writing, f"{PASSPHRASE}\n".encode())
            os.close(writing)
            done = self.run_plain(("research", *words, "--passphrase-fd", str(reading)), pass_fds=(reading,))
        finally:
            os.close(reading)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def status(self) -> dict:
        return json.loads(self.command("status", "--json"))

    def until(self, state: str, within: float = WAIT_S) -> dict:
        return self.until_status(lambda seen: seen["state"] == state, within)

    def until_status(self, true: Callable[[dict], object], within: float = WAIT_S) -> dict:
        """Wait until what the agent says of itself is `true`, and return it; asked without starting a command."""
        deadline = time.monotonic() + within
        while True:
            seen: dict = {}
            with contextlib.suppress(NotRunningError):
                seen = Client(self.profile).ask("status")
                if true(seen):
                    return seen
            assert time.monotonic() < deadline, f"did not come true: {seen}"
            time.sleep(0.05)

    def sessions(self) -> list[dict]:
        found = json.loads(self.command("sessions", "--json"))
        return found["sessions"] if isinstance(found, dict) else found

    def opened(self, session: str, out: Path) -> dict:
        self.command("open", session, "--out", str(out))
        return json.loads((out / "report.json").read_text())

    @property
    def settings(self) -> Path:
        return Path(self.env["XDG_CONFIG_HOME"]) / "capture-agent" / "settings.toml"

    def connections(self) -> int:
        """Return how many connections to the X server the agent has: each source has its own. 0 without an agent."""
        if self.process is None:
            return 0
        server = Display(self.desktop.display)
        try:
            asked = [{"client": 0, "mask": res.LocalClientPIDMask}]
            found = server.res_query_client_ids(asked).ids
            return sum(tuple(one.value) == (self.process.pid,) for one in found)
        finally:
            server.close()

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


class StudyFile:
    """A study's policy file, for one test to write and to change while it is read."""

    def __init__(self, path: Path, recipient: str, **fields: object) -> None:
        self.path = path
        self.version = 0
        self.fields: dict[str, object] = {
            "study": "lists",
            "title": "How lists are written",
            "controller": "The test",
            "controller_address": "1 Street, Town",
            "contact": "nobody@example.org",
            "independent_contact": "officer@example.org",
            "complaint_authority": "The authority",
            "jurisdiction": "DE",
            "storage": "A server in Town",
            "expires": "2099-12-31T23:59:59Z",
            "enabled": True,
            "categories": ["keyboard", "pointer", "windows", "screen", "tasks"],
            "retention_days": 7,
            "max_fps": 10,
            "destination": str(path.parent / "released"),
        } | fields
        self.recipients: list[dict[str, object]] = [{"name": "Research group", "key": recipient}]

    def write(self, **fields: object) -> None:
        """Replace the file by its next version, with these fields changed."""
        self.fields |= fields
        self.version += 1
        text = f"format = 1\nversion = {self.version}\n" + _toml(self.fields)
        text += "[purposes]\nresearch = 'To see that what is opened is what was done.'\n"
        for recipient in self.recipients:
            text += "[[recipient]]\n" + _toml(recipient)
        text += "[[notice]]\nlocale = 'en'\nversion = 1\ntemplate = true\n"
        text += "[[notice]]\nlocale = 'de'\nversion = 1\ntemplate = true\nstorage = 'Ein Server in der Stadt'\n"
        text += "purposes = { research = 'Zu sehen, dass geöffnet wird, was getan wurde.' }\n"
        replace(self.path, text)


def replace(path: Path, text: str) -> None:
    """Write a file as editors do: whole, under another name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.rename(path)


def _toml(fields: Mapping[str, object]) -> str:
    # A time stands bare in TOML; everything else here is written in TOML as in JSON.
    return "".join(f"{name} = {value if name == 'expires' else json.dumps(value)}\n" for name, value in fields.items())


def events(opened: Path) -> list[tuple[str, int, dict]]:
    """Return (topic, µs, fields) of each event in an opened recording, read with the mcap library."""
    with (opened / "events.mcap").open("rb") as stream:
        return [
            (channel.topic, message.log_time // 1000, json.loads(message.data))
            for _, channel, message in make_reader(stream).iter_messages()
        ]


def typed(opened: Path) -> str:
    """Return what keys going down typed in an opened recording."""
    return "".join(e["text"] or "" for topic, _, e in events(opened) if topic == "keyboard" and e["down"])
