import io
import json
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageDraw

from capture_agent.core.errors import FaultError, VerificationError
from capture_agent.encode import frames, video
from capture_agent.encode.video import Encoder, Muxer, decode, decode_packets, frame_times, size_of

WIDTH, HEIGHT = 320, 180


def bgrx(red, green, blue, width=WIDTH, height=HEIGHT):
    return np.full((height, width, 4), (blue, green, red, 255), np.uint8)


def moving(count, width=WIDTH, height=HEIGHT):
    """Frames of a blocky picture that moves, and their uneven times."""
    base = np.random.default_rng(1).integers(0, 256, (height // 4, width // 4, 4), np.uint8).repeat(4, 0).repeat(4, 1)
    return [
        (1_234_567 + n * 100_000 + n * n * 777, np.ascontiguousarray(np.roll(base, n * 4, 1))) for n in range(count)
    ]


def encoded(some, keys=(0,)):
    encoder = Encoder(some[0][1].shape[1], some[0][1].shape[0])
    packets = [(t_us, encoder.encode(pixels, t_us, key=n in keys)) for n, (t_us, pixels) in enumerate(some)]
    encoder.close()
    return packets


def muxed(packets):
    out = io.BytesIO()
    muxer = Muxer(out, *size_of(packets[0][1]))
    for t_us, packet in packets:
        muxer.add(t_us, packet)
    muxer.finish()
    return out.getvalue()


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 30, 90)])
def test_colours_come_back_as_they_were(colour):
    ((_, rgb),) = decode(io.BytesIO(muxed(encoded([(0, bgrx(*colour))]))))
    assert rgb.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(rgb.astype(int) - colour).max() <= 4


def test_other_programs_see_the_same_red(tmp_path):
    file, png = tmp_path / "red.mp4", tmp_path / "red.png"
    file.write_bytes(muxed(encoded([(0, bgrx(255, 0, 0))])))
    subprocess.run(["ffmpeg", "-v", "error", "-i", file, "-frames:v", "1", png], check=True)
    assert np.abs(np.asarray(Image.open(png).convert("RGB")).astype(int) - (255, 0, 0)).max() <= 4


def test_every_frame_gives_one_packet_at_once_and_keys_are_where_they_were_asked_for():
    packets = encoded(moving(30), keys=(0, 7, 8, 20))
    assert [n for n, (_, packet) in enumerate(packets) if frames.is_key_frame(packet)] == [0, 7, 8, 20]
    assert all(frames.parameter_sets(packets[n][1]) for n in (0, 7, 8, 20))


def test_the_first_frame_is_a_key_frame_whatever_was_asked_for():
    assert frames.is_key_frame(encoded(moving(1), keys=())[0][1])


def test_times_are_exact_to_the_microsecond():
    some = moving(40)
    packets = encoded(some, keys=(0, 13, 26))
    assert [t_us for t_us, _ in decode(io.BytesIO(muxed(packets)))] == [t_us for t_us, _ in some]
    assert [t_us for t_us, _ in decode_packets(iter(packets))] == [t_us for t_us, _ in some]


@pytest.mark.parametrize("start_us", [0, 1, 999, 3_600_000_001, 30 * 24 * 3_600_000_000 + 7])
def test_times_are_exact_however_late_the_video_begins(start_us):
    times = [start_us, start_us + 1, start_us + 100_000, start_us + 600_000_000]
    some = [(t_us, pixels) for t_us, (_, pixels) in zip(times, moving(4), strict=True)]
    file = muxed(encoded(some))
    assert [t_us for t_us, _ in decode(io.BytesIO(file))] == times == list(frame_times(io.BytesIO(file)))


def test_frames_come_back_in_their_order():
    some = moving(12)
    for (_, pixels), (_, rgb) in zip(some, decode(io.BytesIO(muxed(encoded(some)))), strict=True):
        assert np.abs(pixels[..., 2::-1].astype(int) - rgb).mean() < 12


def test_what_stands_before_the_first_key_frame_is_passed_over():
    packets = encoded(moving(10), keys=(0, 4))
    assert [t_us for t_us, _ in decode_packets(iter(packets[1:]))] == [t_us for t_us, _ in packets[4:]]


def test_equal_input_makes_equal_files():
    assert muxed(encoded(moving(20), (0, 9))) == muxed(encoded(moving(20), (0, 9)))


def test_ffprobe_reads_it_without_a_word(tmp_path):
    file = tmp_path / "screen-1.mp4"
    some = moving(20)
    file.write_bytes(muxed(encoded(some, (0, 9))))
    entries = "stream=codec_name,width,height,pix_fmt,color_space,color_range,time_base:packet=pts,flags"
    command = ["ffprobe", "-v", "warning", "-of", "json", "-show_entries", entries, file]
    probed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert probed.stderr == ""
    found = json.loads(probed.stdout)
    assert found["streams"] == [
        {
            "codec_name": "h264",
            "width": WIDTH,
            "height": HEIGHT,
            "pix_fmt": "yuv420p",
            "color_range": "tv",
            "color_space": "bt709",
            "time_base": "1/1000000",
        }
    ]
    assert [packet["pts"] for packet in found["packets"]] == [t_us for t_us, _ in some]
    assert [n for n, packet in enumerate(found["packets"]) if "K" in packet["flags"]] == [0, 9]


def test_the_muxer_holds_no_more_than_what_follows_the_last_key_frame():
    out = io.BytesIO()
    muxer = Muxer(out, WIDTH, HEIGHT)
    packets = encoded(moving(40), keys=(0, 20))
    for t_us, packet in packets:
        muxer.add(t_us, packet)
    held = sum(len(packet) for _, packet in packets[20:])
    assert len(out.getvalue()) >= sum(len(packet) for _, packet in packets[:20]) - 40 * 1024 and held
    muxer.finish()


def test_a_full_disk_while_muxing_is_told():
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    muxer = Muxer(Full(), WIDTH, HEIGHT)
    with pytest.raises(OSError, match="No space"):
        for t_us, packet in encoded(moving(40), keys=range(40)):
            muxer.add(t_us, packet)
        muxer.finish()


def test_a_crop_is_encoded_without_a_copy_of_its_own():
    wide = np.zeros((HEIGHT + 1, WIDTH + 1, 4), np.uint8)
    wide[:, :, 2] = 255
    ((_, rgb),) = decode(io.BytesIO(muxed(encoded([(0, wide[:HEIGHT, :WIDTH])]))))
    assert np.abs(rgb.astype(int) - (255, 0, 0)).max() <= 4


def test_an_array_in_any_order_of_memory_is_encoded():
    pixels = np.ascontiguousarray(bgrx(255, 0, 0).transpose(1, 0, 2)).transpose(1, 0, 2)
    ((_, rgb),) = decode(io.BytesIO(muxed(encoded([(0, pixels)]))))
    assert np.abs(rgb.astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("size", [(0, 2), (3, 2), (2, 3), (-2, 2)])
def test_an_odd_size_is_a_fault(size):
    with pytest.raises(FaultError):
        Encoder(*size)


def test_a_frame_of_another_size_or_time_is_a_fault():
    encoder = Encoder(WIDTH, HEIGHT)
    encoder.encode(bgrx(1, 2, 3), 5, key=True)
    with pytest.raises(FaultError):
        encoder.encode(bgrx(1, 2, 3), 5, key=False)
    with pytest.raises(FaultError):
        encoder.encode(bgrx(1, 2, 3, WIDTH + 2), 6, key=False)
    encoder.close()


def test_a_video_that_changes_its_size_is_refused():
    out = io.BytesIO()
    muxer = Muxer(out, WIDTH, HEIGHT)
    muxer.add(*encoded(moving(1))[0])
    with pytest.raises(VerificationError):
        muxer.add(9_000_000, encoded(moving(1, 64, 64))[0][1])
    muxer.finish()


def test_a_video_begins_with_a_key_frame_and_its_times_rise():
    packets = encoded(moving(3))
    muxer = Muxer(io.BytesIO(), WIDTH, HEIGHT)
    with pytest.raises(VerificationError):
        muxer.add(*packets[1])
    muxer.add(*packets[0])
    with pytest.raises(VerificationError):
        muxer.add(*packets[0])
    muxer.finish()


def test_the_size_is_in_the_first_key_frame():
    assert size_of(encoded(moving(1, 64, 36))[0][1]) == (64, 36)
    assert size_of(encoded([(0, bgrx(1, 1, 1, 1366, 768))])[0][1]) == (1366, 768)
    for wrong in (encoded(moving(2))[1][1], b"", b"rubbish"):
        with pytest.raises(VerificationError):
            size_of(wrong)


@pytest.mark.parametrize("data", [b"", b"rubbish", bytes(5000)])
@pytest.mark.parametrize("read", [decode, frame_times])
def test_what_is_no_video_is_refused(data, read):
    with pytest.raises(VerificationError):
        list(read(io.BytesIO(data)))


def test_a_cut_video_is_refused_or_gives_its_first_frames():
    whole = muxed(encoded(moving(20), keys=(0, 10)))
    times = [t_us for t_us, _ in moving(20)]
    for length in range(0, len(whole), len(whole) // 40):
        try:
            found = [t_us for t_us, _ in decode(io.BytesIO(whole[:length]))]
        except VerificationError:
            continue
        assert found == times[: len(found)]


def test_small_text_stays_as_it_is():
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    ImageDraw.Draw(image).multiline_text((4, 4), "The quick brown fox\njumps over 0O1lI|\n" * 5, fill="black")
    rgb = np.asarray(image)
    pixels = np.ascontiguousarray(np.dstack([rgb[..., ::-1], np.full((HEIGHT, WIDTH, 1), 255, np.uint8)]))
    ((_, back),) = decode(io.BytesIO(muxed(encoded([(0, pixels)]))))
    dark, dark_again = rgb.mean(axis=2) < 128, back.mean(axis=2) < 128
    assert dark.sum() > 1500 and (dark != dark_again).mean() < 0.001
    assert np.abs(rgb.astype(int) - back).mean() < 3


def test_the_video_says_nothing_of_the_machine_that_made_it():
    data = muxed(encoded(moving(3)))
    assert b"Lavf" not in data and b"Lavc" not in data and video.PRESET.encode() not in data
