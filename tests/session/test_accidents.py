"""Full disks, locked keyrings, freezes, and people who change their mind: nothing is captured that should not be."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from small_world import ALL, STUDY, held_one, in_the_way, out_of_the_way, recording, studying

from capture_agent.core.errors import ConfigError, ConsentError, FaultError, StorageError
from capture_agent.core.events import Category
from capture_agent.core.policy import LegalBasis, Settings
from capture_agent.core.recording import State


@pytest.mark.promise("P1")
def test_a_study_that_ends_while_it_is_recorded_ends_the_recording(person):
    agent = studying(person, expires=person.world.wall() + timedelta(hours=1))
    person.tick(3600)
    person.tick()
    person.tick()
    assert (agent.recording_state, person.world.running) == (State.OFF, [])


@pytest.mark.promise("P5")
def test_a_pause_that_cannot_be_written_down_is_a_pause(person):
    agent = recording(person)
    in_the_way(person.profile.state)
    with pytest.raises(StorageError):
        agent.pause(None)
    assert (agent.recording_state, person.world.running) == (State.PAUSED, [])
    out_of_the_way(person.profile.state)


@pytest.mark.promise("P2")
def test_opting_out_on_a_full_disk_ends_capture_and_can_be_repeated(person):
    agent = recording(person)
    agent.start_task("x")
    in_the_way(person.profile.ledger)
    with pytest.raises(StorageError):
        agent.withdraw(destroy=True)
    assert (agent.snapshot().consented, person.world.running, agent.sessions()) == (frozenset(), [], ())
    with pytest.raises(ConsentError):
        agent.start()
    agent.reload()
    assert agent.snapshot().consented == frozenset()
    with pytest.raises(StorageError):
        agent.withdraw(destroy=True)
    out_of_the_way(person.profile.ledger)
    agent = person.crash()
    assert (agent.snapshot().joined, agent.sessions()) == (None, ())
    assert agent._vault.sessions() == frozenset()
    agent.choose_own()
    assert agent.snapshot().consented == frozenset()


@pytest.mark.promise("P2")
def test_who_opted_out_of_a_study_that_stays_on_the_computer_is_out_even_if_it_cannot_be_written_down(person):
    agent = studying(person)  # its file stays where the world finds it, as a system policy does
    in_the_way(person.profile.ledger)
    with pytest.raises(StorageError):
        agent.withdraw(destroy=False)
    assert agent.snapshot().joined.study == STUDY.study
    assert (agent.snapshot().consented, person.world.running) == (frozenset(), [])
    with pytest.raises(ConsentError):
        agent.start()
    out_of_the_way(person.profile.ledger)


@pytest.mark.promise("P2")
def test_opting_out_with_a_locked_keyring_holds_and_is_finished_when_it_is_open(person):
    agent = recording(person)
    held_one(person, agent)
    person.secrets.locked = True
    agent.withdraw(destroy=True)
    assert (agent.snapshot().consented, agent.sessions()) == (frozenset(), ())
    person.tick(11)
    assert "locked" in agent.snapshot().problem
    assert list(person.profile.held.iterdir()) == []  # what can go without a key is gone
    person.secrets.locked = False
    person.tick(11)
    assert agent.snapshot().problem == ""
    assert agent._vault.sessions() == frozenset()
    assert not agent._agreement.ledger.open_intents()


@pytest.mark.promise("P2")
@pytest.mark.parametrize("crashed", [True, False])
def test_a_study_whose_file_is_broken_can_be_left(person, crashed):
    agent = studying(person)
    held_one(person, agent)
    person.world.wrong = ConfigError("study.toml:3: wrong", hint="Mend it.")
    if crashed:
        agent = person.crash()
    agent.withdraw(destroy=True)
    assert (agent.snapshot().joined, agent.sessions()) == (None, ())
    assert not agent._agreement.ledger.standing(STUDY.study).consent.permitting()


@pytest.mark.promise("P2")
def test_opting_out_destroys_keys_of_recordings_whose_files_were_removed_by_hand(person, tmp_path):
    agent = recording(person)
    held = held_one(person, agent)
    agent._holdings._store.path(held).rename(tmp_path / "copy")
    agent.withdraw(destroy=True)
    person.tick(11)
    assert agent._vault.sessions() == frozenset()


def test_a_locked_keyring_does_not_end_a_recording_because_another_one_has_expired(person):
    agent = recording(person)
    held_one(person, agent)
    person.tick(30 * 86_400 - 500)
    agent.start()
    person.secrets.locked = True
    person.tick(700)
    person.tick()
    assert agent.recording_state is State.RECORDING
    assert "locked" in agent.snapshot().problem
    person.secrets.locked = False
    person.tick(700)
    assert [one.state for one in agent.sessions()] == ["recording", "expired"]


def test_recordings_are_kept_for_the_whole_of_their_last_day_and_not_longer_even_after_leaving(person):
    agent = studying(person, retention_days=1)
    held_one(person, agent)
    person.tick(23 * 3600)
    assert [one.days_left for one in agent.sessions()] == [1]
    agent.withdraw(destroy=False)
    person.world.study = None
    agent.reload()
    person.tick(2 * 3600)
    assert [(one.state, one.here) for one in agent.sessions()] == [("expired", False)]


@pytest.mark.promise("P9")
def test_after_a_freeze_the_gap_begins_with_the_last_mark_even_if_the_indicator_went_too(person):
    agent = recording(person)
    before = person.world.now_us()
    person.world.skipped_us += 10_000_000
    person.world.proved = False
    agent.tick()
    assert agent._recorder._running.closed_us <= before


@pytest.mark.promise("P5")
def test_a_pause_before_anything_was_recorded_is_a_gap_from_the_beginning(person):
    person.world.proved = False
    person.agent.choose_own()
    person.agree(ALL)
    person.agent.start()
    person.tick()
    person.agent.pause(None)
    running = person.agent._recorder._running
    assert (running.closed_us, running.gap_reason) == (running.epoch_us, "paused")


def test_a_source_that_cannot_be_stopped_keeps_no_other_one_running_and_no_session_open(person):
    person.world.sources_each = 3
    agent = recording(person)
    agent.start_task("x")
    person.world.stuck = OSError("stuck")
    with pytest.raises(OSError, match="stuck"):
        agent.pause(None)
    assert person.world.running == []
    agent.fail(FaultError("a stranger"))
    assert agent.recording_state is State.FAULT
    assert [one.complete for one in agent.sessions()] == [True]
    person.world.stuck = None


@pytest.mark.promise("P10")
def test_the_only_part_of_a_session_that_could_not_be_sealed_is_kept(person):
    agent = recording(person)
    agent.start_task("x")
    for _ in range(100):
        person.tick(0.1)
        time.sleep(0.02)
        if agent._studio.writer.parts:
            break
    agent._studio.writer.abandon()  # what a disk does that goes away
    agent.stop()
    assert agent.recording_state is State.FAULT
    assert [(one.state, one.complete) for one in agent.sessions()] == [("held", False)]


@pytest.mark.promise("P1")
def test_what_the_settings_do_not_offer_cannot_be_accepted(person):
    person.world.chosen = Settings(categories=frozenset({Category.POINTER}))
    person.agent.choose_own()
    with pytest.raises(ConsentError, match="offered"):
        person.agree(ALL)
    person.world.chosen = Settings()
    person.agent.reload()
    assert person.agent.snapshot().consented == frozenset()


@pytest.mark.promise("P7")
def test_nothing_is_accepted_that_changed_after_the_panel_was_shown(person):
    person.world.study = STUDY
    person.agent.join("study.toml")
    person.agent.asked()
    person.world.study = replace(STUDY, version=2, retention_days=60)
    person.agent.reload()
    with pytest.raises(ConsentError, match="changed"):
        person.agent.accept(ALL, frozenset(), "en", "the old text")
    assert person.agent.snapshot().consented == frozenset()


@pytest.mark.promise("P4")
@pytest.mark.parametrize(
    ("change", "why"), [({"enabled": False}, "switched off"), ({"retention_days": 60}, "did not agree")]
)
def test_nothing_is_released_to_a_study_that_is_off_or_wants_more_than_was_agreed(person, change, why):
    agent = studying(person)
    held = held_one(person, agent)
    person.world.study = replace(STUDY, version=2, **change)
    agent.reload()
    with pytest.raises(ConsentError, match=why):
        agent.release(held)
    assert list(person.profile.outbox.iterdir()) == []


@pytest.mark.promise("P4")
def test_a_session_that_is_being_recorded_is_not_released(person):
    agent = studying(person)
    agent.start_task("x")
    (held,) = agent.sessions()
    with pytest.raises(ConsentError, match="being recorded"):
        agent.release(held.id)


@pytest.mark.promise("P2")
@pytest.mark.promise("P4")
@pytest.mark.parametrize("destroy", [True, False])
def test_opting_out_while_a_bundle_is_composed_leaves_no_bundle(person, destroy):
    agent = studying(person)
    held = held_one(person, agent)

    def leave(_what, _done, _total):
        if agent.snapshot().joined is not None:
            person.world.study = None
            agent.withdraw(destroy=destroy)

    policy, standing = agent._agreement.check_release(), agent._agreement.standing
    with pytest.raises(ConsentError):
        agent._holdings.release(held, policy, standing, leave)
    assert list(person.profile.outbox.iterdir()) == []


@pytest.mark.promise("P4")
def test_a_bundle_that_a_crash_left_without_a_note_is_removed_and_a_noted_one_stays(person):
    agent = studying(person)
    (path,) = agent.release(held_one(person, agent))
    (person.profile.outbox / ("0" * 32 + ".capture")).write_bytes(b"made, and then the power went")
    person.crash()
    assert [str(one) for one in person.profile.outbox.iterdir()] == [path]


def test_a_file_that_is_none_of_ours_is_left_alone_and_hinders_nothing(person):
    agent = recording(person)
    stray = person.profile.held / "My notes.held"
    stray.write_text("mine " * 1000)
    person.tick(40 * 86_400)
    agent.withdraw(destroy=True)
    assert person.crash().snapshot().joined is None
    assert stray.read_text() == "mine " * 1000


@pytest.mark.parametrize("text", ["[]", '{"format": 1, "paused": "no"}', '{"format": 1, "colour": "red"}', "{"])
def test_a_damaged_state_file_is_refused_in_words(person, text):
    person.agent.shut_down()
    person.profile.state.write_text(text)
    with pytest.raises(StorageError):
        person.start_agent()
    assert person.profile.state.read_text() == text


@pytest.mark.promise("P3")
def test_the_words_of_a_task_are_kept_among_the_secrets_and_nowhere_on_the_disk(person):
    recording(person).start_task("write to aunt zymurgy")
    person.agent.pause(None)
    for path in person.profile.folder.rglob("*"):
        assert path.is_dir() or b"zymurgy" not in path.read_bytes(), path
    assert person.crash().snapshot().task.text == "write to aunt zymurgy"


@pytest.mark.promise("P1")
@pytest.mark.parametrize(
    "narrowed", [{"categories": frozenset({Category.POINTER})}, {"never_apps": frozenset({"editor"})}]
)
def test_taking_a_narrowing_back_widens_nothing_until_the_next_click(person, narrowed):
    recording(person)
    person.world.chosen = Settings(**narrowed)
    person.agent.reload()
    person.tick()
    before = person.agent._studio.rules()
    person.world.chosen = Settings()
    person.agent.reload()
    person.tick()
    now = person.agent._studio.rules()
    assert (now.categories, now.apps) == (before.categories, before.apps)
    person.agent.pause(None)
    person.agent.resume()
    person.tick()
    assert [source.categories for source in person.world.running] == [ALL]
    assert person.agent._studio.rules().apps == {"editor"}


@pytest.mark.promise("P7")
def test_a_wrong_study_file_does_not_keep_the_settings_from_narrowing(person):
    recording(person)
    person.world.wrong = ConfigError("policy.toml:3: wrong", hint="Mend it.")
    person.world.chosen = Settings(categories=frozenset({Category.POINTER}))
    person.agent.reload()
    person.tick()
    assert person.agent.snapshot().problem == "policy.toml:3: wrong"
    assert [source.categories for source in person.world.running] == [{Category.POINTER}]


@pytest.mark.promise("P1")
@pytest.mark.parametrize("basis", [basis for basis in LegalBasis if basis is not LegalBasis.CONSENT])
def test_a_study_on_any_other_basis_than_consent_records_nothing(person, basis):
    person.world.study = replace(STUDY, legal_basis=basis)
    person.agent.join("study.toml")
    person.agree(ALL)
    with pytest.raises(ConsentError, match="rest on consent"):
        person.agent.start()
    assert person.world.started == []
