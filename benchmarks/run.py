"""One run: a fresh stage, one recorder, one workload; everything about it measured."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from benchmarks import plaintext, quality, script, tree
from benchmarks.recorders import Recorder
from benchmarks.stage import Stage
from capture_agent.demo.desktop import PrivateDesktop

SETTLE_S = 3.0  # after a recorder says that it records, and after the still desktop's one page was shown
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed. Seconds, bytes and shares; None is "does not apply"."""

    recorder: str
    workload: str
    round: int
    seconds: float  # of workload that the CPU was counted over
    cpu_s: float  # of the recorder's whole tree, meanwhile
    all_cpu_s: float  # from the end of its start to the end of its stop: finishing included
    server_cpu_s: float  # of the X server, meanwhile: the recorder's grabs and the workload's painting
    memory: int  # peak PSS of the tree
    bytes_per_min: float
    stop_s: float
    ssim: float
    ocr: float
    ocr_lossless: float
    probes: tuple[int, int]  # found, expected
    frames: int
    injected: dict[str, int]
    recorded: dict[str, int] | None
    plaintext: tuple[str, ...]  # how the typed canary was found on the disk
    picture: bool  # whether the canary can be read in a picture that opens without a key
    late: int  # steps of the workload that came more than 50 ms late
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workload:
    """What happens on the stage: `amount` is cycles of ten seconds (active) or seconds (still)."""

    kind: str
    amount: int

    def script(self, seed: int) -> script.Script:
        """Return its steps."""
        return script.active(seed, self.amount) if self.kind == "active" else script.still(seed, self.amount)


def run(kind: type[Recorder], work: Workload, number: int, desktop: PrivateDesktop, folder: Path) -> Run:
    """Measure one run. `folder` is new and this run's alone; `number` is the round and seeds the workload.

    Raises:
        TimeoutError: The recorder did not start or stop.
        RuntimeError: The workload failed.
    """
    steps = work.script(number)
    recorder = kind(desktop, folder)
    stage = Stage(desktop, folder)
    try:
        recorder.start()
        time.sleep(SETTLE_S)
        root, server = recorder.supervisor, server_pid(desktop)
        with tree.MemoryWatch(root) as memory:
            first = tree.cpu_seconds(root)
            performer = desktop.start(
                *(sys.executable, "-m", "benchmarks.perform", work.kind, str(work.amount), str(number), str(folder)),
                env={"PYTHONPATH": str(ROOT)},
            )
            if work.kind == "still":
                time.sleep(SETTLE_S)
            before, server_before, began = tree.cpu_seconds(root), tree.own_cpu_seconds(server), time.monotonic()
            code = performer.wait()
            after, server_after, ended = tree.cpu_seconds(root), tree.own_cpu_seconds(server), time.monotonic()
            if code:
                raise RuntimeError(f"the workload failed: {desktop.log(sys.executable).read_text()[-500:]}")
            stop_s = recorder.stop()
            last = recorder.cpu_seconds_at_end()
        left = recorder.left()
        done = json.loads((folder / "performed.json").read_text("utf-8"))
        seen: quality.Quality | None = None
        pictures: list[quality.Match] = []
        if left.video is not None:
            seen, pictures = quality.judge(left.video, folder, steps.pages)
        hits = plaintext.scan(left.scan, steps.canary)
        open_picture = left.video is not None and any(left.video.is_relative_to(root_) for root_ in left.scan)
        return Run(
            recorder=kind.name,
            workload=work.kind,
            round=number,
            seconds=ended - began,
            cpu_s=after - before,
            all_cpu_s=last - first,
            server_cpu_s=server_after - server_before,
            memory=memory.peak,
            bytes_per_min=left.bytes / (done["seconds"] + SETTLE_S) * 60,
            stop_s=stop_s,
            ssim=seen.ssim if seen else 0.0,
            ocr=seen.ocr if seen else 0.0,
            ocr_lossless=seen.ocr_lossless if seen else 0.0,
            probes=(seen.probes, seen.expected) if seen else (0, len(steps.pages)),
            frames=seen.frames if seen else 0,
            injected=done["injected"],
            recorded=dict(left.events) if left.events is not None else None,
            plaintext=tuple(sorted({hit.form for hit in hits})),
            picture=open_picture and any(_shows(picture.decoded, steps.canary) for picture in pictures),
            late=done["late"],
            notes=dict(left.notes),
        )
    finally:
        recorder.close()
        stage.close()


def gate(runs: Sequence[Run]) -> dict[str, object]:
    """Return what the gate added to the agent's CPU in `runs` of `agent.TimedAgent`: its own, of all the rest.

    It is counted from half a second before the work to the seal, the rest while the work is done: a little too much.
    """
    spent: dict[str, float] = {}
    for one in runs:
        for what, seconds in cast(dict[str, float], one.notes["gate"]).items():
            spent[what] = spent.get(what, 0.0) + seconds
    own, whole = sum(spent.values()), sum(one.cpu_s for one in runs)
    return {
        "workload": runs[0].workload,
        "rounds": len(runs),
        "seconds": sum(one.seconds for one in runs),
        "cpu_s": whole,
        "gate_s": spent,
        "added": own / (whole - own),
    }


def flood(kind: type[Recorder], count: int, desktop: PrivateDesktop, folder: Path) -> dict[str, object]:
    """Inject `count` events at 1,000 a second; return how many were injected and how many recorded."""
    recorder = kind(desktop, folder)
    stage = Stage(desktop, folder)
    try:
        recorder.start()
        time.sleep(SETTLE_S)
        before = tree.cpu_seconds(recorder.supervisor)
        with tree.MemoryWatch(recorder.supervisor) as memory:
            performer = desktop.start(
                *(sys.executable, "-m", "benchmarks.perform", "flood", str(count), "1", str(folder)),
                env={"PYTHONPATH": str(ROOT)},
            )
            if performer.wait():
                raise RuntimeError(f"the flood failed: {desktop.log(sys.executable).read_text()[-500:]}")
            cpu = tree.cpu_seconds(recorder.supervisor) - before
            time.sleep(1.0)  # the last events are on their way
            stop_s = recorder.stop()
        left = recorder.left()
        done = json.loads((folder / "performed.json").read_text("utf-8"))
        recorded = dict(left.events or {})
        lost = {kind: number - recorded.get(kind, 0) for kind, number in done["injected"].items()}
        return {
            "recorder": kind.name,
            "injected": done["injected"],
            "recorded": recorded,
            "lost": sum(lost.values()),
            "per_s": done["per_s"],
            "cpu_share": cpu / done["seconds"],
            "memory": memory.peak,
            "stop_s": stop_s,
        }
    finally:
        recorder.close()
        stage.close()


def server_pid(desktop: PrivateDesktop) -> int:
    """Return the process of this desktop's X server: it runs in the desktop's folder."""
    for pid in tree.read_stats():
        try:
            place = Path(f"/proc/{pid}")
            if (place / "comm").read_text().strip() == "Xvfb" and (place / "cwd").readlink() == desktop.folder:
                return pid
        except OSError:
            continue  # ended meanwhile
    raise RuntimeError("the desktop has no X server")


def _shows(picture: quality.Gray, canary: str) -> bool:
    return canary in "".join(quality.read_text(picture, quality.TYPED_BOX).split())
