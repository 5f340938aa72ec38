"""The folder of held sessions: what is there, without opening any; mending after a crash; removing."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from capture_agent.core.errors import CaptureAgentError, StorageError, VerificationError
from capture_agent.core.language import noted
from capture_agent.held import disk, tape
from capture_agent.held.known import Known, Outside, Stamp, stamp
from capture_agent.held.tape import End
from capture_agent.held.writer import SUFFIX

STEP_NS = 1_000_000_000  # file systems stamp every few ms, some once a second


@dataclass(frozen=True, slots=True)
class HeldInfo:
    """One session as its file tells from outside. `created` and `written` (the last part) are UTC, `size` bytes.

    `complete`: the recorder ended it; that this is true, only `reader` can tell. `problem`
    is empty or says, in one sentence, why the file cannot be used; then other fields may be empty.
    """

    id: str
    study: str
    created: str  # ISO 8601
    size: int
    written: datetime
    complete: bool
    recording: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A session that a dead process left behind: `dropped` bytes of a part that was not whole were cut off."""

    id: str
    dropped: int


class Store:
    """The held sessions of one person."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, making it if needed, for its owner alone.

        Raises:
            StorageError: It cannot be made, or is a link.
        """
        disk.make_folder(folder)
        self.folder = folder
        self._sized: tuple[int, Path | None, int] | None = None  # as of when, what grows, what the rest takes
        self._known = Known(folder.with_suffix(".known"))
        self._infos: dict[str, tuple[Stamp, HeldInfo]] = {}  # of what is known, ready to be handed out
        self._looking = False
        self._seen: dict[str, os.stat_result] | None = None  # within `one_look`
        self._listed: tuple[dict[str, os.stat_result], list[HeldInfo]] | None = None  # of what was seen there

    def path(self, session: str) -> Path:
        """Return where a session's file is, or would be.

        Raises:
            StorageError: No session can have this id.
        """
        if not tape.SESSION_ID.fullmatch(session):
            raise StorageError("there is no such session", hint="See `capture-agent sessions`.")
        return self.folder / (session + SUFFIX)

    def sessions(self) -> list[HeldInfo]:
        """Return every session, the oldest first. A file that is damaged or odd is listed with its problem."""
        try:
            files = self._files()
            if self._listed is not None and self._listed[0] is files:
                return [*self._listed[1]]
            found = [self._info(name, status) for name, status in files.items() if name.endswith(SUFFIX)]
        except OSError as error:
            raise disk.storage_error(error, noted("the recordings cannot be listed")) from None
        found.sort(key=lambda info: (info.created, info.id))
        self._listed = (files, [*found]) if self._looking else None
        return found

    def size(self) -> int:
        """Return how many bytes everything in the folder takes.

        As long as no file comes or goes only the newest one is looked at, which is the one that grows: with ten
        thousand of them, too, this can be asked once a second.

        Raises:
            StorageError: The folder cannot be read.
        """
        try:
            stamp = self.folder.stat().st_mtime_ns
            if self._sized is None or self._sized[0] != stamp:
                found = self._files()
                newest = max(found, key=lambda name: found[name].st_mtime_ns, default=None)
                rest = sum(status.st_size for name, status in found.items() if name != newest)
                grows = None if newest is None else self.folder / newest
                # Of two changes within one step of the disk's clock the second one would not show: then not kept.
                self._sized = (stamp, grows, rest) if time.time_ns() - stamp > STEP_NS else None
            else:
                _, grows, rest = self._sized
            return rest + (0 if grows is None else grows.lstat().st_size)
        except FileNotFoundError:  # removed just now
            self._sized = None
            return 0
        except OSError as error:
            raise disk.storage_error(error, noted("the recordings cannot be listed")) from None

    def ids(self) -> list[str]:
        """Return the ids of all sessions, without a look at any file."""
        return [path.stem for path in self.files(SUFFIX)]

    def files(self, suffix: str) -> list[Path]:
        """Return what is called so in the folder, in a tenth of the time that a pattern takes.

        Raises:
            StorageError: The folder cannot be read.
        """
        try:
            with os.scandir(self.folder) as entries:
                return [self.folder / entry.name for entry in entries if entry.name.endswith(suffix)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise disk.storage_error(error, noted("the recordings cannot be listed")) from None

    @contextmanager
    def one_look(self) -> Iterator[None]:
        """Ask the disk for the state of the files once within the block, however often somebody asks here.

        Of 10,000 files that takes a tenth of a second. After what this object removes or mends it is looked anew; that
        nothing else happens to them meanwhile is for the caller to know.
        """
        self._looking = True
        try:
            yield
        finally:
            self._looking, self._seen, self._listed = False, None, None

    def _files(self) -> dict[str, os.stat_result]:
        """Return the state of everything in the folder, by name."""
        if self._seen is not None:
            return self._seen
        with os.scandir(self.folder) as entries:
            found = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
        if self._looking:
            self._seen = found
        return found

    def recover(self) -> list[Recovered]:
        """Mend what dead processes left behind, at start-up, and return what was mended.

        A file without its end is cut back to its last whole part and marked as incomplete for ever;
        one in which not even the head was written is removed: it holds nothing. Files that a living
        process writes, damaged ones, odd ones and newer formats are left as they are.

        Raises:
            StorageError: The disk does not allow it.
        """
        mended: list[Recovered] = []
        self._seen = None
        found = self.sessions()
        self._known.keep({info.id + SUFFIX for info in found})
        for name in sorted(info.id + SUFFIX for info in found if not info.complete):
            path = self.folder / name
            if not _is_plain(path):
                continue
            with disk.open_plain(path, write=True) as file:
                self._seen = None
                try:
                    if disk.claim(file):
                        mended += self._recover(path, file)
                except OSError as error:
                    raise disk.storage_error(error, noted("a recording cannot be recovered")) from None
        return mended

    def _recover(self, path: Path, file: io.FileIO) -> list[Recovered]:
        size = file.seek(0, 2)
        try:
            found = tape.scan(file)
        except VerificationError:
            if not tape.is_torn_head(file):
                return []
            path.unlink()
            disk.sync_folder(self.folder)
            return [Recovered(path.stem, size)]
        except StorageError:
            return []
        if found.end not in {End.MISSING, End.TORN}:
            return []
        file.truncate(found.whole)
        # Durable before the mark: a crash here leaves a file that is recovered again.
        disk.sync(file)
        file.seek(found.whole)
        try:
            file.write(tape.closing(recovered=True))
            disk.sync(file)
        except OSError as error:
            if error.errno not in disk.FULL:
                raise
            # Without the mark it reads the same; the next start tries again.
            file.truncate(found.whole)
        return [Recovered(path.stem, size - found.whole)]

    def remove(self, session: str) -> None:
        """Remove a session's file. Its key has gone from the vault before: this only frees the space.

        A file that is gone already is no error.

        Raises:
            StorageError: It is being recorded, or cannot be removed.
        """
        path, self._seen = self.path(session), None
        try:
            if _is_plain(path) and _in_use(path):
                raise StorageError("the session is being recorded", hint="Stop recording first.")
            path.unlink(missing_ok=True)
            disk.sync_folder(self.folder)
        except OSError as error:
            raise disk.storage_error(error, noted("a recording cannot be removed")) from None

    def _info(self, name: str, status: os.stat_result) -> HeldInfo:
        made, now = self._infos.get(name), stamp(status)
        if made is not None and made[0] == now:
            return made[1]
        session, written = name.removesuffix(SUFFIX), datetime.fromtimestamp(status.st_mtime, UTC)
        known = self._known.get(name, now)
        if known is not None:
            info = HeldInfo(session, known.study, known.created, status.st_size, written, True, False)
            self._infos[name] = now, info
            return info
        blank = HeldInfo(session, "", "", status.st_size, written, False, False)
        try:
            with disk.open_plain(self.folder / name) as file:
                recording = disk.in_use(file)
                found = tape.scan(file)
        except CaptureAgentError as error:
            return replace(blank, problem=str(error))
        head = found.head
        problem = found.problem or ("" if head.session == session else "the file is named after another session")
        complete = found.end is End.CLOSED
        info = replace(
            blank, study=head.study, created=head.created, complete=complete, recording=recording, problem=problem
        )
        if complete and not recording and not problem:
            self._known.put(name, now, Outside(head.study, head.created))
            self._infos[name] = now, info
        return info


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _in_use(path: Path) -> bool:
    with disk.open_plain(path) as file:
        return disk.in_use(file)
