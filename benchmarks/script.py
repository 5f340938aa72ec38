"""The workload as a list of timed steps, from a seed: pure, so that every recorder meets the same desktop.

A cycle is what somebody at a desk does in ten seconds: output scrolls by, then typing, a window is
moved, the pointer wanders, a page is read. While the page is read nothing moves for a moment, and a
*probe*, a bar code in a corner, numbers that moment: there the harness takes its lossless grab, and
there a decoded video can be compared without knowing its clock.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

CYCLE_MS = 10_000  # one round of all activities
LINE_EVERY_MS = 70  # a build or a log scrolling by
KEY_EVERY_MS = (110, 230)  # 4 to 9 keys a second: a fluent typist
KEY_HELD_MS = 40
DRAG_EVERY_MS = 40  # a window follows the pointer
MOVE_EVERY_MS = 16  # pointer moves at 60 a second
HOLD_MS = 900  # how long a probe stands still: nine frames at 10 fps
GRAB_AFTER_MS = 500  # by then every program has painted
PAGE_LINES = 24
WHEEL_DOWN_BUTTON = 5  # as the X protocol counts buttons
CANARY_LETTERS = "abdefhkmnprtuvwxyz"  # letters that OCR does not mistake for each other
CANARY_LENGTH = 12  # 18 ** 12: it is nowhere by accident
FLOOD_X, FLOOD_Y, FLOOD_WIDTH, FLOOD_HEIGHT = 1_050, 400, 550, 300  # px: where the flood's pointer moves
WORDS = tuple(
    """
    about after again begin below brown chair cloud dance early earth field first found green group heard heart house
    large learn light money month mouth night north other paper party place plant point quick quiet river round seven
    short small sound south stand start stone story study table teach thank their three tower trade train under until
    visit voice watch water wheel where white whole woman world write young
    """.split()  # noqa: SIM905 - prose is easier to keep than a list
)


class Kind(StrEnum):
    """What a step does."""

    PRINT = "print"  # `text` appears in the reading window
    CLEAR = "clear"  # the reading window is empty
    KEY = "key"  # the key of `text` goes down and up
    PLACE = "place"  # the typing window moves to (x, y)
    MOVE = "move"  # the pointer moves to (x, y)
    CLICK = "click"  # the left button goes down and up
    SCROLL = "scroll"  # the wheel turns one click: y is 1 down, -1 up
    TITLE = "title"  # the typing window is called `text`
    PROBE = "probe"  # the bar code shows `number`; 0 is blank
    GRAB = "grab"  # the harness keeps the screen, lossless, as the truth of probe `number`


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens `at_ms` after the start."""

    at_ms: int
    kind: Kind
    x: int = 0
    y: int = 0
    number: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """The steps in order of time, and what they should leave behind."""

    steps: tuple[Step, ...]
    canary: str
    pages: dict[int, tuple[str, ...]]  # probe → the lines that the reading window shows then
    length_ms: int

    def injected(self) -> dict[str, int]:
        """Return how many input events a complete recorder sees, by kind; presses and releases count one each."""
        counts = dict.fromkeys(("keys", "moves", "buttons", "scrolls"), 0)
        for step in self.steps:
            match step.kind:
                case Kind.KEY:
                    counts["keys"] += 2
                case Kind.CLICK:
                    counts["buttons"] += 2
                case Kind.MOVE:
                    counts["moves"] += 1
                case Kind.SCROLL:
                    counts["scrolls"] += 1
                case _:
                    pass
        return counts


def canary(seed: int) -> str:
    """Return a word that exists nowhere else."""
    return "".join(random.Random(f"canary {seed}").choices(CANARY_LETTERS, k=CANARY_LENGTH))


def active(seed: int, cycles: int) -> Script:
    """Return `cycles` times ten seconds of work."""
    chance = random.Random(f"active {seed}")
    secret = canary(seed)
    pages: dict[int, tuple[str, ...]] = {}
    steps: list[Step] = []
    for number in range(1, cycles + 1):
        start = (number - 1) * CYCLE_MS
        pages[number] = page(chance)
        steps += _output(chance, start, start + 2_000)
        steps += _typing(chance, start + 2_000, start + 6_000, secret if number == 1 else "")
        steps += _drag(chance, start + 6_000, start + 7_000)
        steps += _wander(chance, start + 7_000, start + 8_700)
        steps += _read(number, pages[number], start + 8_800)
    steps.insert(0, Step(0, Kind.TITLE, text=f"notes {secret}"))
    return Script(_moving(sorted(steps, key=lambda step: step.at_ms)), secret, pages, cycles * CYCLE_MS)


def still(seed: int, seconds: int) -> Script:
    """Return a desktop on which nothing happens: one page, shown at the start, and a grab at the end."""
    lines = page(random.Random(f"still {seed}"))
    end = seconds * 1_000
    steps = (
        Step(0, Kind.CLEAR),
        Step(0, Kind.PRINT, text="\n".join(lines)),
        Step(50, Kind.PROBE, number=1),
        Step(end - 100, Kind.GRAB, number=1),
    )
    return Script(steps, canary(seed), {1: lines}, end)


def _moving(steps: list[Step]) -> tuple[Step, ...]:
    """Return the steps without moves to where the pointer is: X makes no event of those."""
    kept: list[Step] = []
    at: tuple[int, int] | None = None
    for step in steps:
        if step.kind is Kind.MOVE:
            if (step.x, step.y) == at:
                continue
            at = (step.x, step.y)
        kept.append(step)
    return tuple(kept)


def page(chance: random.Random) -> tuple[str, ...]:
    """Return lines of small text whose characters are known."""
    return tuple(" ".join(chance.choices(WORDS, k=11)) for _ in range(PAGE_LINES))


def flood(seed: int, count: int) -> Iterator[tuple[str, int, int]]:
    """Yield input as (kind, a, b), with `count` events in it: mostly moves, keys, buttons and wheel in between.

    "move" to (a, b); "key" with index a into the letters, down if b; "button" a, down if b. Whatever goes down
    comes up again. A wheel's click is one event: that its button comes up says nothing, and recorders leave it out.
    """
    chance = random.Random(f"flood {seed}")
    made = across = 0
    while made < count:
        roll = chance.random()
        if roll < 0.8:
            # inside the typing window, away from its title bar's buttons; never twice the same place
            across = (across + chance.randrange(1, FLOOD_WIDTH)) % FLOOD_WIDTH
            burst = [("move", FLOOD_X + across, FLOOD_Y + chance.randrange(FLOOD_HEIGHT))]
        elif roll < 0.95:
            letter = chance.randrange(len(CANARY_LETTERS))
            burst = [("key", letter, 1), ("key", letter, 0)]
        elif roll < 0.98:
            burst = [("button", WHEEL_DOWN_BUTTON, 1), ("button", WHEEL_DOWN_BUTTON, 0)]
        else:
            burst = [("button", 1, 1), ("button", 1, 0)]
        size = len(burst) - (("button", WHEEL_DOWN_BUTTON, 0) in burst)
        if made + size > count:
            continue  # a single move still fits
        yield from burst
        made += size


def _output(chance: random.Random, start: int, end: int) -> list[Step]:
    steps = [Step(start, Kind.CLEAR)]
    for n, at in enumerate(range(start, end, LINE_EVERY_MS)):
        line = " ".join(chance.choices(WORDS, k=chance.randrange(8, 16)))
        steps.append(Step(at, Kind.PRINT, text=f"\x1b[3{chance.randrange(1, 7)}m{start // 100 + n:05d}\x1b[0m {line}"))
    return steps


def _typing(chance: random.Random, start: int, end: int, first: str) -> list[Step]:
    steps = [Step(start, Kind.MOVE, x=1_300, y=600), Step(start + 50, Kind.CLICK)]
    text = f"{first} " if first else ""
    at = start + 200
    while at < end - 200:
        if not text:
            text = f"{chance.choice(WORDS)} " if chance.random() < 0.85 else f"{chance.choice(WORDS)}\n"
        steps.append(Step(at, Kind.KEY, text=text[0]))
        text = text[1:]
        # the canary is typed whole, faster than anything else, so that it fits
        at += 90 if first and len(steps) < len(first) + 3 else chance.randint(*KEY_EVERY_MS)
    steps.append(Step(end - 100, Kind.KEY, text="\n"))
    return steps


def _drag(chance: random.Random, start: int, end: int) -> list[Step]:
    dx, dy = chance.choice((-8, -6, 6, 8)), chance.choice((-4, 4))
    half = (end - start) // 2
    there = [(at, at // DRAG_EVERY_MS) for at in range(0, half, DRAG_EVERY_MS)]
    back = [(2 * half - at, n) for at, n in there]
    return [Step(start + at, Kind.PLACE, x=dx * n, y=dy * n) for at, n in [*there, *sorted(back)]]


def _wander(chance: random.Random, start: int, end: int) -> list[Step]:
    stops = [(chance.randrange(80, 900), chance.randrange(80, 900)) for _ in range(4)]
    times = range(start, end, MOVE_EVERY_MS)
    leg = len(times) / (len(stops) - 1)
    steps = []
    for n, at in enumerate(times):
        part = min(int(n / leg), len(stops) - 2)
        share = n / leg - part
        (x0, y0), (x1, y1) = list(pairwise(stops))[part]
        steps.append(Step(at, Kind.MOVE, x=round(x0 + (x1 - x0) * share), y=round(y0 + (y1 - y0) * share)))
    wheel = [Step(start + 400 + 120 * n, Kind.SCROLL, y=-1 if n < 4 else 1) for n in range(8)]
    return [*steps, *wheel]


def _read(number: int, lines: tuple[str, ...], start: int) -> list[Step]:
    return [
        Step(start, Kind.CLEAR),
        Step(start, Kind.PRINT, text="\n".join(lines)),
        Step(start + 100, Kind.PROBE, number=number),
        Step(start + 100 + GRAB_AFTER_MS, Kind.GRAB, number=number),
        Step(start + 100 + HOLD_MS, Kind.PROBE, number=0),
    ]
