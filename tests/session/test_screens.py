"""From pictures to packets: only rows that may have changed come, and nothing depends on it."""

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import FaultError
from capture_agent.core.events import Monitor, Picture, Rect
from capture_agent.encode import frames, video
from capture_agent.session.screens import Screens

WIDTH, HEIGHT = 65, 161  # the last column and row are left out
MONITOR = Monitor(1, Rect(7, 9, WIDTH, HEIGHT))
spans = st.tuples(st.integers(0, HEIGHT), st.integers(0, HEIGHT)).map(sorted)


def whole(t_us, pixels):
    return Picture(t_us, MONITOR, 0, pixels)


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)


@given(st.lists(st.tuples(spans, spans, st.integers(0, 2)), min_size=1, max_size=6))
def test_packets_are_the_same_whether_rows_come_or_whole_pictures(some):
    rows, pictures, pixels = Screens(0), Screens(0), noise(0)
    assert rows.encode(whole(0, pixels)) == pictures.encode(whole(0, pixels))
    for n, (drawn, told, seed) in enumerate(some, 1):
        pixels = pixels.copy()
        pixels[slice(*drawn)] = noise(seed)[slice(*drawn)]
        top, end = min(drawn[0], told[0]), max(drawn[1], told[1])
        given_rows = Picture(n * 1000, MONITOR, top, pixels[top:end])
        assert rows.encode(given_rows) == pictures.encode(whole(n * 1000, pixels))
    assert (rows.kept, rows.equal) == (pictures.kept, pictures.equal)
    rows.close()
    pictures.close()


def test_a_picture_that_is_changed_afterwards_changes_nothing():
    screens, pixels = Screens(0), noise(0)
    messages = [screens.encode(whole(0, pixels))]
    pixels[:] = 0
    assert screens.encode(Picture(1000, MONITOR, 3, noise(0)[3:9])) is None
    screens.force_key_frames(2000)
    messages.append(screens.encode(Picture(2000, MONITOR, 3, noise(0)[3:9])))
    packets = [frames.unpack_video(message.data) for message in messages]
    assert [frames.is_key_frame(packet.data) for packet in packets] == [True, True]
    (_, one), (_, other) = video.decode_packets((packet.t_us, packet.data) for packet in packets)
    assert one.shape == (HEIGHT - 1, WIDTH - 1, 3)
    assert (one == other).all()
    screens.close()


def test_rows_of_a_picture_that_never_came_are_a_fault():
    with pytest.raises(FaultError):
        Screens(0).encode(Picture(0, MONITOR, 64, noise(0)[64:]))
    with pytest.raises(FaultError):
        Screens(0).encode(Picture(0, MONITOR, 0, noise(0)[:64]))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12, unique=True), st.data())
def test_the_first_picture_after_each_time_that_was_asked_for_is_a_key_frame_and_no_other(times, data):
    """Also if it is encoded after all of them were asked for, or before the last was."""
    asked = sorted(data.draw(st.lists(st.integers(1, 40), max_size=8)))
    late = data.draw(st.booleans())
    screens, made, waiting = Screens(0), [], list(asked)
    for n, t_us in enumerate([0, *sorted(times)]):
        while waiting and (late or waiting[0] <= t_us):
            screens.force_key_frames(waiting.pop(0))
        made.append((t_us, frames.unpack_video(screens.encode(whole(t_us, noise(n % 2))).data).data))
    pairs = zip([-1, *(t_us for t_us, _ in made)], made, strict=False)
    for before_us, (t_us, packet) in pairs:
        wanted = before_us < 0 or any(before_us < one <= t_us for one in asked)
        assert frames.is_key_frame(packet) == wanted, (t_us, asked)
    screens.close()


def test_what_was_encoded_last_is_not_held_once_the_streams_are_over():
    screens = Screens(0)
    screens.encode(whole(0, noise(0)))
    shown = weakref.ref(screens._streams[1].shown)
    screens.close()
    assert shown() is None
