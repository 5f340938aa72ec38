"""A new folder of opened files: private, and whole or empty."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from capture_agent.core.errors import ConfigError, StorageError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_PARTIAL = ".partial"  # of files until everything is verified


class OpenedFolder:
    """Files get their names when the block ends well; otherwise all of them, and a folder made here, go away."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is made yet."""
        self.path = path
        self._names: list[str] = []
        self._made = False

    def __enter__(self) -> Self:
        """Make the folder.

        Raises:
            ConfigError: It is there and not empty, or not a folder.
            StorageError: It cannot be made.
        """
        try:
            if not self.path.exists():
                self.path.mkdir(mode=FOLDER_MODE, parents=True)
                self._made = True
            elif not self.path.is_dir() or any(self.path.iterdir()):
                raise ConfigError(
                    "{path} is there already and not an empty folder",
                    hint="Name a folder that does not exist.",
                    path=self.path,
                )
            self.path.chmod(FOLDER_MODE)
        except OSError as error:
            raise _failed(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the files their names, or remove them."""
        try:
            if kind is None:
                for name in self._names:
                    self.partial(name).rename(self.path / name)
                return
            for name in self._names:
                self.partial(name).unlink(missing_ok=True)
            if self._made:
                for folder in sorted({(self.path / name).parent for name in self._names} | {self.path}, reverse=True):
                    folder.rmdir()
        except OSError as failed:
            raise _failed(failed) from error

    def partial(self, name: str) -> Path:
        """Return where the file `name` is until the block ends."""
        path = self.path / name
        return path.with_name(path.name + _PARTIAL)

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Give a new file; `name` may be in one folder below.

        Raises:
            StorageError: It cannot be written.
        """
        path = self.partial(name)
        try:
            if path.parent != self.path:
                path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), FILE_MODE)
            self._names.append(name)
            with os.fdopen(descriptor, "wb") as file:
                yield file
        except OSError as error:
            raise _failed(error) from error

    def read(self, name: str) -> BinaryIO:
        """Return a file that was created, from its beginning. The caller closes it."""
        return self.partial(name).open("rb")


def _failed(error: OSError) -> StorageError:
    return StorageError(
        "the opened files cannot be written ({why})",
        hint="Free some space or choose another folder.",
        why=error.strerror or type(error).__name__,
    )
