"""The recorders under test: what each is started with, when it records, and what it leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import tree
from capture_agent.demo.desktop import PrivateDesktop

FPS = 10
READY_S = 60.0  # openadapt-capture starts nine processes
STOP_S = 300.0  # openadapt-capture took 46 s to finish half a minute
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Left:
    """What a recorder left behind, once it is finished.

    `video` is a file that ffmpeg opens; for a recorder that seals, the video as its owner opened it, outside of what
    was measured. `events` counts what it recorded, by kind, or is None if it records no input. `bytes` is what it
    wrote for this run. `scan` are the files and folders that hold everything it wrote.
    """

    video: Path | None
    events: Mapping[str, int] | None
    bytes: int
    scan: tuple[Path, ...]
    notes: Mapping[str, object] = field(default_factory=dict)


class Recorder(ABC):
    """A recorder for one run: start it, let it record, stop it."""

    name: str

    def __init__(self, desktop: PrivateDesktop, folder: Path) -> None:
        """Take a desktop and a fresh folder that is this run's alone. Nothing is started."""
        self.desktop, self.folder = desktop, folder

    @classmethod  # noqa: B027 - most recorders need nothing
    def prepare(cls) -> None:
        """Get what is downloaded once. Called before any run."""

    @property
    @abstractmethod
    def supervisor(self) -> int:
        """The process whose descendants are the whole recorder."""

    @abstractmethod
    def start(self) -> None:
        """Return when it records.

        Raises:
            TimeoutError: It does not.
        """

    @abstractmethod
    def stop(self) -> float:
        """Ask it to stop; return the seconds until its recording was whole on disk and, if it ends then, gone."""

    @abstractmethod
    def cpu_seconds_at_end(self) -> float:
        """Return the CPU time of the whole tree, after `stop`."""

    @abstractmethod
    def left(self) -> Left:
        """Return what it left behind. Called after `stop`; may take its time."""

    @abstractmethod
    def close(self) -> None:
        """End whatever of it still runs. Safe to call twice, and before `start`."""


class Program(Recorder):
    """A recorder that is a command: it records until it is interrupted, and ends when it is finished."""

    def __init__(self, desktop: PrivateDesktop, folder: Path) -> None:
        super().__init__(desktop, folder)
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._report = folder / "report.json"

    @property
    def supervisor(self) -> int:
        if self._supervisor is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._supervisor.pid

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        """Start `command` under supervision, with HOME and TMPDIR of its own, its output in `output.log`."""
        homes = {name: str(self.folder / "home") for name in ("HOME", "TMPDIR")}
        for name, below in (("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local"), ("XDG_CACHE_HOME", ".cache")):
            homes[name] = str(self.folder / "home" / below)
        (self.folder / "home").mkdir()
        shell = ("sh", "-c", f'exec "$@" >"{self.folder}/output.log" 2>&1', "sh")
        self._supervisor = self.desktop.start(
            sys.executable,
            "-m",
            "benchmarks.supervise",
            str(self._report),
            "--",
            *shell,
            *command,
            env={**homes, **(env or {}), "PYTHONPATH": str(Path(__file__).parent.parent)},
        )

    def stop(self) -> float:
        pid = int(self._report.with_suffix(".pid").read_text("ascii"))
        asked = time.monotonic()
        os.kill(pid, signal.SIGINT)
        if tree.wait_file(self._report, STOP_S) is None:
            raise TimeoutError(f"{self.name} did not finish")
        return time.monotonic() - asked

    def cpu_seconds_at_end(self) -> float:
        return float(json.loads(self._report.read_text("utf-8"))["cpu_s"])

    def close(self) -> None:
        if self._supervisor is not None:
            self.desktop.stop(self._supervisor, by=signal.SIGKILL)

    def output(self) -> str:
        """Return what it printed so far."""
        log = self.folder / "output.log"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def await_output(self, text: str) -> None:
        """Return when it printed `text`.

        Raises:
            TimeoutError: It did not, or ended.
        """
        deadline = time.monotonic() + READY_S
        while text not in self.output():
            if time.monotonic() > deadline or self._report.exists():
                raise TimeoutError(f"{self.name} does not record: {self.output()[-500:]}")
            time.sleep(POLL_S)


class FFmpeg(Program):
    """`ffmpeg -f x11grab`: every frame of the screen, no input, no seal; preset and quality of the agent's encoder."""

    name = "ffmpeg x11grab"

    def encoder(self) -> tuple[str, ...]:
        """Return the encoder's options."""
        from capture_agent.encode.video import CRF, PRESET

        return ("-preset", PRESET, "-crf", str(CRF))

    def start(self) -> None:
        width, height = self.desktop.size
        grab = ("-f", "x11grab", "-draw_mouse", "0", "-framerate", str(FPS), "-video_size", f"{width}x{height}")
        colours = ("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-colorspace", "bt709")
        # one encoder thread, as the agent has: more of them cost ffmpeg more, not less
        codec = ("-c:v", "libx264", *self.encoder(), "-threads", "1", "-color_range", "tv")
        self.run(
            *("ffmpeg", "-hide_banner", "-nostdin", "-stats_period", "0.5", *grab, "-i", self.desktop.display),
            *(*colours, *codec, str(self.folder / "video.mkv")),
        )
        self.await_output("frame=")

    def left(self) -> Left:
        video = self.folder / "video.mkv"
        return Left(video, None, video.stat().st_size, (video, self.folder / "home", self.folder / "output.log"))


class OpenAdapt(Program):
    """openadapt-capture, from the package index in an environment of its own: input and screen, no seal."""

    name = "openadapt-capture"
    REQUIREMENT = "openadapt-capture==1.3.0"

    @classmethod
    def prepare(cls) -> None:
        environment(cls.REQUIREMENT)

    def start(self) -> None:
        python = environment(self.REQUIREMENT)
        options = {"SCREEN_CAPTURE_FPS": str(FPS), "RECORD_FULL_VIDEO": "true", "PYTHONUNBUFFERED": "1"}
        self.run(str(python.parent / "capture"), "record", str(self.folder / "capture"), env=options)
        self.await_output("Capture session")

    def left(self) -> Left:
        made = self.folder / "capture"
        videos = sorted(made.glob("*.mp4"))
        events = _openadapt_events(made / "recording.db")
        size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        scan = (made, self.folder / "home", self.folder / "output.log")
        return Left(videos[0] if videos else None, events, size, scan)


def _openadapt_events(database: Path) -> dict[str, int]:
    """Count its recorded actions by our kinds; it merges nothing before its own later processing."""
    names = {"move": "moves", "click": "buttons", "scroll": "scrolls", "press": "keys", "release": "keys"}
    counts = dict.fromkeys(("keys", "moves", "buttons", "scrolls"), 0)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        for name, count in connection.execute("SELECT name, COUNT(*) FROM action_event GROUP BY name"):
            if name in names:
                counts[names[name]] += count
    return counts


def cache() -> Path:
    """Return the folder for what is downloaded once."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "capture-agent-bench"


def environment(requirement: str) -> Path:
    """Return the Python of a virtual environment that holds just `requirement`, making it the first time."""
    folder = cache() / requirement.replace("==", "-")
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run((base, "-m", "venv", str(folder)), check=True)
        subprocess.run((str(folder / "bin" / "pip"), "install", "--quiet", requirement), check=True)
        done.write_text(json.dumps({"requirement": requirement}), encoding="utf-8")
    return folder / "bin" / "python"
