"""What keys say, and how much of it each keyboard mode keeps. Pure.

Three categories are modes of one thing, from wide to narrow::

    keyboard    every key, with the text that it types
    shortcuts   named keys (Return, Left, F5) and chords with Ctrl, Alt or Super; of a key that types something
                only that one was pressed and let go
    counts      how many keys went down in each `COUNT_US`

Who agrees to a mode agrees to the narrower ones, so whatever narrows a study or the settings holds at once.
What two texts of as many keys, typed at the same times, leave in `shortcuts` and `counts` is the same: Shift, AltGr and
Caps Lock are left out, also as modifiers of a named key, because they tell which letters were capitals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from capture_agent.core.events import Category, Key, KeyCount, Shortcut
from capture_agent.core.intervals import Intervals, Place

MODES = (Category.KEYBOARD, Category.SHORTCUTS, Category.COUNTS)  # each keeps less than the one before
PRINTABLE = "printable"  # the name of every key that types something
MAX_HELD = 64  # keys that may be down at once; of one more, the oldest is taken for let go unseen
COUNT_US = 10_000_000  # an interval of `counts`: long enough to say nothing of the rhythm of a word
SETTLE_US = 1_000_000  # after the end of an interval, until nothing of it waits any more in the gate

CHORD_MODS = frozenset({"ctrl", "alt", "super"})
# They go with what is typed: where capital letters are in a secret, and where it was mistyped.
SHIFTS = frozenset({"Shift_L", "Shift_R", "ISO_Level3_Shift", "Caps_Lock"})
COMPANIONS = SHIFTS | {"BackSpace", "Delete"}
_SHIFTING = SHIFTS | {"ISO_Level5_Shift", "Mode_switch", "Shift_Lock", "ISO_Level3_Lock", "ISO_Level5_Lock"}
_HELD = frozenset(
    ["Control_L", "Control_R", "Alt_L", "Alt_R", "Meta_L", "Meta_R", "Super_L", "Super_R", "Num_Lock", "Scroll_Lock"]
)
MODIFIERS = _SHIFTING | _HELD
# Keysyms that type nothing. A list, because "exclam" and "dead_acute" have long names and no text when they come up.
_COMMANDS = (
    COMPANIONS
    | _HELD
    | frozenset(
        f"""Tab ISO_Left_Tab Return Escape Home Left Up Right Down Prior Next End Insert Menu Pause Print
        KP_Enter KP_Home KP_Left KP_Up KP_Right KP_Down KP_Prior KP_Next KP_End KP_Insert KP_Delete
        {" ".join(f"F{n}" for n in range(1, 36))}""".split()
    )
)


def implied(categories: Iterable[Category]) -> frozenset[Category]:
    """Return `categories` with the narrower modes of each mode among them."""
    given = frozenset(categories)
    widest = next((n for n, mode in enumerate(MODES) if mode in given), len(MODES))
    return given | frozenset(MODES[widest:])


def implying(category: Category) -> frozenset[Category]:
    """Return `category` and the modes that are wider: none of them may stay when it is taken back."""
    return frozenset(MODES[: MODES.index(category) + 1]) if category in MODES else frozenset({category})


def widest(categories: AbstractSet[Category], readers: Iterable[AbstractSet[Category]] = ()) -> frozenset[Category]:
    """Return `categories` with only the widest mode, and the widest that each of `readers` may have."""
    needed = {next((mode for mode in MODES if mode in categories & some), None) for some in (categories, *readers)}
    return frozenset(category for category in categories if category not in MODES or category in needed)


def is_command(key: Key) -> bool:
    """Whether a key says nothing of what is typed: a chord, or a key with a name of its own."""
    return bool(CHORD_MODS & set(key.mods)) or key.sym in _COMMANDS


@dataclass(frozen=True, slots=True)
class Reduced:
    """What `shortcuts` and `counts` have to remember: a value that returns its successor.

    `held` are the keys that are down, as they were told; `counted` the keys of each interval that cannot be told yet,
    by the interval's number and the start of the allowed time that it lies in.
    """

    epoch_us: int = 0
    held: tuple[tuple[tuple[int, str], Shortcut], ...] = ()
    counted: Mapping[tuple[int, int], int] = field(default_factory=lambda: MappingProxyType({}))

    def shortcut(self, key: Key) -> tuple[Reduced, tuple[Shortcut, ...]]:
        """Return what `shortcuts` keeps of a key. One comes up as it went down, whatever is held by then."""
        which = (key.code, key.sym)
        if key.down:
            told = _told(key)
            return (
                (self, ())
                if told is None
                else (replace(self, held=(*self.held[1 - MAX_HELD :], (which, told))), (told,))
            )
        for number, (held, told) in enumerate(self.held):
            if held == which:
                rest = (*self.held[:number], *self.held[number + 1 :])
                return replace(self, held=rest), (replace(told, t_us=key.t_us, down=False),)
        return self, ()

    def count(self, key: Key, intervals: Intervals) -> Reduced:
        """Count a key that went down. Keys that are held for others are none: they tell which letters are capitals."""
        if not key.down or key.sym in MODIFIERS:
            return self
        where = (key.t_us - self.epoch_us) // COUNT_US, intervals.bounds(key.t_us)[0]
        return replace(self, counted=MappingProxyType({**self.counted, where: self.counted.get(where, 0) + 1}))

    def due(self, intervals: Intervals) -> tuple[Reduced, tuple[KeyCount, ...]]:
        """Return the counts of the intervals that are over. A pause, too, ends one."""
        if not self.counted:
            return self, ()
        said, left = list[KeyCount](), dict[tuple[int, int], int]()
        for (number, began_us), keys in self.counted.items():
            start_us = max(began_us, self.epoch_us + number * COUNT_US)
            end_us = self.epoch_us + (number + 1) * COUNT_US
            ended_us = intervals.bounds(start_us)[1]
            if ended_us is not None:
                said.append(KeyCount(min(end_us, ended_us), start_us, keys))
            elif intervals.place(end_us, end_us + SETTLE_US) is Place.INSIDE:
                said.append(KeyCount(end_us, start_us, keys))
            else:
                left[number, began_us] = keys
        return replace(self, counted=MappingProxyType(left)) if said else self, tuple(said)


def _told(key: Key) -> Shortcut | None:
    if key.sym in _SHIFTING:
        return None
    mods = tuple(mod for mod in key.mods if mod in CHORD_MODS)
    if mods and key.text is None:
        kept = tuple(mod for mod in key.mods if mod in CHORD_MODS | {"shift"})
        return Shortcut(key.t_us, True, key.code, key.sym, kept, key.injected)
    if key.sym in _COMMANDS:
        sym = "Tab" if key.sym == "ISO_Left_Tab" else key.sym
        return Shortcut(key.t_us, True, key.code, sym, (), key.injected)
    return Shortcut(key.t_us, True, 0, PRINTABLE, (), key.injected)
