"""What was forgotten is nobody's at once, and taken out on a thread: nothing waits for that, and nothing loses it."""

import threading

import pytest
from small_world import ALL, lock_is_free, look_at_editor, studying, type_text, typed
from test_cuts import LAB, letters, presses, shared

from capture_agent.core.errors import KeyError_, StorageError
from capture_agent.core.policy import Recipient, RecipientKind
from capture_agent.encode.event_log import read_log
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.ledger.standing import Kind


@pytest.fixture
def forgot(person):
    """A recording of which "kept" stays and "secret" was forgotten a moment ago, and another that goes whole."""
    agent = studying(person, recipients=(Recipient("Lab", LAB.recipient, RecipientKind.CLASSICAL, ALL),))
    look_at_editor(person)
    type_text(person, "kept")
    for _ in range(15):
        person.tick(60)
        person.tick()
    look_at_editor(person)
    type_text(person, "secret")
    agent.stop()
    agent.start()
    person.tick()
    look_at_editor(person)
    type_text(person, "whole")
    agent.stop()
    whole, session = (one.id for one in agent.sessions())
    told = agent.forget(10)
    assert (told.recordings, told.whole) == (2, 1)
    assert typed(person, session) == "keptsecret"  # nothing was done yet
    return session, whole


def is_done(person):
    return not person.agent._agreement.ledger.open_intents()


@pytest.mark.promise("P11")
def test_what_goes_whole_is_neither_listed_nor_found_from_the_click_on(person, forgot):
    session, whole = forgot
    assert [one.id for one in person.agent.sessions()] == [session]
    assert person.agent.snapshot().held == 1
    for act in (person.agent.review, person.agent.release, person.agent.cuts):
        with pytest.raises(StorageError):
            act(whole)
    assert person.agent.would_forget(10).recordings == 1


@pytest.mark.promise("P11")
def test_what_was_forgotten_is_not_shown_though_nobody_has_taken_it_out_yet(person, forgot):
    assert letters(person, forgot[0]) == "kept"


@pytest.mark.promise("P11")
def test_what_was_forgotten_is_not_opened_though_nobody_has_taken_it_out_yet(person, forgot, tmp_path):
    person.agent.open_own(forgot[0], str(tmp_path / "mine"))
    with (tmp_path / "mine" / "events.mcap").open("rb") as log:
        assert presses(read_log(log)) == "kept"


@pytest.mark.promise("P11")
def test_what_was_forgotten_is_not_shared_though_nobody_has_taken_it_out_yet(person, forgot):
    (path,) = person.agent.release(forgot[0])
    assert presses(shared(path)) == "kept"
    assert typed(person, forgot[0]) == "kept"


@pytest.mark.promise("P11")
def test_time_alone_takes_it_out(person, forgot):
    person.tick()
    person.agent._finishing.close()
    assert is_done(person)
    assert typed(person, forgot[0]) == "kept"
    assert [path.suffix for path in person.profile.held.iterdir()] == [".held"]


@pytest.mark.promise("P11")
@pytest.mark.parametrize("end", ["crash", "quit"])
def test_the_end_of_the_program_or_the_next_start_takes_it_out(person, forgot, end):
    if end == "crash":
        person.crash()
    else:
        person.agent.shut_down()
    assert is_done(person)
    assert typed(person, forgot[0]) == "kept"


@pytest.mark.promise("P5")
@pytest.mark.parametrize("by", ["itself", "cutting", "looking"])
def test_nobody_waits_for_the_lock_while_what_stays_is_written(person, forgot, by):
    free = []

    def look(*_):
        free.append(lock_is_free(person))

    agent, (session, _) = person.agent, forgot
    match by:
        case "itself":
            agent._finishing.run(look)
        case "cutting":
            agent.cut_for_good(session, look)
        case _:
            agent.review(session, look)
    assert free and all(free)
    assert typed(person, session) == "kept"


@pytest.mark.promise("P11")
def test_what_is_cut_for_good_meanwhile_waits_for_its_turn_and_is_cut(person, forgot):
    """Two threads never write the same recording, and neither waits while it holds the lock."""
    session, _ = forgot
    agent, others = person.agent, []
    agent.cut(session, [Span(0, 1)], What.STRETCH)

    def meanwhile(*_):
        if not others:
            others.append(threading.Thread(target=agent.cut_for_good, args=(session,)))
            others[0].start()

    agent._finishing.run(meanwhile)
    others[0].join()
    assert is_done(person)
    assert agent.cuts(session) == ()
    assert letters(person, session) == "kept"
    kinds = [entry.kind for entry in agent._agreement.ledger.entries]
    assert kinds.count(Kind.FORGOTTEN) == 1


@pytest.mark.promise("P11")
def test_what_cannot_be_taken_out_is_said_and_tried_again_and_nobody_is_shown_it_meanwhile(person, forgot):
    agent = person.agent
    person.secrets.locked = True
    person.tick()
    agent._finishing.close()
    person.tick()
    assert "locked" in agent.snapshot().problem
    with pytest.raises(KeyError_):
        agent.review(forgot[0])
    person.secrets.locked = False
    person.tick(11)
    agent._finishing.close()
    person.tick()
    assert agent.snapshot().problem == ""
    assert is_done(person)
    assert typed(person, forgot[0]) == "kept"
