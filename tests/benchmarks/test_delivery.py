"""The benchmark of delivery: each way brings the same file to the same server. How fast decides no test."""

from __future__ import annotations

from benchmarks import delivery


def test_each_way_delivers_the_file_and_its_figures_are_told() -> None:
    found = delivery.measure(1_000_000, 1)
    assert list(found) == list(delivery.WAYS)
    for figures in found.values():
        assert min(figures.values()) > 0
    assert found[delivery.REFERENCE][f"time_by_{delivery.REFERENCE}"] == 1
