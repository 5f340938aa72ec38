"""Chapters of the demo in which a recording leaves: looked at, cut, shared, delivered, fetched and opened."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture_agent.demo.acts import Expect

if TYPE_CHECKING:
    from capture_agent.demo.story import Story

TASK_CUT = "Look something up for a friend"
CANARY_CUT = "feldspar-magpie-cut-out"  # typed while recording, then cut out: must be nowhere
_LOOK_S = 0.5  # a person reads before clicking
# Besides two commands, between what is kept and what is cut out: the arrows of the time line go a whole second.
_AWAY_S = 0.5
_CLOCK = re.compile(r"^\d+:\d\d / \d+:\d\d$")
_QUESTION = re.compile("^Cut out for good")


def private_matter(story: Story) -> None:
    """Do, while it is recorded, what is nobody's business."""
    time.sleep(_AWAY_S)
    story.command("task", "start", TASK_CUT)
    with story.working_in(story.terminal):
        story.hands.expect = Expect.NEVER
        story.hands.type(f"# {CANARY_CUT}\n")


def keep_access(story: Story) -> None:
    """Keep what opens the store in the keyring, from where the agent takes it."""
    if story.store.access:
        story.command("deliver", "--keep-access", env=story.store.access)


def hand_over(story: Story) -> None:
    """Look at the recording, cut something out, let the rest go, and wait until it has arrived."""
    with story.expecting(Expect.NEVER):
        _review(story)
        _share(story)


def fetch(story: Story) -> dict[str, Path]:
    """Let the researcher fetch all that lies where the recording was delivered; return the copies by their names."""
    into = Path(tempfile.mkdtemp(prefix="fetched-", dir=story.desktop.folder))
    return {path.name: path for path in story.store.fetch(into)}


def open_fetched(story: Story) -> dict[str, Any]:
    """Open what was delivered as its recipient does; return what `report.json` says."""
    (bundle,) = fetch(story).values()
    shutil.copy2(bundle, story.out / "bundle.capture")
    story.command(*opening(story, bundle, "opened"))
    report: dict[str, Any] = json.loads((story.out / "opened" / "report.json").read_text(encoding="utf-8"))
    return report


def opening(story: Story, bundle: Path, out: str) -> tuple[str, ...]:
    """Return what the recipient says to open `bundle` into the folder `out`."""
    options = ("--identity", str(story.study.identity), "--out", str(story.out / out), "--pin", "--stills")
    return ("research", "open", *options, str(bundle))


def _review(story: Story) -> None:
    """Look at the recording, and cut out of it what is nobody's business: from where that task begins to the end."""
    _choose(story)
    story.picture("window-recordings")
    story.press("Look at it…")
    _wait_for_keys(story)
    story.hands.key("Page_Up")
    time.sleep(_LOOK_S)
    story.picture("player")
    story.hands.key("End")
    story.hands.key("o")
    _back_to_before(story, TASK_CUT)
    story.hands.key("i")
    story.press("Cut out")
    time.sleep(_LOOK_S)  # the line with what is marked makes room for itself
    story.press("Cut for good…")
    story.eyes.wait(_QUESTION)
    time.sleep(_LOOK_S)
    story.picture("player-cut")
    story.press("Cut for good")
    story.eyes.wait_gone(_QUESTION)
    story.eyes.wait_gone("Marked to be cut out")
    _wait_for_keys(story)  # it is opened anew, without what was cut out
    story.hands.key("Escape")
    story.eyes.wait_gone("Time line")


def _share(story: Story) -> None:
    """Let the recording go, and wait until it has arrived."""
    _choose(story)
    story.press("Share…")
    story.press("Share")
    story.eyes.wait(re.compile("^Sealed for"))
    story.until(lambda: not json.loads(story.command("status", "--json"))["delivery"], "it does not arrive")
    story.eyes.wait(re.compile("^Delivered to"))
    story.picture("window-shared")


def _choose(story: Story) -> None:
    row = story.eyes.wait(re.compile("Only yours"))
    story.hands.click(*row.centre)
    time.sleep(_LOOK_S)


def _wait_for_keys(story: Story) -> None:
    """Return once the time line of the player takes keys."""
    bar = story.eyes.wait("Time line")
    story.until(lambda: "focused" in story.eyes.again(bar).states, "the player does not take keys")


def _back_to_before(story: Story, task: str) -> None:
    """Go back by the arrow key, second by second, until the caption does not name the task any more."""
    clock = story.eyes.wait(_CLOCK, "label")

    def step() -> None:
        before = story.eyes.again(clock).name
        story.hands.key("Left")
        story.until(lambda: story.eyes.again(clock).name != before, "the time line does not move")

    step()
    caption = story.eyes.wait(re.compile(re.escape(task)), "label")
    while task in story.eyes.again(caption).name:
        step()
