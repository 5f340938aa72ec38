import pytest

from capture_agent.core.errors import StorageError
from capture_agent.encode.event_log import Message
from capture_agent.held import reader
from capture_agent.held.store import Store
from capture_agent.held.writer import Writer
from capture_agent.keys import age

pytestmark = pytest.mark.promise("P10")

ABOUT = {"study": "own", "started": "2026-11-23T09:00:00Z", "consent": "c" * 64}


def filled(folder):
    """Record until the disk is full; return identity, writer and how many parts were promised."""
    identity = age.new_classical()
    writer = Writer.create(folder, "session-1", identity.recipient, ABOUT)
    promised = 0
    with pytest.raises(StorageError, match="full") as caught:
        while True:
            writer.append([Message("screen/1", promised, bytes_that_do_not_shrink(100_000, promised))])
            promised += 1
    assert caught.value.hint
    return identity, writer, promised


def bytes_that_do_not_shrink(size, seed):
    import random

    return random.Random(seed).randbytes(size)


def test_a_full_disk_costs_the_part_that_did_not_fit_and_no_other(small_disk):
    identity, writer, promised = filled(small_disk)
    assert promised > 5
    size = writer.path.stat().st_size
    with pytest.raises(StorageError, match="full"):
        writer.append([Message("screen/1", 0, bytes_that_do_not_shrink(300_000, 0))])
    assert writer.path.stat().st_size == size
    writer.abandon()
    summary = reader.summarize(writer.path, identity)
    assert (summary.parts, summary.complete) == (promised, False)


def test_recording_goes_on_when_there_is_space_again(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    identity, writer, promised = filled(small_disk)
    ballast.unlink()
    writer.append([Message("keyboard", 0, b"{}")])
    writer.close("stopped")
    summary = reader.summarize(writer.path, identity)
    assert (summary.parts, summary.complete) == (promised + 2, True)


def test_a_session_on_a_full_disk_is_mended(small_disk):
    identity, writer, promised = filled(small_disk)
    writer.abandon()
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 512)
    store = Store(writer.path.parent)
    assert [mended.dropped for mended in store.recover()] == [0]
    summary = reader.summarize(writer.path, identity)
    assert (summary.parts, summary.complete) == (promised, False)
    filler.unlink()
    store.recover()
    assert store.recover() == [] and reader.summarize(writer.path, identity) == summary


def test_a_session_that_does_not_fit_at_all_leaves_nothing_behind(small_disk):
    with (small_disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 512)
    with pytest.raises(StorageError, match="full"):
        Writer.create(small_disk / "held", "session-1", age.new_classical().recipient, ABOUT)
    assert not list(small_disk.glob("held/*"))
