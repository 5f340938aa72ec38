"""What was deleted can be put back for a day, and nothing else is done with it; then it is destroyed, or at a word."""

from datetime import timedelta

import pytest
from small_world import held_one, in_the_way, look_at_editor, out_of_the_way, recording, studying, type_text, typed

from capture_agent.core.errors import ConsentError, KeyError_, StorageError
from capture_agent.core.policy import Settings
from capture_agent.core.splitting import Reason
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.session.intent import PUT_BACK

DAY_S = PUT_BACK.total_seconds()
MB = 1_000_000


@pytest.fixture
def held(person):
    """Return a recording of somebody's own, in which something was typed."""
    agent = recording(person)
    look_at_editor(person)
    type_text(person, "abc")
    agent.stop()
    (line,) = agent.sessions()
    return line.id


@pytest.fixture
def offered(person):
    """Return a recording that could be shared with the readers of a study."""
    return held_one(person, studying(person))


def until(person):
    return {one.id: one.deleted_until for one in person.agent.sessions() if one.here}


def keys(person):
    return person.agent._vault.sessions()


def test_it_stays_in_the_list_and_comes_back_as_it_was(person, held):
    before = person.agent.sessions()
    person.agent.delete(held)
    assert until(person) == {held: person.world.wall() + PUT_BACK}
    person.agent.put_back(held)
    assert person.agent.sessions() == before
    assert typed(person, held) == "abc"


@pytest.mark.promise("P11")
def test_it_is_destroyed_when_the_day_is_over(person, held):
    person.agent.delete(held)
    person.tick(DAY_S - 1)
    assert keys(person) == {held}
    person.tick(2)
    assert (keys(person), person.agent.sessions()) == (frozenset(), ())
    assert list(person.profile.held.iterdir()) == []
    with pytest.raises(ConsentError, match="put back"):
        person.agent.put_back(held)


@pytest.mark.promise("P11")
@pytest.mark.parametrize("how", ["quit", "crash"])
def test_a_restart_ends_no_day_and_what_is_over_goes_with_it(person, held, how):
    person.agent.delete(held)
    for hours, left in ((23, {held}), (2, frozenset())):
        if how == "quit":
            person.agent.shut_down()
        person.world.sleep(hours * 3600)
        person.crash()
        assert keys(person) == left
    assert person.agent._agreement.ledger.open_intents() == ()


def test_a_clock_that_is_put_right_destroys_nothing_and_one_that_is_far_back_makes_nobody_wait(person, held):
    person.agent.delete(held)
    person.world.set_back(3600)
    person.tick(1)
    assert keys(person) == {held}
    person.world.set_back(2 * DAY_S)
    person.tick(1)
    assert keys(person) == frozenset()


@pytest.mark.promise("P11")
def test_for_good_is_at_once_also_of_what_was_deleted_before_and_whatever_hinders_it(person, held):
    person.agent.delete(held)
    person.secrets.locked = True
    with pytest.raises(KeyError_):
        person.agent.delete(held, for_good=True)
    assert person.agent.sessions() == ()
    with pytest.raises(ConsentError):
        person.agent.put_back(held)
    person.secrets.locked = False
    person.crash()
    assert keys(person) == frozenset()
    assert person.agent._agreement.ledger.open_intents() == ()


def test_one_of_several_comes_back_and_the_others_go(person, held):
    person.agent.start()
    person.tick(1)
    person.agent.start_task("x")
    person.agent.stop()
    other = person.agent.sessions()[0].id
    person.agent.delete(held, other)
    person.tick(60)
    person.agent.put_back(held)
    person.crash()
    with pytest.raises(ConsentError):
        person.agent.put_back(held, other)
    assert until(person) == {held: None, other: person.world.wall() + PUT_BACK - timedelta(seconds=60)}
    person.tick(DAY_S)
    assert keys(person) == {held}


def test_deleting_twice_makes_it_no_longer(person, held):
    person.agent.delete(held)
    before = until(person)
    person.tick(60)
    noted = len(person.agent._agreement.ledger.entries)
    person.agent.delete(held)
    assert until(person) == before
    assert len(person.agent._agreement.ledger.entries) == noted
    person.agent.put_back(held)
    assert until(person) == {held: None}


def test_a_stray_file_that_no_session_can_be_is_left_alone(person, held):
    stray = person.profile.held / "my holiday.held"
    stray.write_bytes(b"x")
    person.agent.delete("my holiday", held)
    assert list(until(person).values()).count(None) == 1
    person.tick(DAY_S + 1)
    assert (keys(person), list(person.profile.held.iterdir())) == (frozenset(), [stray])
    assert person.agent._agreement.ledger.open_intents() == ()


def test_nothing_else_can_be_done_with_it(person, offered, tmp_path):
    agent, held = person.agent, offered
    agent.delete(held)
    for does in (
        lambda: agent.review(held),
        lambda: agent.open_own(held, str(tmp_path / "out")),
        lambda: agent.cut(held, [Span(0)], What.STRETCH),
        lambda: agent.release(held[:8]),
    ):
        with pytest.raises(ConsentError, match="was deleted"):
            does()
    assert agent.snapshot().held == 0


def test_what_is_saved_of_a_person_says_that_it_was_deleted(person, held, tmp_path):
    person.agent.delete(held)
    assert person.agent.save_my_data(str(tmp_path / "all"), "en").left_out == {held: "you deleted it"}


@pytest.mark.promise("P4")
def test_what_is_deleted_while_it_is_composed_does_not_go_out(person, offered):
    agent = person.agent
    asked = []

    def progress(*_):
        if not asked:
            agent.delete(offered)
        asked.append(1)

    with pytest.raises(ConsentError, match="changed your mind"):
        agent.release(offered, progress)
    assert list(person.profile.outbox.iterdir()) == []
    agent.put_back(offered)
    assert agent.release(offered)


@pytest.mark.promise("P4")
def test_later_readers_are_not_offered_what_was_deleted(person, offered):
    person.agent.release(offered)
    person.agent.delete(offered)
    (line,) = person.agent.sessions()
    assert (line.later_readers, line.is_open, line.is_shared) == ((), False, True)
    assert person.agent.withdraw_shared(offered).session == offered


@pytest.mark.promise("P11")
def test_forgetting_reaches_what_was_deleted(person, held):
    agent = person.agent
    agent.start()
    person.tick(1)
    look_at_editor(person)
    type_text(person, "de")
    for _ in range(100):
        person.tick(1)
    look_at_editor(person)
    type_text(person, "f")
    agent.stop()
    partly = agent.sessions()[0].id
    agent.delete(held, partly)
    agent.forget(1)
    agent.finish_forgetting()
    agent.put_back(partly)
    assert typed(person, partly) == "de"
    agent.forget(15)
    agent.finish_forgetting()
    assert keys(person) == frozenset()
    with pytest.raises(ConsentError):
        agent.put_back(held)


@pytest.mark.promise("P2")
def test_opting_out_destroys_what_was_deleted_with_all_else(person, held):
    person.agent.delete(held)
    person.agent.withdraw(destroy=True)
    assert person.agent.sessions() == ()
    person.tick(11)
    assert keys(person) == frozenset()
    assert person.agent._agreement.ledger.open_intents() == ()


def test_its_announced_end_comes_first(person, held):
    person.tick(29.5 * DAY_S)
    (line,) = person.agent.sessions()
    assert line.days_left == 1
    person.agent.delete(held)
    person.tick(0.75 * DAY_S)
    assert keys(person) == frozenset()
    assert [(one.state, one.deleted_until) for one in person.agent.sessions()] == [("expired", None)]


def test_it_goes_before_recording_ends_for_want_of_room(person, held):
    with (person.profile.held / f"{held}.held").open("ab") as file:
        file.truncate(60 * MB)
    person.agent.delete(held)
    person.world.chosen = Settings(max_held_mb=70)
    person.agent.reload()
    person.tick(60)
    assert keys(person) == {held}
    person.world.chosen = Settings(max_held_mb=50)
    person.agent.reload()
    person.agent.start()
    person.tick(1)
    assert held not in keys(person)
    assert person.agent.snapshot().waiting is not Reason.FULL


def test_that_it_cannot_be_noted_is_said_and_nothing_has_happened(person, held):
    in_the_way(person.profile.ledger)
    with pytest.raises(StorageError):
        person.agent.delete(held)
    out_of_the_way(person.profile.ledger)
    assert until(person) == {held: None}
