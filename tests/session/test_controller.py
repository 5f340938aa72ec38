"""The agent as a whole, without a desktop: what is captured is always inside consent ∩ policy ∩ pause ∩ indicator."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from small_world import ALL, STUDY, in_the_way, out_of_the_way, recording, studying

from capture_agent.core.errors import (
    CaptureAgentError,
    ConfigError,
    ConsentError,
    DesktopError,
    FaultError,
    StorageError,
)
from capture_agent.core.events import Category, Outcome
from capture_agent.core.keyboard import widest
from capture_agent.core.policy import Recipient, RecipientKind, Settings
from capture_agent.core.recording import State
from capture_agent.keys import age


@pytest.mark.promise("P1")
def test_no_source_starts_before_somebody_agreed(person):
    person.tick()
    with pytest.raises(ConsentError):
        person.agent.start()
    person.agent.choose_own()
    with pytest.raises(ConsentError, match="Nothing was agreed"):
        person.agent.start()
    person.agent.asked()
    with pytest.raises(ConsentError):
        person.agent.start()
    person.agent.refuse()
    with pytest.raises(ConsentError):
        person.agent.start()
    person.tick()
    assert person.world.started == []


@pytest.mark.promise("P1")
def test_agreeing_without_having_been_asked_is_not_possible(person):
    person.agent.choose_own()
    with pytest.raises(ConsentError):
        person.agent.accept(ALL, frozenset(), "en", "text")
    assert person.agent.snapshot().consented == frozenset()


def test_sources_are_made_for_what_was_agreed_alone(person):
    recording(person, {Category.POINTER, Category.SCREEN})
    assert person.world.started == [{Category.POINTER, Category.SCREEN}]


@pytest.mark.promise("P6")
def test_nothing_runs_until_the_indicator_is_proved_and_it_is_announced_first(person):
    person.world.proved = False
    person.agent.choose_own()
    person.agree(ALL)
    person.agent.start()
    person.tick()
    assert person.world.started == []
    assert "indicator" in person.agent.snapshot().problem
    person.world.proved = True
    person.tick()
    assert (person.world.announced, person.world.early) == (1, 0)
    assert person.agent.recording_state is State.RECORDING
    person.world.proved = False
    person.tick()
    assert person.world.running == []
    assert person.agent.recording_state is State.SUSPENDED


@pytest.mark.promise("P5")
def test_a_pause_survives_a_crash_and_a_restart_and_only_a_click_ends_it(person):
    recording(person).pause(None)
    for restart in (person.crash, person.crash):
        agent = restart()
        person.tick(3600)
        assert agent.recording_state is State.PAUSED
        assert person.world.running == []
    agent.shut_down()
    assert person.start_agent().recording_state is State.PAUSED
    person.agent.resume()
    person.tick()
    assert person.agent.recording_state is State.RECORDING


def test_consent_survives_a_restart_but_recording_does_not_start_by_itself(person):
    recording(person).shut_down()
    agent = person.start_agent()
    person.tick()
    assert agent.snapshot().consented == ALL
    assert agent.recording_state is State.OFF


@pytest.mark.promise("P2")
@pytest.mark.promise("P4")
def test_after_opting_out_nothing_that_exists_opens_what_was_recorded(person, tmp_path):
    agent = recording(person)
    agent.start_task("write a letter")
    agent.stop()
    (held,) = agent.sessions()
    copy = tmp_path / "copy"
    shutil.copytree(person.profile.folder, copy)
    agent.open_own(held.id, str(tmp_path / "opened"))
    agent.withdraw(destroy=True)
    person.tick(11)
    assert agent.sessions() == ()
    assert agent.snapshot().consented == frozenset()
    restored = person.profile.folder
    shutil.rmtree(restored)
    copy.rename(restored)
    with pytest.raises(CaptureAgentError):
        person.start_agent().open_own(held.id, str(tmp_path / "again"))
    assert not (tmp_path / "again" / "events.mcap").exists()


@pytest.mark.promise("P2")
def test_opting_out_works_while_recording_and_stops_first(person):
    recording(person).withdraw(destroy=True)
    assert person.world.running == []
    assert person.agent.recording_state is State.OFF
    assert person.agent.snapshot().joined is None


@pytest.mark.promise("P7")
def test_a_policy_that_widens_stops_capture_and_asks_again(person):
    person.world.study = STUDY
    person.agent.join("study.toml")
    person.agree({Category.KEYBOARD})
    person.agent.start()
    person.tick()
    person.world.study = replace(STUDY, version=2, retention_days=60)
    person.agent.reload()
    seen = person.agent.snapshot()
    assert person.world.running == []
    assert (seen.state, seen.must_ask, seen.consented) == (State.OFF, True, frozenset())
    assert [(w.what, w.was, w.wants) for w in seen.widened] == [("days kept", "30", "60")]
    person.agree({Category.KEYBOARD})
    assert person.agent.snapshot().widened == ()


@pytest.mark.promise("P7")
def test_a_policy_that_widens_and_takes_it_back_has_to_ask_all_the_same(person):
    agent = studying(person)
    person.world.study = replace(STUDY, version=2, retention_days=60)
    agent.reload()
    person.world.study = replace(STUDY, version=3)
    agent.reload()
    seen = agent.snapshot()
    assert (seen.widened, seen.must_ask, seen.consented) == ((), True, frozenset())
    with pytest.raises(ConsentError):
        agent.start()


@pytest.mark.promise("P7")
def test_a_policy_that_widens_stops_capture_even_if_that_cannot_be_written_down(person):
    agent = studying(person)
    in_the_way(person.profile.ledger)
    person.world.study = replace(STUDY, version=2, retention_days=60)
    agent.reload()
    assert (person.world.running, agent.snapshot().consented) == ([], frozenset())
    with pytest.raises(ConsentError):
        agent.start()
    out_of_the_way(person.profile.ledger)


@pytest.mark.promise("P7")
@pytest.mark.parametrize("by_study", [True, False])
def test_programs_that_study_or_settings_take_away_are_not_recorded_any_more(person, by_study):
    agent = studying(person)
    assert agent.snapshot().apps == {"editor"}
    if by_study:
        person.world.study = replace(STUDY, version=2, apps=frozenset({"shell"}))
    else:
        person.world.chosen = Settings(never_apps=frozenset({"editor"}))
    agent.reload()
    person.tick()
    assert (agent.snapshot().apps, agent._studio.rules().apps) == (frozenset(), frozenset())


@pytest.mark.promise("P1")
def test_joining_another_study_or_refusing_ends_what_is_recorded(person):
    agent = recording(person)
    person.world.study = STUDY
    agent.join("study.toml")
    assert (agent.recording_state, person.world.running) == (State.OFF, [])
    person.agree(ALL)
    agent.start()
    person.tick()
    agent.choose_own()
    assert (agent.recording_state, person.world.running) == (State.OFF, []), "although it was agreed to before"
    agent.start()
    person.tick()
    agent.asked()
    agent.refuse()
    assert (agent.recording_state, person.world.running) == (State.OFF, [])


@pytest.mark.promise("P7")
def test_a_policy_that_narrows_goes_on_with_less_without_asking(person):
    person.world.study = STUDY
    person.agent.join("study.toml")
    person.agree({Category.KEYBOARD, Category.SCREEN})
    person.agent.start()
    person.tick()
    person.world.study = replace(STUDY, version=2, categories=ALL - {Category.SCREEN})
    person.agent.reload()
    person.tick()
    assert person.world.started[-1] == {Category.KEYBOARD}
    assert [source.categories for source in person.world.running] == [{Category.KEYBOARD}]


@pytest.mark.promise("P7")
def test_less_of_the_keyboard_holds_at_once_and_more_asks_again(person):
    def offering(*modes):
        person.world.study = replace(STUDY, version=STUDY.version + len(person.world.started) + 1, categories={*modes})
        person.agent.reload()
        person.tick()
        return person.agent.snapshot()

    person.world.study = replace(STUDY, categories=frozenset({Category.KEYBOARD}))
    person.agent.join("study.toml")
    person.agree({Category.KEYBOARD})
    person.agent.start()
    person.tick()
    for modes in ({Category.SHORTCUTS, Category.COUNTS}, {Category.COUNTS}):
        seen = offering(*modes)
        assert seen.state is State.RECORDING and seen.widened == ()
        assert [source.categories for source in person.world.running] == [seen.consented]
        assert seen.consented == widest(modes)
    # Only what is offered now was agreed to by a person who agrees now.
    person.world.study = replace(STUDY, version=8, categories=frozenset({Category.COUNTS}))
    person.agent.reload()
    person.agree({Category.COUNTS})
    person.agent.start()
    person.tick()
    person.world.study = replace(STUDY, version=9, categories=frozenset({Category.SHORTCUTS, Category.COUNTS}))
    person.agent.reload()
    seen = person.agent.snapshot()
    assert (seen.state, seen.must_ask, seen.consented) == (State.OFF, True, frozenset())
    assert [(one.what, one.wants) for one in seen.widened] == [("category", "shortcuts")]


@pytest.mark.promise("P7")
def test_settings_narrow_the_mode_of_the_keyboard_at_once_and_only_a_click_widens_it(person):
    recording(person, {Category.KEYBOARD})
    for chosen, left in (
        ({Category.SHORTCUTS}, {Category.SHORTCUTS}),
        ({Category.COUNTS}, {Category.COUNTS}),
        ({Category.KEYBOARD}, {Category.COUNTS}),  # what runs takes nothing back from a file
    ):
        person.world.chosen = Settings(categories=frozenset(chosen))
        person.agent.reload()
        person.tick()
        assert [source.categories for source in person.world.running] == [left]
        assert person.agent.snapshot().consented == left


@pytest.mark.promise("P2")
def test_who_takes_back_a_narrower_mode_takes_back_what_it_came_from(person):
    recording(person, {Category.KEYBOARD, Category.SCREEN})
    person.world.chosen = Settings(categories=frozenset({Category.SHORTCUTS, Category.SCREEN}))
    person.agent.reload()
    person.tick()
    person.agent.withdraw_category(Category.SHORTCUTS)
    person.tick()
    assert person.agent.snapshot().consented == {Category.SCREEN}
    person.crash()
    assert person.agent.snapshot().consented == {Category.SCREEN}
    person.world.chosen = Settings()
    person.agent.reload()
    assert person.agent.snapshot().consented == {Category.SCREEN}


def test_a_reader_who_may_have_less_of_the_keyboard_gets_that_much(person):
    everything = frozenset(Category)
    readers = [("Lab", everything), ("Archive", {Category.SHORTCUTS}), ("Counter", {Category.COUNTS, Category.TASKS})]
    recipients = tuple(
        Recipient(name, age.new_classical().recipient, RecipientKind.CLASSICAL, frozenset(gets))
        for name, gets in readers
    )
    person.world.study = replace(STUDY, categories=everything, recipients=recipients)
    person.agent.join("study.toml")
    person.agree({Category.KEYBOARD})
    assert person.agent.snapshot().consented == {Category.KEYBOARD, Category.SHORTCUTS, Category.COUNTS}


@pytest.mark.promise("P7")
def test_the_kill_switch_stops_and_lifting_it_does_not_resume(person):
    person.world.study = STUDY
    person.agent.join("study.toml")
    person.agree(ALL)
    person.agent.start()
    person.tick()
    person.world.study = replace(STUDY, enabled=False)
    person.agent.reload()
    assert person.world.running == []
    assert "switched off" in person.agent.snapshot().problem
    person.world.study = STUDY
    person.agent.reload()
    person.tick()
    assert person.agent.recording_state is State.OFF


@pytest.mark.promise("P7")
def test_the_example_recipient_is_never_recorded_to(person):
    someone = replace(STUDY.recipients[0], is_example=True)
    person.world.study = replace(STUDY, recipients=(someone,))
    person.agent.join("study.toml")
    person.agree(ALL)
    with pytest.raises(ConsentError, match="example"):
        person.agent.start()
    assert person.world.started == []


def test_a_study_that_ended_takes_nothing(person):
    person.world.study = replace(STUDY, expires=person.world.wall() + timedelta(hours=1))
    person.agent.join("study.toml")
    person.agree(ALL)
    person.world.skipped_us += 2 * 3_600_000_000
    with pytest.raises(ConsentError, match="ended"):
        person.agent.start()


def test_a_wrong_file_at_the_start_lets_nothing_begin_and_says_so(person):
    recording(person).shut_down()
    person.world.wrong = ConfigError("policy.toml:3: wrong", hint="Mend it.")
    agent = person.start_agent()
    with pytest.raises(ConsentError):
        agent.start()
    assert agent.snapshot().problem == "policy.toml:3: wrong"


@pytest.mark.promise("P7")
def test_settings_narrow_the_running_recorder(person):
    recording(person)
    person.world.chosen = Settings(categories=frozenset({Category.POINTER}))
    person.agent.reload()
    person.tick()
    assert [source.categories for source in person.world.running] == [{Category.POINTER}]


@pytest.mark.promise("P10")
def test_a_dead_source_ends_in_a_sealed_session_and_attention(person):
    recording(person)
    person.world.dead = FaultError("the display has gone", hint="Log in again.")
    person.tick()
    seen = person.agent.snapshot()
    assert (seen.state, seen.problem, seen.hint) == (State.FAULT, "the display has gone", "Log in again.")
    assert person.world.running == []
    person.world.dead = None
    person.agent.start()
    person.tick()
    assert person.agent.recording_state is State.RECORDING


def test_a_source_that_cannot_start_leads_to_attention_and_not_to_half_a_recording(person, monkeypatch):
    person.agent.choose_own()
    person.agree(ALL)

    def broken(_plan):
        raise DesktopError("there is no XInput", hint="Use another X server.")

    monkeypatch.setattr(person.world, "sources", broken)
    person.agent.start()
    person.tick()
    assert person.agent.snapshot().problem == "there is no XInput"
    assert person.agent.recording_state is State.FAULT


@pytest.mark.promise("P10")
def test_a_crash_leaves_a_session_marked_incomplete(person):
    agent = recording(person)
    agent.start_task("write a letter")
    person.agent._recorder._running.pipeline.open_interval(person.world.now_us())
    agent = person.crash()
    assert "cut off" in agent.snapshot().problem
    assert [one.complete for one in agent.sessions()] == [False]


def test_a_task_keeps_its_id_across_pause_and_restart(person):
    agent = recording(person)
    task = agent.start_task("  book   a room ")
    assert task.text == "book a room"
    agent.pause(None)
    agent = person.crash()
    assert agent.snapshot().task == task
    agent.finish_task(Outcome.GAVE_UP, 4, "no room")
    assert agent.snapshot().task is None
    with pytest.raises(ConsentError, match="no task"):
        agent.finish_task(Outcome.DONE, None, "")


def test_a_task_that_was_judged_in_a_pause_and_the_next_one_are_told_at_times_of_their_own(person):
    agent = recording(person)
    agent.start_task("read")
    person.tick()
    agent.pause(None)
    agent.finish_task(Outcome.DONE, 1, "")
    agent.start_task("write")
    agent.resume()
    person.tick()
    person.tick()
    agent.stop()
    (held,) = agent.sessions()
    first, second = agent.review(held.id).timeline.tasks
    assert (first.text, first.outcome, second.text) == ("read", "done", "write")
    assert first.end_us < second.start_us


def test_a_session_in_which_nothing_was_recorded_leaves_nothing(person):
    person.world.proved = False
    person.agent.choose_own()
    person.agree(ALL)
    person.agent.start()
    person.tick()
    person.agent.stop()
    assert person.agent.sessions() == ()
    assert list(person.profile.held.glob("*.held")) == []


def test_recordings_for_oneself_are_destroyed_after_thirty_days(person):
    agent = recording(person)
    agent.start_task("x")
    agent.stop()
    assert len(agent.sessions()) == 1
    person.tick(31 * 86_400)
    assert [(one.state, one.here) for one in agent.sessions()] == [("expired", False)]
    assert list(person.profile.held.iterdir()) == []


def test_a_session_that_is_being_recorded_cannot_be_deleted_and_a_held_one_can(person):
    agent = recording(person)
    agent.start_task("x")
    (held,) = agent.sessions()
    with pytest.raises(ConsentError, match="being recorded"):
        agent.delete(held.id, for_good=True)
    agent.stop()
    agent.delete(held.id[:6], for_good=True)
    assert agent.sessions() == ()


def test_several_recordings_are_deleted_together_or_not_at_all_and_can_be_had_back(person):
    agent = recording(person)
    for _ in range(2):
        agent.start_task("x")
        agent.stop()
        person.tick(1)
        agent.start()
        person.tick(1)
    agent.start_task("x")
    lines = agent.sessions()
    held = [one.id for one in lines if one.state == "held"]
    assert (len(lines), len(held)) == (3, 2)
    with pytest.raises(ConsentError, match="being recorded"):
        agent.delete(*(one.id for one in lines))
    with pytest.raises(StorageError, match="no recording begins"):
        agent.delete(held[0], "none")
    assert agent.sessions() == lines
    agent.delete(*held)
    assert [one.deleted_until is not None for one in agent.sessions()] == [False, True, True]
    agent.put_back(*held)
    assert agent.sessions() == lines
    agent.delete(*held, for_good=True)
    assert [one.state for one in agent.sessions()] == ["recording"]


def test_state_of_a_newer_version_is_refused_untouched(person):
    person.agent.shut_down()
    person.profile.state.write_text('{"format": 99, "joined": "own"}')
    with pytest.raises(StorageError, match="newer version"):
        person.start_agent()
    assert '"format": 99' in person.profile.state.read_text()


@pytest.mark.promise("P4")
def test_a_release_goes_to_the_studys_recipients_and_is_noted(person, tmp_path):
    me = age.new_classical()
    person.world.study = replace(
        STUDY, recipients=(Recipient("Lab", me.recipient, RecipientKind.CLASSICAL, frozenset({Category.TASKS})),)
    )
    person.agent.join("study.toml")
    person.agree(ALL)
    person.agent.start()
    person.tick()
    person.agent.start_task("x")
    person.agent.stop()
    (held,) = person.agent.sessions()
    (path,) = person.agent.release(held.id)
    assert Path(path).parent == person.profile.outbox
    assert [(one.state, one.released_to) for one in person.agent.sessions()] == [("released", ("Lab",))]
    assert age.decrypt(Path(path).read_bytes(), [me])
    with pytest.raises(ConsentError, match="have it already"):
        person.agent.release(held.id)
