"""age files, theirs and ours, opened by the others' programs and by us."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from capture_agent.core.errors import CaptureAgentError, KeyError_, VerificationError
from capture_agent.keys import age

Node = Callable[..., bytes]
SIZES = (0, 1, 65_535, 65_536, 65_537, 200_000)


def data_of(size: int) -> bytes:
    return hashlib.shake_256(b"interop").digest(size)


def sealed_as_stream(data: bytes, recipient: str) -> bytes:
    out = io.BytesIO()
    with age.encrypting(out, [recipient]) as sealed:
        sealed.write(data)
    return out.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_debians_age_opens_what_we_sealed(size: int, tmp_path: Path) -> None:
    me = age.new_classical()
    key = tmp_path / "me.key"
    key.write_text(me.secret)
    for sealed in (age.encrypt(data_of(size), [me.recipient]), sealed_as_stream(data_of(size), me.recipient)):
        opened = subprocess.run(("age", "-d", "-i", str(key)), input=sealed, capture_output=True, check=True)
        assert opened.stdout == data_of(size)


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_debians_age_sealed(size: int) -> None:
    me = age.new_classical()
    sealed = subprocess.run(("age", "-r", me.recipient), input=data_of(size), capture_output=True, check=True)
    assert age.decrypt(sealed.stdout, [me]) == data_of(size)


def test_we_read_the_identity_file_that_debians_age_keygen_makes(tmp_path: Path) -> None:
    key = tmp_path / "me.key"
    subprocess.run(("age-keygen", "-o", str(key)), capture_output=True, check=True)
    public = subprocess.run(("age-keygen", "-y", str(key)), capture_output=True, check=True, text=True)
    assert age.parse_identity(key.read_text()).recipient == public.stdout.strip()


@pytest.mark.parametrize("size", SIZES)
def test_age_encryption_of_npm_opens_our_hybrid_files(size: int, node: Node) -> None:
    me = age.new_hybrid()
    sealed = age.encrypt(data_of(size), [age.new_hybrid().recipient, me.recipient])
    assert node("age.mjs", "decrypt", me.secret, given=sealed) == data_of(size)


@pytest.mark.parametrize("size", SIZES)
def test_we_open_the_hybrid_files_of_age_encryption_of_npm(size: int, node: Node) -> None:
    me = age.new_hybrid()
    sealed = node("age.mjs", "encrypt", age.new_hybrid().recipient, me.recipient, given=data_of(size))
    assert age.decrypt(sealed, [me]) == data_of(size)


class Vector(NamedTuple):
    """One file of the public test vectors: what is said of it, and the age file itself."""

    expect: str
    payload: str | None
    identities: tuple[str, ...]
    file: bytes

    @classmethod
    def parse(cls, data: bytes) -> Vector | None:
        """Return the vector, or None if it is about something that we do not have: armour, passphrases, plugins."""
        head, _, file = data.partition(b"\n\n")
        said: dict[str, list[str]] = {}
        for line in head.decode().splitlines():
            key, _, value = line.partition(": ")
            said.setdefault(key, []).append(value)
        if "armored" in said or "passphrase" in said or "identity" not in said:
            return None
        if not all(text.startswith(("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1")) for text in said["identity"]):
            return None
        if said.get("compressed") == ["zlib"]:
            file = zlib.decompress(file)
        return cls(said["expect"][0], said.get("payload", [None])[0], tuple(said["identity"]), file)


def outcome(vector: Vector, *, at_once: bool) -> tuple[str, bytes]:
    """Return what happens to a vector, in the vectors' own words, and the authentic bytes until then."""
    opened = b""
    try:
        identities = [age.parse_identity(text) for text in vector.identities]
        if at_once:
            return "success", age.decrypt(vector.file, identities)
        with age.decrypting(io.BytesIO(vector.file), identities) as stream:
            while part := stream.read1(4096):  # type: ignore[attr-defined]
                opened += part
    except KeyError_:
        return "no match", opened
    except VerificationError:
        return "failure", opened
    return "success", opened


def test_the_public_vectors_of_the_format_come_out_as_they_say(node: Node) -> None:
    files = json.loads(node("vectors.mjs"))
    vectors = {name: Vector.parse(base64.b64decode(data)) for name, data in files.items()}
    wrong = []
    tried = {name: vector for name, vector in vectors.items() if vector is not None}
    for (name, vector), at_once in product(tried.items(), (False, True)):
        happened, opened = outcome(vector, at_once=at_once)
        expected = vector.expect if vector.expect in {"success", "no match"} else "failure"
        if happened != expected:
            wrong.append(f"{name}: {vector.expect}, but {happened}")
        if happened == "success" and hashlib.sha256(opened).hexdigest() != vector.payload:
            wrong.append(f"{name}: opens as something else")
    assert not wrong
    assert sum(name.startswith("hybrid") for name in tried) >= 15
    assert len(tried) >= 80


def test_the_public_vectors_with_a_passphrase_come_out_as_they_say(node: Node) -> None:
    wrong, tried = [], 0
    for name, data in json.loads(node("vectors.mjs")).items():
        head, _, file = base64.b64decode(data).partition(b"\n\n")
        said = [line.partition(": ")[::2] for line in head.decode().splitlines()]
        passphrases = [value for key, value in said if key == "passphrase"]
        if "armored" in dict(said) or len(passphrases) != 1:
            continue
        tried += 1
        try:
            opened = hashlib.sha256(age.unlock(file, passphrases[0])).hexdigest()
        except KeyError_:
            opened = "refused"
        expected = dict(said)["payload"] if dict(said)["expect"] == "success" else "refused"
        if opened != expected:
            wrong.append(f"{name}: {dict(said)['expect']}, but {opened}")
    assert not wrong
    assert tried >= 10


def test_no_error_of_a_vector_escapes_our_tree(node: Node) -> None:
    me = [age.new_classical(), age.new_hybrid()]
    for data in json.loads(node("vectors.mjs")).values():
        with pytest.raises(CaptureAgentError):
            age.decrypt(base64.b64decode(data).partition(b"\n\n")[2], me)
