"""Which device keys are known, and that no unknown or changed one is ever called verified (P9)."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from capture_agent.bundle.read import Standing
from capture_agent.core.errors import ConfigError, StorageError, VerificationError
from capture_agent.keys.dsse import SigningKey
from capture_agent.research.devices import Devices

KEY, OTHER = SigningKey.new().public, SigningKey.new().public


def now() -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known" / "devices.json"


@pytest.mark.promise("P9")
def test_an_unknown_key_is_refused_and_named(file: Path) -> None:
    with pytest.raises(VerificationError, match=f"unknown device key.*{KEY}") as caught:
        Devices(file).judge("study", "otter", KEY)
    assert "--pin" in caught.value.hint
    assert not file.exists()


@pytest.mark.promise("P9")
def test_a_first_use_is_pinned_when_asked_for_and_not_called_verified(file: Path) -> None:
    devices = Devices(file, pin=True, now=now)
    standing = devices.judge("study", "otter", KEY)
    assert standing is Standing.FIRST_USE
    assert not standing.is_verified
    devices.save()
    assert Devices(file).judge("study", "otter", KEY) is Standing.PINNED


@pytest.mark.promise("P9")
@pytest.mark.parametrize("pin", [False, True])
def test_a_changed_key_is_refused_whether_pinned_or_trusted(file: Path, pin: bool) -> None:
    devices = Devices(file, pin=True, now=now)
    devices.judge("study", "otter", KEY)
    devices.trust("study", "heron", SigningKey.new().public)
    devices.save()
    for name in ("otter", "heron"):
        with pytest.raises(VerificationError, match="another device key than this participant's"):
            Devices(file, pin=pin).judge("study", name, OTHER)


@pytest.mark.promise("P9")
@pytest.mark.parametrize("who", [("study", "heron"), ("other-study", "otter")])
def test_a_known_key_under_another_name_is_refused(file: Path, who: tuple[str, str]) -> None:
    devices = Devices(file, pin=True)
    devices.trust("study", "otter", KEY)
    with pytest.raises(VerificationError, match="another participant or study"):
        devices.judge(*who, KEY)


def test_trust_replaces_what_was_pinned(file: Path) -> None:
    devices = Devices(file, pin=True, now=now)
    devices.judge("study", "otter", OTHER)
    devices.trust("study", "otter", KEY)
    devices.save()
    again = Devices(file)
    assert again.judge("study", "otter", KEY) is Standing.TRUSTED
    (device,) = again.devices
    assert device.since == now()


def test_one_key_is_trusted_for_one_participant_only(file: Path) -> None:
    devices = Devices(file)
    devices.trust("study", "otter", KEY)
    with pytest.raises(ConfigError, match="otter"):
        devices.trust("study", "heron", KEY)


def test_what_is_no_key_is_not_trusted(file: Path) -> None:
    for key in ("", "age1xyz", KEY.upper(), KEY[:-1] + ("q" if KEY[-1] != "q" else "p")):
        with pytest.raises(ConfigError):
            Devices(file).trust("study", "otter", key)


def test_names_that_no_bundle_can_have_are_not_trusted(file: Path) -> None:
    for names in (("", "otter"), ("study", ""), ("study", "a\nb"), ("s" * 201, "otter")):
        with pytest.raises(ConfigError):
            Devices(file).trust(*names, KEY)


def test_forgotten_is_unknown(file: Path) -> None:
    devices = Devices(file)
    devices.trust("study", "otter", KEY)
    devices.forget("study", "otter")
    assert devices.devices == ()
    with pytest.raises(ConfigError, match="no key"):
        devices.forget("study", "otter")


def test_the_file_is_private_and_replaced_in_one_step(file: Path) -> None:
    for name in ("otter", "heron"):
        devices = Devices(file)
        devices.trust("study", name, SigningKey.new().public)
        devices.save()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["devices.json"]
    assert len(Devices(file).devices) == 2


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "damaged"),
        ('{"format": 1, "devices": [], "devices": []}', "damaged"),
        ('{"format": 1, "devices": [{"key": 7}]}', "damaged"),
        ('{"format": 2, "devices": {}}', "newer format"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_untouched(file: Path, text: str, said: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(StorageError, match=said):
        Devices(file)
    assert file.read_text() == text


def test_the_file_says_when_and_how_each_key_became_known(file: Path) -> None:
    devices = Devices(file, pin=True, now=now)
    devices.judge("study", "otter", KEY)
    devices.save()
    (found,) = json.loads(file.read_text())["devices"]
    assert found == {
        "study": "study",
        "pseudonym": "otter",
        "key": KEY,
        "standing": "pinned",
        "since": "2026-11-23T00:00:00Z",
    }
