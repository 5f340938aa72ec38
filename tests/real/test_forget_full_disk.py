"""Forgetting and opting out on a full disk: nothing is left readable that was to go, and nothing else is lost."""

import random
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from file_secrets import FileSecrets

from capture_agent.core.errors import CaptureAgentError, StorageError
from capture_agent.encode.event_log import Message
from capture_agent.held import reader
from capture_agent.held.cut import Span
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.keys.vault import Vault
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Profile

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARTS = 6
BOUNDARY_US = 3_500_000


class Owner:
    """A profile on the small disk; its keyring is elsewhere, as real ones are."""

    def __init__(self, disk, elsewhere):
        self.disk, self.keyring, self.now = disk, elsewhere / "keyring.json", NOW
        self.profile = Profile(disk / "profile", elsewhere / "settings.toml")
        self.profile.create()
        self.holdings = self.restart()
        self.holdings.shelf.ledger.append(Kind.JOINED, "myself", {"version": 1}, NOW)
        self.holdings.reserve.keep()

    def restart(self):
        vault = Vault(self.profile.vault, FileSecrets(self.keyring))
        self.holdings = Holdings(self.profile, vault, Ledger(self.profile.ledger, vault), lambda: self.now)
        return self.holdings

    def record(self, session):
        """One part a second: 100 kB that no compression makes smaller, and two keys."""
        identity = age.new_classical()
        self.holdings.shelf.vault.add(session, identity)
        about = {"study": "myself", "started": NOW.isoformat(), "consent": "c" * 64}
        writer = Writer.create(self.profile.held, session, identity.recipient, about)
        for second in range(PARTS):
            noise = random.Random(second).randbytes(100_000)
            at = second * 1_000_000
            keys = [Message("keyboard", at + n * 600_000, b'{"kind":"key"}') for n in range(2)]
            writer.append([keys[0], Message("pointer", at + 1, noise), keys[1]])
        writer.close("stopped", {"duration_us": str(PARTS * 1_000_000)})

    def fill(self):
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(b"x" * 512)
        return filler

    def readable(self, folder=None):
        folder = folder or self.profile.folder
        vault = Vault(folder / "vault", FileSecrets(self.keyring))
        found = []
        for path in (folder / "held").iterdir():
            try:
                parts = list(reader.read(path, vault.identity(path.stem)))
            except CaptureAgentError:
                continue
            found += [m.t_us for part in parts for m in part.messages if m.topic == "keyboard"]
        return sorted(found)


@pytest.fixture
def owner(small_disk, tmp_path):
    return Owner(small_disk, tmp_path)


EVERYTHING = [at for second in range(PARTS) for at in (second * 1_000_000, second * 1_000_000 + 600_000)]
STAYS = [at for at in EVERYTHING if at < BOUNDARY_US]


@pytest.mark.promise("P11")
def test_what_is_forgotten_on_a_full_disk_is_gone_at_once_and_from_older_copies_when_there_is_room(owner, tmp_path):
    owner.record("one")
    copy = tmp_path / "copy"
    shutil.copytree(owner.profile.folder, copy)
    assert owner.readable() == owner.readable(copy) == EVERYTHING
    filler = owner.fill()
    owner.holdings.intents.forget("myself", {"one": [Span(BOUNDARY_US)]}, lambda: None)
    with pytest.raises(StorageError, match="full"):
        owner.holdings.intents.finish_cuts()
    assert owner.readable() == STAYS
    assert [one.complete for one in owner.holdings.sessions()] == [True]
    owner.restart().recover()
    assert owner.readable() == STAYS
    filler.unlink()
    owner.now += timedelta(seconds=30)
    assert owner.holdings.intents.finish_cuts()
    assert owner.readable() == STAYS
    assert owner.readable(copy) == []
    assert not owner.holdings.shelf.ledger.open_intents()


@pytest.mark.promise("P11")
def test_a_whole_recording_is_forgotten_on_a_full_disk_at_once(owner, tmp_path):
    owner.record("one")
    copy = tmp_path / "copy"
    shutil.copytree(owner.profile.folder, copy)
    owner.fill()
    owner.holdings.intents.forget("myself", {"one": [Span(0)]}, lambda: None)
    owner.holdings.intents.finish_cuts()
    assert owner.readable() == owner.readable(copy) == []
    assert list(owner.profile.held.iterdir()) == []


@pytest.mark.promise("P2")
def test_opting_out_on_a_full_disk_needs_no_room(owner, tmp_path):
    owner.record("one")
    copy = tmp_path / "copy"
    shutil.copytree(owner.profile.folder, copy)
    owner.fill()
    owner.holdings.intents.destroy("myself", ["one"], can_undo=True)
    assert [one.kind for one in owner.holdings.shelf.ledger.open_intents()] == [Kind.DESTROY_INTENDED]
    owner.now += timedelta(seconds=11)
    owner.holdings.intents.finish_due()
    assert owner.readable() == owner.readable(copy) == []
    assert not owner.holdings.shelf.ledger.open_intents()
