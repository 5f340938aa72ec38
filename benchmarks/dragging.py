"""How long pictures take in the player while its time line is dragged and when it is let go, through its widgets."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest

if TYPE_CHECKING:
    from capture_agent.session.review import Picture, Review
    from capture_agent.ui.player import Player

MOVES, MOVE_S = 300, 0.016  # of a mouse that is moved without a rest, to places of chance
PLACES, DRAGGED_S = 60, 0.05  # where it is let go, and how long it was there
BEFORE_KEY = 3  # one of so many places is the last frame before a key frame: there most has to be decoded
Until = Callable[[Callable[[], object]], object]  # does what is due until it is so


class _Watched:
    """A review that notes for each picture of which time it was asked for, and whether for the exact one."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self.asked_for: dict[int, tuple[int, bool]] = {}  # by the identity of its pixels

    def __getattr__(self, name: str) -> object:
        return getattr(self.review, name)

    def near(self, monitor: int, t_us: int) -> Picture | None:
        return self._noted(self.review.near(monitor, t_us), t_us, exact=False)

    def at(self, monitor: int, t_us: int) -> Picture | None:
        return self._noted(self.review.at(monitor, t_us), t_us, exact=True)

    def _noted(self, picture: Picture | None, t_us: int, *, exact: bool) -> Picture | None:
        if picture is not None:
            self.asked_for[id(picture.pixels)] = t_us, exact
        return picture


class Hand(QObject):
    """Moves the time line of a player that is open, and measures until pictures are painted; s."""

    def __init__(self, player: Player, until: Until) -> None:
        super().__init__()
        self._player, self._until, self._chance = player, until, random.Random(1)
        assert player._review is not None
        self._watched = _Watched(player._review)
        player._review = self._watched  # type: ignore[assignment]
        self._painted = (0, False)  # of which time the picture in sight was asked for, and whether for the exact one
        player.view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Paint:
            self._painted = self._watched.asked_for.get(id(self._player.view._pixels), self._painted)
        return super().eventFilter(watched, event)

    def drag(self) -> dict[str, float]:
        """Return how long it took from each move until the key frame for its place, or a later one, was painted."""
        bar, asked, taken = self._player.bar, list[tuple[int, float]](), list[float]()

        def all_seen() -> bool:
            place = next((n for n, (t_us, _) in enumerate(asked) if t_us == self._painted[0]), -1)
            now = time.perf_counter()
            taken.extend(now - since for _, since in asked[: place + 1])
            del asked[: place + 1]
            return not asked

        def moved_on() -> bool:
            all_seen()
            return time.perf_counter() - since > MOVE_S

        QTest.mousePress(bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, bar.rect().center())
        for _ in range(MOVES):
            since = time.perf_counter()
            QTest.mouseMove(bar, QPoint(self._chance.randrange(bar.width()), bar.height() // 2))
            asked.append((self._player.position_us, since))
            self._until(moved_on)
        self._until(all_seen)
        QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, bar.rect().center())
        return spread(taken)

    def let_go(self) -> dict[str, float]:
        """Return how long it took from letting go until the exact picture of the place was painted."""
        bar, taken, to_ms = self._player.bar, list[float](), 0

        def rested() -> bool:
            return time.perf_counter() - since > DRAGGED_S

        def exact() -> bool:
            return self._painted == (to_ms * 1000, True)

        track = self._watched.review._index.tracks[1]
        for number in range(PLACES):
            to_ms = self._chance.randrange(bar.maximum())
            if number % BEFORE_KEY == 0:
                to_ms = (track.times[self._chance.choice(track.keys[1:])] - 1) // 1000
            bar.setSliderDown(True)  # as the button of the mouse does; the pixels of a mouse are seconds apart
            bar.setValue(to_ms)
            since = time.perf_counter()
            self._until(rested)
            since = time.perf_counter()
            bar.setSliderDown(False)
            self._until(exact)
            taken.append(time.perf_counter() - since)
        return spread(taken)


def spread(taken: list[float]) -> dict[str, float]:
    """Return median, 95th of a hundred, and maximum."""
    return {"p50": statistics.median(taken), "p95": statistics.quantiles(taken, n=20)[-1], "max": max(taken)}
