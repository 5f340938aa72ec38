"""The list of detectors that `make soak` switches off, one at a time, fits the code as it is."""

from __future__ import annotations

import pytest
from detectors import DETECTORS, ROOT, switched_off

NAMES = [one.name for one in DETECTORS]


@pytest.mark.promise("P8")
@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
def test_a_detector_can_be_switched_off_and_its_tests_are_there(detector) -> None:
    text = (ROOT / "capture_agent" / detector.file).read_text(encoding="utf-8")
    compile(switched_off(detector, text), detector.file, "exec")
    assert (ROOT / detector.tests.split()[0]).is_file()


def test_the_published_table_has_every_detector_and_none_went_unnoticed() -> None:
    page = (ROOT / "docs" / "privacy-gate.md").read_text(encoding="utf-8")
    rows = page.partition("<!-- detectors:begin")[2].partition("<!-- detectors:end")[0].splitlines()[3:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows if row] == NAMES
    assert all(" | red | " in row for row in rows if row)
