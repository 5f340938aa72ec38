from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import VerificationError
from capture_agent.encode.frames import (
    Video,
    changed_rows,
    is_key_frame,
    nal_units,
    pack_video,
    parameter_sets,
    unpack_video,
)

HEIGHT = 388


@given(st.tuples(st.integers(0, HEIGHT), st.integers(0, HEIGHT)).map(sorted), st.data())
def test_changed_rows_are_found_by_a_single_byte_and_widened_to_bands(span, data):
    before = np.random.default_rng(1).integers(0, 256, (HEIGHT, 9, 4), dtype=np.uint8)
    after = before.copy()
    for row in {span[0], span[1] - 1} if span[0] < span[1] else ():
        after[row, data.draw(st.integers(0, 8)), data.draw(st.integers(0, 3))] ^= data.draw(st.integers(1, 255))
    first, end = changed_rows(before, after)
    if span[0] == span[1]:
        assert first == end
    else:
        assert first == span[0] // 64 * 64
        assert end == min(HEIGHT, -(-span[1] // 64) * 64)


@given(st.integers(2, 40), st.integers(2, 40))
def test_changed_rows_are_found_in_crops_of_larger_images(width, height):
    one = np.random.default_rng(1).integers(0, 256, (height, width, 4), dtype=np.uint8)
    other = one.copy()
    other[:, width - 1] ^= 1
    for step in (1, 2):
        assert changed_rows(one[::step, : width - 1], other[::step, : width - 1]) == (0, 0)
    assert changed_rows(one[:, 1:], other[:, 1:]) == (0, height)


def test_a_packet_is_wrapped_as_the_protobuf_wire_format_says():
    # Timestamp {seconds: 300, nanos: 5000}: tags 08 and 10; then frame_id 12, data 1a, format 22 (protobuf encoding).
    expected = "0a06 08ac02 108827 1208" + b"screen/2".hex() + "1a03010203" + "2204" + b"h264".hex()
    assert pack_video(300_000_005, 2, b"\1\2\3") == bytes.fromhex(expected)


def test_a_zero_is_left_out_and_a_long_packet_has_a_long_length():
    assert pack_video(0, 1, b"").hex() == "0a001208" + b"screen/1".hex() + "1a002204" + b"h264".hex()
    assert pack_video(0, 1, bytes(300))[12:15].hex() == "1aac02"


@given(st.integers(0, 10**13), st.integers(1, 99), st.binary(max_size=400))
def test_a_packet_is_unwrapped_as_it_was_wrapped(t_us, monitor, data):
    assert unpack_video(pack_video(t_us, monitor, data)) == Video(t_us, monitor, data)


@given(st.binary(max_size=60))
def test_anything_else_is_refused(data):
    with pytest.raises(VerificationError):
        unpack_video(data)


@given(st.data())
def test_a_packet_cut_or_changed_is_refused_or_another_packet(data):
    whole = pack_video(5_000_001, 1, b"abc")
    with pytest.raises(VerificationError):
        unpack_video(whole[: data.draw(st.integers(0, len(whole) - 1))])
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(VerificationError):
        assert pack_video(*unpack_video(bytes(changed))) == changed


SPS, PPS, SEI, IDR, P = b"\x67\x64\x01", b"\x68\xeb", b"\x06\x05\x01", b"\x65\x88\x80", b"\x41\x9a\x01"


def annexb(*units, code=b"\0\0\0\1"):
    return b"".join(code + unit for unit in units)


@pytest.mark.parametrize("code", [b"\0\0\1", b"\0\0\0\1"])
def test_a_key_frame_is_told_by_its_first_picture(code):
    assert is_key_frame(annexb(SPS, PPS, SEI, IDR, code=code))
    assert is_key_frame(annexb(IDR, IDR, code=code))
    assert not is_key_frame(annexb(P, code=code))
    assert not is_key_frame(annexb(SPS, PPS, P, code=code))
    assert not is_key_frame(annexb(SPS, PPS, code=code))


@given(st.binary(max_size=50))
def test_telling_key_frames_never_fails(data):
    assert is_key_frame(data) in {True, False}


@pytest.mark.parametrize("code", [b"\0\0\1", b"\0\0\0\1"])
def test_units_and_parameter_sets_are_found(code):
    packet = annexb(SPS, PPS, SEI, IDR, code=code)
    assert nal_units(packet) == [SPS, PPS, SEI, IDR]
    assert parameter_sets(packet) == annexb(SPS, PPS)
    assert parameter_sets(annexb(P, code=code)) == b""
