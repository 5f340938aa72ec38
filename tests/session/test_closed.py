"""A profile that does not fit together: capture is off, a window says why, nothing is deleted, leaving works."""

import shutil

import pytest
from small_world import ALL, recording

from capture_agent.core.errors import CaptureAgentError, ConsentError
from capture_agent.core.events import Category
from capture_agent.core.recording import State
from capture_agent.ledger.standing import Kind
from capture_agent.session.clockwork import Clockwork
from capture_agent.session.closed import Closed, open_agent
from capture_agent.session.snapshot import Agent


def opened(person):
    return open_agent(person.profile, lambda: person.secrets, person.world)


def held_one(person):
    agent = recording(person)
    agent.start_task("x")
    agent.stop()
    (held,) = agent.sessions()
    return held.id


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put_back_an_old_copy(person, tmp_path):
    person.agent.choose_own()
    person.agree(ALL)
    copy = tmp_path / "copy"
    shutil.copytree(person.profile.folder, copy)
    person.agent.withdraw_category(Category.SCREEN)
    person.agent.shut_down()
    shutil.rmtree(person.profile.folder)
    copy.rename(person.profile.folder)


def change_a_letter(person, tmp_path):
    held_one(person)
    lines = person.profile.ledger.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"a", b"b", 1)
    person.profile.ledger.write_bytes(b"\n".join(lines))


def cut_off_the_end(person, tmp_path):
    held_one(person)
    person.profile.ledger.write_bytes(b"\n".join(person.profile.ledger.read_bytes().split(b"\n")[:-3]) + b"\n")


def fill_with_noise(person, tmp_path):
    held_one(person)
    person.profile.ledger.write_bytes(b"\x00\xff" * 500 + b"\n" + b"{}\n")


def lose_the_state(person, tmp_path):
    held_one(person)
    person.profile.state.write_text("{")


def another_keyring(person, tmp_path):
    held_one(person)
    person.secrets.kept.clear()


def noise_in_the_keyring(person, tmp_path):
    held_one(person)
    person.secrets.kept["high-water"] = "{}"


BREAKING = [
    put_back_an_old_copy,
    change_a_letter,
    cut_off_the_end,
    fill_with_noise,
    lose_the_state,
    another_keyring,
    noise_in_the_keyring,
]


@pytest.mark.promise("P1")
@pytest.mark.parametrize("break_it", BREAKING)
def test_a_profile_that_does_not_fit_records_nothing_says_why_and_loses_nothing(person, tmp_path, break_it):
    break_it(person, tmp_path)
    person.world.started.clear()
    before = files(person.profile.folder)
    agent = opened(person)
    seen = agent.snapshot()
    assert (seen.state, seen.broken, seen.can_leave) == (State.OFF, True, True)
    assert len(seen.problem) > 20
    assert len(seen.hint) > 20
    for widens in (agent.start, agent.resume, agent.asked, agent.choose_own, lambda: agent.accept(ALL, ALL, "en", "x")):
        with pytest.raises(CaptureAgentError):
            widens()
    agent.tick()
    agent.reload()
    agent.shut_down()
    assert (person.world.started, agent.snapshot().consented) == ([], frozenset())
    assert files(person.profile.folder) == before


@pytest.mark.promise("P2")
@pytest.mark.parametrize("destroy", [True, False])
@pytest.mark.parametrize("break_it", BREAKING)
def test_such_a_profile_can_be_left_and_the_next_start_is_a_new_beginning(person, tmp_path, break_it, destroy):
    break_it(person, tmp_path)
    old = person.profile.ledger.read_bytes()
    agent = opened(person)
    agent.withdraw(destroy=destroy)
    assert "opted out" in agent.snapshot().problem
    assert not agent.snapshot().can_leave
    with pytest.raises(CaptureAgentError):
        agent.start()
    person.world.study = None
    fresh = opened(person)
    assert isinstance(fresh, Clockwork)
    assert (fresh.snapshot().joined, fresh.snapshot().consented) == (None, frozenset())
    (aside,) = person.profile.folder.glob("ledger.jsonl.*.aside")
    assert aside.read_bytes() == old
    (entry,) = [one for one in fresh._agreement.ledger.entries if one.kind is Kind.WITHDRAWN]
    assert entry.body["set_aside"]["file"] == aside.name
    if destroy:
        assert list(person.profile.held.glob("*.held")) == []
    else:
        assert len(list(person.profile.held.glob("*.held"))) == (0 if break_it is put_back_an_old_copy else 1)
    person.agent = fresh
    recording(person)


@pytest.mark.promise("P2")
def test_after_leaving_such_a_profile_no_copy_of_it_opens_a_recording(person, tmp_path):
    held = held_one(person)
    copy = tmp_path / "copy"
    shutil.copytree(person.profile.folder, copy)
    kept = dict(person.secrets.kept)
    lines = person.profile.ledger.read_bytes().split(b"\n")
    person.profile.ledger.write_bytes(b"\n".join(lines[:-2]) + b"\n")
    opened(person).withdraw(destroy=True)
    assert person.secrets.kept != kept
    shutil.rmtree(person.profile.folder)
    copy.rename(person.profile.folder)
    with pytest.raises(CaptureAgentError):
        opened(person).open_own(held, str(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


@pytest.mark.promise("P2")
def test_opting_out_with_a_locked_keyring_at_the_start_is_done_by_the_next_start_that_can(person):
    held_one(person)
    person.secrets.locked = True
    agent = opened(person)
    assert "locked" in agent.snapshot().hint
    agent.withdraw(destroy=True)
    assert not list(person.profile.folder.glob("*.aside")), "a locked keyring says nothing of the record"
    person.secrets.locked = False
    fresh = opened(person)
    assert (fresh.snapshot().joined, fresh.snapshot().consented, fresh.sessions()) == (None, frozenset(), ())


def test_without_any_secrets_the_agent_comes_up_and_says_so(person):
    def nobody():
        raise ConsentError("no passphrase was given", hint="Try again when you have it at hand.")

    agent = open_agent(person.profile, nobody, person.world)
    assert "no passphrase was given" in agent.snapshot().hint


def test_a_closed_agent_refuses_whatever_is_asked_of_an_agent_and_does_not_only_narrow_or_show(person, tmp_path):
    """What is added to `Agent` later is refused, too, until somebody thinks about it."""
    fill_with_noise(person, tmp_path)
    closed = opened(person)
    harmless = {"snapshot", "recording_state", "withdraw", "stop", "pause", "sessions", "agreed", "known_apps"}
    for name in {name for name in vars(Agent) if not name.startswith("_")} - harmless:
        assert name not in vars(Closed), name
        with pytest.raises(CaptureAgentError):
            getattr(closed, name)()


def test_a_closed_agent_has_everything_that_the_program_itself_asks_for():
    import ast
    from pathlib import Path

    source = Path(__file__).parents[2] / "capture_agent" / "app.py"
    asked = {
        node.attr
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"controller", "self._controller"}
    }
    assert asked <= set(vars(Closed)), "the tray program would be refused what it has to do all the time"
