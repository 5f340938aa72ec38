"""The two hotkeys of the running agent: grabbed as the settings say, given back, and missed when they die."""

from __future__ import annotations

from collections.abc import Callable

from capture_agent.core.errors import CaptureAgentError
from capture_agent.desktop.base import Hotkeys
from capture_agent.desktop.choose import open_hotkeys
from capture_agent.session.clockwork import Clockwork


class Keys:
    """The two hotkeys, as the settings say now."""

    def __init__(self, controller: Clockwork, pause: Callable[[], None], task: Callable[[], None]) -> None:
        self._controller = controller
        self._does = (pause, task)
        self._wanted: tuple[str, str] | None = None
        self._keys: Hotkeys | None = None

    def take(self) -> None:
        """Grab them anew if they changed. One that another program has is told of and changes nothing else."""
        settings = self._controller.settings
        wanted = (settings.pause_hotkey, settings.task_hotkey)
        if wanted == self._wanted:
            return
        self.close()
        self._keys, self._wanted = open_hotkeys(), wanted
        for combination, pressed in zip(wanted, self._does, strict=True):
            try:
                if combination:
                    self._keys.grab(combination, pressed)
            except CaptureAgentError as error:
                self._controller.note(error)

    def check(self) -> None:
        """Say so if they have died: who relies on them to pause has to know."""
        try:
            if self._keys is not None:
                self._keys.check()
        except CaptureAgentError as error:
            self._controller.note(error)
            self.close()

    def close(self) -> None:
        """Give them back."""
        keys, self._keys = self._keys, None
        if keys is not None:
            keys.close()
