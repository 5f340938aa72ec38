"""This agent as a recorder under test: first run and consent by real clicks, then a recording as any other."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from benchmarks import tree
from benchmarks.recorders import Left, Recorder
from capture_agent.control.client import Client, NotRunningError
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.eyes import Eyes
from capture_agent.demo.hands import Hands
from capture_agent.demo.windows import Windows
from capture_agent.encode.event_log import read_log

APP = "capture-agent"
CATEGORIES = ("Keyboard", "Mouse", "Windows", "Screen", "Tasks")
PROGRAMS = (re.compile(r"(?i)\bxterm\b"), re.compile("desktop background"))
READY_S = 30.0
END_S = 30.0
KINDS = {"key": "keys", "move": "moves", "button": "buttons", "scroll": "scrolls"}


class Agent(Recorder):
    """`python -m capture_agent`, every category agreed to; its profile stays from run to run, as a person's does."""

    name = "capture-agent"

    def __init__(self, desktop: PrivateDesktop, folder: Path) -> None:
        super().__init__(desktop, folder)
        self._profile = Path(desktop.env["XDG_DATA_HOME"]) / APP
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._report = folder / "report.json"
        self._before = frozenset(self._held())
        self._cpu_at_end = 0.0

    @property
    def supervisor(self) -> int:
        if self._supervisor is None:
            raise RuntimeError("the agent was not started")
        return self._supervisor.pid

    def start(self) -> None:
        self._supervisor = self.desktop.start(
            *(sys.executable, "-m", "benchmarks.supervise", str(self._report), "--"),
            *("sh", "-c", f'exec "$@" >>"{self.desktop.folder}/agent.log" 2>&1', "sh"),
            *(sys.executable, "-m", *self.module()),
            # so that buttons can be found; the desktop itself keeps accessibility off
            env={"PYTHONPATH": str(Path(__file__).parent.parent), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"},
        )
        self._until(self._answers, "the agent does not start")
        with (
            Hands(self.desktop.display) as hands,
            Eyes(self.desktop.env["DBUS_SESSION_BUS_ADDRESS"]) as eyes,
            Windows(self.desktop.display) as windows,
        ):
            self._ask("show")
            if not self._ask("status")["consented"]:
                _agree(hands, eyes)
                self._ask("show")
            _press(hands, eyes, "Start recording")
            self._until(lambda: self._ask("status")["state"] == "recording", "the agent does not record")
            for window in windows.all():
                if window.title == "Capture Agent":
                    windows.close(window)
            # over the typing window, where no tool tip opens
            hands.move(1_300, 650)

    def module(self) -> tuple[str, ...]:
        """Return what Python runs."""
        return ("capture_agent",)

    def stop(self) -> float:
        """Stop over the control socket; sealed is the last write to the session's file, by the file system's clock."""
        asked = time.time()
        self._ask("stop")
        session = self._session()
        self._cpu_at_end = tree.cpu_seconds(self.supervisor)
        return session.stat().st_mtime - asked

    def cpu_seconds_at_end(self) -> float:
        return self._cpu_at_end

    def left(self) -> Left:
        session = self._session()
        opened = self.folder / "opened"
        done = subprocess.run(
            (sys.executable, "-m", "capture_agent", "open", session.stem, "--out", str(opened)),
            env=self.desktop.env,
            cwd=self.desktop.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the session does not open: {done.stderr.strip()[-500:]}")
        counts: Counter[str] = Counter(dict.fromkeys(KINDS.values(), 0))
        with (opened / "events.mcap").open("rb") as stream:
            for message in read_log(stream):
                if message.topic in {"keyboard", "pointer"}:
                    kind = json.loads(message.data).get("kind", "")
                    if kind in KINDS:
                        counts[KINDS[kind]] += 1
        report = json.loads((opened / "report.json").read_text("utf-8"))
        # everything that this desktop's programs may write to, and where runs before this one put nothing
        scan = tuple(self.desktop.folder / name for name in ("home", "run", "tmp", "agent.log"))
        video = opened / "screen-1.mp4"
        return Left(video if video.exists() else None, counts, session.stat().st_size, scan, {"report": report})

    def close(self) -> None:
        if self._supervisor is None:
            return
        with suppress(NotRunningError):  # it ended already
            self._ask("quit")
        if tree.wait_file(self._report, END_S) is None:
            self.desktop.stop(self._supervisor, by=signal.SIGKILL)
        shutil.rmtree(self.folder / "opened", ignore_errors=True)

    def _answers(self) -> bool:
        try:
            self._ask("status")
        except NotRunningError:
            return False
        return True

    def _ask(self, command: str) -> dict[str, object]:
        return Client(self._profile).ask(command)

    def _held(self) -> set[Path]:
        return set((self._profile / "held").glob("*.held"))

    def _session(self) -> Path:
        (session,) = self._held() - self._before
        return session

    def _until(self, ready: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + READY_S
        while not ready():
            if time.monotonic() > deadline:
                log = self.desktop.folder / "agent.log"
                raise TimeoutError(f"{otherwise}: {log.read_text('utf-8', 'replace')[-500:] if log.exists() else ''}")
            time.sleep(0.05)


class TimedAgent(Agent):
    """The same with a clock around its gate; its notes say how many seconds of CPU that took."""

    name = "capture-agent, gate timed"

    @property
    def _times(self) -> Path:
        return self.folder / "gate.json"

    def module(self) -> tuple[str, ...]:
        return ("benchmarks.timed_agent", str(self._times))

    def left(self) -> Left:
        left = super().left()
        return replace(left, notes={**left.notes, "gate": json.loads(self._times.read_text("utf-8"))})


def _agree(hands: Hands, eyes: Eyes) -> None:
    """Click through first run and consent, as a person who records for themselves."""
    _press(hands, eyes, "Record for myself")
    eyes.wait("Accept", "push button")
    for name in (*CATEGORIES, *PROGRAMS):
        _tick(hands, eyes, name)
    _press(hands, eyes, "Accept")
    eyes.wait_gone("Accept", "push button")


def _press(hands: Hands, eyes: Eyes, name: str) -> None:
    hands.click(*eyes.wait(name, "push button").centre)


def _tick(hands: Hands, eyes: Eyes, name: str | re.Pattern[str]) -> None:
    """Tick a box of the panel, scrolling to it first."""
    area = eyes.wait("Consent")
    box = eyes.wait(name, "check box")
    while box.y < area.y or box.y + box.height > area.y + area.height:
        hands.move(*area.centre)
        hands.scroll(0, 1 if box.y > area.y else -1)
        before, box = box, eyes.wait(name, "check box")
        if before.y == box.y:
            raise TimeoutError("the panel does not scroll")
    hands.click(box.x + min(10, box.width // 2), box.centre[1])
    while "checked" not in eyes.wait(name, "check box").states:
        time.sleep(0.05)
