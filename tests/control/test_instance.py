from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from capture_agent.control.instance import LOCK_NAME, Instance, announced_socket
from capture_agent.core.errors import StorageError


def test_only_one_agent_has_a_profile(tmp_path: Path) -> None:
    first = Instance.take(tmp_path)
    assert first is not None
    assert Instance.take(tmp_path) is None
    first.release()
    first.release()
    again = Instance.take(tmp_path)
    assert again is not None
    again.release()


def test_two_profiles_are_independent(tmp_path: Path) -> None:
    one, two = Instance.take(tmp_path / "one"), Instance.take(tmp_path / "two")
    assert one is not None
    assert two is not None
    one.release()
    two.release()


def test_the_profile_is_made_private(tmp_path: Path) -> None:
    taken = Instance.take(tmp_path / "new")
    assert taken is not None
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / LOCK_NAME).stat().st_mode) == 0o600
    taken.release()


def test_what_was_announced_is_found_until_it_is_taken_back(tmp_path: Path) -> None:
    assert announced_socket(tmp_path) is None
    taken = Instance.take(tmp_path)
    assert taken is not None
    assert announced_socket(tmp_path) is None
    taken.announce(Path("/a/long/path/control.sock"))
    taken.announce(Path("/run/x.sock"))
    assert announced_socket(tmp_path) == Path("/run/x.sock")
    taken.release()
    assert announced_socket(tmp_path) is None


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_lock_that_is_no_file_of_ones_own_is_refused(tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (tmp_path / "target").touch()
        (tmp_path / LOCK_NAME).symlink_to(tmp_path / "target")
    else:
        os.mkfifo(tmp_path / LOCK_NAME)
    with pytest.raises(StorageError):
        Instance.take(tmp_path)
    with pytest.raises(StorageError):
        announced_socket(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        Instance.take(tmp_path / "file" / "profile")
    assert caught.value.hint
