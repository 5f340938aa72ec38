"""Secrets that have a form are found in ordinary text, and ordinary text is left alone."""

from itertools import pairwise
from pathlib import Path

import pytest

from capture_agent.core.scrub import MASK, scrub, secrets_in

FOLDER = Path(__file__).parent / "scrub"
ROOT = Path(__file__).parents[2]
LEAST_CLEAN = 0.99


def secret_corpus():
    for line in (FOLDER / "secrets.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            kind, text, secret = line.replace("|", "").replace("\\n", "\n").split("\t")
            yield pytest.param(text, secret, id=f"{kind}-{text[:24]}")


def clean_corpus():
    """Ordinary text by hand, and the project's own code and prose."""
    files = [FOLDER / "clean.txt", *sorted((ROOT / "capture_agent").rglob("*.py")), *sorted(ROOT.glob("*.md"))]
    files += [*sorted((ROOT / "docs").glob("*.md")), ROOT / "LICENSE"]
    return [line for file in files for line in file.read_text("utf-8").splitlines() if line.strip()]


@pytest.mark.parametrize(("text", "secret"), list(secret_corpus()))
def test_nothing_of_a_secret_is_left(text, secret):
    left = scrub(text)
    assert MASK in left
    assert not any(secret[n : n + 6] in left for n in range(max(1, len(secret) - 5)))


def test_ordinary_text_and_code_are_left_alone():
    lines = clean_corpus()
    assert len(lines) > 10_000
    hit = [line for line in lines if scrub(line) != line]
    assert 1 - len(hit) / len(lines) >= LEAST_CLEAN, hit
    own = [line for line in (FOLDER / "clean.txt").read_text("utf-8").splitlines() if scrub(line) != line]
    assert own == []


def test_a_mask_says_nothing_of_what_it_stands_for():
    assert scrub("password=abcdef1") == scrub("password=abcdefghijkl123456") == f"password={MASK}"
    assert scrub("a password=abcdef1 and 4111 1111 1111 1111.") == f"a password={MASK} and {MASK}."


def test_spans_are_in_order_and_disjoint():
    text = "password=4111111111111111 sk-" + "a1" * 20
    spans = secrets_in(text)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_the_longest_title_takes_no_long_time():
    for text in ("1 ", "DE11", "a", "password=", "eyJ", "-----BEGIN RSA PRIVATE KEY", "x://", "x://a:"):
        scrub(text * (4096 // len(text)))  # four times as long as the longest that is kept


def test_a_number_is_found_whatever_follows_it():
    assert scrub("4111 1111 1111 1111 12 27 123") == f"{MASK} 12 27 123"
    assert scrub("GB82 WEST 1234 5698 7654 32 AND MORE") == f"{MASK} AND MORE"
