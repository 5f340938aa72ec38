"""Forget the last minutes: gone from every recording, and no key that exists afterwards opens an older copy."""

import shutil
from datetime import timedelta

import pytest
from small_world import all_typed, look_at_editor, recording, studying, type_text, typed

from capture_agent.core.errors import CaptureAgentError, StorageError
from capture_agent.core.events import Outcome
from capture_agent.core.progress import NOTING, READING
from capture_agent.core.recording import State
from capture_agent.encode.event_log import decode
from capture_agent.held import reader
from capture_agent.keys.vault import Vault
from capture_agent.ledger.standing import Kind


def writing(person, *texts, minutes=10):
    """Record; type each of `texts`, with `minutes` between them."""
    agent = recording(person)
    look_at_editor(person)
    for n, text in enumerate(texts):
        if n:
            for _ in range(minutes):
                person.tick(60)
                person.tick()
            look_at_editor(person)
        type_text(person, text)
    return agent


def forget(agent, minutes):
    """Forget, and wait until it is taken out of the recordings."""
    told = agent.forget(minutes)
    agent.finish_forgetting()
    return told


def everything(person, folder=None):
    """Return all that can be read in a profile, or a copy of one, with the keys that exist now."""
    folder = folder or person.profile.folder
    vault = Vault(folder / "vault", person.secrets)
    found = []
    for path in sorted((folder / "held").iterdir()):
        try:
            identity = vault.identity(path.stem)
            found += [m for part in reader.read(path, identity) for m in part.messages]
        except CaptureAgentError:
            continue
    return b" ".join(message.data for message in found)


def copied(person, folder):
    shutil.copytree(person.profile.folder, folder)
    return folder


@pytest.mark.promise("P11")
def test_the_running_recording_loses_the_last_minutes_and_recording_goes_on_in_another(person, tmp_path):
    agent = writing(person, "before", "secret")
    copy = copied(person, tmp_path / "copy")
    told = forget(agent, 5)
    assert (told.recordings, told.whole, told.shared) == (1, 0, ())
    person.tick()
    assert agent.recording_state is State.RECORDING
    look_at_editor(person)
    type_text(person, "after")
    agent.stop()
    assert all_typed(person) == ["before", "after"]
    assert b"letter" in everything(person)
    assert everything(person, copy) == b""
    assert not agent._agreement.ledger.open_intents()


@pytest.mark.promise("P11")
def test_the_gap_is_marked_and_the_session_stays_complete(person):
    agent = writing(person, "before", "secret")
    forget(agent, 5)
    (kept,) = [one for one in agent.sessions() if one.state == "held"]
    path = person.profile.held / f"{kept.id}.held"
    identity = agent._vault.identity(kept.id)
    marks = [decode(m) for part in reader.read(path, identity) for m in part.messages if m.topic == "marks"]
    (gap,) = [mark for mark in marks if mark["kind"] == "gap" and mark["reason"] == "forgotten"]
    assert 0 < gap["start_us"] < gap["t_us"]
    summary = reader.summarize(path, identity)
    assert summary.complete
    assert "masked_share" not in summary.ending  # it counted what is gone
    assert kept.seconds < 6 * 60 + 1


@pytest.mark.promise("P11")
def test_closed_recordings_in_the_span_go_too_and_older_ones_stay(person, tmp_path):
    agent = writing(person, "old")
    agent.stop()
    person.tick(3600)
    for text in ("one", "two"):
        agent.start()
        person.tick()
        look_at_editor(person)
        type_text(person, text)
        agent.stop()
        person.tick(60)
    copy = copied(person, tmp_path / "copy")
    would = agent.would_forget(15)
    assert (would.recordings, would.whole) == (2, 2)
    assert forget(agent, 15) == would
    assert all_typed(person) == ["old"]
    assert everything(person, copy).count(b"text") == 0


@pytest.mark.promise("P11")
def test_closed_recordings_of_an_earlier_run_go_too(person, tmp_path):
    agent = writing(person, "before", "secret")
    agent.shut_down()
    agent = person.start_agent()
    copy = copied(person, tmp_path / "copy")
    # Files have the date of this machine's clock: at once after the recording.
    _dated(person, agent.sessions()[0].id)
    forget(agent, 5)
    assert all_typed(person) == ["before"]
    assert everything(person, copy) == b""


def _dated(person, session):
    import os

    path = person.profile.held / f"{session}.held"
    os.utime(path, (person.world.wall().timestamp(),) * 2)


@pytest.mark.promise("P11")
@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(hours=-3), timedelta(days=400)])
def test_a_clock_that_was_set_during_the_recording_forgets_nothing_less(person, jump):
    agent = writing(person, "before", "secret")
    person.world.began += jump
    person.tick()
    forget(agent, 5)
    person.tick()
    assert not set("sct") & set("".join(all_typed(person)))


@pytest.mark.promise("P11")
@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(hours=-3)])
def test_a_clock_that_was_set_during_a_recording_of_an_earlier_run_forgets_nothing_less(person, jump):
    agent = writing(person, "before", "secret")
    person.world.began += jump
    agent.shut_down()
    agent = person.start_agent()
    _dated(person, agent.sessions()[0].id)
    forget(agent, 5)
    assert not set("sct") & set("".join(all_typed(person)))


@pytest.mark.promise("P11")
def test_a_sleep_after_a_recording_does_not_bring_it_into_the_span(person):
    agent = writing(person, "yesterday")
    agent.stop()
    person.world.sleep(8 * 3600)
    assert agent.would_forget(15).recordings == 0
    forget(agent, 15)
    assert all_typed(person) == ["yesterday"]


@pytest.mark.promise("P11")
def test_a_paused_recording_is_forgotten_and_stays_paused(person):
    agent = writing(person, "before", "secret")
    agent.pause(None)
    forget(agent, 5)
    assert agent.recording_state is State.PAUSED
    assert all_typed(person) == ["before"]
    agent.resume()
    person.tick()
    assert agent.recording_state is State.RECORDING


@pytest.mark.promise("P11")
def test_tasks_of_the_span_are_forgotten_and_named_and_an_older_one_goes_on(person):
    agent = writing(person, "a")
    agent.start_task("the older one")
    agent.finish_task(Outcome.DONE, None, "")
    type_text(person, "b")  # what queues when time jumps is never read
    person.tick(1200)
    agent.start_task("the secret plan")
    person.tick(60)
    assert agent.would_forget(5).tasks == ("the secret plan",)
    forget(agent, 5)
    assert agent.snapshot().task is None
    assert b"secret plan" not in everything(person)
    assert b"the older one" in everything(person)
    person.tick()
    assert person.crash().snapshot().task is None


@pytest.mark.promise("P11")
def test_nothing_in_the_span_changes_nothing(person):
    agent = writing(person, "old")
    agent.stop()
    person.tick(7200)
    before = [entry.kind for entry in agent._agreement.ledger.entries]
    told = forget(agent, 60)
    assert (told.recordings, told.whole) == (0, 0)
    assert [entry.kind for entry in agent._agreement.ledger.entries] == before


@pytest.mark.promise("P11")
def test_what_was_released_is_named_with_its_date_and_readers(person):
    agent = studying(person)
    look_at_editor(person)
    type_text(person, "shared")
    agent.stop()
    (held,) = agent.sessions()
    agent.release(held.id)
    person.tick(60)
    (shared,) = agent.would_forget(15).shared
    assert (shared.session, shared.to) == (held.id, ("Lab",))
    assert timedelta(0) < person.world.wall() - shared.when < timedelta(minutes=2)
    assert forget(agent, 15).shared == (shared,)
    assert [(one.state, one.here) for one in agent.sessions()] == [("released", False)]
    assert [one.session for one in agent.would_forget(15).shared] == [
        held.id
    ]  # its own copy is gone, and it is said still


@pytest.mark.promise("P11")
@pytest.mark.parametrize("when", [READING, NOTING])
def test_forgetting_while_a_bundle_is_composed_leaves_no_bundle(person, when):
    agent = studying(person)
    look_at_editor(person)
    type_text(person, "kept")
    person.tick(900)
    person.tick()
    look_at_editor(person)
    type_text(person, "secret")
    agent.stop()
    (held,) = agent.sessions()

    def forget_now(what, _done, _total):
        if what == when and agent._agreement.ledger.entries[-1].kind is not Kind.FORGOTTEN:
            forget(agent, 5)

    policy, standing = agent._agreement.check_release(), agent._agreement.standing
    with pytest.raises(CaptureAgentError):
        agent._holdings.release(held.id, policy, standing, forget_now)
    assert list(person.profile.outbox.iterdir()) == []
    assert typed(person, held.id) == "kept"


@pytest.mark.promise("P11")
def test_a_locked_keyring_delays_it_and_says_so_and_it_is_done_when_it_is_open(person, tmp_path):
    agent = writing(person, "before", "secret")
    copy = copied(person, tmp_path / "copy")
    person.secrets.locked = True
    with pytest.raises(CaptureAgentError, match="locked"):
        forget(agent, 5)
    person.secrets.locked = False
    person.tick(11)
    agent._finishing.close()
    agent.stop()
    assert all_typed(person)[0] == "before"
    assert everything(person, copy) == b""


@pytest.mark.promise("P11")
def test_without_a_ledger_to_write_to_it_is_done_all_the_same(person, tmp_path):
    from small_world import in_the_way, out_of_the_way

    agent = writing(person, "before", "secret")
    copy = copied(person, tmp_path / "copy")
    in_the_way(person.profile.ledger)
    forget(agent, 5)
    out_of_the_way(person.profile.ledger)
    assert everything(person, copy) == b""
    assert all_typed(person)[0] == "before"


@pytest.mark.promise("P11")
def test_a_disk_that_takes_no_second_file_loses_what_was_to_go_and_nothing_else(person, monkeypatch):
    agent = writing(person, "before", "secret")
    create = reader.disk.create

    def full(path):
        if path.suffix in {".cutting", ".draft"}:
            raise StorageError("the disk is full", hint="Free some space.")
        return create(path)

    monkeypatch.setattr(reader.disk, "create", full)
    with pytest.raises(StorageError):
        forget(agent, 5)
    agent.stop()
    assert all_typed(person)[0] == "before"
    assert agent._agreement.ledger.open_intents()
    assert [one.complete for one in agent.sessions()] == [True] * len(agent.sessions())
    monkeypatch.undo()
    person.tick(11)
    agent._finishing.close()
    assert not agent._agreement.ledger.open_intents()
    assert all_typed(person)[0] == "before"
