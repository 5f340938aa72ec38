"""What others have of a person: complete, whatever is still on this disk, and saved whole or not at all."""

import json
import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import jsonschema
import pytest
from small_world import Person, held_one, recording, studying
from test_withdrawing import READERS, restart, sharing

from capture_agent.core.errors import ConfigError, StorageError
from capture_agent.core.progress import READING, RECORDINGS, CancelledError
from capture_agent.keys import age
from capture_agent.ledger.my_data import STATES, my_data, schema
from capture_agent.session.my_data import save

ROOT = Path(__file__).parents[2]


def states(agent):
    return {tuple(became.state for became in one.history) for one in agent.my_data()}


def test_the_list_has_a_line_for_each_file_with_what_its_readers_got(person):
    agent, session = sharing(person)
    shared = agent.my_data()
    assert len(shared) == 2
    accepted = next(one for one in agent._agreement.ledger.entries if one.kind == "accepted")
    for one, reader in zip(reversed(shared), READERS, strict=True):
        assert (one.session, one.study, one.title) == (session, "study-1", "Work")
        assert [(each.name, each.fingerprint) for each in one.readers] == [(reader.name, age.fingerprint(reader.key))]
        assert set(one.categories) == {"tasks"} or set(one.categories) == set(reader.categories)
        assert (one.consent.record, one.consent.agreed) == (accepted.sha256, accepted.time)
        assert (person.profile.outbox / one.file).exists()
    found = my_data(shared, person.world.wall())
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(found)))


def test_what_was_deleted_or_is_over_stays_in_the_list(person):
    agent, session = sharing(person)
    before = agent.my_data()
    agent.delete(session, for_good=True)
    assert agent.my_data() == before
    person.world.sleep(40 * 86_400)
    person.tick(700)
    agent = person.crash()
    assert agent.my_data() == before
    agent.withdraw(destroy=True)
    person.tick(20)
    assert agent.my_data() == before


def test_a_withdrawal_is_told_of_every_file_of_its_recording(person):
    agent, session = sharing(person)
    away = person.profile.outbox.with_name("away")
    person.profile.outbox.rename(away)
    agent.withdraw_shared(session)
    assert states(agent) == {("released", "withdrawn")}
    away.rename(person.profile.outbox)
    person.tick(20)
    assert states(agent) == {("released", "withdrawn", "told")}
    assert states(person.crash()) == {("released", "withdrawn", "told")}


def test_the_schema_is_published_and_knows_every_state():
    published = ROOT / "docs" / "schemas" / "my-data.schema.json"
    assert json.loads(published.read_text("utf-8")) == schema()
    assert schema()["$defs"]["state"]["enum"] == [name for name, _ in STATES.values()]


def test_what_is_still_being_recorded_is_left_out_and_the_rest_is_saved(person, tmp_path):
    agent, session = sharing(person)
    agent.start()
    person.tick()
    agent.start_task("y")
    person.tick(2)
    steps = []
    saved = agent.save_my_data(str(tmp_path / "mine"), "de", lambda *step: steps.append(step))
    assert (saved.shared, saved.recordings, list(saved.left_out.values())) == (2, 1, ["it was still being recorded"])
    assert [step for step in steps if step[0] == RECORDINGS] == [(RECORDINGS, n, 2) for n in range(3)]
    assert READING in {step[0] for step in steps}
    index = json.loads((tmp_path / "mine" / "index.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema()).validate(index)
    assert {one["session"]: bool(one["folder"]) for one in index["recordings"]}[session] is True


def test_cancelled_it_leaves_nothing(person, tmp_path):
    agent, _ = sharing(person)

    def cancel(what, _done, _total):
        if what == READING:
            raise CancelledError

    with pytest.raises(CancelledError):
        agent.save_my_data(str(tmp_path / "mine"), "", cancel)
    assert not list(tmp_path.glob("mine*"))


def test_whoever_records_for_themselves_gets_all_of_it_too(person, tmp_path):
    agent = recording(person)
    held_one(person, agent)
    assert agent.my_data() == ()
    assert agent.save_my_data(str(tmp_path / "mine"), "de").recordings == 1
    page = (tmp_path / "mine" / "index.html").read_text("utf-8")
    assert "Nichts: Sie haben keine Aufnahme geteilt." in page
    assert "Für mich selbst aufnehmen" in page
    with pytest.raises(ConfigError, match="is there already"):
        agent.save_my_data(str(tmp_path / "mine"), "de")


def test_two_studies_are_told_apart(person: Person):
    agent, _ = sharing(person)
    agent.withdraw(destroy=False)
    agent = studying(person, study="study-2", title="Other work", recipients=READERS[:1])
    agent.start_task("x")
    agent.stop()
    agent.release(agent.sessions()[0].id)
    assert [(one.study, one.title) for one in agent.my_data()] == [
        ("study-2", "Other work"),
        *[("study-1", "Work")] * 2,
    ]


def test_a_folder_that_is_there_is_never_touched(person, tmp_path):
    agent, _ = sharing(person)
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for out in (tmp_path / "there", tmp_path / "link", Path("/"), Path()):
        with pytest.raises(ConfigError, match="is there already"):
            agent.save_my_data(str(out), "")
    with pytest.raises(StorageError, match="cannot be written"):
        agent.save_my_data(str(tmp_path / "no" / "such" / "place"), "")
    assert list((tmp_path / "there").iterdir()) == []
    assert list(tmp_path.glob("*.partial")) == []


# --- killed at every step


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed_at(step, folder):
    """Save in a process that kills itself at its step of that number; return whether it had fewer."""
    child = os.fork()
    if child == 0:
        tempfile.tempdir = str(folder)
        steps = iter(range(step))

        def progress(_what, _done, _total):
            if next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        save(restart(folder), folder / "mine", "de", progress)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) == 0


@pytest.mark.promise("P3")
def test_a_kill_leaves_what_was_opened_in_one_folder_which_the_next_attempt_names(person, tmp_path):
    """Everything else, also where temporary files would go, holds what it held before."""
    sharing(person)
    folder = tmp_path / "home"
    shutil.copytree(person.profile.folder, folder / "profile")
    (folder / "keyring.json").write_text(json.dumps(person.secrets.kept))
    before = everything(folder)
    partial = folder / "mine.partial"
    opened = set()
    for step in range(100):
        done = killed_at(step, folder)
        if done:
            break
        assert stat.S_IMODE(partial.stat().st_mode) == 0o700
        assert not (folder / "mine").exists()
        opened |= {path.name.removesuffix(".partial") for path in partial.rglob("*") if path.is_file()}
        after = everything(folder)
        assert {path: data for path, data in after.items() if not path.is_relative_to(partial)} == before
        with pytest.raises(ConfigError, match="is left of an earlier attempt") as caught:
            save(restart(folder), folder / "mine", "de")
        assert caught.value.hint.endswith(f"with: rm -r {partial}")
        shutil.rmtree(partial)
    assert done
    assert (folder / "mine" / "index.json").exists()
    assert {"ledger.json", "events.mcap", "report.json", "index.html"} <= opened
