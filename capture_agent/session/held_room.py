"""Where recordings lie, how much room they take and may take: `core.elsewhere`, `core.room` held against the disk."""

from __future__ import annotations

from contextlib import suppress

from capture_agent.core.elsewhere import Elsewhere
from capture_agent.core.errors import CaptureAgentError
from capture_agent.core.room import MAX_HELD_MB, Room, room
from capture_agent.session.agreement import Agreement
from capture_agent.session.holdings import Holdings
from capture_agent.session.world import World

PLACE_EVERY = 60  # looks, of which there is one a second while something is recorded: folders are seldom moved


class HeldRoom:
    """Main thread only.

    Attributes:
        now: What was seen last.
        elsewhere: Where files of the profile go, if they do not stay on this computer.
    """

    def __init__(self, holdings: Holdings, world: World, agreement: Agreement) -> None:
        self._holdings = holdings
        self._world = world
        self._agreement = agreement
        self._told = False
        self._looks = 0
        self.elsewhere: Elsewhere | None = None
        self.now = Room()

    def look(self) -> None:
        """Look again. Cheap, however many recordings there are. Before nothing more is recorded, what was deleted goes.

        Raises:
            StorageError: The disk does not say.
        """
        if self._looks % PLACE_EVERY == 0:
            self.elsewhere = self._world.elsewhere()
        self._looks += 1
        self.now = self._measured()
        if self.now.full:
            with suppress(CaptureAgentError):  # tried again like everything that has to go, which says why it fails
                if self._holdings.intents.make_room():
                    self.now = self._measured()

    def _measured(self) -> Room:
        offer, settings = self._agreement.offer, self._agreement.settings
        most = (settings.max_held_mb or MAX_HELD_MB) if offer is None else offer.max_held_mb
        free, _size = self._world.disk()
        return room(self._holdings.shelf.store.size(), free, most, was_full=self.now.full)

    def to_tell(self) -> bool:
        """Return whether it has to be told now that the room is nearly taken: once, and again when it was not."""
        tells = self.now.nearly and not self._told
        self._told = self.now.nearly
        return tells
