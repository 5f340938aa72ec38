"""What is changed in the user's session is undone: by the person, at the end, after a crash, by `remove`."""

import json
import stat

import pytest

from capture_agent.core.errors import StorageError
from capture_agent.session.changes import FILE, Changes


@pytest.fixture
def place(tmp_path):
    return tmp_path / "home" / "some.conf"


@pytest.fixture
def changes(tmp_path):
    return Changes(tmp_path / "changes.json")


def test_what_was_not_there_is_gone_again_and_what_was_is_back(changes, place):
    changes.make("a", FILE, str(place), "new", lasting=True)
    assert place.read_text() == "new"
    assert changes.undo("a")
    assert not place.exists()
    place.write_bytes(b"old \xff")
    changes.make("a", FILE, str(place), "new", lasting=True)
    changes.make("a", FILE, str(place), "newer", lasting=True)
    assert changes.undo("a")
    assert place.read_bytes() == b"old \xff"
    assert not changes.undo("a")


def test_what_somebody_else_changed_since_is_theirs(changes, place):
    changes.make("a", FILE, str(place), "new", lasting=True)
    place.write_text("theirs")
    assert not changes.undo("a")
    assert place.read_text() == "theirs"
    assert changes.noted == ()


@pytest.mark.promise("P2")
def test_it_is_noted_before_it_is_made_so_that_a_crash_in_between_is_undone(tmp_path, place):
    class Crashing:
        def read(self, where):
            return None

        def write(self, where, value):
            raise KeyboardInterrupt

    changes = Changes(tmp_path / "changes.json", {FILE: Crashing()})
    with pytest.raises(KeyboardInterrupt):
        changes.make("a", FILE, str(place), "new", lasting=False)
    after = Changes(tmp_path / "changes.json")
    assert [change.what for change in after.noted] == ["a"]
    assert after.undo_all(lasting=False) == ()  # it was never made
    assert after.noted == ()


def test_changes_that_do_not_last_are_undone_without_the_others(changes, tmp_path):
    for name, lasting in (("short", False), ("long", True)):
        changes.make(name, FILE, str(tmp_path / name), "x", lasting=lasting)
    assert Changes(tmp_path / "changes.json").undo_all(lasting=False) == ("short",)
    assert not (tmp_path / "short").exists()
    assert (tmp_path / "long").exists()
    assert Changes(tmp_path / "changes.json").undo_all(lasting=True) == ("long",)


def test_one_that_cannot_be_undone_does_not_keep_the_others(changes, tmp_path):
    for name in ("a", "b", "c"):
        changes.make(name, FILE, str(tmp_path / name), "x", lasting=False)
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    with pytest.raises(StorageError):
        changes.undo_all(lasting=False)
    assert [change.what for change in changes.noted] == ["b"]
    assert not (tmp_path / "a").exists()


def test_the_register_is_private_and_a_damaged_one_is_left_as_it_is(changes, tmp_path, place):
    changes.make("a", FILE, str(place), "new", lasting=True)
    file = tmp_path / "changes.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for damaged, words in (("{", "cannot be read"), (json.dumps({"format": 9}), "newer version")):
        file.write_text(damaged)
        with pytest.raises(StorageError, match=words):
            Changes(file)
        assert file.read_text() == damaged


@pytest.mark.promise("P2")
def test_starting_at_log_in_is_a_file_that_comes_and_goes_with_the_switch(person):
    file = person.profile.autostart
    assert not file.exists()
    assert not person.agent.snapshot().at_login
    person.agent.choose_start_at_login(True)
    assert "Exec=" in file.read_text()
    person.agent.shut_down()
    assert file.exists()
    person.start_agent()
    assert person.agent.snapshot().at_login
    person.agent.choose_start_at_login(False)
    assert not file.exists()
    assert not person.agent.snapshot().at_login


@pytest.mark.promise("P2")
@pytest.mark.parametrize("crashed", [True, False])
def test_what_does_not_last_is_undone_on_exit_and_after_a_crash_at_the_next_start(person, tmp_path, crashed):
    person.agent._changes.make("switch", FILE, str(tmp_path / "switch"), "on", lasting=False)
    if crashed:
        person.crash()
    else:
        person.agent.shut_down()
    assert not (tmp_path / "switch").exists()
