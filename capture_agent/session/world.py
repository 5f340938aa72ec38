"""What the controller needs from outside; `app` brings it in, tests bring another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Protocol

from capture_agent.core.asking import Remedy
from capture_agent.core.elsewhere import Elsewhere
from capture_agent.core.events import Category
from capture_agent.core.network import Addresses
from capture_agent.core.never import NeverRule
from capture_agent.core.policy import Policy, Settings
from capture_agent.desktop.base import Presence
from capture_agent.session.holdings import Surroundings
from capture_agent.sources.base import Source


@dataclass(frozen=True, slots=True)
class Plan:
    """What sources are to be made for."""

    categories: frozenset[Category]
    max_fps: int


class World(Protocol):
    """Everything outside: the desktop, the screen's indicator, files that others write, the time."""

    def now_us(self) -> int:
        """Return the input clock in µs."""

    def wall(self) -> datetime:
        """Return the wall clock, UTC."""

    def zone(self) -> tzinfo | None:
        """Return the time zone of the wall clock here; None: the system's, with its summer time."""

    def presence(self) -> Presence:
        """Return whether the person is at this computer. Cheap; asked with every tick."""

    def disk(self) -> tuple[int, int]:
        """Return how many bytes are free where recordings lie, and how large that disk is.

        Raises:
            StorageError: It does not say.
        """

    def elsewhere(self) -> Elsewhere | None:
        """Return where files of the profile go, if they do not stay on this computer. Any thread."""

    def sources(self, plan: Plan) -> Sequence[Source]:
        """Return fresh sources, not started."""

    def unseen_fields(self) -> Mapping[str, Remedy]:
        """Return the programs whose fields could not be seen when last looked at, each with what helps."""

    def surroundings(self) -> Surroundings:
        """Return what a recording says of where it was made."""

    def metered(self) -> bool:
        """Return whether the network costs by volume, as far as is known. Slow, and asked on any thread."""

    def addresses(self) -> Addresses | None:
        """Return this computer's addresses in networks, None if nobody knows. Cheap, and asked on any thread."""

    def limits(self) -> tuple[str, ...]:
        """Return what cannot be recorded on this computer whatever is agreed to, in sentences."""

    def prove_indicator(self) -> bool:
        """Return whether the indicator is proved shown, with the state as it is."""

    def announce_recording(self) -> None:
        """Show that recording begins, before it does."""

    def tell(self, title: str, text: str) -> None:
        """Show a notification that goes away by itself."""

    def countdown_shown(self) -> bool:
        """Return whether the window that counts a pause down is proved to be in sight."""

    def known_apps(self) -> Mapping[str, str]:
        """Return the programs that have a window: name for rules → a title for people."""

    def read_study(self, path: Path) -> Policy:
        """Return the study in a file. Raises ConfigError with every mistake in it."""

    def joined_study(self, chosen: Path | None) -> Policy | None:
        """Return the study in force: the system's, else the one in the file `chosen`, else None."""

    def settings(self) -> Settings:
        """Return the person's own settings."""

    def change_never(self, rule: NeverRule, *, on: bool) -> None:
        """Add a rule to the person's own settings, or take it out.

        Raises:
            ConfigError: It can be no rule, or the settings are wrong already.
            StorageError: They cannot be written.
        """
