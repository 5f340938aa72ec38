"""A notice says everything that a person must be told, in every language, or there is none."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.events import Category
from capture_agent.core.language import word_list
from capture_agent.core.policy import TRAINING_PURPOSE, Notice, Policy, Recipient, RecipientKind, Right, widenings
from capture_agent.keys import age
from capture_agent.ledger.notices import own_notices
from capture_agent.ledger.templates import (
    LANGUAGES,
    OWN_ITEMS,
    PLACES,
    TABLES,
    IncompleteError,
    Item,
    build,
    missing_items,
    parse,
    parts,
    template,
)

KEY = age.example_identity().recipient
STUDY = Policy(
    study="s",
    version=1,
    title="Work at a desk",
    controller="The Institute",
    contact="ask@example.org",
    purposes={"research": "Research on work."},
    categories=frozenset(Category),
    recipients=(Recipient("The lab", KEY, RecipientKind.HYBRID, frozenset(Category)),),
    retention_days=90,
    notices=(),
    destination="/srv/inbox",
    controller_address="1 Street, Town",
    independent_contact="officer@example.org",
    complaint_authority="The Authority",
    jurisdiction="Exampleland",
    storage="A server in Town",
    consent_months=5,
    dpia="DPIA 1",
    agreement="Vote 2",
)
LANGUAGE = st.sampled_from(LANGUAGES)
# What the policy must say, and what stands for "it does not".
REQUIRED: dict[str, Any] = {
    "title": "",
    "controller": "",
    "controller_address": "",
    "contact": " ",
    "independent_contact": "",
    "complaint_authority": "",
    "jurisdiction": "",
    "storage": "",
    "purposes": {"research": ""},
    "categories": frozenset(),
    "recipients": (),
    "rights": (),
}


def text_of(language: str) -> str:
    return (files("capture_agent.ledger") / "texts" / f"notice.{language}.toml").read_text("utf-8")


def built(language: str, policy: Policy = STUDY) -> str:
    return build(template(language), policy, policy.purposes, policy.storage)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notice_says_all_that_the_study_said(language: str) -> None:
    text = built(language)
    said = ["Work at a desk", "The Institute", "1 Street, Town", "ask@example.org", "officer@example.org", "90 "]
    said += ["The Authority", "Exampleland", "A server in Town", "Research on work.", "The lab", "/srv/inbox", "5 "]
    said += ["DPIA 1", "Vote 2", age.fingerprint(KEY)]
    assert [one for one in said if one not in text] == []
    assert missing_items(text, language) == ()
    assert "{" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_category_comes_with_an_example_of_what_is_stored(language: str) -> None:
    words = template(language).tables
    for category in Category:
        (line,) = [one for one in built(language).splitlines() if one.startswith(f"- **{words['names'][category]}**")]
        assert words["examples"][category] in line
    only = built(language, replace(STUDY, categories=frozenset({Category.TASKS})))
    assert [c for c in Category if words["examples"][c] in only] == [Category.TASKS]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_training_means_is_said_and_so_is_that_there_is_none(language: str) -> None:
    word = template(language).word
    training = replace(STUDY, purposes={**STUDY.purposes, TRAINING_PURPOSE: "To train."})
    for policy, said, not_said in [(training, "", "no_"), (STUDY, "no_", "")]:
        text = built(language, policy)
        for one in ("training", "training_afterwards"):
            assert word(f"{said}{one}") in text
            assert word(f"{not_said}{one}") not in text
    assert word(TRAINING_PURPOSE) in build(template(language), training, STUDY.purposes, "x")


@given(LANGUAGE, st.sampled_from(sorted(REQUIRED)))
def test_a_study_that_leaves_anything_out_has_no_notice(language: str, name: str) -> None:
    with pytest.raises(IncompleteError):
        built(language, replace(STUDY, **{name: REQUIRED[name]}))


@given(LANGUAGE, st.sampled_from(Item), st.data())
def test_a_text_that_leaves_anything_out_is_no_template(language: str, item: Item, draw: st.DataObject) -> None:
    text = text_of(language)
    section = tomllib.loads(text)[item]
    what = draw.draw(st.sampled_from(["section", "heading", "text", *sorted(PLACES[item])]))
    match what:
        case "section":
            text = re.sub(rf'^\[{item}\]\nheading = .*?\ntext = """.*?"""\n', "", text, flags=re.M | re.S)
        case "heading":
            text = text.replace(f'heading = "{section["heading"]}"', 'heading = " "')
        case "text":
            text = text.replace(section["text"], "")
        case place:
            text = text.replace(section["text"], section["text"].replace(f"{{{place}}}", "it"))
    assert text != text_of(language)
    with pytest.raises(IncompleteError) as caught:
        parse(text, language)
    assert item in dict(caught.value.missing)


@given(LANGUAGE, st.sampled_from(sorted(TABLES)), st.data())
def test_a_text_that_leaves_a_word_out_is_no_template(language: str, table: str, draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(sorted(TABLES[table])))
    start = text_of(language).index(f"\n[{table}]")
    before, after = text_of(language)[:start], text_of(language)[start:]
    text = before + re.sub(rf"^{re.escape(name)} = .*\n", "", after, count=1, flags=re.M)
    assert text != text_of(language)
    with pytest.raises(IncompleteError) as caught:
        parse(text, language)
    assert (table, name) in caught.value.missing


def test_all_languages_say_the_same_in_the_same_order() -> None:
    first, *others = [template(language) for language in LANGUAGES]
    for other in others:
        assert list(other.sections) == list(first.sections)
        for item in Item:
            lines = [one.sections[item].text.count("\n- ") for one in (first, other)]
            assert lines[0] == lines[1], item


def test_a_study_in_its_own_words_must_have_every_heading_with_something_below() -> None:
    whole = built("en")
    for item, section in template("en").sections.items():
        assert missing_items(whole.replace(f"## {section.heading}", "## Else"), "en") == (item,)
        empty = whole.replace(f"## {section.heading}", f"## {section.heading}\n\n## Else")
        assert missing_items(empty, "en") == (item,)
    assert missing_items("```\n" + whole + "```\n", "en") == tuple(Item)
    assert missing_items(re.sub(r"^## (.*)$", r"### *\1:* ##", whole, flags=re.M).upper(), "en") == ()


def test_what_is_recorded_for_oneself_is_told_as_completely() -> None:
    for notice in own_notices():
        assert missing_items(notice.text, notice.locale, OWN_ITEMS) == ()
        mark = template(notice.locale).word("example", example="")
        examples = [line for line in notice.text.splitlines() if line.startswith("- **") and mark in line]
        assert len(examples) == len(Category)


def test_only_a_change_that_asks_for_more_makes_a_built_notice_ask_again() -> None:
    def at(policy: Policy) -> Policy:
        made = [
            Notice(one, 1, built(one, policy), parts(template(one), policy, policy.purposes, policy.storage))
            for one in LANGUAGES
        ]
        return replace(policy, notices=tuple(made))

    agreed = at(replace(STUDY, purposes={"research": "Research.", "teaching": "Teaching."}))
    for narrower in (
        {"retention_days": 30},
        {"categories": frozenset({Category.TASKS})},
        {"purposes": {"research": "Research."}},
        {"destination": None},
    ):
        assert widenings(agreed, at(replace(agreed, **narrower))) == ()  # type: ignore[arg-type]
    for other in ({"contact": "other@example.org"}, {"storage": "Elsewhere"}, {"purposes": {"research": "All."}}):
        found = {one.what for one in widenings(agreed, at(replace(agreed, **other)))}  # type: ignore[arg-type]
        assert {"notice (en)", "notice (de)"} <= found
    fewer = at(replace(agreed, rights=(Right.ACCESS,)))
    assert {one.what for one in widenings(agreed, fewer)} == {"right"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_notices_call_things_as_the_windows_do(language: str) -> None:
    own = {notice.locale: notice.text for notice in own_notices()}[language]
    for sentence, texts in (
        ("Opt out and &delete…", (built(language), own)),
        ("&What is recorded", (built(language),)),
    ):
        called = word_list(language).get(sentence, sentence).replace("&", "")
        assert all(f"*{called}*" in text for text in texts)
    keyboard = ("Keyboard", "Keyboard, shortcuts only", "Keyboard, counts only")
    for sentence, category in zip((*keyboard, "Mouse", "Windows", "Screen", "Tasks"), Category, strict=True):
        assert template(language).tables["names"][category] == word_list(language).get(sentence, sentence)
