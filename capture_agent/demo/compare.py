"""Compare what hands did with what a recording says they did. Pure.

Equal means: the same acts in the same order, each with the same key, text, button and place, at the
same time but for one offset between the two clocks, which the comparison finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capture_agent.core.keyboard import COMPANIONS, MODIFIERS
from capture_agent.demo.acts import Act, Expect, Kind

# The X server stamps events in whole ms, and the two clocks are one to about that; the rest is margin.
TOLERANCE_US = 5_000
# Hands know when the server acted to half of its round trip: 0.1 ms, but many on a busy machine. Beyond this it is
# not the machine any more.
MAX_SLACK_US = 50_000
ANCHORS = 5  # recorded acts from which the offset is guessed: more than the first, which may be the wrong one
SHOWN = 10  # differences in words; a broken recording has thousands


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it.

    `offset_us` is input clock minus session time, `worst_us` the greatest error of a time beyond what
    the server's answers explain. `counts` holds for each kind of act how many were
    injected, recorded, and suppressed: injected and not recorded, as it should be.
    """

    differences: tuple[str, ...]
    offset_us: int
    worst_us: int
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether the recording says what happened."""
        return not self.differences


def recorded_act(event: Mapping[str, Any]) -> Act | None:
    """Return a decoded event of a log as an act; None for everything that hands do not do."""
    t_us = int(event["t_us"])
    match event["kind"]:
        case "key":
            return Act(t_us, Kind.KEY, event["sym"], event["down"], _typed(event["text"]) if event["down"] else None)
        case "button":
            return Act(t_us, Kind.BUTTON, event["button"], event["down"], None, event["x"], event["y"])
        case "move":
            return Act(t_us, Kind.MOVE, "", x=event["x"], y=event["y"])
        case "scroll":
            return Act(t_us, Kind.SCROLL, f"{event['dx']},{event['dy']}", x=event["x"], y=event["y"])
        case _:
            return None


def compare(injected: Sequence[Act], recorded: Sequence[Act]) -> Comparison:
    """Return how `recorded` differs from `injected`; both in the order of their own time."""
    guesses = {
        act.t_us - anchor.t_us for anchor in recorded[:ANCHORS] for act in injected if _content(act) == _content(anchor)
    }
    return min(
        (_at(injected, recorded, offset) for offset in sorted(guesses) or [0]),
        key=lambda comparison: (len(comparison.differences), comparison.worst_us),
    )


def _at(injected: Sequence[Act], recorded: Sequence[Act], offset_us: int) -> Comparison:
    """Compare under the assumption that session time 0 is `offset_us` on the input clock."""
    differences: list[str] = []
    matched: list[Act] = []
    skews: list[int] = []
    place = 0
    for act in injected:
        while place < len(recorded) and recorded[place].t_us + offset_us < act.t_us - _tolerance_us(act):
            differences.append(f"recorded and never done: {_words(recorded[place])}")
            place += 1
        if place < len(recorded) and _same(act, recorded[place], offset_us):
            matched.append(act)
            skews.append(act.t_us - offset_us - recorded[place].t_us)
            place += 1
            if act.expect is Expect.NEVER:
                differences.append(f"recorded and must not be: {_words(act, offset_us)}")
        elif act.expect is Expect.KEPT:
            differences.append(f"done and not recorded: {_words(act, offset_us)}")
    differences += [f"recorded and never done: {_words(act)}" for act in recorded[place:]]
    # The guess came from one act that may itself be off; the middle of all is the better offset.
    shift = _middle(skews)
    return Comparison(
        tuple(differences),
        offset_us + shift,
        max((max(0, abs(skew - shift) - act.slack_us) for act, skew in zip(matched, skews, strict=True)), default=0),
        _counts(injected, recorded, matched),
    )


def summarised(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison for `summary.json`, with the first few differences in words."""
    return {
        "equal": comparison.equal,
        "differences": len(comparison.differences),
        "first_differences": list(comparison.differences[:SHOWN]),
        "worst_time_error_us": comparison.worst_us,
        "events": {kind: dict(counts) for kind, counts in comparison.counts.items()},
    }


def _counts(injected: Iterable[Act], recorded: Iterable[Act], matched: Iterable[Act]) -> dict[str, dict[str, int]]:
    done = Counter(act.kind for act in injected)
    kept = Counter(act.kind for act in recorded)
    found = Counter(act.kind for act in matched)
    return {
        kind.value: {"injected": done[kind], "recorded": kept[kind], "suppressed": done[kind] - found[kind]}
        for kind in Kind
    }


def _content(act: Act) -> tuple[object, ...]:
    return act.kind, act.what, act.down, act.text, act.x, act.y


def _same(act: Act, other: Act, offset_us: int) -> bool:
    return _content(act) == _content(other) and abs(act.t_us - offset_us - other.t_us) <= _tolerance_us(act)


def _tolerance_us(act: Act) -> int:
    return TOLERANCE_US + min(act.slack_us, MAX_SLACK_US)


def _typed(text: str | None) -> str | None:
    """Return what shows on the screen: Return, Tab and chords type control characters, which hands do not log."""
    return text if text is not None and text.isprintable() else None


def _middle(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0


def _words(act: Act, offset_us: int = 0) -> str:
    """Name an act without what it typed, which may end up in a log; its time is that of the session."""
    where = f" at {act.x}, {act.y}"
    if act.kind is Kind.KEY:
        where = f" of {act.what}" if act.what in COMPANIONS | MODIFIERS else ""
    return f"{act.kind} {'down' if act.down else 'up'}{where}, {act.t_us - offset_us} µs"
