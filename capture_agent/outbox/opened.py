"""From the members in a folder to what a person works with: table, stills, report. Everything is read once, in order.

Whoever wrote the members there has verified them, or made them from their own session.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from capture_agent.bundle.manifest import EVENTS_NAME, Described, video_place
from capture_agent.core.errors import VerificationError
from capture_agent.core.events import Category
from capture_agent.core.progress import REPORTING, Progress, silent
from capture_agent.encode import event_log, video
from capture_agent.outbox import report, table
from capture_agent.outbox.folder import OpenedFolder
from capture_agent.outbox.measure import Desk, FrameIndex, Joined, Observed, is_press
from capture_agent.outbox.pictures import Click, write_stills

REPORT_NAME = "report.json"
TABLE_NAME = "events.parquet"
_NO_TABLE = "events.parquet was left out: it needs pyarrow (pip install 'capture-agent[research]')."
_STEP = 1000  # events between two reports of progress


@dataclass(frozen=True, slots=True)
class Extras:
    """What to derive from the members. `table`: None writes it if pyarrow is there and says so if not."""

    stills: bool = False
    table: bool | None = None


USUAL = Extras()


def derive(
    folder: OpenedFolder,
    described: Described,
    categories: frozenset[Category],
    verification: Mapping[str, Any],
    *,
    extras: Extras = USUAL,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write what `extras` ask for and report.json into `folder`, which holds the members; return the report.

    Raises:
        VerificationError: The members hold something else than `described` says.
        ConfigError: A table is wanted and pyarrow is not installed.
        StorageError: The disk is full.
    """
    frames = FrameIndex(_frame_times(folder, described))
    observed = Observed()
    clicks: list[Click] = []
    remarks = []
    wanted = table.is_possible() if extras.table is None else extras.table
    if extras.table is None and not wanted:
        remarks.append(_NO_TABLE)
    with ExitStack() as stack:
        rows = table.TableWriter(stack.enter_context(folder.create(TABLE_NAME))) if wanted else None
        if rows is not None:
            stack.callback(rows.close)
        for fields, shown, monitor in _joined(folder, described, frames, progress):
            observed.add(fields, monitor, frames)
            if rows is not None:
                rows.add(fields, shown)
            if fields["kind"] == "button" and is_press(fields) and shown is not None:
                clicks.append(Click(fields["t_us"], shown))
        if rows is not None:
            rows.finish()
    if extras.stills:
        write_stills(folder, clicks, progress)
    made = report.report(described, categories, observed, frames, verification=verification, remarks=remarks)
    with folder.create(REPORT_NAME) as file:
        file.write(json.dumps(made, indent=2, ensure_ascii=False).encode() + b"\n")
    return made


def _frame_times(folder: OpenedFolder, described: Described) -> dict[str, array[int]]:
    """Return the times of all frames of each video, checked against what was said of it."""
    found = {}
    for stream in described.streams:
        if video_place(stream.member) is None:
            continue
        with folder.read(stream.member) as file:
            times = array("q", video.frame_times(file))
        if len(times) != stream.count or [times[0], times[-1]] != [stream.first_us, stream.last_us]:
            raise _not_as_said(stream.member)
        found[stream.member] = times
    return found


def _joined(
    folder: OpenedFolder, described: Described, frames: FrameIndex, progress: Progress
) -> Iterator[tuple[dict[str, Any], Joined | None, int | None]]:
    """Yield each event, the frame that its monitor showed, and which monitor that was."""
    said = Counter({stream.topic: stream.count for stream in described.streams if stream.member == EVENTS_NAME})
    total, left = said.total(), Counter(said)
    desk = Desk(described.screens, frames.monitors)
    with folder.read(EVENTS_NAME) as file:
        for done, message in enumerate(event_log.read_log(file)):
            # Counted before anything is made of it: a log that expands without end stops here.
            left[message.topic] -= 1
            if left[message.topic] < 0:
                raise _not_as_said(EVENTS_NAME)
            if done % _STEP == 0:
                progress(REPORTING, done, total)
            fields = event_log.decode(message)
            monitor = desk.monitor(fields)
            yield fields, None if monitor is None else frames.shown(monitor, message.t_us), monitor
    if any(left.values()):
        raise _not_as_said(EVENTS_NAME)
    progress(REPORTING, total, total)


def _not_as_said(name: str) -> VerificationError:
    return VerificationError(
        "{name} holds something else than the manifest says of it",
        hint="The agent that made it is damaged or of another make. Ask for the bundle again.",
        name=name,
    )
