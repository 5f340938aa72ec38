"""Nothing is recorded or shared where files do not stay on this computer."""

import pytest
from small_world import held_one, recording, studying

from capture_agent.core.elsewhere import Elsewhere
from capture_agent.core.errors import DesktopError
from capture_agent.core.recording import State
from capture_agent.core.splitting import Reason
from capture_agent.session.profile import Profile
from capture_agent.ui.view_state import Icon, view

DROPBOX = Elsewhere("a folder that {name} copies to other computers", "Dropbox")


@pytest.mark.promise("P4")
def test_nothing_is_recorded_in_a_synced_folder_and_the_icon_asks_for_attention(person):
    person.world.away = DROPBOX
    person.start_agent()
    person.agent.choose_own()
    person.agree({"tasks"})
    person.agent.start()
    person.tick(1)
    snapshot = person.agent.snapshot()
    assert (snapshot.state, snapshot.waiting, person.world.made) == (State.SUSPENDED, Reason.NETWORK, 0)
    shown = view(snapshot, person.world.wall())
    assert shown.icon is Icon.ATTENTION
    assert "network or a synced one" in shown.problem and "XDG_DATA_HOME" in shown.hint
    assert list(person.profile.held.iterdir()) == []
    person.world.away = None
    for _ in range(280):  # four a second: a second apart, every other one finds that marks had stopped
        person.tick()
    assert person.agent.recording_state is State.RECORDING


@pytest.mark.promise("P4")
def test_a_recording_ends_when_its_folder_begins_to_be_copied(person):
    agent = recording(person)
    agent.start_task("x")
    person.world.away = DROPBOX
    for _ in range(70):
        person.tick(1)
    assert (agent.recording_state, agent.snapshot().waiting) == (State.SUSPENDED, Reason.NETWORK)
    assert [one.complete for one in agent.sessions()] == [True]


@pytest.mark.promise("P4")
def test_nothing_is_shared_from_there_but_it_can_be_deleted_and_left(person):
    agent = studying(person)
    held = held_one(person, agent)
    person.world.away = DROPBOX
    with pytest.raises(DesktopError, match="Dropbox") as caught:
        agent.release(held)
    assert (caught.value.exit_code, list(person.profile.outbox.iterdir())) == (3, [])
    person.world.away = None
    assert len(agent.release(held)) == 1
    person.world.away = DROPBOX
    assert not agent.withdraw_shared(held).pending
    agent.withdraw(destroy=True)
    assert person.agent.snapshot().consented == frozenset()


@pytest.mark.parametrize("mark", [".stfolder", ".sync_0123456789ab.db", ".sync/ID"])
def test_a_profile_knows_by_the_disk_where_its_files_go(tmp_path, mark):
    profile = Profile(tmp_path / "share" / "profile", tmp_path / "settings.toml")
    assert profile.elsewhere() is None  # not there yet
    profile.create()
    assert profile.elsewhere() is None
    (tmp_path / "share" / mark).parent.mkdir(exist_ok=True)
    (tmp_path / "share" / mark).touch()
    assert profile.elsewhere() is not None


def test_a_link_to_a_synced_folder_is_one(tmp_path):
    (tmp_path / "Dropbox" / "outbox").mkdir(parents=True)
    profile = Profile(tmp_path / "profile", tmp_path / "settings.toml")
    profile.folder.mkdir()
    profile.outbox.symlink_to(tmp_path / "Dropbox" / "outbox")
    assert profile.elsewhere().name == "Dropbox"
