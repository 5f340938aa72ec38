"""What is marked to be cut can be undone until the recording is shared; nobody gets it, and for good is for good."""

import io
import tarfile
import threading
from pathlib import Path

import pytest
from small_world import ALL, lock_is_free, look_at_editor, studying, type_text

from capture_agent.core.errors import ConsentError, KeyError_
from capture_agent.core.events import Outcome
from capture_agent.core.policy import Recipient, RecipientKind
from capture_agent.core.progress import CancelledError
from capture_agent.encode.event_log import decode, read_log
from capture_agent.held.cut import Span
from capture_agent.held.spans import What, all_but
from capture_agent.held.timeline import TaskTime
from capture_agent.keys import age
from capture_agent.session.snapshot import WaitingCut

LAB = age.new_classical()


@pytest.fixture
def written(person):
    """A recording of "abcdef" for a study, and the time at which each letter was typed."""
    agent = studying(person, recipients=(Recipient("Lab", LAB.recipient, RecipientKind.CLASSICAL, ALL),))
    look_at_editor(person)
    type_text(person, "abcdef")
    agent.stop()
    (one,) = agent.sessions()
    return one.id, agent.review(one.id).timeline.runs[0].ends


def mark(person, written, first, last):
    session, at = written
    person.agent.cut(session, [Span(at[first], at[last])], What.STRETCH)


def letters(person, session):
    return "".join(run.text for run in person.agent.review(session).timeline.runs)


def shared(path):
    """Return every event that the researcher reads."""
    with tarfile.open(fileobj=io.BytesIO(age.decrypt(Path(path).read_bytes(), [LAB]))) as tar:
        return list(read_log(tar.extractfile("events.mcap")))


def presses(events):
    keys = [decode(message) for message in events if message.topic == "keyboard"]
    return "".join(key["text"] or "" for key in keys if key["down"])


@pytest.mark.promise("P11")
def test_what_is_marked_is_there_until_it_is_for_good_and_each_cut_can_be_undone_by_itself(person, written):
    session, at = written
    mark(person, written, 0, 2)
    mark(person, written, 3, 4)
    first, second = person.agent.cuts(session)
    assert (first.what, first.spans, second.spans) == (What.STRETCH, (Span(at[0], at[2]),), (Span(at[3], at[4]),))
    assert letters(person, session) == "abcdef"
    person.agent.undo_cut(session, first.number)
    assert person.agent.cuts(session) == (second,)
    person.agent.cut_for_good(session)
    assert (letters(person, session), person.agent.cuts(session)) == ("abcef", ())
    for number in (first.number, second.number):
        with pytest.raises(ConsentError, match="nothing to undo"):
            person.agent.undo_cut(session, number)
    assert person.agent._agreement.ledger.open_intents() == ()


@pytest.mark.promise("P11")
def test_what_is_marked_waits_through_time_crashes_and_restarts(person, written):
    session, at = written
    mark(person, written, 0, 2)
    person.tick(60)
    person.crash()
    person.tick(60)
    person.agent.shut_down()
    person.start_agent()
    (cut,) = person.agent.cuts(session)
    assert cut == WaitingCut(cut.number, What.STRETCH, (Span(at[0], at[2]),))
    assert letters(person, session) == "abcdef"


def test_the_list_says_what_waits_to_be_cut_out_as_long_as_it_does(person, written):
    session, _ = written

    def waits():
        (line,) = person.agent.sessions()
        assert line.cuts == person.agent.cuts(session)
        return len(line.cuts)

    assert waits() == 0
    mark(person, written, 0, 2)
    mark(person, written, 3, 4)
    assert waits() == 2
    person.crash()
    assert waits() == 2
    person.agent.undo_cut(session, person.agent.cuts(session)[0].number)
    assert waits() == 1
    person.agent.release(session)
    assert waits() == 0


@pytest.mark.promise("P11")
def test_what_is_marked_is_cut_out_before_the_recording_is_shared_and_cannot_be_undone_then(person, written):
    session, _ = written
    mark(person, written, 1, 3)
    mark(person, written, 4, 5)
    person.crash()
    (path,) = person.agent.release(session)
    assert presses(shared(path)) == "adf"
    assert (letters(person, session), person.agent.cuts(session)) == ("adf", ())


@pytest.mark.promise("P11")
def test_a_recording_of_which_nothing_would_be_left_is_neither_shared_nor_destroyed(person, written):
    session, at = written
    mark(person, written, 1, 3)
    person.agent.cut(session, [Span(0, at[2])], What.STRETCH)
    person.agent.cut(session, [Span(at[2])], What.STRETCH)
    with pytest.raises(ConsentError, match="all of it is marked to be cut out"):
        person.agent.release(session)
    assert (letters(person, session), len(person.agent.cuts(session))) == ("abcdef", 3)
    person.agent.undo_cut(session, person.agent.cuts(session)[-1].number)
    (path,) = person.agent.release(session)
    assert presses(shared(path)) == "def"


@pytest.mark.promise("P11")
def test_what_was_undone_is_shared(person, written):
    session, _ = written
    mark(person, written, 1, 3)
    person.agent.undo_cut(session, person.agent.cuts(session)[0].number)
    (path,) = person.agent.release(session)
    assert presses(shared(path)) == "abcdef"


@pytest.mark.promise("P11")
def test_what_is_marked_while_it_is_being_sealed_is_not_shared(person, written):
    session, _ = written

    def mark_now(*_):
        if not person.agent.cuts(session):
            mark(person, written, 1, 3)

    with pytest.raises(ConsentError, match="changed your mind"):
        person.agent.release(session, mark_now)
    assert list(person.profile.outbox.iterdir()) == []
    assert person.agent.sessions()[0].state == "held"


@pytest.mark.promise("P11")
def test_what_is_marked_is_not_in_the_folder_that_one_opens_for_oneself(person, written, tmp_path):
    session, at = written
    mark(person, written, 1, 3)
    person.agent.open_own(session, str(tmp_path / "mine"))
    with (tmp_path / "mine" / "events.mcap").open("rb") as log:
        assert presses(read_log(log)) == "adef"
    with (tmp_path / "mine" / "events.mcap").open("rb") as log:
        gaps = [decode(message) for message in read_log(log) if message.topic == "marks"]
    assert (at[1], at[3]) in [(gap["start_us"], gap["t_us"]) for gap in gaps if gap.get("reason") == "forgotten"]
    assert letters(person, session) == "abcdef"


@pytest.mark.promise("P11")
def test_a_deleted_recording_leaves_nothing_to_undo(person, written):
    session, _ = written
    mark(person, written, 1, 3)
    person.agent.delete(session, for_good=True)
    person.crash()
    assert person.agent._agreement.ledger.open_intents() == ()


@pytest.mark.promise("P11")
def test_a_cut_for_good_that_could_not_be_done_is_neither_undone_nor_shared(person, written):
    session, _ = written
    mark(person, written, 1, 3)
    (cut,) = person.agent.cuts(session)
    person.secrets.locked = True
    with pytest.raises(KeyError_):
        person.agent.cut_for_good(session)
    assert person.agent.cuts(session) == ()
    with pytest.raises(ConsentError, match="nothing to undo"):
        person.agent.undo_cut(session, cut.number)
    person.secrets.locked = False
    (path,) = person.agent.release(session)
    assert presses(shared(path)) == "adef"


def cut_for_good(person, session, meanwhile):
    """Cut for good; `meanwhile` happens once, while what stays is written."""
    happened = []

    def progress(*_):
        if not happened:
            happened.append(True)
            meanwhile()

    person.agent.cut_for_good(session, progress)
    assert happened


@pytest.mark.promise("P5")
def test_nobody_waits_for_the_lock_while_what_stays_is_written(person, written):
    session, _ = written
    mark(person, written, 0, 2)
    free = []
    cut_for_good(person, session, lambda: free.append(lock_is_free(person)))
    assert free == [True]
    assert (letters(person, session), person.agent.cuts(session)) == ("cdef", ())


@pytest.mark.promise("P11")
def test_what_is_marked_while_what_stays_is_written_stays_marked_and_what_is_undone_then_stays(person, written):
    session, at = written
    mark(person, written, 0, 2)
    mark(person, written, 4, 5)

    def change():
        person.agent.undo_cut(session, person.agent.cuts(session)[0].number)
        mark(person, written, 2, 3)

    cut_for_good(person, session, change)
    assert letters(person, session) == "abcdf"
    assert [cut.spans for cut in person.agent.cuts(session)] == [(Span(at[2], at[3]),)]


@pytest.mark.promise("P11")
def test_an_older_cut_that_could_not_be_done_is_done_with_the_next_one(person, written):
    session, _ = written
    mark(person, written, 0, 2)
    person.secrets.locked = True
    with pytest.raises(KeyError_):
        person.agent.cut_for_good(session)
    person.secrets.locked = False
    mark(person, written, 3, 4)
    person.agent.cut_for_good(session)
    assert letters(person, session) == "cef"
    assert person.agent._agreement.ledger.open_intents() == ()


def test_what_was_written_is_not_used_if_the_recording_was_deleted_meanwhile(person, written):
    session, _ = written
    mark(person, written, 0, 2)
    cut_for_good(person, session, lambda: person.agent.delete(session, for_good=True))
    assert (person.agent.sessions(), list(person.profile.held.iterdir())) == ((), [])
    assert person.agent._agreement.ledger.open_intents() == ()


def test_a_task_that_is_told_anew_meanwhile_waits_for_its_turn(person, written):
    session, at = written
    mark(person, written, 0, 2)
    agent = person.agent
    told = threading.Thread(target=agent.put_task, args=(session, TaskTime(at[3], at[5], "Write", "done")))
    cut_for_good(person, session, told.start)
    told.join()
    assert [path.suffix for path in person.profile.held.iterdir()] == [".held"]
    assert agent._agreement.ledger.open_intents() == ()
    assert letters(person, session) == "cdef"
    assert [task.text for task in agent.review(session).timeline.tasks] == ["Write"]


def test_a_cut_for_good_that_is_cancelled_leaves_all_as_it_was(person, written):
    session, _ = written
    mark(person, written, 0, 2)

    def stop():
        raise CancelledError

    with pytest.raises(CancelledError):
        cut_for_good(person, session, stop)
    assert (letters(person, session), len(person.agent.cuts(session))) == ("abcdef", 1)
    with pytest.raises(CancelledError):
        person.agent.release(session, lambda *_: stop())
    assert (letters(person, session), len(person.agent.cuts(session))) == ("abcdef", 1)
    assert [path.suffix for path in person.profile.held.iterdir()] == [".held"]


@pytest.mark.promise("P11")
def test_one_task_is_shared_without_the_rest_and_what_was_marked_in_it(person):
    agent = studying(person, recipients=(Recipient("Lab", LAB.recipient, RecipientKind.CLASSICAL, ALL),))
    look_at_editor(person)
    for text, words in (("abc", "Private"), ("defg", "Write a report"), ("hij", "Secret")):
        agent.start_task(words)
        type_text(person, text)
        agent.finish_task(Outcome.DONE, 1, f"{words}: well")
        person.tick()
    agent.stop()
    (one,) = agent.sessions()
    timeline = agent.review(one.id).timeline
    task = timeline.tasks[1]
    e_us = next(t_us for run in timeline.runs for t_us, letter in zip(run.ends, run.text, strict=True) if letter == "e")
    agent.cut(one.id, [Span(e_us, e_us + 1)], What.STRETCH)
    rest = all_but(timeline, task)
    agent.cut(one.id, rest.spans, rest.what)
    assert [cut.what for cut in agent.cuts(one.id)] == [What.STRETCH, What.ALL_BUT_TASK]
    (path,) = agent.release(one.id)
    told = [message for message in shared(path) if message.topic != "marks"]
    assert presses(told) == "dfg"
    assert {message.t_us for message in told if message.topic == "tasks"} == {task.start_us, task.end_us}
    assert all(task.start_us <= message.t_us <= task.end_us for message in told)
    opened = b"".join(message.data for message in told)
    assert b"Write a report" in opened
    assert not [word for word in (b"Private", b"Secret") if word in opened]
    assert agent.review(one.id).timeline.tasks == (task,)
