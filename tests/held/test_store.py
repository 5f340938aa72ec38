import os
import stat

import pytest

from capture_agent.core.errors import StorageError
from capture_agent.held import tape
from capture_agent.held.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "held")


def test_the_folder_is_for_its_owner_alone_even_if_it_was_not(tmp_path):
    (tmp_path / "held").mkdir(mode=0o755)
    Store(tmp_path / "held")
    assert stat.S_IMODE((tmp_path / "held").stat().st_mode) == 0o700


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "held").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        Store(tmp_path / "held")


def test_sessions_are_listed_without_any_key(store, whole, begin, happen):
    recording = begin("session-2", started="2026-11-24T09:00:00Z")
    recording.append(happen())
    one, two = store.sessions()
    assert (one.id, one.study, one.created, one.size) == (
        "session-1",
        "own",
        "2026-11-23T09:00:00Z",
        whole.stat().st_size,
    )
    assert (one.complete, one.recording, one.problem) == (True, False, "")
    assert (two.id, two.complete, two.recording, two.problem) == ("session-2", False, True, "")
    assert one.written.timestamp() == pytest.approx(whole.stat().st_mtime)


def test_what_a_living_process_writes_is_left_alone(store, begin, happen, identity):
    session = begin()
    session.append(happen())
    with session.path.open("ab") as file:
        file.write(b"half a part")
    before = session.path.read_bytes()
    assert store.recover() == [] and session.path.read_bytes() == before
    with pytest.raises(StorageError, match="being recorded"):
        store.remove("session-1")
    session.abandon()
    assert [(mended.id, mended.dropped) for mended in store.recover()] == [("session-1", 11)]


def test_the_size_of_the_folder_follows_what_grows_comes_and_goes(store, whole, begin, happen):
    def all_of_it():
        return sum(path.stat().st_size for path in store.folder.iterdir())

    assert store.size() == all_of_it() > 0
    recording = begin("session-2")
    for _ in range(3):
        recording.append(happen())
        assert store.size() == all_of_it()
    recording.close("stopped")
    assert store.size() == all_of_it()
    os.utime(store.folder, (1, 1))  # long ago nothing came or went: from now on only the newest file is looked at
    store.size()
    with recording.path.open("ab") as file:
        file.write(bytes(5000))
    assert store.size() == all_of_it()
    store.remove("session-2")
    assert store.size() == all_of_it() == whole.stat().st_size
    store.remove("session-1")
    assert store.size() == 0


def test_a_complete_session_is_not_touched_by_recovery(store, whole):
    before = whole.read_bytes()
    assert store.recover() == [] and whole.read_bytes() == before


def test_a_damaged_session_is_listed_with_its_problem_and_left_as_it_is(store, whole):
    data = bytearray(whole.read_bytes())
    data[1024 + 300] ^= 1
    whole.write_bytes(data)
    assert store.recover() == [] and whole.read_bytes() == data
    (info,) = store.sessions()
    assert "part-000001.age" in info.problem and not info.complete


def test_a_newer_format_is_listed_and_left_as_it_is(store, whole):
    data = tape.member(tape.HEAD_NAME, b'{"format":2}') + b"who knows"
    whole.write_bytes(data)
    assert store.recover() == [] and whole.read_bytes() == data
    assert "format 2" in store.sessions()[0].problem


def test_a_renamed_session_is_noticed(store, whole):
    whole.rename(whole.with_name("other.held"))
    assert "another session" in store.sessions()[0].problem


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/hostname")])
def test_odd_things_are_listed_as_such_and_never_touched(store, make):
    path = store.folder / "odd.held"
    make(path)
    (info,) = store.sessions()
    assert info.problem and store.recover() == []
    assert path.is_symlink() or path.exists()


def test_what_a_link_points_to_is_never_changed(store, whole, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(whole.read_bytes()[:-1500])
    before = target.read_bytes()
    (store.folder / "linked.held").symlink_to(target)
    store.recover()
    store.remove("linked")
    assert target.read_bytes() == before and not (store.folder / "linked.held").is_symlink()


@pytest.mark.parametrize("data", [b"my own notes", b"held.json, as they say", b"x" * 3000])
def test_a_file_of_somebody_else_is_not_removed(store, data):
    path = store.folder / "notes.held"
    path.write_bytes(data)
    assert store.recover() == [] and path.read_bytes() == data


def test_an_empty_file_that_a_crash_left_is_removed(store):
    for name, data in {"a": b"", "b": bytes(700), "d": b"h", "c": tape.member(tape.HEAD_NAME, b"{}")[:300]}.items():
        (store.folder / f"{name}.held").write_bytes(data)
    assert [mended.id for mended in store.recover()] == ["a", "b", "c", "d"]
    assert store.sessions() == []


def test_removing_twice_is_no_error(store, whole):
    store.remove("session-1")
    store.remove("session-1")
    assert not whole.exists() and store.sessions() == []


@pytest.mark.parametrize("session", ["../x", "", "a/b", "a.held"])
def test_an_id_that_is_no_file_name_is_refused(store, session):
    with pytest.raises(StorageError):
        store.path(session)
