from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.keys import bech32


@given(st.binary(max_size=1300), st.sampled_from(["age", "age1pq", "age-secret-key-pq-"]))
def test_what_is_encoded_decodes_to_the_same(data: bytes, prefix: str) -> None:
    assert bech32.decode(bech32.encode(prefix, data)) == (prefix, data)
    assert bech32.decode(bech32.encode(prefix, data).upper()) == (prefix, data)


def test_the_examples_of_bip_173_decode() -> None:
    assert bech32.decode("A12UEL5L") == ("a", b"")
    assert bech32.decode("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w")[0] == "split"


@pytest.mark.parametrize(
    "text",
    [
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3W",
        "pzry9x0s0muk",
        "1pzry9x0s0muk",
        "x1b4n0q5v",
        "li1dgmt3",
        "A1G7SGD8",
    ],
)
def test_the_counterexamples_of_bip_173_do_not(text: str) -> None:
    with pytest.raises(bech32.Bech32Error):
        bech32.decode(text)


@given(st.binary(min_size=16, max_size=600), st.data())
def test_one_mistyped_character_is_found_where_it_is(data: bytes, draw: st.DataObject) -> None:
    text = bech32.encode("age", data)
    place = draw.draw(st.integers(len("age1"), len(text) - 1))
    other = draw.draw(st.sampled_from([c for c in "qpzry9x8gf2tvdw0s3jn54khce6mua7l" if c != text[place]]))
    with pytest.raises(bech32.Bech32Error, match=rf"character {place + 1} looks wrong"):
        bech32.decode(text[:place] + other + text[place + 1 :])


@given(st.binary(min_size=1, max_size=40), st.text(max_size=60))
def test_anything_else_is_refused_with_our_error_and_never_repeated(data: bytes, text: str) -> None:
    for candidate in (text, bech32.encode("age", data) + text):
        try:
            bech32.decode(candidate)
        except bech32.Bech32Error as error:
            assert candidate not in str(error) or len(candidate) < 3
