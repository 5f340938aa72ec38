"""Runs to medians, ratios and tables. Pure but for the README's table, which stands between two marks."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from rich.table import Table

from benchmarks.run import Run
from capture_agent.core.errors import ConfigError

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one recorder on one workload, as medians."""

    recorder: str
    workload: str
    rounds: int
    cpu_share: float  # CPU seconds a second, while it records
    cpu_ratio: float | None  # of the baseline's CPU, median of the rounds' own ratios
    all_cpu_s: float
    memory: float
    bytes_per_min: float
    ssim: float
    ocr: float
    ocr_lossless: float
    injected: int
    recorded: int | None
    stop_s: float
    plaintext: tuple[str, ...]
    picture: bool


def rows(runs: Sequence[Run], baseline: str) -> list[Row]:
    """Return one row for each workload and recorder, in the order they first ran.

    Rounds are paired: the ratio is taken within each round, where machine and workload were the same.
    """
    found = []
    for workload in dict.fromkeys(run.workload for run in runs):
        for recorder in dict.fromkeys(run.recorder for run in runs):
            own = [run for run in runs if (run.recorder, run.workload) == (recorder, workload)]
            base = {run.round: run for run in runs if (run.recorder, run.workload) == (baseline, workload)}
            if own:
                found.append(_row(own, base))
    return found


def _row(own: Sequence[Run], base: Mapping[int, Run]) -> Row:
    def middle(value: Callable[[Run], float]) -> float:
        return statistics.median(value(run) for run in own)

    ratios = [
        (run.cpu_s / run.seconds) / (base[run.round].cpu_s / base[run.round].seconds)
        for run in own
        if run.round in base and base[run.round].cpu_s
    ]
    counted = [run for run in own if run.recorded is not None]
    return Row(
        own[0].recorder,
        own[0].workload,
        len(own),
        middle(lambda run: run.cpu_s / run.seconds),
        statistics.median(ratios) if ratios else None,
        middle(lambda run: run.all_cpu_s),
        middle(lambda run: run.memory),
        middle(lambda run: run.bytes_per_min),
        middle(lambda run: run.ssim),
        middle(lambda run: run.ocr),
        middle(lambda run: run.ocr_lossless),
        sum(sum(run.injected.values()) for run in own),
        sum(sum((run.recorded or {}).values()) for run in counted) if counted else None,
        middle(lambda run: run.stop_s),
        tuple(sorted({form for run in own for form in run.plaintext})),
        any(run.picture for run in own),
    )


HEADS = (
    "CPU of a core",
    "× ffmpeg",
    "CPU seconds, finishing included",
    "memory, peak PSS",
    "per minute",
    "SSIM",
    "small text read (of the lossless)",
    "events recorded / injected",
    "stop to done",
    "plaintext on disk",
)


GATE_HEAD = "of its CPU, added by the privacy gate"
GATED = "capture-agent"


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as text, one cell for each of `HEADS`."""
    if row.recorded is None:
        events = NONE
    else:
        events = f"{row.recorded:,} / {row.injected:,}" if row.injected else f"{row.recorded:,}"
    found = [*row.plaintext, *(("picture",) if row.picture else ())]
    return (
        f"{row.cpu_share:.1%}" if row.cpu_share >= 0.1 else f"{row.cpu_share:.2%}",
        f"{row.cpu_ratio:.2f}" if row.cpu_ratio is not None else NONE,
        f"{row.all_cpu_s:.1f}",
        f"{row.memory / 1e6:,.0f} MB",
        size(row.bytes_per_min),
        f"{row.ssim:.4f}" if row.ssim else NONE,
        f"{row.ocr:.1%} of {row.ocr_lossless:.1%}" if row.ssim else NONE,
        events,
        f"{row.stop_s:.2f} s",
        NONE if not row.injected else ", ".join(found) or "none",
    )


def size(count: float) -> str:
    """Return bytes as people read them."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def table(summary: Sequence[Row]) -> Table:
    """Return the rows for a terminal, one recorder a column."""
    shown = Table(title="Recorders on the same desktop, medians")
    shown.add_column("")
    for row in summary:
        shown.add_column(f"{row.recorder}\n{row.workload}", justify="right")
    for line in _lines(summary):
        shown.add_row(*line)
    return shown


def markdown(summary: Sequence[Row], after: Sequence[str] = (), gate: Mapping[str, Any] | None = None) -> str:
    """Return the rows as a Markdown table, one recorder a column, with paragraphs after it; `gate`: what it adds."""
    heads = ["", *(f"{row.recorder}, {row.workload}" for row in summary)]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * len(summary)]
    lines += ["| " + " | ".join(line) + " |" for line in [*_lines(summary), *_gate_line(summary, gate)]]
    if not summary:
        lines.clear()
    return "\n".join([*lines, *(line for paragraph in after for line in ("", paragraph))])


def _fewer(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return who ran in fewer rounds than the others, in brackets."""
    most = max((row["rounds"] for row in rows), default=0)
    names = sorted({f"{row['recorder']}: {row['rounds']}" for row in rows if row["rounds"] < most})
    return f" ({', '.join(names)})" if names else ""


def document(results: Mapping[str, Any]) -> str:
    """Return the table and what is said below it, as Markdown, from what the JSON holds."""
    summary = [Row(**{**row, "plaintext": tuple(row["plaintext"])}) for row in results["rows"]]
    return markdown(summary, notes(results), results.get("gate"))


def kept(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of the JSON in the repository: all but the recorders' own reports, which name a machine."""
    runs = [{name: value for name, value in run.items() if name != "notes"} for run in results["runs"]]
    return {**results, "runs": runs}


def _lines(summary: Sequence[Row]) -> list[tuple[str, ...]]:
    """Turn recorders as rows into recorders as columns."""
    return list(zip(HEADS, *(cells(row) for row in summary), strict=True))


def _gate_line(summary: Sequence[Row], gate: Mapping[str, Any] | None) -> list[tuple[str, ...]]:
    if not gate:
        return []
    measured = (GATED, gate["workload"])
    added = f"{gate['added']:.1%}"
    return [(GATE_HEAD, *(added if (row.recorder, row.workload) == measured else NONE for row in summary))]


def put(text: str, readme: str) -> str:
    """Return `readme` with what stands between the marks replaced by `text`.

    Raises:
        ConfigError: The marks are not there, once each and in order.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise ConfigError(
            "the file has no place for the table", hint=f'Put the lines "{BEGIN}" and "{END}" where it belongs.'
        )
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def write_into(path: Path, text: str) -> None:
    """Replace what stands between the marks of a file."""
    path.write_text(put(text, path.read_text("utf-8")), encoding="utf-8")


def notes(results: Mapping[str, object]) -> list[str]:
    """Return the lines below the table: what it was measured on, and the flood of events."""
    lines = []
    facts = results.get("machine")
    if isinstance(facts, Mapping):
        lines.append(
            f"{facts['cores']} × {facts['processor']}, {facts['memory_gb']} GB, {facts['system']}, "
            f"Python {facts['python']}, ffmpeg {facts['ffmpeg']}; 1920 × 1080 under Xvfb, "
            f"10 fps; load {facts['load']} at the start. "
            f"{results['date']}, commit {results['commit']}; "
            f"median of {results['rounds']}{_fewer(cast(Any, results['rows']))}. "
            f"Command: `{results['command']}` (`make bench` takes three rounds)."
        )
    poured = results.get("flood")
    if isinstance(poured, Mapping) and poured:
        total = sum(poured["injected"].values())
        lines.append(
            f"{total:,} input events at {poured['per_s']:,.0f} a second: {poured['lost']:,} lost, "
            f"{poured['cpu_share']:.1%} of a core, stop to sealed {poured['stop_s']:.2f} s."
        )
    timed = results.get("gate")
    if isinstance(timed, Mapping) and timed:
        parts = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in timed["gate_s"].items())
        lines.append(
            f"What the gate adds: {timed['rounds']} × the agent as it is on the {timed['workload']} desktop, "
            f"with a clock around its gate ({timed['date']}, commit {timed['commit']}, load {timed['load']}). "
            f"Of {timed['cpu_s']:.2f} s of CPU in {timed['seconds']:.0f} s: {parts}. "
            "It cannot be switched off, so it is not measured against an agent without one."
        )
    return lines
