"""Run the demo: its chapters in order, then the comparison of what was done with what was opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from capture_agent.core.errors import CaptureAgentError
from capture_agent.demo.compare import compare, recorded_act, summarised
from capture_agent.demo.desktop import PrivateDesktop
from capture_agent.demo.eyes import Eyes
from capture_agent.demo.handing_over import CANARY_CUT, TASK_CUT, hand_over, keep_access, open_fetched, private_matter
from capture_agent.demo.hands import Hands
from capture_agent.demo.search import hits
from capture_agent.demo.store import opened
from capture_agent.demo.story import CANARY_KEPT, CANARY_PAUSED, SIZE, Story
from capture_agent.demo.taking_back import CANARY_DESTROYED, CANARY_FORGOTTEN, Withdrawal, forget, opt_out, withdraw
from capture_agent.demo.windows import Windows
from capture_agent.encode.event_log import read_log
from capture_agent.encode.records import EVENT_TOPICS, MARKS, decode
from capture_agent.encode.video import frame_times

FORBIDDEN = 403  # what a store answers to who may only create


def run(out: Path, store: Path | None = None) -> Mapping[str, Any]:
    """Run the demo into the new or empty folder `out`; return what `summary.json` says.

    The program `store` plays where the recording is delivered; without it that is a folder. `ok` is False if the
    recording differs from what was done, if anything is where it must not be, or if it opens once it is withdrawn.

    Raises:
        CaptureAgentError: Something that the demo waits for did not come.
    """
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        desktop = stack.enter_context(PrivateDesktop(size=SIZE))
        place = stack.enter_context(opened(store, desktop.folder, desktop.env))
        hands = stack.enter_context(Hands(desktop.display))
        eyes = stack.enter_context(Eyes(desktop.env["DBUS_SESSION_BUS_ADDRESS"]))
        windows = stack.enter_context(Windows(desktop.display))
        story = Story(out, desktop, hands, eyes, windows, store=place)
        chapters = (
            story.set_the_scene,
            story.join,
            story.consent,
            partial(keep_access, story),
            story.begin,
            partial(forget, story),
            story.first_task,
            story.second_task,
            partial(private_matter, story),
            story.stop,
            partial(hand_over, story),
            partial(opt_out, story),
            story.end,
        )
        for chapter in chapters:
            try:
                chapter()
            except CaptureAgentError:
                story.keep_evidence()
                raise
        leaks = {
            "paused": hits(desktop.folder, CANARY_PAUSED),
            "recorded": hits(desktop.folder, CANARY_KEPT),
            "forgotten": hits(desktop.folder, CANARY_FORGOTTEN),
            "opted out": hits(desktop.folder, CANARY_DESTROYED),
            "cut out": hits(desktop.folder, CANARY_CUT),
            "access": [name for secret in place.access.values() for name in hits(desktop.folder, secret)],
        }
        report = open_fetched(story)
        summary = _summary(story, report, leaks, withdraw(story))
    (out / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return summary


def _summary(
    story: Story, report: dict[str, Any], leaks: Mapping[str, list[str]], withdrawal: Withdrawal
) -> dict[str, Any]:
    """Return what `summary.json` says."""
    with (story.out / "opened" / "events.mcap").open("rb") as stream:
        events = [decode(message) for message in read_log(stream) if message.topic in EVENT_TOPICS]
    recorded = [act for event in events if (act := recorded_act(event)) is not None]
    comparison = compare(story.hands.acts, recorded)
    typed = "".join(act.text or "" for act in recorded)
    set_out = [event.get("text") for event in events if event.get("task")]
    tasks = [(event["kind"], event.get("outcome")) for event in events if event.get("task")]
    released = [word for word in (CANARY_PAUSED, CANARY_FORGOTTEN, CANARY_DESTROYED, CANARY_CUT) if word in typed]
    released += [task for task in set_out if task == TASK_CUT]
    hits = sum(len(files) for files in leaks.values()) + len(released)
    inside = _inside_gaps(story.out / "opened", report["gaps"], events)
    as_told = [outcome for kind, outcome in tasks if kind == "finished"] == ["done", "gave-up"]
    return {
        "ok": comparison.equal
        and not hits
        and not inside
        and CANARY_KEPT in typed
        and as_told
        and withdrawal.refused
        and set(withdrawal.answers.values()) <= {FORBIDDEN},
        **summarised(comparison),
        "canary_hits": hits,
        "canary_files": dict(leaks),
        "inside_pauses": inside,
        "tasks": tasks,
        "delivery": {
            "to": story.store.destination,
            "files": withdrawal.files,
            "answers_to_participants": dict(withdrawal.answers),
        },
        "exit_code_once_withdrawn": withdrawal.exit_code,
        "refused_once_withdrawn": withdrawal.refused,
        "usable": report["usable"],
        "reasons": report["reasons"],
        "gaps": report["gaps"],
        "frames": sum(stream["count"] for stream in report["streams"] if stream["topic"].startswith("screen")),
        "bundle_bytes": (story.out / "bundle.capture").stat().st_size,
        "cpu_seconds": round(story.usage.cpu_s, 2),
        "peak_memory_bytes": story.usage.peak_bytes,
        "pictures": story.pictures,
    }


def _inside_gaps(opened: Path, gaps: list[dict[str, Any]], events: list[dict[str, Any]]) -> int:
    """Return how many frames and events have a time inside a gap; what marks the gap itself does not count."""
    times = [event["t_us"] for event in events if event["topic"] != MARKS]
    for video in sorted(opened.glob("screen-*.mp4")):
        with video.open("rb") as stream:
            times += frame_times(stream)
    return sum(gap["start_us"] < t_us < gap["end_us"] for gap in gaps for t_us in times)
