"""Opting out: at once, whatever is broken; a moment to undo it; and then nothing that exists opens what there was."""

import shutil
from datetime import timedelta

import pytest
from small_world import ALL, held_one, in_the_way, out_of_the_way, recording, studying

from capture_agent.core.errors import CaptureAgentError, ConsentError, StorageError
from capture_agent.core.recording import State
from capture_agent.keys.vault import Vault
from capture_agent.session.intent import UNDO


def copied(person, folder):
    shutil.copytree(person.profile.folder, folder)
    return folder


def opens(person, folder, session):
    """Whether the keys that exist now open a session in a copy of the profile that was made before."""
    vault = Vault(folder / "vault", person.secrets)
    try:
        vault.identity(session)
    except CaptureAgentError:
        return False
    return True


@pytest.mark.promise("P2")
def test_the_second_click_stops_capture_and_withdraws_at_once_and_destroys_after_a_moment(person, tmp_path):
    agent = recording(person)
    held = held_one(person, agent)
    agent.start()
    person.tick()
    copy = copied(person, tmp_path / "copy")
    assert opens(person, copy, held)
    agent.withdraw(destroy=True)
    assert person.world.running == []
    assert agent.recording_state is State.OFF
    seen = agent.snapshot()
    assert (seen.joined, seen.consented) == (None, frozenset())
    assert agent.sessions() == ()
    assert (seen.going.until, seen.going.recordings) == (person.world.wall() + UNDO, 2)
    assert opens(person, copy, held)
    person.tick(UNDO.total_seconds() - 0.1)
    assert agent.snapshot().going is not None
    person.tick(0.2)
    assert agent.snapshot().going is None
    assert not opens(person, copy, held)
    assert list(person.profile.held.iterdir()) == []


@pytest.mark.promise("P2")
def test_capture_has_stopped_before_anything_is_written(person):
    agent = recording(person)
    append, running = agent._agreement.ledger.append, []

    def watched(kind, *rest):
        running.append((kind, list(person.world.running)))
        return append(kind, *rest)

    agent._agreement.ledger.append = watched
    agent.withdraw(destroy=True)
    assert ("withdrawn", []) in running
    assert all(sources == [] for _, sources in running)


@pytest.mark.promise("P2")
def test_undo_brings_back_the_recordings_and_not_the_consent(person):
    agent = recording(person)
    held = held_one(person, agent)
    agent.withdraw(destroy=True)
    person.tick(5)
    agent.undo()
    assert [one.id for one in agent.sessions()] == [held]
    assert agent.snapshot().going is None
    assert (agent.snapshot().joined, agent.snapshot().consented) == (None, frozenset())
    with pytest.raises(ConsentError):
        agent.start()
    person.tick(60)
    agent = person.crash()
    assert [one.id for one in agent.sessions()] == [held]
    agent.choose_own()
    assert agent.snapshot().must_ask
    with pytest.raises(ConsentError):
        agent.start()


@pytest.mark.promise("P2")
def test_undo_comes_too_late_after_ten_seconds(person):
    agent = recording(person)
    held_one(person, agent)
    agent.withdraw(destroy=True)
    person.tick(11)
    with pytest.raises(ConsentError, match="nothing to undo"):
        agent.undo()


@pytest.mark.promise("P2")
@pytest.mark.parametrize("ended", ["crash", "quit"])
def test_a_crash_or_quitting_during_the_moment_completes_it(person, tmp_path, ended):
    agent = recording(person)
    held = held_one(person, agent)
    copy = copied(person, tmp_path / "copy")
    agent.withdraw(destroy=True)
    person.tick(1)
    if ended == "quit":
        agent.shut_down()
        assert not opens(person, copy, held)
    agent = person.crash()
    assert not opens(person, copy, held)
    assert (agent.snapshot().going, agent.sessions()) == (None, ())
    with pytest.raises(ConsentError):
        agent.undo()


@pytest.mark.promise("P2")
def test_a_clock_that_is_set_back_makes_nobody_wait(person, tmp_path):
    agent = recording(person)
    held = held_one(person, agent)
    copy = copied(person, tmp_path / "copy")
    agent.withdraw(destroy=True)
    person.world.began -= timedelta(days=1)
    person.tick()
    assert not opens(person, copy, held)


@pytest.mark.promise("P2")
def test_what_is_about_to_go_is_neither_opened_nor_released(person, tmp_path):
    agent = studying(person)
    held = held_one(person, agent)
    policy, standing = agent._agreement.check_release(), agent._agreement.standing
    agent.withdraw(destroy=True)
    with pytest.raises(StorageError):
        agent.open_own(held, str(tmp_path / "opened"))
    with pytest.raises(CaptureAgentError):
        agent._holdings.release(held, policy, standing)


@pytest.mark.promise("P2")
def test_opting_out_without_a_ledger_to_write_to_still_destroys(person, tmp_path):
    agent = recording(person)
    held = held_one(person, agent)
    copy = copied(person, tmp_path / "copy")
    in_the_way(person.profile.ledger)
    with pytest.raises(StorageError):
        agent.withdraw(destroy=True)
    person.tick(11)
    assert not opens(person, copy, held)
    out_of_the_way(person.profile.ledger)


@pytest.mark.promise("P2")
def test_opting_out_with_a_locked_keyring_is_finished_by_the_next_start(person, tmp_path):
    agent = recording(person)
    held = held_one(person, agent)
    copy = copied(person, tmp_path / "copy")
    person.secrets.locked = True
    agent.withdraw(destroy=True)
    person.secrets.locked = False
    agent = person.crash()
    assert agent.snapshot().consented == frozenset()
    assert not opens(person, copy, held)


@pytest.mark.promise("P2")
def test_opting_out_in_a_pause_leaves_no_pause(person):
    agent = recording(person)
    agent.pause(15)
    agent.withdraw(destroy=False)
    assert (agent.recording_state, agent.snapshot().paused_until) == (State.OFF, None)
    assert person.crash().recording_state is State.OFF


@pytest.mark.promise("P2")
def test_opting_out_twice_within_the_moment_asks_for_nothing_new(person):
    agent = recording(person)
    held_one(person, agent)
    agent.withdraw(destroy=True)
    agent.withdraw(destroy=True)
    assert agent.snapshot().going.recordings == 1
    agent.undo()
    assert len(agent.sessions()) == 1


@pytest.mark.promise("P2")
def test_opting_out_and_keeping_the_recordings_leaves_nothing_to_undo(person):
    agent = recording(person, ALL)
    held = held_one(person, agent)
    agent.withdraw(destroy=False)
    assert agent.snapshot().going is None
    person.tick(60)
    assert [one.id for one in agent.sessions()] == [held]
