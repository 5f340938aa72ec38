"""The presses that may give the keyboard to another field of the same program, and what is typed after them. Pure.

Programs tell of the new field when they get to it. A busy one tells late, and one that was busy while the focus went
through several fields tells only of the last.
"""

from __future__ import annotations

from dataclasses import dataclass

from capture_agent.core.events import Button, Key
from capture_agent.core.keyboard import COMPANIONS, MODIFIERS, is_command

# Of 200 password fields of a web page two were told of more than 250 ms after the press, beside other work.
LATE_US = 600_000
# Nobody types into a field and leaves it within this time, but programs do.
BRIEF_US = 150_000


@dataclass(frozen=True, slots=True)
class Presses:
    """The last press that was decided, and when those were that have arrived and still wait, the oldest first."""

    last_us: int = -LATE_US
    ahead: tuple[int, ...] = ()

    def arrived(self, press: Key | Button) -> Presses:
        """Return what is known once `press` has arrived."""
        return Presses(self.last_us, tuple(sorted((*self.ahead, press.t_us)))) if _may_move(press) else self

    def decided(self, press: Key | Button, *, moves: bool) -> Presses:
        """Return what is known once it is the turn of `press`; `moves`: whether fields are told of where it went."""
        if not _may_move(press):
            return self
        ahead = tuple(t_us for t_us in self.ahead if t_us >= press.t_us)
        return Presses(press.t_us if moves else self.last_us, ahead[1:] if ahead[:1] == (press.t_us,) else ahead)

    def told_until(self, key: Key) -> int:
        """Return until when it may be told of the field that `key` went to: input-clock µs."""
        return self.last_us + LATE_US if self._follows(key) else key.t_us

    def stayed_briefly(self, key: Key) -> bool:
        """Return whether the focus left that field so soon that it may never be told of."""
        return self._follows(key) and bool(self.ahead) and self.ahead[0] - self.last_us < BRIEF_US

    def _follows(self, key: Key) -> bool:
        return key.t_us >= self.last_us and not _may_move(key)  # a press went to the field before


def _may_move(press: Key | Button) -> bool:
    if isinstance(press, Button) or not press.down:
        return press.down
    return is_command(press) and press.sym not in COMPANIONS | MODIFIERS
