"""report.json: what an opened session holds, whether it is usable, and if not, why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from capture_agent.bundle.manifest import Described
from capture_agent.core.events import Category
from capture_agent.core.keyboard import MODES
from capture_agent.core.stretches import Reason
from capture_agent.outbox.measure import (
    SECOND_US,
    FrameIndex,
    Observed,
    best_second,
    covered_us,
    percentile,
    recorded_us,
)

REPORT_FORMAT = 1
FIELD_UNKNOWN = Reason.FIELD_UNKNOWN.value

# When a session is called not usable; each a share or a time beyond which a model learns the wrong thing from it.
LEAST_RECORDED_US = SECOND_US  # less than a second shows no work
MOST_DROPPED = 0.05  # share of frames lost: events then join to frames that were not on screen
# Of the median press: programs may take long now and then; if most frames come later, the recorder is late.
MOST_LAG_US = 500_000
ENOUGH_PRESSES = 20  # fewer say nothing about the recorder
MOST_WITHHELD = 0.9  # share of the time in which input was not kept


def report(
    described: Described,
    categories: frozenset[Category],
    observed: Observed,
    frames: FrameIndex,
    *,
    verification: Mapping[str, Any],
    remarks: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the report of a session with `categories`. Times are µs of session time, shares 0 to 1."""
    recorded = recorded_us(described)
    keys = bool(categories.intersection(MODES))
    withheld = _share(observed.withheld.values(), described, recorded) if keys else None
    # Where fields cannot be seen, pointer, shortcuts and named keys are kept: less, but of use.
    hidden = _share([spans for why, spans in observed.withheld.items() if why != FIELD_UNKNOWN], described, recorded)
    dropped = dropped_share(described)
    lag = {
        "presses": observed.presses,
        "followed_by_a_frame": len(observed.lags_us),
        "p50_us": percentile(observed.lags_us, 0.50),
        "p99_us": percentile(observed.lags_us, 0.99),
    }
    enough = len(observed.lags_us) >= ENOUGH_PRESSES
    reasons = why_not(described, categories, lag["p50_us"] if enough else None, hidden if keys else None, recorded)
    return {
        "format": REPORT_FORMAT,
        "session": described.session,
        "study": described.study,
        "usable": "no" if reasons else "yes",
        "reasons": reasons,
        "remarks": [*remarks, *_remarks(described, observed)],
        "verification": dict(verification),
        "complete": described.complete,
        "categories": sorted(categories),
        "streams": [stream.model_dump(mode="json") for stream in described.streams],
        "counts": dict(sorted(observed.kinds.items())),
        "gaps": [gap.model_dump(mode="json") for gap in described.gaps],
        "clock": {**described.clock.model_dump(mode="json"), "recorded_us": recorded},
        "screens": [one.model_dump(mode="json") for one in described.screens],
        "environment": described.environment.model_dump(mode="json"),
        "videos": {name: _video(times, recorded) for name, times in frames.times.items()},
        "max_fps": described.recorder.max_fps,
        "frames_dropped": described.recorder.frames_dropped,
        "frames_dropped_share": dropped,
        "masked_share": described.recorder.masked_share,
        "text_withheld_share": withheld,
        "withheld_us": {
            why: covered_us(spans, described.clock.duration_us) for why, spans in sorted(observed.withheld.items())
        },
        "event_to_frame_lag": lag,
        "coordinates": "physical pixels of the virtual desktop; `screens` says where each monitor is",
    }


def why_not(
    described: Described, categories: frozenset[Category], lag_p50_us: int | None, withheld: float | None, recorded: int
) -> list[str]:
    """Return why a session is not usable, in sentences; empty if it is."""
    found = []
    content = [stream for stream in described.streams if stream.topic != "marks"]
    dropped = dropped_share(described)
    if not content:
        found.append("It holds nothing but marks.")
    if recorded < LEAST_RECORDED_US:
        found.append("Less than a second was recorded.")
    if Category.SCREEN in categories and not any(stream.topic.startswith("screen/") for stream in content):
        found.append("The screen was agreed to, and there is no frame of it.")
    if dropped is not None and dropped > MOST_DROPPED:
        found.append(f"{dropped:.0%} of the frames were dropped.")
    if lag_p50_us is not None and lag_p50_us > MOST_LAG_US:
        found.append("Frames follow presses too late.")
    if withheld is not None and withheld > MOST_WITHHELD:
        found.append(f"Input was not kept for {withheld:.0%} of the time.")
    return found


def dropped_share(described: Described) -> float | None:
    """Return which share of the frames that were taken was dropped; None if it was not noted."""
    dropped = described.recorder.frames_dropped
    if dropped is None:
        return None
    kept = sum(stream.count for stream in described.streams if stream.topic.startswith("screen/"))
    return round(dropped / (dropped + kept), 4) if dropped + kept else 0.0


def _video(times: Any, recorded: int) -> dict[str, Any]:
    return {
        "frames": len(times),
        "fps_mean": round(len(times) * SECOND_US / max(recorded, 1), 3),
        "fps_reached": best_second(times),
    }


def _share(spans: Iterable[list[tuple[int, int]]], described: Described, recorded: int) -> float:
    every = [span for some in spans for span in some]
    return round(min(1.0, covered_us(every, described.clock.duration_us) / max(1, recorded)), 4)


def _remarks(described: Described, observed: Observed) -> list[str]:
    found = []
    unseen = covered_us(observed.withheld.get(FIELD_UNKNOWN, []), described.clock.duration_us)
    if unseen:
        seconds = round(unseen / SECOND_US)
        found.append(f"For {seconds} s text was not kept: whether its field was a secret one could not be seen.")
    if not described.complete:
        found.append("The recording ended without being closed: up to 2 s before its end are missing.")
    if described.gaps:
        found.append("It has gaps in which nothing was recorded.")
    return found
