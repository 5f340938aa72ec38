"""README shows what the program looks like: its pictures are screenshots that the demo makes (`make pictures`)."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]
SHOWN = sorted(set(re.findall(r"\(docs/pictures/([\w-]+)\.png\)", (ROOT / "README.md").read_text("utf-8"))))
KEPT = sorted(path.stem for path in (ROOT / "docs" / "pictures").glob("*.png"))


def test_every_picture_is_shown_and_every_shown_picture_is_there() -> None:
    assert SHOWN
    assert SHOWN == KEPT


def test_every_picture_is_one_that_the_demo_makes() -> None:
    story = [path.read_text("utf-8") for path in (ROOT / "capture_agent" / "demo").glob("*.py")]
    made = set(re.findall(r"picture(?:\(|=)\"([\w-]+)\"", "".join(story)))
    assert set(KEPT) <= made


def test_every_picture_is_a_whole_desktop() -> None:
    for name in KEPT:
        with Image.open(ROOT / "docs" / "pictures" / f"{name}.png") as picture:
            assert picture.size == (1280, 800)
