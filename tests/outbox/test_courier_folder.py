"""Delivering into a folder: whole or not at all, and nothing is ever replaced."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from pathlib import Path

import pytest
from file_secrets import strike
from store_server import Clock

from capture_agent.core.delivery import Trouble, Undelivered
from capture_agent.core.destination import parse
from capture_agent.core.progress import CancelledError
from capture_agent.outbox.courier import carry
from capture_agent.outbox.inbox import Cap, Carried

pytestmark = pytest.mark.promise("P14")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def deliver(path: Path, folder: Path) -> Carried:
    return carry(path, parse(str(folder)), {}, lambda _done, _size: None)


def trouble(path: Path, folder: Path) -> Trouble:
    with pytest.raises(Undelivered) as caught:
        deliver(path, folder)
    return caught.value.trouble


def test_a_file_arrives_whole_under_its_own_name_and_others_can_read_it(parcel: Path, inbox: Path) -> None:
    steps: list[tuple[int, int]] = []
    carried = carry(parcel, parse(str(inbox)), {}, lambda done, size: steps.append((done, size)))
    assert [path.name for path in inbox.iterdir()] == [parcel.name]
    assert (inbox / parcel.name).read_bytes() == parcel.read_bytes()
    assert (inbox / parcel.name).stat().st_mode & 0o777 == 0o644
    assert carried.size == parcel.stat().st_size
    assert steps == sorted(steps)
    assert steps[-1] == (carried.size, carried.size)


def test_what_arrived_already_is_not_written_again(parcel: Path, inbox: Path) -> None:
    first = deliver(parcel, inbox)
    there = (inbox / parcel.name).stat()
    assert deliver(parcel, inbox) == first
    assert (inbox / parcel.name).stat().st_mtime_ns == there.st_mtime_ns


def test_another_file_of_the_same_name_is_left_as_it_is(parcel: Path, inbox: Path) -> None:
    (inbox / parcel.name).write_bytes(b"of somebody else")
    assert trouble(parcel, inbox) is Trouble.NOT_OURS
    assert (inbox / parcel.name).read_bytes() == b"of somebody else"
    assert len(list(inbox.iterdir())) == 1


def test_what_gets_the_name_while_it_is_copied_is_not_replaced(parcel: Path, inbox: Path) -> None:
    def appear(done: int, size: int) -> None:
        if done > size // 2:
            (inbox / parcel.name).write_bytes(b"of somebody else")

    with pytest.raises(Undelivered) as caught:
        carry(parcel, parse(str(inbox)), {}, appear)
    assert caught.value.trouble is Trouble.NOT_OURS
    assert [path.read_bytes() for path in inbox.iterdir()] == [b"of somebody else"]


def test_a_folder_that_is_not_there_is_not_made(parcel: Path, tmp_path: Path) -> None:
    away = tmp_path / "share"
    assert trouble(parcel, away) is Trouble.AWAY
    assert not away.exists()
    away.write_bytes(b"a file")
    assert trouble(parcel, away) is Trouble.AWAY


def test_a_file_that_is_gone_is_said(parcel: Path, inbox: Path) -> None:
    parcel.unlink()
    assert trouble(parcel, inbox) is Trouble.UNREADABLE


def test_where_there_are_no_links_it_arrives_all_the_same(
    parcel: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)  # as FAT and some shares answer
    assert deliver(parcel, inbox) == deliver(parcel, inbox)
    assert [path.name for path in inbox.iterdir()] == [parcel.name]
    other = parcel.with_name("f" * 32 + ".capture")
    shutil.copy(parcel, other)
    (inbox / other.name).write_bytes(b"of somebody else")
    assert trouble(other, inbox) is Trouble.NOT_OURS


def test_stopping_in_the_middle_leaves_nothing(parcel: Path, inbox: Path) -> None:
    def stop(done: int, size: int) -> None:
        if done > size // 2:
            assert len(list(inbox.iterdir())) == 1
            raise CancelledError

    with pytest.raises(CancelledError):
        carry(parcel, parse(str(inbox)), {}, stop)
    assert list(inbox.iterdir()) == []


def test_with_a_cap_it_takes_the_time_that_the_cap_says_and_can_be_stopped_all_the_while(
    parcel: Path, inbox: Path
) -> None:
    clock = Clock()
    carried = carry(parcel, parse(str(inbox)), {}, lambda _done, _size: None, Cap(8_000, clock.now, clock.sleep))
    assert (inbox / parcel.name).read_bytes() == parcel.read_bytes()
    assert clock.time == pytest.approx(carried.size / 8_000)
    assert max(clock.slept) < 0.126  # smooth

    def stop(done: int, size: int) -> None:
        if done > size // 2:
            assert len(list(inbox.iterdir())) == 1
            raise CancelledError

    (inbox / parcel.name).unlink()
    with pytest.raises(CancelledError):
        carry(parcel, parse(str(inbox)), {}, stop, Cap(8_000, clock.now, clock.sleep))
    assert list(inbox.iterdir()) == []
    assert clock.time == pytest.approx((carried.size + 1_000) / 8_000)


def test_a_kill_at_every_step_leaves_the_whole_file_or_none(parcel: Path, inbox: Path) -> None:
    seen = set()
    for step in range(1, 100):
        child = os.fork()
        if child == 0:
            strike(inbox, step)
            deliver(parcel, inbox)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        named = [path for path in inbox.iterdir() if not path.name.startswith(".")]
        seen.add(len(named))
        assert all(path.read_bytes() == parcel.read_bytes() for path in named)
        deliver(parcel, inbox)
        assert [path.name for path in inbox.iterdir()] == [parcel.name]
        (inbox / parcel.name).unlink()
        if os.WIFEXITED(status):
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert seen == {0, 1}
    assert step > 2
