"""Delivering to a store that rclone serves: S3 in front of a folder on a disk, as a small institute may run it.

It checks signatures and shows nothing that is not whole, but takes no notice of `If-None-Match`: see docs/delivery.md.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from store_server import ACCESS, Cut, Proxy, deliver, reset, trouble

from benchmarks.rclone import Server
from capture_agent.core.delivery import Trouble
from capture_agent.core.destination import parse
from capture_agent.core.progress import CancelledError
from capture_agent.outbox.errand import send
from capture_agent.outbox.inbox import Cap

pytestmark = pytest.mark.promise("P14")
WRONG_SECRET = {**ACCESS, "AWS_SECRET_ACCESS_KEY": "not/the/secret+but/looks/like/one000000000"}
WRONG_ID = {**ACCESS, "AWS_ACCESS_KEY_ID": "AKIAOFSOMEBODYELSE00"}


@pytest.fixture
def rclone(tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "served"
    root.mkdir()
    one = Server(root)
    one.start()
    yield one
    one.kill()


@pytest.fixture
def line(rclone: Server) -> Iterator[Proxy]:
    """What lies between the courier and the server, and may break."""
    one = Proxy(rclone.port)
    yield one
    one.close()


def whole(rclone: Server, parcel: Path) -> bool:
    return rclone.names() == [parcel.name] and (rclone.inbox / parcel.name).read_bytes() == parcel.read_bytes()


@pytest.mark.parametrize("cap", [None, Cap(3_000_000)], ids=["no-cap", "cap"])
def test_a_file_arrives_whole_and_once_however_often_it_is_tried(parcel: Path, rclone: Server, cap: Cap | None) -> None:
    for _ in range(3):
        deliver(parcel, rclone.destination(), cap=cap)
        assert whole(rclone, parcel)


def test_it_replaces_what_has_the_same_name_which_only_ever_is_the_same_file(parcel: Path, rclone: Server) -> None:
    """What docs/delivery.md says of such a store. When this fails rclone has learned it: say so there."""
    rclone.inbox.mkdir()
    (rclone.inbox / parcel.name).write_bytes(b"of somebody else")
    deliver(parcel, rclone.destination())
    assert whole(rclone, parcel)


@pytest.mark.parametrize("access", [WRONG_SECRET, WRONG_ID], ids=["secret", "id"])
def test_with_wrong_access_nothing_arrives_and_with_the_right_one_it_does(
    parcel: Path, rclone: Server, access: dict[str, str]
) -> None:
    assert trouble(parcel, rclone.destination(), access) is Trouble.REFUSED
    assert rclone.names() == []
    deliver(parcel, rclone.destination())
    assert whole(rclone, parcel)


def test_a_bucket_that_is_not_there_is_said_and_not_made(parcel: Path, rclone: Server) -> None:
    assert trouble(parcel, rclone.destination().replace("study", "other")) is Trouble.NO_SUCH_PLACE
    assert [one.name for one in rclone.root.iterdir() if one.name != "study"] == []


def test_a_line_that_breaks_leaves_nothing_and_spoils_nothing_that_arrived(
    parcel: Path, rclone: Server, line: Proxy
) -> None:
    """Wherever it breaks: the first try leaves nothing to be seen, the second arrives, a third does it no harm."""
    for after in (0, random.randrange(parcel.stat().st_size), parcel.stat().st_size - 1):
        line.cut = Cut(after, reset)
        assert trouble(parcel, rclone.destination(line.port)) is Trouble.AWAY
        assert rclone.names() == []
        line.cut_answer = True
        assert trouble(parcel, rclone.destination(line.port)) is Trouble.AWAY
        assert whole(rclone, parcel)  # and nobody was told
        line.cut = Cut(after, reset)
        assert trouble(parcel, rclone.destination(line.port)) is Trouble.AWAY
        assert whole(rclone, parcel)
        deliver(parcel, rclone.destination(line.port))
        assert whole(rclone, parcel)
        (rclone.inbox / parcel.name).unlink()


@pytest.mark.promise("P10")
def test_kill_9_of_the_courier_in_the_middle_of_a_file_leaves_nothing(
    parcel: Path, rclone: Server, line: Proxy
) -> None:
    for _ in range(4):
        stop = threading.Event()

        def kill(client: socket.socket, stop: threading.Event = stop) -> None:
            stop.set()
            with suppress(OSError):
                while client.recv(65536):  # until the system closes what the killed process had open
                    pass

        line.cut = Cut(random.randrange(parcel.stat().st_size), kill)
        with pytest.raises(CancelledError):
            send(parcel, parse(rclone.destination(line.port)), ACCESS, lambda _done, _size: None, stop)
        assert rclone.names() == []
    send(parcel, parse(rclone.destination(line.port)), ACCESS, lambda _done, _size: None, threading.Event())
    assert whole(rclone, parcel)


@pytest.mark.promise("P10")
def test_kill_9_of_the_server_in_the_middle_of_a_file_leaves_nothing_that_is_seen(
    parcel: Path, rclone: Server, line: Proxy
) -> None:
    def kill(client: socket.socket) -> None:
        rclone.kill()
        reset(client)

    line.cut = Cut(random.randrange(parcel.stat().st_size), kill)
    assert trouble(parcel, rclone.destination(line.port)) is Trouble.AWAY
    assert trouble(parcel, rclone.destination(line.port)) is Trouble.AWAY
    rclone.start()
    assert rclone.names() == []
    deliver(parcel, rclone.destination(line.port))
    assert whole(rclone, parcel)


def test_a_server_that_cannot_write_any_more_has_nothing_of_it_and_it_is_tried_again(
    parcel: Path, rclone: Server
) -> None:
    rclone.kill()
    rclone.largest = parcel.stat().st_size // 2
    rclone.start()
    assert trouble(parcel, rclone.destination()) is Trouble.BUSY  # it answers 500, whatever the reason
    assert rclone.names() == []
    rclone.kill()
    rclone.largest = None
    rclone.start()
    deliver(parcel, rclone.destination())
    assert whole(rclone, parcel)
