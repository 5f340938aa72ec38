"""The figures in README are those that were measured, all of them, and none was typed by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.agent import Agent
from benchmarks.recorders import FFmpeg, OpenAdapt

ROOT = Path(__file__).resolve().parents[2]
FLOOD = 100_000
# What each run of the agent must tell to be in the table at all.
NAMED = ("cpu_share", "all_cpu_s", "memory", "bytes_per_min", "ssim", "ocr", "ocr_lossless", "stop_s")


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "benchmarks" / "last.json").read_text("utf-8"))
    return found


def published() -> str:
    readme = (ROOT / "README.md").read_text("utf-8")
    return readme.partition(report.BEGIN)[2].partition(report.END)[0].strip("\n")


@pytest.mark.promise("P13")
def test_the_table_in_readme_is_what_the_kept_figures_make(kept: dict[str, Any]) -> None:
    assert published() == report.document(kept).strip("\n")


@pytest.mark.promise("P13")
def test_every_recorder_and_workload_is_published_with_every_figure(kept: dict[str, Any]) -> None:
    rows = {(row["recorder"], row["workload"]): row for row in kept["rows"]}
    names = (Agent.name, FFmpeg.name, OpenAdapt.name)
    assert set(rows) == {(name, work) for name in names for work in ("active", "still")}
    assert not kept["failed"]
    for row in rows.values():
        assert all(row[name] > 0 for name in NAMED)
        assert row["cpu_ratio"] > 0
    text = published()
    assert all(f"| {head} |" in text for head in report.HEADS)
    assert kept["command"] in text
    assert kept["commit"] in text
    assert re.fullmatch(r"[0-9a-f]{7,40}", kept["commit"]), "measured on files that no commit holds"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept["date"])


@pytest.mark.promise("P13")
def test_what_the_gate_adds_is_published_with_how_it_was_measured(kept: dict[str, Any]) -> None:
    gate, text = kept["gate"], published()
    own = sum(gate["gate_s"].values())
    assert gate["added"] == pytest.approx(own / (gate["cpu_s"] - own))
    assert f"| {report.GATE_HEAD} | {gate['added']:.1%} |" in text
    assert f"commit {gate['commit']}, load {gate['load']}" in text
    assert re.fullmatch(r"[0-9a-f]{7,40}", gate["commit"]), "measured on files that no commit holds"


@pytest.mark.promise("P13")
def test_no_event_was_lost_and_the_flood_was_whole(kept: dict[str, Any]) -> None:
    flood = kept["flood"]
    assert sum(flood["injected"].values()) == FLOOD
    assert flood["recorded"] == flood["injected"]
    assert flood["lost"] == 0
    assert f"{FLOOD:,} input events at {flood['per_s']:,.0f} a second: 0 lost" in published()
    for run in kept["runs"]:
        if run["recorder"] == Agent.name:
            assert run["recorded"] == run["injected"]


@pytest.mark.promise("P3")
@pytest.mark.promise("P13")
def test_the_agent_left_no_plaintext_in_any_run(kept: dict[str, Any]) -> None:
    own = [run for run in kept["runs"] if run["recorder"] == Agent.name]
    assert own
    for run in own:
        assert run["plaintext"] == []
        assert run["picture"] is False


def test_the_kept_figures_name_no_machine_and_no_place(kept: dict[str, Any]) -> None:
    text = json.dumps(kept)
    assert not re.search(r"/(home|root|tmp|work|var|usr)/", text)
    assert "hostname" not in text
