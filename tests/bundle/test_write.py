"""A bundle's file is there whole or not at all, private, and of a size that says little."""

from __future__ import annotations

import io
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import pytest

from capture_agent.bundle import sizes, ustar, write
from capture_agent.bundle.write import Content
from capture_agent.core.errors import ConfigError, FaultError, StorageError, VerificationError
from capture_agent.keys import age
from capture_agent.keys.age import Identity

ENVELOPE = b'{"signed": true}'


def content(name: str, data: bytes) -> Content:
    def make(stream: BinaryIO) -> None:
        for start in range(0, len(data), 1000):
            stream.write(data[start : start + 1000])

    return Content(name, make)


def written(folder: Path, me: Identity, *contents: Content) -> Path:
    return write.write([(write.measure(one), one) for one in contents], ENVELOPE, [me.recipient], folder)


def test_the_tar_inside_holds_manifest_and_members_in_order(tmp_path: Path, me: Identity, sessions: ModuleType) -> None:
    path = written(tmp_path, me, content("a", b"x" * 1025), content("b", b""))
    tar = age.decrypt(path.read_bytes(), [me])
    assert sessions.members_of(tar) == [("manifest.dsse.json", ENVELOPE), ("a", b"x" * 1025), ("b", b"")]


def test_the_file_is_private_and_its_name_random(tmp_path: Path, me: Identity) -> None:
    names = {written(tmp_path, me, content("a", b"x")).name for _ in range(3)}
    assert len(names) == 3
    for name in names:
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert len(name.removesuffix(".capture")) == 32
    assert {path.name for path in tmp_path.iterdir()} == names


@pytest.mark.parametrize("kind", [age.new_hybrid, age.new_classical])
def test_nearby_sizes_make_files_of_the_same_size(kind: Callable[[], Identity], tmp_path: Path) -> None:
    me = kind()
    found = {written(tmp_path, me, content("a", os.urandom(size))).stat().st_size for size in (0, 5, 70_000, 900_000)}
    assert found == {sizes.MIN_CHUNKS * sizes.SEALED_CHUNK}
    larger = {written(tmp_path, me, content("a", os.urandom(n))).stat().st_size for n in (3_000_000, 3_010_000)}
    assert len(larger) == 1


def test_the_size_does_not_tell_how_many_recipients_there_are(tmp_path: Path) -> None:
    made = content("a", b"x" * 2_000_000)
    keys = [age.new_hybrid().recipient for _ in range(16)]
    found = {
        write.write([(write.measure(made), made)], ENVELOPE, keys[:n], tmp_path).stat().st_size for n in (1, 2, 16)
    }
    assert len(found) == 1


def test_a_member_that_comes_out_differently_is_a_fault_and_leaves_nothing(tmp_path: Path, me: Identity) -> None:
    turns = iter((b"first", b"other"))
    changing = Content("a", lambda stream: stream.write(next(turns)))  # type: ignore[arg-type, return-value]
    with pytest.raises(FaultError, match="a came out differently"):
        written(tmp_path, me, changing)
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_making_a_member_leaves_nothing(tmp_path: Path, me: Identity) -> None:
    good = content("a", b"x" * 300_000)
    member = write.measure(good)

    def broken(stream: BinaryIO) -> None:
        stream.write(b"x" * 100_000)
        raise VerificationError("part 7 was changed")

    with pytest.raises(VerificationError, match="part 7"):
        write.write([(member, Content("a", broken))], ENVELOPE, [me.recipient], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, me: Identity) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))  # Python ignores SIGXFSZ: the write fails
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            written(tmp_path, me, content("a", b"x"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named_as_the_reason(tmp_path: Path, me: Identity) -> None:
    with pytest.raises(StorageError, match="No such file"):
        written(tmp_path / "gone", me, content("a", b"x"))


def test_what_a_crash_left_can_be_removed(tmp_path: Path, me: Identity) -> None:
    kept = written(tmp_path, me, content("a", b"x"))
    (tmp_path / f"{write.PARTIAL_PREFIX}abc{write.PARTIAL_SUFFIX}").write_bytes(b"half")
    assert write.remove_partial(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [kept]


def test_recipients_of_two_kinds_are_refused(tmp_path: Path) -> None:
    keys = [age.new_classical().recipient, age.new_hybrid().recipient]
    with pytest.raises(ConfigError, match="together"):
        write.write([], ENVELOPE, keys, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_many_recipients_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too many"):
        write.write([], ENVELOPE, [age.new_hybrid().recipient] * 50, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_too_large_to_be_read_is_not_written(tmp_path: Path, me: Identity) -> None:
    with pytest.raises(StorageError, match="gaps"):
        write.write([], bytes(5 << 20), [me.recipient], tmp_path)


def test_a_member_too_large_for_a_tar_is_refused() -> None:
    sink = write.Measure()
    sink.size = ustar.MAX_SIZE + 1
    with pytest.raises(StorageError, match="8 GiB"):
        sink.member("events.mcap")


def test_measuring_passes_everything_on() -> None:
    out = io.BytesIO()
    sink = write.Measure(out)
    for piece in (b"one", bytearray(b"two"), memoryview(b"three")):
        assert sink.write(piece) == len(piece)
    assert out.getvalue() == b"onetwothree"
    assert sink.member("a").size == 11
