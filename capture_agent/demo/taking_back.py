"""Chapters of the demo in which the person takes something back: the last minutes, everything, and what was shared."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from capture_agent.core.errors import ConsentError
from capture_agent.demo.acts import Expect
from capture_agent.demo.handing_over import fetch, opening

if TYPE_CHECKING:
    from capture_agent.demo.story import Story

CANARY_FORGOTTEN = "obsidian-walrus-to-be-forgotten"  # typed while recording, then forgotten: must be nowhere
CANARY_DESTROYED = "basalt-heron-opted-out"  # typed while recording, then opted out: must be nowhere
_LOOK_S = 1.0  # a person reads before clicking
_GONE_S = 40.0  # the ten seconds for undoing, on a loaded machine


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What came of it: how many files lie there, with what the opening ended, and whether it left nothing behind.

    `answers` has the HTTP status that participants get there for all but creating; empty for a folder.
    """

    files: int
    exit_code: int
    kept_out: bool
    answers: Mapping[str, int]

    @property
    def refused(self) -> bool:
        """Whether the recipient cannot open it any more."""
        return self.exit_code == ConsentError.exit_code and self.kept_out


def forget(story: Story) -> None:
    """Type what one then wishes not to have typed, and forget the last five minutes: that is all there is so far."""
    with story.working_in(story.terminal):
        story.hands.expect = Expect.NEVER
        story.hands.type(f"# {CANARY_FORGOTTEN}\n")
        story.hands.type("clear\n")  # or the next frame would show it, and rightly so
        time.sleep(_LOOK_S)
    story.menu("f")
    story.windows.wait_popup("capture-agent")
    time.sleep(_LOOK_S)
    story.picture("menu-forget")
    story.hands.key("5")
    story.eyes.wait("Forget the last 5 minutes?", "dialog")
    time.sleep(_LOOK_S)
    story.picture("forget")
    story.press("Forget")
    story.eyes.wait_gone("Forget the last 5 minutes?", "dialog")
    story.until_state("recording")


def opt_out(story: Story) -> None:
    """Record once more, and opt out in the middle of it: two clicks, and a moment to think again."""
    story.press("Start recording")
    story.until_state("recording")
    with story.working_in(story.terminal):
        story.hands.expect = Expect.NEVER  # not in the bundle that was shared before
        story.hands.type(f"# {CANARY_DESTROYED}\n")
        story.hands.type("clear\n")
        time.sleep(_LOOK_S)
    with story.expecting(Expect.NEVER):
        story.menu("d")
        story.eyes.wait("Opt out and delete", "push button")
        time.sleep(_LOOK_S)
        story.picture("opt-out")
        story.press("Opt out and delete")
        story.eyes.wait(re.compile("will be destroyed in"))
        story.picture("undo")
        story.until_state("off")
        story.until(lambda: set(states_left(story)) <= {"delivered"}, "what was not shared is still there", _GONE_S)
        story.until(
            lambda: json.loads(story.command("status", "--json"))["going"] is None, "it is still going", _GONE_S
        )
        story.picture("opted-out")
        story.menu("q")


def withdraw(story: Story) -> Withdrawal:
    """Withdraw what was shared, deliver that to the same place, and let the recipient fetch and open it once more."""
    listed = json.loads(story.command("sessions", "--json"))["sessions"]
    (shared,) = [one["id"] for one in listed if one["state"] == "delivered"]
    (told,) = json.loads(story.command("withdraw", shared, "--json"))["files"]
    story.command("deliver")
    fetched = fetch(story)
    files = len(fetched)
    shutil.copy2(fetched.pop(Path(told).name), story.out / "withdrawal.capture")
    (bundle,) = fetched.values()
    opened = story.attempt(*opening(story, bundle, "opened-again"))
    kept_out = not (story.out / "opened-again").exists()
    return Withdrawal(files, opened.returncode, kept_out, story.store.look(bundle.name))


def states_left(story: Story) -> list[str]:
    """Return the states of the recordings that are on the disk."""
    return [one["state"] for one in json.loads(story.command("sessions", "--json"))["sessions"]]
