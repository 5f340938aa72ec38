from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import report
from benchmarks.run import Run, gate
from capture_agent.core.errors import ConfigError

ONE = Run(
    recorder="ffmpeg",
    workload="active",
    round=1,
    seconds=10.0,
    cpu_s=2.0,
    all_cpu_s=2.5,
    server_cpu_s=0.5,
    memory=100_000_000,
    bytes_per_min=1_500_000,
    stop_s=0.1,
    ssim=0.999,
    ocr=0.99,
    ocr_lossless=1.0,
    probes=(3, 3),
    frames=100,
    injected={"keys": 10, "moves": 5},
    recorded=None,
    plaintext=(),
    picture=True,
    late=0,
)


def agent(number: int, cpu_s: float) -> Run:
    return replace(ONE, recorder="agent", round=number, cpu_s=cpu_s, recorded={"keys": 10, "moves": 5}, picture=False)


def test_the_ratio_is_taken_within_each_round() -> None:
    # The machine was twice as slow in the second round, for both.
    runs = [ONE, agent(1, 1.0), replace(ONE, round=2, cpu_s=4.0), agent(2, 2.0), replace(ONE, round=3), agent(3, 1.0)]
    first, second = report.rows(runs, "ffmpeg")
    assert first.cpu_ratio == 1.0
    assert second.cpu_ratio == 0.5
    assert second.rounds == 3


def test_figures_are_medians_and_events_are_sums() -> None:
    (row,) = report.rows([agent(1, 1.0), agent(2, 9.0), agent(3, 2.0)], "ffmpeg")
    assert row.cpu_share == pytest.approx(0.2)
    assert row.cpu_ratio is None
    assert (row.recorded, row.injected) == (45, 45)


def test_one_leak_in_any_round_is_told() -> None:
    (row,) = report.rows([agent(1, 1.0), replace(agent(2, 1.0), plaintext=("hex",)), agent(3, 1.0)], "ffmpeg")
    assert row.plaintext == ("hex",)
    assert report.cells(row)[-1] == "hex"


def test_what_does_not_apply_is_a_dash_and_no_number() -> None:
    (row,) = report.rows([replace(ONE, ssim=0.0)], "other")
    cells = dict(zip(report.HEADS, report.cells(row), strict=True))
    assert cells["× ffmpeg"] == cells["SSIM"] == cells["events recorded / injected"] == report.NONE
    assert cells["plaintext on disk"] == "picture"


def test_the_table_has_a_column_for_each_recorder() -> None:
    text = report.markdown(report.rows([ONE, agent(1, 1.0)], "ffmpeg"), ["Made by `make bench`."])
    lines = text.splitlines()
    assert lines[0] == "|  | ffmpeg, active | agent, active |"
    assert len(lines) == 2 + len(report.HEADS) + 2
    assert {line.count("|") for line in lines[: 2 + len(report.HEADS)]} == {4}
    assert lines[-1] == "Made by `make bench`."


WORK = {"deciding": 0.2, "looking into fields": 0.1}


def test_what_the_gate_adds_is_its_part_of_all_the_rest() -> None:
    found = gate([replace(agent(n, 2.3), notes={"gate": WORK}) for n in (1, 2)])
    assert found["added"] == pytest.approx(0.6 / 4.0)
    assert found["gate_s"] == pytest.approx({"deciding": 0.4, "looking into fields": 0.2})


def test_what_the_gate_adds_stands_in_the_column_that_it_was_measured_for() -> None:
    rows = report.rows([ONE, replace(agent(1, 1.0), recorder="capture-agent")], "ffmpeg")
    told = gate([replace(agent(1, 2.3), notes={"gate": WORK})]) | {"date": "2026-11-28", "commit": "abc", "load": 1.5}
    text = report.markdown(rows, report.notes({"gate": told}), told)
    assert f"| {report.GATE_HEAD} | – | 15.0% |" in text
    assert "Of 2.30 s of CPU in 10 s: deciding 0.20 s, looking into fields 0.10 s." in text


def test_no_runs_make_no_table() -> None:
    assert report.markdown([], ["Only this."]) == "\nOnly this."


def test_the_table_replaces_only_what_stands_between_the_marks() -> None:
    readme = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    assert report.put("new", readme) == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"
    assert report.put("new", report.put("newer", readme)) == report.put("new", readme)


@pytest.mark.parametrize(
    "readme", ["nothing", report.BEGIN, f"{report.END}{report.BEGIN}", f"{report.BEGIN}{report.END}{report.BEGIN}"]
)
def test_a_file_without_the_marks_is_left_alone(readme: str) -> None:
    with pytest.raises(ConfigError):
        report.put("new", readme)
