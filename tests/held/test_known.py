"""A closed recording is looked into once: as long as its file is the same one, and never while it may still change."""

import json
import os
import shutil

import pytest

from capture_agent.held import known
from capture_agent.held.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "held")


def overwritten(path, *, unseen):
    """Fill a file with something else of the same size; `unseen`: with the same time of change."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"x" * status.st_size)
    if unseen:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_the_same_file_is_not_looked_into_again_and_another_one_is(store, whole):
    (before,) = store.sessions()
    overwritten(whole, unseen=True)
    assert store.sessions() == [before]
    overwritten(whole, unseen=False)
    assert store.sessions()[0].problem


def test_what_takes_its_place_is_looked_into(store, whole):
    (before,) = store.sessions()
    status = whole.stat()
    other = whole.with_name("other")
    shutil.copy(whole, other)
    overwritten(other, unseen=False)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(whole)  # the same name, size and time
    assert store.sessions() != [before]


def test_what_may_still_change_is_never_taken_as_known(store, begin, happen):
    writer = begin()
    writer.append(happen())
    assert store.sessions()[0].recording
    writer.close("stopped", {})
    assert (store.sessions()[0].complete, store.sessions()[0].recording) == (True, False)


def test_many_are_known_to_the_next_start_and_few_are_not_worth_a_file(tmp_path, store, whole):
    assert store.recover() == []
    kept = tmp_path / "held.known"
    assert not kept.exists()
    for number in range(known.WORTH):
        shutil.copy(whole, whole.with_name(f"copy-{number}.held"))  # named after another session: never known
    store.recover()
    assert not kept.exists()
    files = {f"{number}.held": whole.stat() for number in range(known.WORTH)}
    one = known.Known(kept)
    for name, status in files.items():
        one.put(name, known.stamp(status), known.Outside("own", "2026-11-23T09:00:00Z"))
    one.keep(set(files))
    assert kept.stat().st_mode & 0o777 == 0o600
    again = known.Known(kept)
    assert again.get("7.held", known.stamp(whole.stat())) == ("own", "2026-11-23T09:00:00Z")
    again.keep({"7.held"})
    assert again.get("8.held", known.stamp(whole.stat())) is None


ODD = [
    b'{"format": 1}',
    b'{"format": 1, "files": []}',
    b"[" * 100_000,
    b"\xff",
    b'{"format": 1, "files": {"%s": [[%d, %d, %d], [7, ["own"]]]}}',  # of the file that is there
]


@pytest.mark.parametrize(
    "kept", [b"", b"{", b"[]", b"7", b'{"format": 2}', b'{"format": 1, "files": {"a": [1, 2]}}', *ODD]
)
def test_a_list_that_is_damaged_or_newer_costs_only_the_look(tmp_path, store, whole, kept):
    listed = store.sessions()
    if b"%" in kept:
        kept %= (whole.name.encode(), *known.stamp(whole.stat()))
    (tmp_path / "held.known").write_bytes(kept)
    again = Store(tmp_path / "held")
    assert again.sessions() == listed
    assert again.recover() == []


def test_nothing_is_in_the_list_but_what_the_files_say_in_the_clear(tmp_path, whole):
    one = known.Known(tmp_path / "kept")
    names = {f"{number}.held" for number in range(known.WORTH)}
    for name in names:
        one.put(name, known.stamp(whole.stat()), known.Outside("own", "2026-11-23T09:00:00Z"))
    one.keep(names)
    stored = json.loads((tmp_path / "kept").read_bytes())
    assert stored.keys() == {"format", "files"}
    assert all((len(stamp), said) == (3, ["own", "2026-11-23T09:00:00Z"]) for stamp, said in stored["files"].values())


def test_the_disk_is_asked_once_within_one_look_and_anew_after_what_was_removed(store, whole):
    kept = whole.with_name("0" * 32 + whole.suffix)
    with store.one_look():
        before = store.sessions()
        shutil.copy(whole, kept)
        again = store.sessions()
        assert again == before
        assert [one is other for one, other in zip(again, before, strict=True)] == [True]  # looked into once, too
        assert store.size() == whole.stat().st_size
        store.remove(kept.stem)
        assert store.sessions() == before
        whole.unlink()
        store.remove(kept.stem)
        assert store.sessions() == []
    shutil.copy(__file__, kept)
    assert [one.id for one in store.sessions()] == [kept.stem]


def test_what_a_start_mends_is_looked_at_anew(store, begin, happen):
    writer = begin()
    writer.append(happen())
    path = writer.path
    writer._file.close()  # as if it had been killed
    with path.open("ab") as file:
        file.write(b"torn")
    with store.one_look():
        (torn,) = store.sessions()
        assert len(store.recover()) == 1
        (mended,) = store.sessions()
    assert mended.size == path.stat().st_size != torn.size
