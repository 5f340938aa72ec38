"""Where things are on the participant's disk, and the little that survives a restart.

Everything is in one folder of the user's data directory, 0700, files 0600. The state file holds
what only narrows (a pause) or names what was chosen (which study); consent is in
the ledger and nowhere else.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from capture_agent.core.elsewhere import Elsewhere
from capture_agent.core.errors import NewerVersionError, StorageError
from capture_agent.desktop import autostart, mounts
from capture_agent.keys.files import make_private_folder, replace_private

APP = "capture-agent"
STATE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Profile:
    """The paths of one person's profile. Nothing is created by naming it."""

    folder: Path
    settings_file: Path

    @classmethod
    def of_user(cls) -> Profile:
        """Return the profile of the user who runs this process."""
        return cls(platformdirs.user_data_path(APP), platformdirs.user_config_path(APP) / "settings.toml")

    @property
    def held(self) -> Path:
        """Held sessions."""
        return self.folder / "held"

    @property
    def outbox(self) -> Path:
        """Released bundles that were not delivered yet."""
        return self.folder / "outbox"

    @property
    def vault(self) -> Path:
        """The held sessions' keys, sealed to the device."""
        return self.folder / "vault"

    @property
    def ledger(self) -> Path:
        """The consent record."""
        return self.folder / "ledger.jsonl"

    @property
    def reserve(self) -> Path:
        """Space that is kept for leaving."""
        return self.folder / "reserve"

    @property
    def state(self) -> Path:
        """What survives a restart."""
        return self.folder / "state.json"

    @property
    def hold(self) -> Path:
        """The days of the hold, before recordings are shared by themselves."""
        return self.folder / "hold.json"

    @property
    def changes(self) -> Path:
        """What was changed in the user's session, to be undone."""
        return self.folder / "changes.json"

    @property
    def autostart(self) -> Path:
        """The file that starts the program at log-in: beside the folder of the settings (XDG autostart)."""
        return self.settings_file.parent.parent / "autostart" / autostart.NAME

    @property
    def day(self) -> Path:
        """The sums of the day."""
        return self.folder / "day.json"

    def disk(self) -> tuple[int, int]:
        """Return how many bytes are free where recordings lie, and how large that disk is.

        Raises:
            StorageError: It does not say.
        """
        try:
            usage = shutil.disk_usage(self.folder)
        except OSError as error:
            raise StorageError("{path} cannot be read", hint="Is its disk there?", path=self.folder) from error
        return usage.free, usage.total

    def elsewhere(self) -> Elsewhere | None:
        """Return where files of held sessions or of the outbox go, if they do not stay on this computer."""
        return mounts.look(self.held) or mounts.look(self.outbox)

    def create(self) -> None:
        """Make the folders, private to this user.

        Raises:
            StorageError: They cannot be made, or belong to somebody else.
        """
        for folder in (self.folder, self.held, self.outbox, self.vault):
            make_private_folder(folder)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What survives a restart. `joined` is "", "own" or "study".

    `left` is a study that the person opted out of while the ledger could not be written: it stands until it can.
    """

    joined: str = ""
    study_path: str = ""
    paused: bool = False
    left: str = ""
    left_destroying: bool = False
    swept: str = ""  # the day (ISO 8601) on which it was last looked at which recordings are over, …
    doubts: int = 0  # … and how often more until that date is believed; see `session.expiry`
    locked: str = ""  # when a shared computer was locked last (ISO 8601)
    not_again: str = ""  # the hours that began on this day (ISO 8601) begin nothing by themselves any more

    @property
    def study_file(self) -> Path | None:
        """The study file that was joined, if one was."""
        return Path(self.study_path) if self.joined == "study" else None

    @classmethod
    def load(cls, path: Path) -> Remembered:
        """Return what `path` holds; a profile without the file remembers nothing.

        Raises:
            StorageError: The file is damaged or of a newer version. It is left as it is.
        """
        try:
            stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
            version = stored.pop("format")
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise StorageError(
                "{path} cannot be read", hint="Move it away to start without it: mv {path}{{,.bad}}", path=path
            ) from error
        if version != STATE_FORMAT:
            raise NewerVersionError(
                "{path} was written by a newer version (format {version!s:.10})",
                hint="Install that version again; nothing was changed.",
                path=path,
                version=version,
            )
        kinds = {entry.name: type(entry.default) for entry in fields(cls)}
        if any(type(value) is not kinds.get(name) for name, value in stored.items()):
            raise StorageError(
                "{path} holds unknown entries", hint="Move it away to start without it: mv {path}{{,.bad}}", path=path
            )
        return cls(**stored)

    def save(self, path: Path) -> None:
        """Replace `path`, durably.

        Raises:
            StorageError: It cannot be written; the old file is still there.
        """
        replace_private(path, json.dumps({"format": STATE_FORMAT, **asdict(self)}).encode())


class Memory:
    """What survives a restart, and the file that it is in."""

    def __init__(self, path: Path) -> None:
        """Read it; see `Remembered.load`."""
        self._path = path
        self.now = Remembered.load(path)

    def change(self, **changes: object) -> None:
        """Remember something else from now on.

        Raises:
            StorageError: It cannot be written, and is not remembered.
        """
        changed = replace(self.now, **changes)  # type: ignore[arg-type]
        if changed != self.now:
            changed.save(self._path)
            self.now = changed
