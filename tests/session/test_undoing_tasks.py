"""Edits of tasks are taken back from memory alone, hold nobody up, and never bring back what was cut out."""

import shutil

import pytest
from small_world import lock_is_free
from test_retelling import messages, only_task, tasks, worked

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.progress import CancelledError
from capture_agent.held import reader
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.held.timeline import TaskTime
from capture_agent.keys.vault import Vault


def told(agent, session):
    return [(one.text, one.outcome) for one in agent.review(session).timeline.tasks]


def test_each_kind_of_edit_is_taken_back_to_the_byte_the_last_one_first(person):
    agent, session = worked(person)
    task = only_task(agent, session)
    ends = agent.review(session).timeline.runs[-1].ends
    edits = [
        lambda: agent.put_task(session, task._replace(text="Write")),
        lambda: agent.put_task(session, task._replace(outcome="gave-up", note="no")),
        lambda: agent.put_task(session, task._replace(start_us=task.start_us + 100_000)),
        lambda: agent.put_task(session, TaskTime(ends[3], ends[5], "Proofread", "done")),
        lambda: agent.remove_task(session, task.id),
    ]
    before, done = [sorted(messages(person, session))], []
    for edit in edits:
        done.append(edit())
        before.append(sorted(messages(person, session)))
    assert len({str(one) for one in before}) == len(before)
    for edit in reversed(done):
        assert sorted(messages(person, session)) == before.pop()
        agent.undo_edit(session, edit)
    assert [sorted(messages(person, session))] == before
    assert not any("afterwards" in one for one in tasks(person, session))  # nothing is said afterwards any more


@pytest.mark.promise("P11")
def test_old_words_are_in_memory_alone_until_they_are_taken_back(person, tmp_path):
    agent, session = worked(person)
    path, copy = person.profile.held / f"{session}.held", tmp_path / "copy.held"
    shutil.copy(path, copy)
    edit = agent.remove_task(session, only_task(agent, session).id)
    vault = Vault(person.profile.vault, person.secrets)
    assert not any(reader.opens(copy, vault.identity(one)) for one in vault.sessions())
    assert "letter" not in repr(edit)
    shutil.copy(path, copy)
    agent.undo_edit(session, edit)
    assert told(agent, session) == [("Wite the secret letter", "done")]
    assert not any(reader.opens(copy, vault.identity(one)) for one in vault.sessions())


@pytest.mark.promise("P11")
@pytest.mark.parametrize("by", ["a cut", "forgetting", "another edit"])
def test_an_edit_is_not_taken_back_once_something_else_was_done_to_the_recording(person, by):
    agent, session = worked(person)
    task = only_task(agent, session)
    edit = agent.remove_task(session, task.id)
    match by:
        case "a cut":
            agent.cut(session, [Span(task.start_us, task.start_us + 500_000)], What.STRETCH)
            agent.cut_for_good(session)
        case "forgetting":
            agent._holdings.intents.forget("own", {session: [Span(task.end_us + 1)]}, lambda: None)
            agent.finish_forgetting()
        case _:
            agent.put_task(session, TaskTime(0, 100_000, "New", "done"))
    before = sorted(messages(person, session))
    with pytest.raises(ConsentError, match="changed since"):
        agent.undo_edit(session, edit)
    assert sorted(messages(person, session)) == before


def test_words_come_back_only_with_consent(person):
    agent, session = worked(person)
    edit = agent.remove_task(session, only_task(agent, session).id)
    agent.withdraw_category(Category.TASKS)
    with pytest.raises(ConsentError, match="did not agree to record tasks"):
        agent.undo_edit(session, edit)
    assert tasks(person, session) == []


def during(agent, session, act):
    """Tell a task anew; `act` happens while the new file is written."""
    happened = []

    def progress(*_):
        if not happened:
            happened.append(True)
            act()

    try:
        agent.put_task(session, only_task(agent, session)._replace(text="Write"), progress)
    finally:
        assert happened


@pytest.mark.promise("P5")
def test_nobody_waits_for_the_lock_while_a_task_is_told_anew(person):
    agent, session = worked(person)
    free = []
    during(agent, session, lambda: free.append(lock_is_free(person)))
    assert free == [True]
    assert told(agent, session) == [("Write", "done")]


def test_what_is_marked_to_be_cut_meanwhile_comes_first_and_the_edit_is_refused_in_words(person):
    agent, session = worked(person)

    def mark():
        agent.cut(session, [Span(0, 1)], What.STRETCH)

    with pytest.raises(ConsentError, match="something else was changed"):
        during(agent, session, mark)
    assert told(agent, session) == [("Wite the secret letter", "done")]
    assert [path.suffix for path in person.profile.held.iterdir()] == [".held"]


def test_an_edit_of_a_recording_that_is_deleted_meanwhile_leaves_nothing(person):
    agent, session = worked(person)
    with pytest.raises(ConsentError, match="something else was changed"):
        during(agent, session, lambda: agent.delete(session, for_good=True))
    assert list(person.profile.held.iterdir()) == []


def test_an_edit_that_is_cancelled_leaves_all_as_it_was(person):
    agent, session = worked(person)
    path = person.profile.held / f"{session}.held"
    before = path.read_bytes()

    def stop():
        raise CancelledError

    with pytest.raises(CancelledError):
        during(agent, session, stop)
    assert path.read_bytes() == before
    assert [one.suffix for one in person.profile.held.iterdir()] == [".held"]
