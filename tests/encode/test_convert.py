import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.encode.convert import MOST_CONVERTERS, Converter
from capture_agent.encode.video import Encoder

WIDTH, HEIGHT = 96, 388


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)


def changed(pixels, top, bottom, seed):
    after = pixels.copy()
    after[top:bottom] = picture(seed)[top:bottom]
    return after


spans = st.tuples(st.integers(0, HEIGHT), st.integers(0, HEIGHT)).map(sorted)


@given(st.lists(spans, min_size=1, max_size=5))
def test_converting_what_changed_is_the_same_as_converting_everything(some):
    converter = Converter()
    pixels = picture(1)
    converter(pixels)
    for seed, span in enumerate(some, 2):
        pixels = changed(pixels, *span, seed)
        whole = Converter()(pixels).to_ndarray()
        assert (converter(pixels, tuple(span)).to_ndarray() == whole).all()


def test_a_day_of_changes_at_all_heights_keeps_few_tables():
    converter, pixels = Converter(), picture(1)
    converter(pixels)
    kept, heights = [], set()
    for top in range(0, HEIGHT, 64):
        for rows in (2, 66, 130):
            pixels = changed(pixels, top, top + rows, top + rows)
            now = converter(pixels, (top, min(HEIGHT, top + rows)))
            assert (now.to_ndarray() == Converter()(pixels).to_ndarray()).all()
            kept.append(len(converter._converters))
            heights |= converter._converters.keys()
    assert len(heights) > MOST_CONVERTERS
    assert max(kept) == MOST_CONVERTERS


@pytest.mark.parametrize("spans", [[(0, 2), (386, 388), (100, 140), (0, 388), (64, 128), (63, 65), (5, 5)]])
def test_packets_do_not_depend_on_how_much_was_converted(spans):
    encoder, frames = Encoder(WIDTH, HEIGHT), [picture(1)]
    for seed, span in enumerate(spans, 2):
        frames.append(changed(frames[-1], *span, seed))
    some = zip(frames, [None, *spans], strict=True)
    found = [encoder.encode(frame, n, key=n == 5, rows=rows) for n, (frame, rows) in enumerate(some)]
    encoder.close()
    again = Encoder(WIDTH, HEIGHT)
    expected = []
    for n, frame in enumerate(frames):
        again._convert = Converter()  # knows no frame before
        expected.append(again.encode(frame, n, key=n == 5))
    assert found == expected
    again.close()
