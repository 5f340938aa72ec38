"""Sizes are rounded so that they say little, and the arithmetic is exact."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.bundle import sizes
from capture_agent.keys import age

CONTENT = st.integers(0, 1 << 40)
HEADERS = st.integers(100, sizes.HEADER_ROOM)


@given(CONTENT, HEADERS)
def test_there_is_always_room_for_the_content(content: int, header: int) -> None:
    assert sizes.plain_size(content, header) >= content


@given(CONTENT, HEADERS)
def test_a_file_is_as_long_as_computed_whatever_its_header(content: int, header: int) -> None:
    plain = sizes.plain_size(content, header)
    chunks = max(1, -(-plain // sizes.CHUNK))
    assert header + sizes.NONCE + plain + 16 * chunks == sizes.file_size(content)


@given(st.integers(1, 1 << 40))
def test_rounding_adds_at_most_an_eighth(length: int) -> None:
    rounded = sizes.padme(length)
    assert length <= rounded <= length + length // 8 + 1
    assert sizes.padme(rounded) == rounded


def test_there_are_few_different_sizes() -> None:
    # All sessions up to 10 GiB fall into fewer than 200 sizes.
    assert len({sizes.file_size(content) for content in range(0, 10 << 30, 1 << 20)}) < 200


@pytest.mark.parametrize("length, rounded", [(1, 1), (9, 10), (17, 18), (100, 104), (1000, 1024), (2400, 2432)])
def test_padme_is_as_in_its_paper(length: int, rounded: int) -> None:
    assert sizes.padme(length) == rounded


@pytest.mark.parametrize("content", [0, 1, 900_000, 3_000_001])
@pytest.mark.parametrize("recipients", [1, 3])
def test_real_age_files_have_the_computed_size(content: int, recipients: int) -> None:
    out = io.BytesIO()
    keys = [age.new_hybrid().recipient for _ in range(recipients)]
    with age.encrypting(out, keys) as sealed:
        header = out.tell() - sizes.NONCE
        sealed.write(bytes(sizes.plain_size(content, header)))
    assert len(out.getvalue()) == sizes.file_size(content)
