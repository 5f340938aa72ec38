"""A researcher's key is in a file that only its passphrase opens."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from capture_agent.core.errors import ConfigError, KeyError_
from capture_agent.core.policy import RecipientKind
from capture_agent.keys import age
from capture_agent.research import keyfile
from capture_agent.research.passphrase import read_passphrase

PASSPHRASE = "six words that nobody has said"


@pytest.mark.parametrize("classical", [False, True])
def test_a_key_opens_with_its_passphrase_alone(tmp_path: Path, classical: bool) -> None:
    path = tmp_path / "me.key"
    made = keyfile.make(path, PASSPHRASE, classical=classical)
    (identity,) = keyfile.load(path, PASSPHRASE)
    assert identity.recipient == made.recipient == made.public_path.read_text().strip()
    assert identity.kind is (RecipientKind.CLASSICAL if classical else RecipientKind.HYBRID)
    assert made.fingerprint == age.fingerprint(made.recipient)
    assert len(made.fingerprint.split()) == 9
    assert b"AGE-SECRET-KEY" not in path.read_bytes()
    for one in (path, made.public_path):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
    for wrong in ("another passphrase", None):
        with pytest.raises(KeyError_):
            keyfile.load(path, wrong)


def test_no_key_is_ever_overwritten(tmp_path: Path) -> None:
    keyfile.make(tmp_path / "me.key", PASSPHRASE, classical=True)
    before = (tmp_path / "me.key").read_bytes()
    with pytest.raises(ConfigError, match="already"):
        keyfile.make(tmp_path / "me.key", PASSPHRASE)
    (tmp_path / "you.key.pub").write_text("theirs")
    with pytest.raises(ConfigError, match="already"):
        keyfile.make(tmp_path / "you.key", PASSPHRASE)
    assert not (tmp_path / "you.key").exists()
    assert (tmp_path / "me.key").read_bytes() == before


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fewer than 12"):
        keyfile.make(tmp_path / "me.key", "a" * 11)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_debians_age_keygen_made_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "me.key"
    subprocess.run(("age-keygen", "-o", str(path)), capture_output=True, check=True)
    assert not keyfile.needs_passphrase(path)
    (identity,) = keyfile.load(path, None)
    assert f"# public key: {identity.recipient}" in path.read_text()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"AGE-PLUGIN-YUBIKEY-1QQQ", b"-----BEGIN AGE ENC"])
def test_what_is_no_identity_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "me.key").write_bytes(data)
    with pytest.raises(KeyError_):
        keyfile.load(tmp_path / "me.key", None)


def test_a_missing_or_huge_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyError_, match="no key at"):
        keyfile.load(tmp_path / "gone", None)
    (tmp_path / "huge").write_bytes(bytes(1 << 20))
    with pytest.raises(KeyError_, match="too large"):
        keyfile.load(tmp_path / "huge", None)


@pytest.mark.parametrize("given", [b"words\n", b"words", b"words\r\nmore\n"])
def test_a_passphrase_is_the_first_line_of_a_descriptor(given: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, given)
    os.close(writing)
    try:
        assert read_passphrase(reading, "Passphrase: ") == "words"
    finally:
        os.close(reading)


def test_without_a_terminal_or_descriptor_no_passphrase_is_asked() -> None:
    code = (
        "from capture_agent.core.errors import ConfigError\n"
        "from capture_agent.research.passphrase import read_passphrase\n"
        "try: read_passphrase(None, 'Passphrase: ')\n"
        "except ConfigError as error: print(error, '|', error.hint)\n"
    )
    command = ["setsid", "--wait", sys.executable, "-c", code]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
    assert "no terminal" in done.stdout
    assert "--passphrase-fd" in done.stdout


def test_a_descriptor_that_is_not_open_is_named() -> None:
    with pytest.raises(ConfigError, match="descriptor 987"):
        read_passphrase(987, "Passphrase: ")
