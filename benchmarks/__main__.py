"""python -m benchmarks: measure the recorders beside each other, print tables, write JSON and the README's table."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sqlite3
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from subprocess import CalledProcessError

from av import FFmpegError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import machine, micro, report
from benchmarks.agent import Agent, TimedAgent
from benchmarks.recorders import FFmpeg, OpenAdapt, Recorder
from benchmarks.run import ROOT, Run, Workload, flood, gate, run
from capture_agent.core.errors import CaptureAgentError
from capture_agent.demo.desktop import PrivateDesktop

SIZE = (1_920, 1_080)
RECORDERS: dict[str, type[Recorder]] = {"agent": Agent, "ffmpeg": FFmpeg, "openadapt": OpenAdapt}
# What a recorder can do wrong: one failed run is told, and the others still count.
FAILURES = (CaptureAgentError, OSError, RuntimeError, ValueError, FFmpegError, sqlite3.Error, CalledProcessError)
CYCLES, STILL_S, ROUNDS, FLOOD, GATE = 2, 60, 3, 100_000, 1
ONCE = "openadapt"  # takes minutes to finish, and its figures are ten times away from the others: one round tells


def main() -> int:
    """Measure what the command line asks for; return 0, or 1 if a run failed."""
    asked = _arguments()
    console = Console()
    results: dict[str, object] = {
        **machine.when_and_what(),
        "command": shlex.join(["python", "-m", "benchmarks", *_without_places(sys.argv[1:])]),
        "rounds": f"{asked.rounds} round" + ("s" if asked.rounds != 1 else ""),
        "machine": machine.facts(),
    }
    failed: list[str] = []
    if not asked.no_micro:
        results["micro"] = _micro(console)
    runs: list[Run] = []
    if asked.rounds or asked.flood or asked.gate:
        with console.status("what is downloaded once"):
            for name in asked.only:
                RECORDERS[name].prepare()
        with PrivateDesktop(size=SIZE) as desktop:
            runs = _rounds(console, desktop, asked, failed)
            if asked.flood and "agent" in asked.only:
                results["flood"] = _flood(console, desktop, asked.flood, failed)
            if asked.gate and asked.cycles and "agent" in asked.only:
                results["gate"] = _gate(console, desktop, asked, failed)
    summary = report.rows(runs, FFmpeg.name)
    if summary:
        console.print(report.table(summary))
    results |= {"runs": [asdict(one) for one in runs], "rows": [asdict(row) for row in summary], "failed": failed}
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(_json(results), encoding="utf-8")
    text = report.document(json.loads(asked.json.read_text("utf-8")))
    asked.json.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    console.print(f"Written: {asked.json}, {asked.json.with_suffix('.md')}")
    if asked.keep and summary and not failed:
        asked.keep.write_text(_json(report.kept(json.loads(asked.json.read_text("utf-8")))), encoding="utf-8")
        console.print(f"Kept in {asked.keep}")
    elif asked.keep and results.get("gate") and not failed:
        found = json.loads(asked.keep.read_text("utf-8")) | {"gate": results["gate"]}
        asked.keep.write_text(_json(found), encoding="utf-8")
        console.print(f"What the gate adds is kept in {asked.keep}; the rest of it is as it was")
        if asked.readme:
            report.write_into(asked.readme, report.document(found))
    if asked.readme and summary and not failed:
        report.write_into(asked.readme, text)
        console.print(f"Table put into {asked.readme}")
    for one in failed:
        console.print(f"[red]failed[/red] {one}", highlight=False)
    return 1 if failed else 0


def _json(results: Mapping[str, object]) -> str:
    return json.dumps(results, indent=1, default=str) + "\n"


def _without_places(arguments: Sequence[str]) -> list[str]:
    """Return what was asked for, without where the results go."""
    places = {"--json", "--readme", "--keep"}
    return [
        one
        for before, one in zip(("", *arguments), arguments, strict=False)
        if one not in places and before not in places
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each recorder and workload (%(default)s)")
    parser.add_argument("--cycles", type=int, default=CYCLES, help="ten seconds of active desktop each (%(default)s)")
    parser.add_argument("--still", type=int, default=STILL_S, metavar="SECONDS", help="of still desktop (%(default)s)")
    parser.add_argument("--flood", type=int, default=FLOOD, metavar="EVENTS", help="at 1,000/s; 0: none (%(default)s)")
    parser.add_argument("--gate", type=int, default=GATE, metavar="ROUNDS", help="of the agent with its gate timed")
    parser.add_argument("--no-micro", action="store_true", help="leave the single steps out")
    parser.add_argument("--only", nargs="+", choices=RECORDERS, default=list(RECORDERS), metavar="RECORDER")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json", help="(%(default)s), .md beside it")
    parser.add_argument("--keep", type=Path, help="write what the repository keeps (docs/benchmarks/last.json)")
    parser.add_argument("--readme", type=Path, help="put the table between the marks of this file")
    return parser.parse_args()


def _rounds(console: Console, desktop: PrivateDesktop, asked: argparse.Namespace, failed: list[str]) -> list[Run]:
    """Run everything, interleaved: each round has every recorder on every workload, so that drift meets all alike.

    `ONCE` is in the first round only.
    """
    works = [Workload("active", asked.cycles), Workload("still", asked.still)]
    works = [work for work in works if work.amount]
    plan = [
        (number, work, name)
        for number in range(1, asked.rounds + 1)
        for work in works
        for name in _turned(asked.only, number)
        if number == 1 or name != ONCE
    ]
    runs: list[Run] = []
    if not plan:
        return runs
    with _progress(console) as progress:
        task = progress.add_task("", total=len(plan))
        for number, work, name in plan:
            progress.update(task, description=f"round {number}: {name}, {work.kind} desktop")
            folder = desktop.folder / "runs" / f"{number}-{work.kind}-{name}"
            folder.mkdir(parents=True)
            try:
                done = run(RECORDERS[name], work, number, desktop, folder)
                runs.append(done)
                console.print(
                    f"round {number}: {done.recorder}, {work.kind}: {done.cpu_s / done.seconds:.2%} of a core"
                )
            except FAILURES as error:
                failed.append(f"{name}, {work.kind}, round {number}: {error}")
                console.print(traceback.format_exc(), highlight=False, markup=False)
            shutil.rmtree(folder, ignore_errors=True)
            progress.advance(task)
    return runs


def _turned(names: Sequence[str], number: int) -> list[str]:
    """Return the recorders in another order each round: nobody is always first."""
    shift = (number - 1) % len(names)
    return [*names[shift:], *names[:shift]]


def _flood(console: Console, desktop: PrivateDesktop, count: int, failed: list[str]) -> dict[str, object]:
    folder = desktop.folder / "runs" / "flood"
    folder.mkdir(parents=True)
    with console.status(f"{count:,} events at 1,000 a second"):
        try:
            return flood(Agent, count, desktop, folder)
        except FAILURES as error:
            failed.append(f"agent, flood: {error}")
            console.print(traceback.format_exc(), highlight=False, markup=False)
            return {}


def _gate(console: Console, desktop: PrivateDesktop, asked: argparse.Namespace, failed: list[str]) -> dict[str, object]:
    runs, load = [], round(os.getloadavg()[0], 2)
    with console.status("the agent with its gate timed"):
        for number in range(1, asked.gate + 1):
            folder = desktop.folder / "runs" / f"gate-{number}"
            folder.mkdir(parents=True)
            try:
                runs.append(run(TimedAgent, Workload("active", asked.cycles), number, desktop, folder))
            except FAILURES as error:
                failed.append(f"agent, gate timed, round {number}: {error}")
                console.print(traceback.format_exc(), highlight=False, markup=False)
    if not runs:
        return {}
    found = gate(runs) | machine.when_and_what() | {"load": load}
    console.print(f"the gate adds {found['added']:.1%} to the agent's CPU on the active desktop")
    return found


def _micro(console: Console) -> dict[str, str]:
    shown = Table("step", "median", title="Single steps, CPU time")
    steps = {}
    with console.status("single steps"):
        for what, value, unit in micro.measure():
            steps[what] = f"{value:.3g} {unit}"
            shown.add_row(what, steps[what])
    console.print(shown)
    return steps


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console)


if __name__ == "__main__":
    sys.exit(main())
