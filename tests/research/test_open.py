"""What a researcher does with a bundle: verify it, open it, and be told what it is worth."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from capture_agent.bundle import write
from capture_agent.bundle.read import Standing
from capture_agent.core.errors import ConfigError, KeyError_, StorageError, VerificationError
from capture_agent.core.events import Category
from capture_agent.core.policy import Recipient, RecipientKind
from capture_agent.encode.event_log import read_log
from capture_agent.keys import age, dsse
from capture_agent.keys.age import Identity
from capture_agent.outbox.opened import Extras
from capture_agent.outbox.release import Released, Signer
from capture_agent.research.commands import research_app
from capture_agent.research.devices import Devices
from capture_agent.research.open import open_bundle, verify

PASSPHRASE = "six words that nobody has said"
FILES = {"consent.json", "events.mcap", "screen-1.mp4", "screen-2.mp4", "manifest.json", "report.json"}


@pytest.fixture(scope="module")
def me(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Identity]:
    """A key in its file, and open. The file is a plain one: each use of a passphrase takes seconds, on purpose."""
    path = tmp_path_factory.mktemp("key") / "me.key"
    identity = age.new_hybrid()
    path.write_text(f"# public key: {identity.recipient}\n{identity.secret}\n")
    return path, identity


@pytest.fixture(scope="module")
def who(sessions: ModuleType) -> Signer:
    made: Signer = sessions.signer()
    return made


@pytest.fixture(scope="module")
def held(sessions: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return sessions.make_held(tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="module")
def bundle(
    sessions: ModuleType, held: Any, who: Signer, me: tuple[Path, Identity], tmp_path_factory: pytest.TempPathFactory
) -> Released:
    (made,) = sessions.released(held, who, tmp_path_factory.mktemp("out"), sessions.recipient(me[1]))
    found: Released = made
    return found


@pytest.fixture
def devices(who: Signer, sessions: ModuleType, tmp_path: Path) -> Devices:
    found = Devices(tmp_path / "devices.json")
    found.trust(sessions.STUDY, who.pseudonym, who.key.public)
    found.save()
    return found


def test_a_bundle_opens_into_files_that_were_verified(
    *, bundle: Released, held: Any, me: tuple[Path, Identity], devices: Devices, tmp_path: Path, sessions: ModuleType
) -> None:
    out = tmp_path / "opened"
    report = open_bundle(bundle.path, [me[1]], devices, out, extras=Extras(stills=True, table=True))
    assert {path.name for path in out.iterdir()} == FILES | {"events.parquet", "stills"}
    assert json.loads((out / "report.json").read_text()) == report
    assert (report["verification"]["verified"], report["verification"]["standing"]) == (True, "trusted")
    assert report["usable"] == "yes"
    assert [gap["reason"] for gap in report["gaps"]] == ["withheld", "indicator"]
    assert report["environment"]["keyboard_layouts"] == ["ch", "us"]
    assert report["counts"]["keyboard/key"] == 40
    assert report["videos"]["screen-1.mp4"]["fps_reached"] == 8
    assert 0 < report["event_to_frame_lag"]["p50_us"] <= report["event_to_frame_lag"]["p99_us"] <= 125_000
    assert (out / "consent.json").read_bytes() == sessions.RECORD
    for path in (out, *out.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    with (out / "events.mcap").open("rb") as file:
        keys = [message for message in read_log(file) if message.topic == "keyboard"]
    assert keys == [message for message in held.messages if message.topic == "keyboard"]


@pytest.mark.promise("P9")
def test_a_key_pinned_on_first_use_is_said_and_not_called_verified(
    bundle: Released, me: tuple[Path, Identity], tmp_path: Path
) -> None:
    file = tmp_path / "devices.json"
    first = open_bundle(bundle.path, [me[1]], Devices(file, pin=True), tmp_path / "a")["verification"]
    assert (first["verified"], first["standing"]) == (False, "pinned-on-first-use")
    assert "never seen before" in first["says"]
    assert verify(bundle.path, [me[1]], Devices(file)).standing is Standing.PINNED


@pytest.mark.promise("P9")
def test_an_unknown_device_is_refused_and_nothing_is_left(
    bundle: Released, me: tuple[Path, Identity], tmp_path: Path
) -> None:
    unknown = Devices(tmp_path / "devices.json")
    with pytest.raises(VerificationError, match="unknown device key"):
        verify(bundle.path, [me[1]], unknown)
    with pytest.raises(VerificationError, match="unknown device key"):
        open_bundle(bundle.path, [me[1]], unknown, tmp_path / "opened")
    assert list(tmp_path.iterdir()) == []


def changed(bundle: Released, me: Identity, folder: Path, place: str) -> Path:
    """Return a copy in which one bit of a member differs, sealed again to the same key."""
    tar = bytearray(age.decrypt(bundle.path.read_bytes(), [me]))
    tar[tar.index(place.encode() + b"\0") + 512 + 100] ^= 1
    path = folder / "changed.capture"
    path.write_bytes(age.encrypt(bytes(tar), [me.recipient]))
    return path


@pytest.mark.promise("P9")
@pytest.mark.parametrize("name", ["events.mcap", "screen-2.mp4"])
def test_a_changed_bundle_leaves_nothing_and_pins_nothing(
    name: str, bundle: Released, me: tuple[Path, Identity], tmp_path: Path
) -> None:
    path = changed(bundle, me[1], tmp_path, name)
    with pytest.raises(VerificationError, match=f"{name} was changed"):
        open_bundle(path, [me[1]], Devices(tmp_path / "d.json", pin=True), tmp_path / "opened")
    assert [one.name for one in tmp_path.iterdir()] == ["changed.capture"]


def test_another_key_opens_nothing(bundle: Released, devices: Devices, tmp_path: Path) -> None:
    with pytest.raises(KeyError_):
        open_bundle(bundle.path, [age.new_hybrid()], devices, tmp_path / "opened")
    assert not (tmp_path / "opened").exists()


def test_a_bundle_that_is_not_there_is_named(me: tuple[Path, Identity], devices: Devices, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone\.capture"):
        verify(tmp_path / "gone.capture", [me[1]], devices)


def test_a_file_that_cannot_be_read_is_named(me: tuple[Path, Identity], devices: Devices, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="directory"):
        verify(tmp_path, [me[1]], devices)
    with pytest.raises(StorageError, match="cannot be read"):
        verify(Path("/proc/self/mem"), [me[1]], devices)  # opens, and fails to read


def resealed(bundle: Released, me: Identity, who: Signer, folder: Path, sessions: ModuleType, **changes: Any) -> Path:
    """Return a copy whose own signer says something else in the manifest."""
    members = sessions.members_of(age.decrypt(bundle.path.read_bytes(), [me]))
    fields = json.loads(dsse.unverified_payload(members[0][1]))
    for name, change in changes.items():
        change(fields[name])
    envelope = who.key.sign(dsse.MANIFEST, json.dumps(fields).encode())
    path = folder / f"resealed{write.SUFFIX}"
    path.write_bytes(age.encrypt(sessions.tar_of([(members[0][0], envelope), *members[1:]]), [me.recipient]))
    return path


@pytest.mark.parametrize("topic, member", [("keyboard", "events.mcap"), ("screen/1", "screen-1.mp4")])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_member_that_holds_another_number_of_things_than_signed_is_refused(
    *,
    topic: str,
    member: str,
    by: int,
    bundle: Released,
    me: tuple[Path, Identity],
    who: Signer,
    devices: Devices,
    sessions: ModuleType,
    tmp_path: Path,
) -> None:
    def change(streams: list[dict[str, Any]]) -> None:
        next(stream for stream in streams if stream["topic"] == topic)["count"] += by

    path = resealed(bundle, me[1], who, tmp_path, sessions, streams=change)
    with pytest.raises(VerificationError, match=f"{member} holds something else"):
        open_bundle(path, [me[1]], devices, tmp_path / "opened")
    assert not (tmp_path / "opened").exists()


def test_progress_goes_to_the_end(bundle: Released, me: tuple[Path, Identity], devices: Devices) -> None:
    told: list[tuple[str, int, int]] = []
    verify(bundle.path, [me[1]], devices, lambda *one: told.append(one))
    assert told[-1][1] == told[-1][2] > 0
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


# --- the commands


class Cli:
    """Runs `capture-agent research …` as a program would, a passphrase on a descriptor."""

    def __init__(self, known: Path, key: Path) -> None:
        self.known, self.key = known, key

    def __call__(self, *args: str, passphrase: str | None = None) -> tuple[int, Any]:
        if passphrase is None:
            return self._run(*args)
        reading, writing = os.pipe()
        os.write(writing, passphrase.encode() + b"\n")
        os.close(writing)
        try:
            return self._run(*args, "--passphrase-fd", str(reading))
        finally:
            os.close(reading)

    def _run(self, *args: str) -> tuple[int, Any]:
        done = CliRunner().invoke(research_app, [*args, "--json"])
        return done.exit_code, json.loads(done.stdout)

    def with_key(self, *args: str) -> tuple[int, Any]:
        return self(*args, "--identity", str(self.key), "--devices", str(self.known))


@pytest.fixture
def cli(me: tuple[Path, Identity], tmp_path: Path) -> Cli:
    return Cli(tmp_path / "known.json", me[0])


def test_from_an_unknown_device_to_an_opened_bundle(
    cli: Cli, bundle: Released, who: Signer, sessions: ModuleType, tmp_path: Path
) -> None:
    code, said = cli.with_key("verify", str(bundle.path))
    assert (code, said["error"]) == (5, "VerificationError")
    assert who.key.public in said["message"]
    trust = ("devices", "trust", sessions.STUDY, who.pseudonym, who.key.public, "--devices", str(cli.known))
    assert cli(*trust)[0] == 0
    code, said = cli("devices", "list", "--devices", str(cli.known))
    assert [device["key"] for device in said["devices"]] == [who.key.public]
    code, said = cli.with_key("verify", str(bundle.path))
    assert (code, said["verified"]) == (0, True)
    out = tmp_path / "opened"
    code, report = cli.with_key("open", str(bundle.path), "--out", str(out), "--stills")
    assert (code, report["usable"]) == (0, "yes")
    assert {path.name for path in out.iterdir()} >= FILES
    code, said = cli.with_key("open", str(bundle.path), "--out", str(out))
    assert (code, said["error"]) == (2, "ConfigError")


def test_each_kind_of_failure_has_its_exit_code(
    cli: Cli, bundle: Released, me: tuple[Path, Identity], tmp_path: Path
) -> None:
    arguments = ("verify", str(bundle.path), "--identity", str(cli.key), "--devices", str(cli.known))
    other = tmp_path / "other.key"
    other.write_text(age.new_hybrid().secret)
    assert cli("verify", str(bundle.path), "--identity", str(other), *arguments[4:])[0] == 6
    assert cli("verify", str(tmp_path / "gone"), *arguments[2:])[0] == 7
    assert cli("verify", str(changed(bundle, me[1], tmp_path, "events.mcap")), *arguments[2:], "--pin")[0] == 5
    assert cli("devices", "forget", "a", "b", "--devices", str(cli.known))[0] == 2


def test_keygen_makes_a_key_that_opens_and_tells_no_secret(
    cli: Cli, sessions: ModuleType, held: Any, who: Signer, tmp_path: Path
) -> None:
    key = tmp_path / "new.key"
    code, said = cli("keygen", str(key), passphrase=PASSPHRASE)
    assert code == 0
    assert said["recipient"].startswith("age1pq1")
    assert len(said["fingerprint"].split()) == 9
    assert "SECRET" not in json.dumps(said)
    to = Recipient("Lab", said["recipient"], RecipientKind.HYBRID, frozenset(Category))
    (made,) = sessions.released(held, who, tmp_path / "out", to)
    verifying = ("verify", str(made.path), "--identity", str(key), "--devices", str(cli.known), "--pin")
    assert cli(*verifying, passphrase=PASSPHRASE)[0] == 0


def test_people_get_sentences(cli: Cli, bundle: Released, tmp_path: Path) -> None:
    out = str(tmp_path / "opened")
    fixed = ["open", str(bundle.path), "--out", out, "-i", str(cli.key), "--devices", str(cli.known), "--pin"]
    done = CliRunner().invoke(research_app, [*fixed, "--no-table"])
    assert done.exit_code == 0
    assert "Whole, and NOT verified." in done.stdout
    assert "Usable: yes" in done.stdout
    again = CliRunner().invoke(research_app, ["devices", "list", "--devices", str(cli.known)])
    assert "pinned" in again.stdout


@pytest.mark.parametrize("command", [[], ["keygen"], ["devices"], ["devices", "trust"], ["verify"], ["open"]])
def test_every_command_explains_itself(command: list[str]) -> None:
    done = CliRunner().invoke(research_app, [*command, "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_a_table_that_cannot_be_written_is_said(
    bundle: Released, me: tuple[Path, Identity], devices: Devices, tmp_path: Path
) -> None:
    """Run where pyarrow cannot be imported, as on a machine without the extra."""
    code = (
        "import sys\n"
        "sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from capture_agent.core.errors import ConfigError\n"
        "from capture_agent.keys.age import parse_identity\n"
        "from capture_agent.outbox.opened import Extras\n"
        "from capture_agent.research.devices import Devices\n"
        "from capture_agent.research.open import open_bundle\n"
        "bundle, known, out = map(Path, sys.argv[1:])\n"
        "me, devices = parse_identity(sys.stdin.read()), Devices(known)\n"
        "print(open_bundle(bundle, [me], devices, out / 'a')['remarks'][0])\n"
        "try: open_bundle(bundle, [me], devices, out / 'b', extras=Extras(table=True))\n"
        "except ConfigError as error: print(error.hint)\n"
    )
    command = [sys.executable, "-c", code, str(bundle.path), str(devices.path), str(tmp_path)]
    done = subprocess.run(command, input=me[1].secret, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.count("capture-agent[research]") == 2
    assert (tmp_path / "a" / "report.json").exists()
    assert not (tmp_path / "a" / "events.parquet").exists()
    assert not (tmp_path / "b").exists()
    with pytest.raises(ConfigError):
        open_bundle(bundle.path, [me[1]], devices, tmp_path / "a")
