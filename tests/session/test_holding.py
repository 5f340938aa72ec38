"""Sharing that happens by itself: chosen, after days on which the agent ran, told before, and undone at any time."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_world import Person, held_one, local, recording, studying

from capture_agent.core.errors import ConsentError
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.ledger.standing import Kind

HOUR = 3600
DAY = 24 * HOUR


def day(person, hours=8):
    """The agent runs for some hours of a day, then the computer is off for the night."""
    for _ in range(hours):
        person.tick(HOUR + 6)
    person.agent.shut_down()
    off(person, DAY - hours * (HOUR + 6))
    person.start_agent()
    person.tick(1)


def off(person, seconds):
    """The computer is off: its clock that nobody sets begins anew, the one on the wall goes on."""
    person.world.began += timedelta(microseconds=person.world.skipped_us, seconds=seconds)
    person.world.skipped_us = 0


def see(person):
    """The window tells of what is shared soon."""
    person.tick(1)
    person.agent.told(person.agent.snapshot().soon)


def stand(person):
    snapshot = person.agent.snapshot()
    return snapshot.soon, snapshot.due


@pytest.fixture
def held(person):
    """A participant who holds one recording and has not chosen anything; it is morning."""
    person.world.began += local(9) - person.world.wall()
    held_one(person, studying(person))
    return person


def only(person):
    (one,) = [one for one in person.agent.sessions() if one.state == "held"]
    return one


def test_by_default_nothing_is_shared_by_itself(held):
    for _ in range(5):
        day(held)
        assert stand(held) == ((), ())
    assert held.agent.snapshot().hold_days is None
    with pytest.raises(ConsentError):
        held.agent.release_due(only(held).id)


@pytest.mark.promise("P4")
def test_after_the_days_and_the_notice_it_is_shared_and_the_record_says_by_which_choice(held):
    held.agent.choose_hold(2)
    session = only(held).id
    assert only(held).shares_in == 3  # two, and the day that is going on
    assert stand(held) == ((session,), ()) or stand(held) == ((), ())
    for _ in range(2):
        day(held)
        see(held)
        assert held.agent.snapshot().due == ()
        with pytest.raises(ConsentError, match="by itself"):
            held.agent.release_due(session)
    day(held)
    assert held.agent.snapshot().due == (session,)
    assert len(held.agent.release_due(session)) == 1
    held.tick(1)
    assert stand(held) == ((), ())
    chosen, released = [
        entry for entry in held.agent._agreement.ledger.entries if entry.kind in {Kind.SHARING_ITSELF, Kind.RELEASED}
    ]
    assert released.body["by_itself"] == chosen.seq and chosen.body["days"] == 2


@pytest.mark.promise("P4")
def test_what_was_deleted_is_not_shared_by_itself_and_is_held_anew_when_it_is_put_back(held):
    held.agent.choose_hold(1)
    session = only(held).id
    held.tick(1)
    see(held)
    day(held)
    held.agent.delete(session)
    for _ in range(2):
        held.agent.tick()
        assert (only(held).shares_in, stand(held)) == (None, ((), ()))
        held.world.skipped_us += 3_600_000_000
    held.agent.put_back(session)
    held.tick(1)
    assert held.agent.snapshot().due == ()
    assert only(held).shares_in == 2


@pytest.mark.promise("P11")
def test_cuts_that_wait_are_made_before_a_recording_is_shared_by_itself(held):
    held.agent.choose_hold(1)
    session = only(held).id
    held.agent.cut(session, [Span(10, 20)], What.STRETCH)
    held.tick(1)
    see(held)
    day(held)
    day(held)
    assert held.agent.snapshot().due == (session,)
    assert len(held.agent.cuts(session)) == 1
    assert len(held.agent.release_due(session)) == 1
    made = [one.kind for one in held.agent._agreement.ledger.entries if one.kind in {Kind.CUT, Kind.RELEASED}]
    assert made[-1] is Kind.RELEASED and Kind.CUT in made
    assert held.agent.cuts(session) == ()


@pytest.mark.promise("P4")
def test_who_was_not_told_shares_nothing(held):
    held.agent.choose_hold(1)
    for _ in range(6):
        day(held)
        assert held.agent.snapshot().due == ()
    assert held.agent.snapshot().soon == (only(held).id,)


@pytest.mark.promise("P4")
@pytest.mark.parametrize(
    "end",
    [
        lambda agent, session: agent.keep(session),
        lambda agent, session: agent.choose_hold(None),
        lambda agent, session: agent.withdraw(destroy=False),
    ],
    ids=["keep", "switch off", "opt out"],
)
def test_keeping_switching_off_and_opting_out_end_it_at_once(held, end):
    session = only(held).id
    held.agent.choose_hold(1)
    see(held)
    day(held)
    day(held)
    assert held.agent.snapshot().due == (session,)
    end(held.agent, session)
    held.tick(1)
    assert held.agent.snapshot().due == ()
    with pytest.raises(ConsentError):
        held.agent.release_due(session)
    assert only(held).shares_in is None
    day(held)
    assert stand(held) == ((), ())


@pytest.mark.promise("P4")
def test_what_is_kept_while_it_is_composed_is_not_shared(held):
    session = only(held).id
    held.agent.choose_hold(1)
    see(held)
    day(held)
    day(held)

    def change_my_mind(_what, _done, _total):
        if held.agent.snapshot().due:
            held.agent.keep(session)

    with pytest.raises(ConsentError, match="changed your mind"):
        held.agent.release_due(session, change_my_mind)
    assert list(held.profile.outbox.iterdir()) == []


@pytest.mark.promise("P4")
@pytest.mark.parametrize("touch", ["looked at", "cut", "chosen again"])
def test_what_is_looked_at_or_cut_and_a_new_choice_begin_the_hold_anew(held, touch):
    session = only(held).id
    held.agent.choose_hold(1)
    see(held)
    day(held)
    day(held)
    assert held.agent.snapshot().due == (session,)
    if touch == "looked at":
        held.agent.looked_at(session)
    elif touch == "cut":
        held.agent.cut(session, [Span(10, 20)], What.STRETCH)
    else:
        held.agent.choose_hold(None)
        held.agent.choose_hold(1)
    held.tick(1)
    assert held.agent.snapshot().due == ()
    see(held)
    day(held)
    assert held.agent.snapshot().due == ()
    day(held)
    assert held.agent.snapshot().due == (session,)


@pytest.mark.promise("P7")
def test_a_study_can_lengthen_the_hold_and_never_shorten_it(held):
    from dataclasses import replace

    held.agent.choose_hold(3)
    session = only(held).id
    held.world.study = replace(held.world.study, version=2, min_hold_days=5)
    held.agent.reload()
    assert held.agent.snapshot().hold_days == 5
    assert held.agent._agreement.standing.hold_days == 3
    held.world.study = replace(held.world.study, version=3, min_hold_days=1)  # less than before: that asks again
    held.agent.reload()
    assert held.agent.snapshot().hold_days in {None, 3}
    assert session in {one.id for one in held.agent.sessions()}


def test_nobody_is_there_to_share_with_who_records_for_themselves_or_has_not_agreed(person):
    with pytest.raises(ConsentError):
        person.agent.choose_hold(3)
    held_one(person, recording(person))
    with pytest.raises(ConsentError):
        person.agent.choose_hold(3)


@pytest.mark.promise("P4")
@pytest.mark.parametrize("damage", ["edited", "older", "gone"])
def test_no_file_brings_sharing_nearer(held, damage):
    held.agent.choose_hold(2)
    path = held.profile.hold
    older = path.read_bytes()
    day(held)
    see(held)
    held.agent.shut_down()
    if damage == "edited":
        found = json.loads(path.read_bytes())
        found["days"][2] += 50
        path.write_bytes(json.dumps(found).encode())
    elif damage == "older":
        path.write_bytes(older)
    else:
        path.unlink()
    held.start_agent()
    held.tick(1)
    assert held.agent.snapshot().due == ()
    assert only(held).shares_in == 3  # from the beginning


@pytest.mark.promise("P4")
@pytest.mark.parametrize("restart", [False, True])
def test_a_clock_that_jumps_adds_no_day(held, restart):
    held.agent.choose_hold(2)
    held.tick(2 * HOUR)
    for _ in range(4):
        held.world.set_back(-3 * DAY)  # forward: with one that goes back, nothing is shared or counted
        held.tick(2 * HOUR)
        if restart:  # of the program: the computer stays on
            held.agent.shut_down()
            held.world.set_back(-DAY)
            held.start_agent()
            held.tick(601)
    assert held.agent._holding.hold.days.count == 0  # it is still the evening of the same day
    assert held.agent.snapshot().due == ()


_LIVES = st.lists(
    st.sampled_from(["day", "short day", "week off", "jump", "back", "crash", "see", "look", "longer", "off and on"]),
    min_size=5,
    max_size=25,
)


@pytest.mark.promise("P4")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(life=_LIVES)
def test_whatever_happens_nothing_is_due_before_its_days(tmp_path_factory, life):
    from dataclasses import replace

    person = Person(tmp_path_factory.mktemp("life"))
    person.world.began += local(9) - person.world.wall()
    session = held_one(person, studying(person))
    person.agent.choose_hold(2)
    used, needed = 0, 2
    for what in life:
        match what:
            case "day":
                day(person, hours=2)
                used += 1
            case "short day":
                for _ in range(3):
                    person.tick(600)
                person.agent.shut_down()
                off(person, DAY - 1800)
                person.start_agent()
            case "week off":
                person.agent.shut_down()
                off(person, 7 * DAY)
                person.start_agent()
            case "jump":
                person.world.set_back(-5 * DAY)
                person.tick(1)
            case "back":
                person.world.set_back(5 * DAY)
                person.tick(1)
            case "crash":
                person.crash()
            case "see":
                see(person)
            case "look":
                person.agent.looked_at(session)
                used = 0
            case "longer":
                needed += 1
                study = person.world.study
                version = study.version + 1
                person.world.study = replace(study, version=version, min_hold_days=needed)
                person.agent.reload()
            case "off and on":
                person.agent.choose_hold(None)
                person.agent.choose_hold(2)
                used = 0
        person.tick(1)
        if person.agent.snapshot().due:
            assert used >= needed, life
    person.agent.shut_down()
