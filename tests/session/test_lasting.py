"""How long a yes and a no last, what the clock may do, and that one kind of data can be taken back alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from small_world import ALL, STUDY, recording, studying

from capture_agent.core.consent import State as Consent
from capture_agent.core.errors import ConfigError, ConsentError, StorageError
from capture_agent.core.events import Category
from capture_agent.core.policy import Settings
from capture_agent.core.recording import State
from capture_agent.ledger.standing import Kind

DAY = 86_400


def states(person):
    return {one.category: one.state for one in person.agent.agreed()}


def running(person):
    return [source.categories for source in person.world.running]


def study(person, policy=STUDY):
    person.world.study = policy
    person.agent.join("study.toml")
    person.agree(ALL)
    return person.agent


def last(person, kind):
    return [entry for entry in person.agent._agreement.ledger.entries if entry.kind is kind][-1]


@pytest.mark.promise("P1")
def test_a_consent_ends_after_six_months_while_it_is_recorded_and_is_written_down(person):
    agent = recording(person)
    person.world.skipped_us += int(180.9 * DAY * 1e6)
    person.tick()  # after such a leap, recording waits for a new proof of the indicator
    person.tick()
    assert running(person) == [ALL]
    person.tick(4 * DAY)
    assert (running(person), agent.recording_state) == ([], State.OFF)
    assert set(states(person).values()) - {Consent.REFUSED} == {Consent.EXPIRED}
    event = last(person, Kind.EXPIRED).body["event"]
    assert (event["method"], event["entity_id"]) == ("time has passed", "capture-agent")
    assert "has ended" in agent.snapshot().problem
    with pytest.raises(ConsentError):
        agent.start()
    assert set(states(person).values()) - {Consent.REFUSED} == {Consent.EXPIRED}, "and it is written down once"
    assert {one.state for one in person.crash().agreed()} - {Consent.REFUSED} == {Consent.EXPIRED}


@pytest.mark.promise("P1")
def test_what_is_over_is_not_captured_even_if_that_cannot_be_written_down(person):
    agent = recording(person)
    person.profile.ledger.rename(person.profile.folder / "away")
    person.profile.ledger.mkdir()
    person.tick(184 * DAY)
    person.tick()
    assert (running(person), agent.snapshot().consented) == ([], frozenset())
    with pytest.raises(ConsentError):
        agent.start()
    person.profile.ledger.rmdir()
    (person.profile.folder / "away").rename(person.profile.ledger)
    agent.reload()
    assert set(states(person).values()) - {Consent.REFUSED} == {Consent.EXPIRED}


@pytest.mark.promise("P1")
@pytest.mark.parametrize("days", [200, -200], ids=["beyond the end", "back before what was seen"])
def test_a_clock_that_is_set_is_noticed_with_the_next_tick_however_soon_that_comes(person, days):
    recording(person)
    person.world.set_back(-days * DAY)
    person.tick(0.1)
    assert running(person) == []


@pytest.mark.promise("P1")
@pytest.mark.parametrize("who", ["study", "settings"])
def test_study_and_settings_make_a_consent_shorter_and_nothing_makes_it_longer(person, who):
    agent = study(person, replace(STUDY, consent_months=1) if who == "study" else STUDY)
    if who == "settings":
        person.world.chosen = Settings(consent_months=1)
        agent.reload()
    until = agent.snapshot().agreed_until
    assert timedelta(days=27.9) < until - person.world.wall() <= timedelta(days=31)
    person.tick(32 * DAY)
    assert set(states(person).values()) - {Consent.REFUSED} == {Consent.EXPIRED}
    person.world.chosen = Settings(consent_months=6)
    agent.reload()
    assert agent.snapshot().consented == frozenset(), "taking the narrowing back gives nothing back"


def test_what_was_agreed_to_for_a_shorter_time_does_not_last_longer_when_the_setting_goes(person):
    person.world.chosen = Settings(consent_months=1)
    agent = study(person)
    person.world.chosen = Settings()
    agent.reload()
    assert agent.snapshot().agreed_until - person.world.wall() <= timedelta(days=31)


def test_agreeing_again_before_the_end_renews_and_begins_the_time_anew(person):
    agent = study(person)
    person.tick(170 * DAY)
    person.agree(ALL - {Category.SCREEN})
    assert states(person) == {**dict.fromkeys(ALL, Consent.RENEWED), Category.SCREEN: Consent.WITHDRAWN}
    assert last(person, Kind.ACCEPTED).body["event"]["event_state"] == "RenewedGiven"
    assert agent.snapshot().agreed_until - person.world.wall() > timedelta(days=180)


def test_looking_at_the_panel_again_does_not_make_a_consent_longer(person):
    agent = study(person)
    until = agent.snapshot().agreed_until
    person.tick(100 * DAY)
    agent.asked()
    assert agent.snapshot().agreed_until == until


@pytest.mark.promise("P1")
@pytest.mark.parametrize("who", ["study", "settings"])
def test_a_time_that_is_made_shorter_later_counts_from_the_click_and_not_from_looking_again(person, who):
    agent = study(person)
    person.tick(20 * DAY)
    agent.asked()
    if who == "study":
        person.world.study = replace(STUDY, version=2, consent_months=1)
    else:
        person.world.chosen = Settings(consent_months=1)
    agent.reload()
    assert agent.snapshot().agreed_until - person.world.wall() < timedelta(days=12)
    person.tick(12 * DAY)
    assert set(states(person).values()) - {Consent.REFUSED} == {Consent.EXPIRED}


def test_what_is_written_down_says_when_how_and_who(person):
    study(person)
    event, body = last(person, Kind.ACCEPTED).body["event"], last(person, Kind.ACCEPTED).body
    assert event["event_time"] == last(person, Kind.ACCEPTED).time.isoformat(timespec="milliseconds")
    assert event["method"] == "click in the consent panel"
    assert event["entity_id"] == person.agent._vault.pseudonym(STUDY.study)
    assert event["event_state"] == "Given"
    assert body["until"] > event["event_time"]


@pytest.mark.promise("P7")
def test_who_refused_is_not_asked_again_by_itself_for_ninety_days_whatever_the_study_does(person):
    person.world.study = STUDY
    person.agent.join("study.toml")
    assert person.agent.snapshot().must_ask
    person.agent.asked()
    person.agent.refuse()
    for number, days in enumerate((0, 60, 29), 1):
        person.tick(days * DAY)
        agent = person.crash()
        assert (agent.snapshot().must_ask, agent.snapshot().refused) == (False, True)
        person.world.study = replace(STUDY, version=2 * number, retention_days=60)
        agent.reload()
        assert not agent.snapshot().must_ask
        person.world.study = replace(STUDY, study="study-2")
        agent.reload()
        assert not agent.snapshot().must_ask, "another name is no reason to ask again"
        person.world.study = replace(STUDY, version=2 * number)
        agent.reload()
    person.tick(2 * DAY)
    person.agent.reload()
    assert (person.agent.snapshot().must_ask, person.agent.snapshot().refused) == (True, False)


def test_who_refused_can_open_the_panel_and_agree_at_any_time(person):
    person.world.study = STUDY
    person.agent.join("study.toml")
    person.agent.asked()
    person.agent.refuse()
    person.agree(ALL)
    assert person.agent.snapshot().consented == ALL


@pytest.mark.promise("P1")
def test_a_clock_that_was_set_back_stops_capture_until_it_is_right_again(person):
    agent = recording(person)
    person.tick(3600)
    agent.start()
    person.tick()
    person.world.set_back(120)
    person.tick()
    assert agent.recording_state is State.RECORDING, "time servers correct clocks"
    person.world.set_back(3600)
    person.tick()
    assert (agent.recording_state, running(person)) == (State.OFF, [])
    assert "clock" in agent.snapshot().problem
    assert "clock right" in agent.snapshot().hint
    with pytest.raises(ConsentError, match="clock"):
        agent.start()
    with pytest.raises(ConsentError, match="clock"):
        person.crash().start()
    person.world.set_back(-3700)
    person.agent.start()
    person.tick()
    assert running(person) == [ALL]


@pytest.mark.promise("P1")
def test_how_late_it_was_is_known_to_the_next_start_to_the_minute(person):
    agent = recording(person)
    person.tick(400)
    agent.shut_down()
    person.world.set_back(500)
    assert "clock" in person.start_agent().snapshot().problem


@pytest.mark.promise("P1")
def test_a_consent_that_is_over_does_not_come_back_with_an_earlier_time(person):
    agent = recording(person)
    agent.stop()
    person.tick(185 * DAY)
    agent.shut_down()
    person.world.set_back(100 * DAY)
    assert person.start_agent().snapshot().consented == frozenset()


def test_who_agrees_anew_after_a_clock_was_wrong_can_record(person):
    agent = recording(person)
    person.tick(400 * DAY)
    agent.shut_down()
    person.world.set_back(400 * DAY)
    agent = person.start_agent()
    agent.withdraw(destroy=False)
    recording(person)


@pytest.mark.promise("P7")
def test_an_older_policy_than_the_highest_seen_is_refused_and_the_last_one_stays(person):
    agent = study(person, replace(STUDY, version=3))
    agent.start()
    person.tick()
    person.world.study = replace(STUDY, version=2, max_fps=1)
    agent.reload()
    person.tick()
    assert running(person) == [ALL]
    assert (agent.snapshot().joined.version, agent.snapshot().offer.max_fps) == (3, 10)
    assert "version 2" in agent.snapshot().problem
    agent = person.crash()
    with pytest.raises(ConsentError):
        agent.start()
    with pytest.raises(ConfigError, match="version 3 was in force"):
        agent.join("study.toml")
    person.world.study = replace(STUDY, version=4)
    agent.reload()
    assert agent.snapshot().consented == ALL


@pytest.mark.promise("P7")
def test_a_study_that_was_switched_off_is_not_switched_on_by_its_older_policy(person):
    agent = study(person)
    person.world.study = replace(STUDY, version=2, enabled=False)
    agent.reload()
    person.world.study = STUDY
    person.crash()
    with pytest.raises(ConsentError):
        person.agent.start()


@pytest.mark.promise("P1")
@pytest.mark.promise("P2")
def test_one_category_is_taken_back_alone_and_the_others_go_on(person):
    agent = recording(person)
    person.agent.withdraw_category(Category.SCREEN)
    person.tick()
    assert running(person) == [ALL - {Category.SCREEN}]
    assert agent._studio.rules().categories == ALL - {Category.SCREEN}
    body = last(person, Kind.WITHDRAWN).body
    assert (body["keys"], body["event"]["method"]) == ([["own-use", "screen"]], "stop recording one category")
    agent = person.crash()
    assert agent.snapshot().consented == ALL - {Category.SCREEN}
    assert states(person)[Category.SCREEN] is Consent.WITHDRAWN
    assert agent.snapshot().apps == {"editor"}


@pytest.mark.promise("P2")
def test_a_category_that_is_taken_back_on_a_full_disk_is_taken_back(person):
    agent = recording(person)
    person.profile.ledger.rename(person.profile.folder / "away")
    person.profile.ledger.mkdir()
    with pytest.raises(StorageError):
        agent.withdraw_category(Category.SCREEN)
    person.tick()
    assert running(person) == [ALL - {Category.SCREEN}]
    person.profile.ledger.rmdir()
    (person.profile.folder / "away").rename(person.profile.ledger)


@pytest.mark.promise("P2")
def test_the_last_category_taken_back_is_an_opt_out_that_deletes_nothing(person):
    agent = recording(person, {Category.SCREEN, Category.TASKS})
    agent.start_task("x")
    for category in (Category.TASKS, Category.SCREEN):
        agent.withdraw_category(category)
        person.tick()
    assert (agent.snapshot().joined, running(person)) == (None, [])
    assert [one.state for one in agent.sessions()] == ["held"]


@pytest.mark.promise("P1")
@pytest.mark.parametrize("again", ["restart", "join"])
def test_a_no_to_a_study_that_asks_for_less_ends_what_it_does_not_ask_for_now(person, again):
    agent = studying(person)
    person.world.study = replace(STUDY, version=2, categories=ALL - {Category.SCREEN})
    agent.reload()
    assert Category.SCREEN not in agent.snapshot().consented
    agent.asked()
    agent.refuse()
    person.world.study = replace(STUDY, version=3)
    agent.shut_down()
    agent = person.start_agent()
    if again == "join":
        agent.join("study.toml")
    assert agent.snapshot().consented == frozenset()
    with pytest.raises(ConsentError):
        agent.start()
    assert person.world.running == []
