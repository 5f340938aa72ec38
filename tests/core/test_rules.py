"""What the person keeps out, by name and by text: it only ever narrows, however a title is written."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.events import Category, Focus, Rect, Verdict, Window
from capture_agent.core.intervals import Intervals
from capture_agent.core.never import folded
from capture_agent.core.privacy import Gate
from capture_agent.core.rules import Rules

ALL = frozenset(Category)
PLACE = Rect(0, 0, 10, 10)
NAMES = st.sampled_from(["editor", "terminal", "browser", "desktop", "", "new"])
TEXTS = st.sampled_from(["bank", "doctor", "a b", "my", "straße"])

windows = st.builds(
    Window,
    st.integers(1, 3),
    NAMES,
    st.lists(st.sampled_from(["My bank", "STRASSE", "Doctor", "a  b", "– Mozilla Firefox Private Browsing", "x"])).map(
        " ".join
    ),
    st.just(PLACE),
    st.just(PLACE),
    st.none() | st.integers(1, 2),
    st.lists(NAMES, max_size=2).map(tuple),
)
rules = st.builds(
    Rules,
    st.just(ALL),
    st.frozensets(NAMES),
    st.frozensets(NAMES, max_size=2),
    st.none() | st.integers(1, 2),
    st.frozensets(st.integers(1, 3), max_size=1),
    st.frozensets(TEXTS.map(folded), max_size=2),
)


@pytest.mark.promise("P8")
@given(windows, rules, st.frozensets(NAMES), st.frozensets(TEXTS.map(folded)))
def test_no_rule_lets_through_what_was_kept_out_without_it(window, before, names, texts):
    after = replace(before, excluded=before.excluded | names, titles=before.titles | texts)
    assert after.judge(window) is Verdict.SENSITIVE or after.judge(window) is before.judge(window)


@pytest.mark.promise("P8")
@given(windows, rules, rules)
def test_rules_that_also_keep_out_what_others_do_let_through_nothing_more_and_nothing_of_that(window, one, other):
    both = one.keeping_out(other)
    if both.judge(window) is Verdict.CLEAR:
        assert one.judge(window) is Verdict.CLEAR
        assert not {window.app, *window.aliases} & other.excluded
        assert not any(text in folded(window.title) for text in other.titles)
    assert (both.categories, both.apps) == (one.categories, one.apps)


FORMS = (
    *(lambda text, form=form: unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")),
    str.casefold,
    str.upper,
    str.lower,
    str.title,
    "\u00ad".join,  # soft hyphens, which nobody sees
    lambda text: text.replace(" ", "\u00a0"),
)
# Without the dotless i: its capital is that of another letter.
letters = st.characters(categories=("L", "N", "P", "S", "Zs"), max_codepoint=0x24F, exclude_characters="ı")


@pytest.mark.promise("P8")
@given(st.text(letters, min_size=3).filter(lambda text: len(folded(text)) > 2), st.lists(st.sampled_from(FORMS)))
def test_a_text_is_found_in_a_title_in_whatever_case_and_form(text, forms):
    shown = text
    for form in forms:
        shown = form(shown)
    kept_out = Rules(ALL, frozenset({"editor"}), titles=frozenset({folded(text)}))
    window = Window(1, "editor", f"Inbox – {shown} – Mail", PLACE, PLACE)
    assert kept_out.judge(window) is Verdict.SENSITIVE
    assert kept_out.judge(replace(window, title="Inbox – Mail")) is Verdict.CLEAR or folded(text) in "inbox – mail"


@pytest.mark.promise("P8")
def test_a_window_that_takes_such_a_title_is_out_from_then_on_and_its_title_is_nowhere():
    gate = Gate(Rules(ALL, frozenset({"editor"}), titles=frozenset({"bank"})))
    always = Intervals().open(0).mark(400_000)
    window = Window(1, "editor", "A letter", PLACE, PLACE)
    gate, seen = gate.observe(Focus(0, window)).clear(Focus(0, window), always)
    assert [one.event.window for one in seen.cleared] == [window]
    _, seen = gate.clear(Focus(1, replace(window, title="A letter to my BANK")), always)
    assert [one.event.window for one in seen.cleared] == [None]
