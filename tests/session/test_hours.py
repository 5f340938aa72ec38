"""Recording that begins and ends by itself: only in hours that the person chose, and never unseen."""

from dataclasses import replace

import pytest
from small_world import ALL, STUDY, local, recording

from capture_agent.core.errors import ConsentError
from capture_agent.core.policy import Settings
from capture_agent.core.recording import State
from capture_agent.core.schedule import parse
from capture_agent.core.splitting import Reason
from capture_agent.desktop.base import Presence
from capture_agent.encode.event_log import decode
from capture_agent.held import reader
from capture_agent.ledger.standing import Kind

WORK = parse("mon-fri 09:00-17:00")
BEFORE, DURING = local(8, 59, 30), local(11)


def at(person, moment):
    """Let it be `moment`."""
    person.world.began += moment - person.world.wall()


def agreed(person, moment, schedule=WORK):
    at(person, moment)
    person.agent.choose_own()
    person.agree(ALL)
    if schedule is not None:
        person.agent.choose_schedule(schedule)
    person.world.counted = True
    return person.agent


def seconds(person, count):
    for _ in range(count * 4):
        person.tick(0.25)


def test_recording_begins_in_the_chosen_hours_after_a_countdown_in_sight(person):
    agent = agreed(person, BEFORE)
    seconds(person, 28)
    assert (agent.recording_state, agent.snapshot().starts_in) == (State.OFF, None)
    seconds(person, 5)
    assert agent.recording_state is State.OFF
    assert 7 <= agent.snapshot().starts_in <= 10
    assert person.world.started == []
    seconds(person, 10)
    assert agent.recording_state is State.RECORDING
    assert person.world.announced == 1
    assert agent.snapshot().starts_in is None


@pytest.mark.promise("P1")
def test_without_a_choice_nothing_ever_begins_by_itself(person):
    agent = agreed(person, BEFORE, None)
    for _ in range(24 * 60):
        person.tick(60)
    assert (agent.recording_state, person.world.started) == (State.OFF, [])


@pytest.mark.promise("P1")
def test_a_restart_begins_nothing_unless_hours_were_chosen(person):
    agreed(person, DURING, None)
    person.agent.start()
    person.tick()
    person.crash()
    seconds(person, 60)
    assert person.agent.recording_state is State.OFF
    person.agent.choose_schedule(WORK)
    person.crash()
    seconds(person, 15)
    assert person.agent.recording_state is State.RECORDING


@pytest.mark.promise("P1")
@pytest.mark.promise("P5")
def test_nothing_begins_by_itself_without_consent_or_in_a_pause(person):
    agent = agreed(person, DURING)
    agent.start()
    agent.pause(None)
    seconds(person, 60)
    assert agent.recording_state is State.PAUSED
    person.crash()
    seconds(person, 60)
    assert person.agent.recording_state is State.PAUSED
    person.agent.withdraw(destroy=False)
    person.agent.choose_own()
    seconds(person, 60)
    assert person.agent.recording_state is State.OFF
    assert person.agent.snapshot().schedule is None


@pytest.mark.promise("P1")
def test_hours_that_were_chosen_before_a_no_begin_nothing_after_a_later_yes(person):
    agent = agreed(person, DURING)
    agent.asked()
    agent.refuse()
    person.agree(ALL)
    seconds(person, 60)
    assert (agent.snapshot().schedule, agent.recording_state) == (None, State.OFF)


@pytest.mark.promise("P1")
@pytest.mark.parametrize("away", [Presence(locked_us=1), Presence(idle_us=120_000_000)])
def test_nothing_begins_while_nobody_is_there_to_see_it(person, away):
    agent = agreed(person, DURING)
    person.world.here = away
    seconds(person, 120)
    assert (agent.recording_state, agent.snapshot().starts_in) == (State.OFF, None)
    person.world.here = Presence()
    seconds(person, 15)
    assert agent.recording_state is State.RECORDING


@pytest.mark.promise("P1")
@pytest.mark.parametrize("away", [Presence(locked_us=1), Presence(idle_us=120_000_000)])
def test_a_countdown_that_somebody_leaves_alone_begins_nothing(person, away):
    agent = agreed(person, DURING)
    seconds(person, 3)
    assert agent.snapshot().starts_in is not None
    person.world.here = away
    seconds(person, 60)
    assert (agent.recording_state, agent.snapshot().starts_in) == (State.OFF, None)


@pytest.mark.promise("P1")
def test_a_countdown_that_is_not_in_sight_begins_nothing(person):
    agent = agreed(person, DURING)
    person.world.counted = False
    seconds(person, 300)
    assert (agent.recording_state, person.world.started) == (State.OFF, [])


@pytest.mark.promise("P1")
@pytest.mark.parametrize("when", [2, 30])
def test_what_was_waved_away_or_stopped_does_not_begin_again_in_the_same_hours(person, when):
    agent = agreed(person, DURING)
    seconds(person, when)
    agent.stop()
    seconds(person, 60)
    assert (agent.recording_state, agent.snapshot().starts_in) == (State.OFF, None)
    person.crash()
    seconds(person, 60)
    assert person.agent.recording_state is State.OFF
    at(person, local(9, 30, days=1))
    seconds(person, 15)
    assert person.agent.recording_state is State.RECORDING


@pytest.mark.promise("P1")
def test_recording_ends_and_is_saved_when_the_hours_end(person):
    agent = agreed(person, local(16, 59))
    seconds(person, 30)
    agent.start_task("write a letter")
    seconds(person, 31)
    assert (agent.recording_state, agent.snapshot().hours_over) == (State.OFF, True)
    assert [(one.state, one.complete) for one in agent.sessions()] == [("held", True)]
    agent.start()  # by hand, after hours: it goes on until the person stops it
    seconds(person, 60)
    assert (agent.recording_state, agent.snapshot().hours_over) == (State.RECORDING, False)


@pytest.mark.promise("P5")
def test_a_pause_outlives_the_end_of_the_hours_and_the_next_beginning(person):
    agent = agreed(person, local(16, 59))
    seconds(person, 30)
    agent.pause(None)
    for _ in range(20 * 60):
        person.tick(60)
    assert agent.recording_state is State.PAUSED


def test_taking_the_hours_back_while_recording_does_not_stop_it(person):
    agent = agreed(person, DURING)
    seconds(person, 15)
    agent.choose_schedule(None)
    seconds(person, 5)
    assert agent.recording_state is State.RECORDING


@pytest.mark.promise("P1")
@pytest.mark.parametrize("by_study", [True, False])
def test_outside_the_hours_of_study_or_settings_nothing_is_recorded_at_all(person, by_study):
    at(person, local(16, 59))
    if by_study:
        person.world.study = replace(STUDY, schedule=WORK)
        person.agent.join("study.toml")
    else:
        person.world.chosen = Settings(schedule=WORK)
        person.agent.choose_own()
        person.agent.reload()
    person.agree(ALL)
    person.agent.start()
    seconds(person, 5)
    assert person.agent.recording_state is State.RECORDING
    seconds(person, 60)
    assert (person.agent.recording_state, person.agent.snapshot().hours_over) == (State.OFF, True)
    with pytest.raises(ConsentError, match="mon-fri 09:00-17:00"):
        person.agent.start()
    at(person, local(10, days=1))
    person.agent.start()
    seconds(person, 1)
    assert person.agent.recording_state is State.RECORDING


def test_settings_that_come_while_recording_end_it_out_of_hours(person):
    agent = recording(person)
    at(person, local(21))
    person.world.chosen = Settings(schedule=WORK)
    agent.reload()
    seconds(person, 2)
    assert (agent.recording_state, person.world.running) == (State.OFF, [])


@pytest.mark.promise("P7")
def test_chosen_hours_never_reach_beyond_those_of_the_study(person):
    person.world.study = replace(STUDY, schedule=parse("mon-fri 10:00-12:00"))
    at(person, local(9, 30))
    person.agent.join("study.toml")
    person.agree(ALL)
    person.agent.choose_schedule(WORK)
    person.world.counted = True
    seconds(person, 5)
    assert person.agent.snapshot().starts_in is None
    seconds(person, 60)
    assert person.agent.recording_state is State.OFF
    at(person, local(10, 30))
    seconds(person, 15)
    assert person.agent.recording_state is State.RECORDING


def test_the_choice_is_a_signed_entry_of_the_consent_record(person):
    agreed(person, DURING)
    person.agent.choose_schedule(WORK)
    person.agent.choose_schedule(None)
    kinds = [entry.kind for entry in person.agent._agreement.ledger.entries]
    assert kinds[-2:] == [Kind.SCHEDULED, Kind.UNSCHEDULED]
    person.crash()
    assert person.agent.snapshot().schedule is None


@pytest.mark.promise("P1")
def test_on_a_shared_computer_nothing_is_recorded_before_somebody_says_it_is_me(person):
    person.agent.choose_own()
    person.agree(ALL)
    person.agent.choose_shared(True)
    person.agent.start()
    seconds(person, 5)
    assert (person.agent.recording_state, person.agent.snapshot().waiting) == (State.SUSPENDED, Reason.WHO)
    assert person.world.started == []
    person.agent.it_is_me()
    person.tick()
    assert person.agent.recording_state is State.RECORDING
    person.world.here = Presence(locked_us=person.world.now_us())
    person.tick()
    person.world.here = Presence()
    seconds(person, 5)
    assert (person.agent.recording_state, person.agent.snapshot().waiting) == (State.SUSPENDED, Reason.WHO)
    assert person.world.running == []
    person.agent.it_is_me()
    person.tick()
    assert person.agent.recording_state is State.RECORDING


def test_a_shared_computer_stays_one_after_a_restart_until_it_is_switched_off(person):
    person.agent.choose_own()
    person.agree(ALL)
    person.agent.choose_shared(True)
    person.crash()
    assert person.agent.snapshot().shared
    person.agent.start()
    person.agent.pause(None)
    person.crash()
    person.agent.resume()
    person.tick()
    assert person.agent.snapshot().waiting is Reason.WHO
    person.agent.choose_shared(False)
    person.tick()
    assert (person.agent.recording_state, person.agent.snapshot().shared) == (State.RECORDING, False)


def test_automatic_recording_on_a_shared_computer_asks_too(person):
    agent = agreed(person, DURING)
    agent.choose_shared(True)
    seconds(person, 20)
    assert (agent.recording_state, agent.snapshot().waiting, person.world.started) == (State.SUSPENDED, Reason.WHO, [])


def shared(person):
    person.agent.choose_own()
    person.agree(ALL)
    person.agent.choose_shared(True)
    person.agent.start()
    person.agent.it_is_me()
    seconds(person, 2)
    return person.agent


@pytest.mark.promise("P11")
def test_not_me_pauses_and_forgets_since_the_last_lock(person):
    agent = shared(person)
    agent.start_task("mine")
    seconds(person, 60)
    person.world.here = Presence(locked_us=person.world.now_us())
    seconds(person, 30)
    person.world.here = Presence()
    person.tick()
    agent.it_is_me()
    seconds(person, 1)
    agent.start_task("somebody else's")
    seconds(person, 60)
    agent.not_me()
    assert (agent.recording_state, person.world.running) == (State.PAUSED, [])
    (held,) = agent.sessions()
    texts = [
        decode(message).get("text")
        for part in reader.read(person.profile.held / f"{held.id}.held", agent._vault.identity(held.id))
        for message in part.messages
    ]
    assert [text for text in texts if text is not None] == ["mine"]
    agent.resume()
    seconds(person, 2)
    assert agent.snapshot().waiting is Reason.WHO


@pytest.mark.promise("P11")
def test_not_me_reaches_back_to_a_lock_before_a_crash(person):
    agent = shared(person)
    person.world.here = Presence(locked_us=person.world.now_us())
    seconds(person, 2)
    person.world.here = Presence()
    person.tick()
    agent.it_is_me()
    seconds(person, 1)
    agent.start_task("somebody else's")
    seconds(person, 5)
    agent.stop()
    person.crash()
    seconds(person, 60)
    person.agent.not_me()
    assert person.agent.sessions() == ()


def test_not_me_is_for_shared_computers(person):
    recording(person)
    with pytest.raises(ConsentError, match="not shared"):
        person.agent.not_me()
    assert person.agent.recording_state is State.RECORDING
