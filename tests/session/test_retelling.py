"""Tasks told anew in a held session, through the agent: on the disk, in what is shared, after a crash at each step."""

import io
import shutil

import jsonschema
import pytest
import sessions
from small_world import held_one, look_at_editor, recording, type_text
from test_forgetting_crash import each_step, record, restart

from capture_agent.core.errors import ConsentError, KeyError_, VerificationError
from capture_agent.core.events import Category, Outcome
from capture_agent.core.progress import silent
from capture_agent.encode.event_log import decode, read_log
from capture_agent.encode.records import TASKS
from capture_agent.encode.schemas import schema
from capture_agent.held import reader, rewrite
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.held.timeline import TaskTime
from capture_agent.keys import age
from capture_agent.keys.vault import Vault
from capture_agent.session.retelling import put_task


def worked(person, agent=None):
    """Record a little work with one task, judged; return the agent and the session."""
    agent = agent or recording(person)
    look_at_editor(person)
    agent.start_task("Wite the secret letter")
    type_text(person, "abc")
    agent.finish_task(Outcome.DONE, 2, "fine")
    type_text(person, "def")
    agent.stop()
    return agent, agent.sessions()[0].id


def messages(person, session):
    path = person.profile.held / f"{session}.held"
    return [m for part in reader.read(path, person.agent._vault.identity(session)) for m in part.messages]


def tasks(person, session):
    return [decode(message) for message in messages(person, session) if message.topic == TASKS]


def only_task(agent, session):
    (one,) = agent.review(session).timeline.tasks
    return one


@pytest.mark.promise("P11")
def test_other_words_take_the_place_of_the_old_ones_and_no_key_that_is_left_opens_these(person, tmp_path):
    agent, session = worked(person)
    path, copy = person.profile.held / f"{session}.held", tmp_path / "copy.held"
    shutil.copy2(path, copy)
    before, rest = agent.review(session), [m for m in messages(person, session) if m.topic != TASKS]
    agent.put_task(session, only_task(agent, session)._replace(text="Write", outcome="gave-up", note="no"))
    after = agent.review(session)
    assert only_task(agent, session)[2:6] == ("Write", "gave-up", 2, "no")
    assert (
        after.complete and after.timeline.runs == before.timeline.runs and after.timeline.gaps == before.timeline.gaps
    )
    assert [m for m in messages(person, session) if m.topic != TASKS] == rest
    vault = Vault(person.profile.vault, person.secrets)
    assert not any(reader.opens(copy, vault.identity(one)) for one in vault.sessions())
    assert path.stat().st_mtime_ns == copy.stat().st_mtime_ns  # "forget the last minutes" goes by it
    assert not rewrite.new_path(path).exists()


@pytest.mark.promise("P11")
def test_a_deleted_task_is_gone_and_what_was_recorded_meanwhile_is_not(person, tmp_path):
    agent, session = worked(person)
    copy = tmp_path / "copy.held"
    shutil.copy(person.profile.held / f"{session}.held", copy)
    agent.remove_task(session, only_task(agent, session).id)
    assert tasks(person, session) == []
    assert "".join(run.text for run in agent.review(session).timeline.runs) == "abcdef"
    vault = Vault(person.profile.vault, person.secrets)
    assert not any(reader.opens(copy, vault.identity(one)) for one in vault.sessions())


def test_a_task_is_marked_moved_and_found_in_what_is_shared(person):
    agent, session = worked(person)
    ends = agent.review(session).timeline.runs[-1].ends
    agent.put_task(session, TaskTime(ends[3], ends[4], "Proofread", "done"))
    first, marked = agent.review(session).timeline.tasks
    assert (marked.start_us, marked.end_us, marked.text) == (ends[3], ends[4], "Proofread")
    assert marked.id and marked.id != first.id
    agent.put_task(session, marked._replace(end_us=ends[5]))
    assert agent.review(session).timeline.tasks[1].end_us == ends[5]
    with pytest.raises(ConsentError, match="another task"):
        agent.put_task(session, marked._replace(start_us=first.start_us + 1))


def test_what_is_told_afterwards_says_so_and_fits_the_published_schema(person):
    agent, session = worked(person)
    as_recorded = tasks(person, session)
    assert not any("afterwards" in one for one in as_recorded)
    agent.put_task(session, only_task(agent, session)._replace(text="Write"))
    told = tasks(person, session)
    assert [one["afterwards"] for one in told] == [True, True]
    for one in [*as_recorded, *told]:
        payload = {name: value for name, value in one.items() if name not in {"topic", "t_us"}}
        jsonschema.validate(payload, schema(TASKS))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**payload, "afterwards": False}, schema(TASKS))


def test_a_bundle_carries_the_tasks_as_they_are_told_now(tmp_path, person):
    made = sessions.make_held(tmp_path / "made")
    session = made.path.stem
    agent = recording(person)
    agent.stop()
    shutil.copy(made.path, person.profile.held)
    agent._vault.add(session, made.identity)
    (one,) = agent.review(session).timeline.tasks
    agent.put_task(session, one._replace(text="Answer the letter", end_us=4_500_000))
    me, path = age.new_classical(), person.profile.held / made.path.name
    held = sessions.Held(path, agent._vault.identity(session), [])
    (released,) = sessions.released(held, sessions.signer(), tmp_path / "out", sessions.recipient(me))
    events = dict(sessions.members_of(age.decrypt(released.path.read_bytes(), [me])))["events.mcap"]
    told = [(m.t_us, decode(m)) for m in read_log(io.BytesIO(events)) if m.topic == TASKS]
    assert [(one["kind"], t_us, one.get("text"), one["afterwards"]) for t_us, one in told] == [
        ("started", 10, "Answer the letter", True),
        ("finished", 4_500_000, None, True),
    ]


def test_words_need_consent_to_tasks_and_deleting_them_does_not(person):
    agent, session = worked(person)
    one = only_task(agent, session)
    agent.withdraw_category(Category.TASKS)
    with pytest.raises(ConsentError, match="did not agree to record tasks"):
        agent.put_task(session, one._replace(text="Write"))
    agent.remove_task(session, one.id)
    assert tasks(person, session) == []


def test_what_is_being_recorded_is_not_told_anew(person):
    agent = recording(person)
    look_at_editor(person)
    type_text(person, "x")
    (one,) = agent.sessions()
    for act in (lambda: agent.remove_task(one.id, "t"), lambda: agent.put_task(one.id, TaskTime(0, 9, "x"))):
        with pytest.raises(ConsentError, match="being recorded cannot be changed"):
            act()


def test_a_recording_of_nothing_but_a_task_stays_as_it_was(person):
    agent = recording(person)
    session = held_one(person, agent)
    with pytest.raises(ConsentError, match="nothing else"):
        agent.remove_task(session, only_task(agent, session).id)
    assert only_task(agent, session).text == "x"


def test_a_damaged_recording_is_refused_and_left_alone(person):
    agent, session = worked(person)
    path = person.profile.held / f"{session}.held"
    task = only_task(agent, session)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(VerificationError):
        agent.remove_task(session, task.id)
    assert path.read_bytes() == bytes(data)


def test_without_the_keyring_everything_is_as_it_was(person):
    agent, session = worked(person)
    task = only_task(agent, session)
    path = person.profile.held / f"{session}.held"
    before = path.read_bytes()
    person.secrets.locked = True
    with pytest.raises(KeyError_):
        agent.remove_task(session, task.id)
    person.secrets.locked = False
    assert path.read_bytes() == before and not rewrite.new_path(path).exists()
    assert only_task(agent, session) == task


def test_what_was_composed_before_is_not_shared_after(person):
    agent, session = worked(person)
    shelf = agent._holdings.shelf
    before = shelf.touched[session]
    agent.remove_task(session, only_task(agent, session).id)
    assert shelf.touched[session] == before + 1


def words(holdings, session):
    identity = holdings.shelf.vault.identity(session)
    parts = reader.read(holdings.shelf.store.path(session), identity)
    found = [decode(m) for part in parts for m in part.messages if m.topic == TASKS]
    return [one["text"] for one in found if one["kind"] == "started"]


@pytest.mark.promise("P10")
def test_a_crash_at_any_step_leaves_the_old_words_or_the_new_ones(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    record(restart(made), "other")
    old = TaskTime(1_000_000, 2_000_000, "Wite", "done", id="t")
    put_task(restart(made).shelf, "other", old, silent)
    new, seen, drafts = old._replace(text="Write"), [], 0
    for crashed in each_step(made, tmp_path, lambda holdings: put_task(holdings.shelf, "other", new, silent)):
        drafts += (crashed / "profile" / "held" / "other.draft").exists()
        holdings = restart(crashed)
        holdings.recover()
        seen += words(holdings, "other")
        assert [path.name for path in (crashed / "profile" / "held").iterdir()] == ["other.held"]
    assert drafts > 2
    assert set(seen) == {"Wite", "Write"}
    assert seen == sorted(seen, key=["Wite", "Write"].index)  # from one step on it is done


@pytest.mark.promise("P10")
@pytest.mark.parametrize("by", ["tasks told anew", "a cut"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_keyring_that_fails_while_keys_change_costs_no_recording(person, monkeypatch, by, when):
    """The vault's file is the step that counts: before and after it one of the files opens."""
    agent, session = worked(person)
    typed = len(agent.review(session).timeline.runs)

    def fails(*_):
        raise KeyError_("the keyring went away")

    with monkeypatch.context() as patched, pytest.raises(KeyError_):
        patched.setattr(person.secrets, "set" if when == "before" else "delete", fails)
        if by == "a cut":
            agent.cut(session, [Span(0, 1)], What.STRETCH)
            agent.cut_for_good(session)
        else:
            agent.put_task(session, only_task(agent, session)._replace(text="Write"))
    for again in (False, True):
        review = (person.crash() if again else agent).review(session)
        assert review.complete
        assert len(review.timeline.runs) == typed
        (task,) = review.timeline.tasks
        new = by != "a cut" and when == "after"
        assert task.text == ("Write" if new else "Wite the secret letter")
    assert not rewrite.new_path(person.profile.held / f"{session}.held").exists()
