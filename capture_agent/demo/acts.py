"""What hands did on a desktop, one line for each thing that a recorder can see."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What kind of input it was."""

    KEY = "key"
    BUTTON = "button"
    MOVE = "move"
    SCROLL = "scroll"


class Expect(StrEnum):
    """What a recording should say of an act."""

    KEPT = "kept"  # consent, programs and indicator allow it, well away from any change
    EITHER = "either"  # on the way to or from the agent's own windows
    NEVER = "never"  # during a pause, or before and after the session


@dataclass(frozen=True, slots=True)
class Act:
    """One input, injected or recorded.

    `what` is the keysym's name or the button's ("left"), "" for a move, "dx,dy" for a scroll. `text`
    is what a key going down types (None: nothing). `t_us` is µs on the input clock if it was
    injected, session time if it was recorded. `x` and `y` are px, 0 for keys.
    `slack_us` is how far `t_us` may be off because the server took that long to answer, or clocks
    disagreed; that and `expect` mean nothing for a recorded one.
    """

    t_us: int
    kind: Kind
    what: str
    down: bool = True
    text: str | None = None
    x: int = 0
    y: int = 0
    expect: Expect = field(default=Expect.EITHER, compare=False)
    slack_us: int = field(default=0, compare=False)
