"""What sources observe: the nouns of the recording.

Times are µs on the *input clock*: the monotonic clock of this machine, on which the X server
stamps its events too. Coordinates are physical pixels of the virtual desktop.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Category(StrEnum):
    """What a person agrees to, one switch each. The first three are modes of one thing: see `core.keyboard`."""

    KEYBOARD = "keyboard"  # what is typed
    SHORTCUTS = "shortcuts"
    COUNTS = "counts"
    POINTER = "pointer"
    WINDOWS = "windows"
    SCREEN = "screen"
    TASKS = "tasks"


class Outcome(StrEnum):
    """How a task went, in the participant's judgement."""

    DONE = "done"
    NOT_POSSIBLE = "not-possible"
    GAVE_UP = "gave-up"


class Verdict(StrEnum):
    """What the gate thinks of a window or a field. Only CLEAR keeps content."""

    CLEAR = "clear"
    SENSITIVE = "sensitive"
    UNKNOWN = "unknown"


class GapReason(StrEnum):
    """Why a stretch of a session holds nothing."""

    PAUSED = "paused"
    INDICATOR = "indicator"  # the recording indicator could not be proved shown
    GUARD = "guard"  # locked, idle, out of hours, low disk …
    FAULT = "fault"
    FORGOTTEN = "forgotten"
    WITHHELD = "withheld"  # what a released bundle says for every gap that the person made


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in physical pixels; empty when width or height is not positive."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the rectangle."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Pixels inside; 0 for an empty rectangle."""
        return max(0, self.width) * max(0, self.height)

    def intersect(self, other: Rect) -> Rect:
        """Return the common part, which may be empty."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect(x, y, min(self.right, other.right) - x, min(self.bottom, other.bottom) - y)

    def minus(self, other: Rect) -> tuple[Rect, ...]:
        """Return up to four disjoint rectangles that cover this one without `other`."""
        cut = self.intersect(other)
        if not cut.area:
            return (self,) if self.area else ()
        pieces = (
            Rect(self.x, self.y, self.width, cut.y - self.y),
            Rect(self.x, cut.bottom, self.width, self.bottom - cut.bottom),
            Rect(self.x, cut.y, cut.x - self.x, cut.height),
            Rect(cut.right, cut.y, self.right - cut.right, cut.height),
        )
        return tuple(piece for piece in pieces if piece.area)


@dataclass(frozen=True, slots=True)
class Window:
    """A top-level window.

    `app` names the program in lower case (the class of WM_CLASS on X11, the executable's name
    elsewhere); `aliases` are further names that an exclusion may match. `rect` is the whole
    window on screen, its frame and border included. `client` is the program's own part.
    """

    id: int
    app: str
    title: str
    rect: Rect
    client: Rect
    pid: int | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """All visible top-level windows, bottom to top, at one moment; override-redirect ones too."""

    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor: its number (from 1), geometry in physical pixels and scale factor."""

    number: int
    rect: Rect
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """A key went down or up. `sym` is the keysym's name ("a", "Return"), `text` what it types, when known."""

    t_us: int
    down: bool
    code: int
    sym: str
    text: str | None
    mods: tuple[str, ...]
    injected: bool


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key as the mode `shortcuts` tells it: by name if it types nothing, else as one of its class."""

    t_us: int
    down: bool
    code: int
    sym: str
    mods: tuple[str, ...]
    injected: bool


@dataclass(frozen=True, slots=True)
class KeyCount:
    """How many keys went down from `start_us` to `t_us`: all that the mode `counts` tells."""

    t_us: int
    start_us: int
    keys: int


@dataclass(frozen=True, slots=True)
class Move:
    """The pointer is at (x, y) now."""

    t_us: int
    x: int
    y: int
    injected: bool


@dataclass(frozen=True, slots=True)
class Button:
    """A pointer button went down or up. `button` is "left", "middle", "right", "back", "forward" or a number."""

    t_us: int
    down: bool
    button: str
    x: int
    y: int
    injected: bool


@dataclass(frozen=True, slots=True)
class Scroll:
    """The wheel turned: clicks to the right (dx) and down (dy), as the X server counts them."""

    t_us: int
    dx: int
    dy: int
    x: int
    y: int
    injected: bool


@dataclass(frozen=True, slots=True)
class PointerShape:
    """The pointer looks different now. `bgra` is premultiplied, `width` × `height`; the hot spot is (hot_x, hot_y)."""

    t_us: int
    name: str
    width: int
    height: int
    hot_x: int
    hot_y: int
    bgra: bytes


@dataclass(frozen=True, slots=True)
class Focus:
    """The window with the keyboard changed, or its title or place did. `None`: no window, or not known."""

    t_us: int
    window: Window | None


@dataclass(frozen=True, slots=True)
class FieldFocus:
    """Somebody looked which field has the keyboard. For the gate alone, never recorded.

    Attributes:
        t_us: When the look began: what was focused before is not seen by it.
        verdict: What may be kept of what is typed there.
        window: The number of the window that was looked into.
        secrets: Where secret fields are on screen, relative to the corner of the window's `rect`.
        whole: The whole window shows a secret, or may.
        private: Whether the window is one of private browsing; None: it does not say.
    """

    t_us: int
    verdict: Verdict
    window: int
    secrets: tuple[Rect, ...] = ()
    whole: bool = False
    private: bool | None = None


@dataclass(frozen=True, slots=True)
class Monitors:
    """The monitors are these from now on. Sent at start and on every change."""

    t_us: int
    monitors: tuple[Monitor, ...]


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """The participant set out to do something. `again`: the same task goes on in this session."""

    t_us: int
    task_id: str
    text: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """The participant says how the task went. `difficulty` is 1 (easy) to 5 (hard), or None."""

    t_us: int
    task_id: str
    outcome: Outcome
    difficulty: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One monitor's pixels at one moment.

    `pixels` is (height, width, 4) uint8, BGRX. The source compares its next grab with them, so nobody
    may write to them: what is painted over is painted on a copy. `layout` was read before and after the
    grab and did not change in between. `pressed`: taken because a button or key went down.
    `still` says what was seen where shortly before, and may still be; each `rect` is a piece of a window.
    `moving` are the windows that a compositor may be showing on their way: anywhere.
    `number` counts the frames of a monitor. `rows`: only from that row to before that row can the pixels differ from
    those of the frame before; None: anywhere.
    """

    t_us: int
    monitor: Monitor
    pixels: NDArray[np.uint8]
    layout: Layout
    pressed: bool = False
    still: tuple[Window, ...] = ()
    moving: tuple[Window, ...] = ()
    number: int = 0
    rows: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What the gate makes of a frame: rows of a monitor, from row `top` on, with what may not be seen painted over.

    `pixels` is (rows, width, 4) uint8, BGRX. The other rows are as in the picture of that monitor before.
    """

    t_us: int
    monitor: Monitor
    top: int
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was recorded from `start_us` to `t_us`."""

    t_us: int
    start_us: int
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Withheld:
    """Input was not kept from `start_us` to `t_us`, both widened to whole seconds of session time. No counts."""

    t_us: int
    start_us: int
    reason: str


InputEvent: TypeAlias = Key | Move | Button | Scroll | PointerShape
Event: TypeAlias = (
    InputEvent
    | Shortcut
    | KeyCount
    | Focus
    | FieldFocus
    | Monitors
    | TaskStarted
    | TaskFinished
    | Frame
    | Picture
    | Gap
    | Withheld
)

CATEGORY_OF: dict[type, Category | None] = {
    Key: Category.KEYBOARD,
    Shortcut: Category.SHORTCUTS,
    KeyCount: Category.COUNTS,
    Move: Category.POINTER,
    Button: Category.POINTER,
    Scroll: Category.POINTER,
    PointerShape: Category.POINTER,
    Focus: Category.WINDOWS,
    Frame: Category.SCREEN,
    Picture: Category.SCREEN,
    TaskStarted: Category.TASKS,
    TaskFinished: Category.TASKS,
    # Marks say where a session has holes and how its coordinates are to be read: never content.
    Monitors: None,
    FieldFocus: None,
    Gap: None,
    Withheld: None,
}
