"""The tar inside a bundle: what we write, tar reads; what we read, only we can have written."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.bundle import ustar
from capture_agent.core.errors import VerificationError

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=ustar.MAX_NAME)


@given(NAMES, st.integers(0, ustar.MAX_SIZE))
def test_a_header_reads_back_as_it_was_written(name: str, size: int) -> None:
    assert ustar.parse(ustar.header(name, size)) == (name, size)


@given(st.binary(max_size=2000))
def test_pythons_tarfile_reads_what_we_write(data: bytes) -> None:
    tar = ustar.header("events.mcap", len(data)) + data + bytes(ustar.filling(len(data))) + ustar.END
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        (member,) = opened.getmembers()
        file = opened.extractfile(member)
        assert file is not None
        assert file.read() == data
    assert (member.name, member.mode, member.uid, member.gid, member.mtime) == ("events.mcap", 0o600, 0, 0, 0)
    assert (member.uname, member.gname) == ("", "")


@given(st.integers(0, ustar.BLOCK - 1), st.integers(1, 255))
def test_no_byte_of_a_header_can_be_another(place: int, change: int) -> None:
    block = bytearray(ustar.header("screen-1.mp4", 123_456))
    block[place] ^= change
    with pytest.raises(VerificationError):
        ustar.parse(bytes(block))


@pytest.mark.parametrize("made", ["gnu", "pax", "owner", "link"])
def test_headers_of_other_tar_programs_are_refused(made: str) -> None:
    info = tarfile.TarInfo("events.mcap")
    info.mode = 0o600
    forms = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
    if made == "owner":
        info.uname = "root"
    if made == "link":
        info.type = tarfile.SYMTYPE
    if made == "pax":
        info.size, info.mtime = 1, 5
    with pytest.raises(VerificationError):
        ustar.parse(info.tobuf(forms.get(made, tarfile.USTAR_FORMAT))[: ustar.BLOCK])


def test_what_does_not_fit_a_header_is_not_written() -> None:
    for name, size in (("", 1), ("a" * 100, 1), ("a", ustar.MAX_SIZE + 1), ("a", -1)):
        with pytest.raises(ValueError, match="fit"):
            ustar.header(name, size)
