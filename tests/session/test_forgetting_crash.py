"""Killed at every step after the click: what was to go goes, at the latest at the next start, and nothing else."""

import os
import shutil
import signal
from datetime import UTC, datetime

import pytest
from file_secrets import FileSecrets, strike

from capture_agent.core.errors import CaptureAgentError
from capture_agent.encode.event_log import Message
from capture_agent.held import reader
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Profile

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOUNDARY_US = 5_500_000  # inside a part
SPANS = {"straddling": [Span(BOUNDARY_US)], "inside": [Span(0)]}
PARTS = 8


def restart(folder):
    profile = Profile(folder / "profile", folder / "settings.toml")
    profile.create()
    vault = Vault(profile.vault, FileSecrets(folder / "keyring.json"))
    return Holdings(profile, vault, Ledger(profile.ledger, vault), lambda: NOW)


def record(holdings, session):
    """One part a second, of four keys each, and an end."""
    identity = age.new_classical()
    holdings.shelf.vault.add(session, identity)
    about = {"study": "myself", "started": NOW.isoformat(), "consent": "c" * 64}
    writer = Writer.create(holdings.shelf.store.folder, session, identity.recipient, about)
    for number in range(PARTS):
        times = range(number * 1_000_000, (number + 1) * 1_000_000, 250_000)
        writer.append([Message("keyboard", t, f'{{"kind":"key","n":"{session}-{t}"}}'.encode()) for t in times])
    writer.close("stopped", {"duration_us": str(PARTS * 1_000_000)})


def readable(folder, keyring):
    """Return (session, time) of every key stroke that the keys in `keyring` open in a profile."""
    vault = Vault(folder / "vault", FileSecrets(keyring))
    found = set()
    for path in (folder / "held").iterdir():
        try:
            for identity in vault.identities(path.stem):
                parts = list(reader.read(path, identity))
                found |= {(path.stem, m.t_us) for part in parts for m in part.messages if m.topic == "keyboard"}
        except CaptureAgentError:
            continue
    return found


def nothing_open():
    """No session has to be sealed first."""


def forget(holdings):
    holdings.intents.forget("myself", SPANS, nothing_open)
    holdings.intents.finish_cuts()


def killed_at(step, folder, act):
    """Do `act` in another process, killed at the `step`-th effect on the disk; return whether it was done before."""
    child = os.fork()
    if child == 0:
        code = 1  # whatever happens, nothing of the test run goes on in here
        try:
            holdings = restart(folder)
            strike(folder, step)
            act(holdings)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}
    return os.WIFEXITED(status)


@pytest.fixture
def made(tmp_path):
    """A profile with three recordings, to be copied for each step, and all key strokes in it."""
    folder = tmp_path / "made"
    folder.mkdir()
    holdings = restart(folder)
    for session in ("straddling", "inside", "other"):
        record(holdings, session)
    holdings.shelf.ledger.append(Kind.JOINED, "myself", {"version": 1}, NOW)
    return folder, readable(folder / "profile", folder / "keyring.json")


def each_step(made, tmp_path, act):
    """Yield the folder after a crash at each step, until there is no step left."""
    for step in range(1, 500):
        folder = tmp_path / str(step)
        shutil.copytree(made, folder)
        done = killed_at(step, folder, act)
        yield folder
        if done:
            return
        shutil.rmtree(folder)
    raise AssertionError("it never ends")


def gone(stroke):
    session, t_us = stroke
    return any(span.holds(t_us) for span in SPANS.get(session, []))


def was_noted(folder, kind):
    return any(entry.kind is kind for entry in restart(folder).shelf.ledger.entries)


@pytest.mark.promise("P11")
def test_forgetting_survives_a_kill_at_every_step(made, tmp_path):
    folder, everything = made
    stays = {stroke for stroke in everything if not gone(stroke)}
    assert stays < everything
    completed = drafts = 0
    for crashed in each_step(folder, tmp_path, forget):
        drafts += (crashed / "profile" / "held" / "straddling.draft").exists()
        noted = was_noted(crashed, Kind.FORGET_INTENDED)
        holdings = restart(crashed)
        holdings.recover()
        left = readable(crashed / "profile", crashed / "keyring.json")
        assert left == (stays if noted else everything)
        older = readable(folder / "profile", crashed / "keyring.json")
        assert older <= {stroke for stroke in everything if stroke[0] == "other"} if noted else older == everything
        assert holdings.shelf.ledger.open_intents() == ()
        assert {path.suffix for path in (crashed / "profile" / "held").iterdir()} == {".held"}
        assert [one.complete for one in holdings.sessions()] == [True] * (2 if noted else 3)
        completed += noted
    assert completed > 10
    assert drafts > 2


@pytest.mark.promise("P11")
def test_a_crash_of_the_start_that_completes_it_is_completed_by_the_next(made, tmp_path):
    folder, everything = made
    stays = {stroke for stroke in everything if not gone(stroke)}
    halfway = tmp_path / "halfway"
    for crashed in each_step(folder, tmp_path, forget):
        if (crashed / "profile" / "held" / "straddling.cutting").exists():
            shutil.copytree(crashed, halfway)
            break
    for crashed in each_step(halfway, tmp_path / "again", Holdings.recover):
        restart(crashed).recover()
        assert readable(crashed / "profile", crashed / "keyring.json") == stays
        assert readable(folder / "profile", crashed / "keyring.json") == set()


@pytest.mark.promise("P2")
def test_opting_out_survives_a_kill_at_every_step(made, tmp_path):
    folder, everything = made

    def leave(holdings):
        holdings.intents.destroy("myself", ["straddling", "inside"], can_undo=True)
        holdings.intents.finish()

    stays = {stroke for stroke in everything if stroke[0] == "other"}
    for crashed in each_step(folder, tmp_path, leave):
        noted = was_noted(crashed, Kind.DESTROY_INTENDED)
        holdings = restart(crashed)
        holdings.recover()
        assert readable(crashed / "profile", crashed / "keyring.json") == (stays if noted else everything)
        older = readable(folder / "profile", crashed / "keyring.json")
        assert older == (set() if noted else everything)


@pytest.mark.promise("P11")
def test_a_span_in_the_middle_is_cut_out_by_the_same_engine(made):
    folder, everything = made
    holdings = restart(folder)
    intent = holdings.shelf.ledger.append(
        Kind.CUT_INTENDED, "myself", {"spans": [["straddling", 2_500_000, 4_000_000]]}, NOW
    )
    holdings = restart(folder)
    holdings.recover()
    left = readable(folder / "profile", folder / "keyring.json")
    assert everything - left == {("straddling", t) for t in range(2_500_000, 4_000_000, 250_000)}
    last = holdings.shelf.ledger.entries[-1]
    assert (last.kind, last.body) == (Kind.CUT, {"intent": intent.seq})


@pytest.mark.promise("P11")
def test_cutting_for_good_survives_a_kill_at_every_step_and_what_was_undone_stays(made, tmp_path):
    folder, everything = made
    holdings = restart(folder)
    for span in (Span(1_000_000, 1_500_000), Span(2_500_000, 4_000_000), Span(5_000_000)):
        holdings.intents.cut("myself", "straddling", [span], What.STRETCH)
    holdings.intents.undo_cut("straddling", holdings.intents.cuts("straddling")[0].number)
    cut = {stroke for stroke in everything if stroke[0] == "straddling"} - {
        ("straddling", t) for t in (*range(0, 2_500_000, 250_000), *range(4_000_000, 5_000_000, 250_000))
    }
    completed = drafts = 0
    for crashed in each_step(folder, tmp_path, lambda holdings: holdings.intents.cut_for_good("straddling")):
        drafts += (crashed / "profile" / "held" / "straddling.draft").exists()
        noted = any("replaces" in entry.body for entry in restart(crashed).shelf.ledger.entries)
        holdings = restart(crashed)
        holdings.recover()
        assert readable(crashed / "profile", crashed / "keyring.json") == (everything - cut if noted else everything)
        assert len(holdings.intents.cuts("straddling")) == (0 if noted else 2)
        assert len(holdings.shelf.ledger.open_intents()) == (0 if noted else 2)
        older = readable(folder / "profile", crashed / "keyring.json")
        assert not noted or not any(session == "straddling" for session, _ in older)
        assert {path.suffix for path in (crashed / "profile" / "held").iterdir()} == {".held"}
        completed += noted
    assert completed > 5
    assert drafts > 2
