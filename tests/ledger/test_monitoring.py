from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.events import Category
from capture_agent.core.policy import MonitoringLaw
from capture_agent.ledger.monitoring import PLACES, build, parse
from capture_agent.ledger.templates import LANGUAGES, IncompleteError, template
from capture_agent.settings import read_policy

STUDY = read_policy(Path(__file__).parents[2] / "config.example.toml").policy
LANGUAGE = st.sampled_from(LANGUAGES)


def text_of(language: str) -> str:
    return (files("capture_agent.ledger") / "texts" / f"monitoring.{language}.toml").read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_who_what_and_by_which_law_and_that_it_is_no_consent(language: str) -> None:
    text = build(STUDY, [MonitoringLaw.NEW_YORK], language)
    assert "§ 52-c" in text
    assert "§ 705" not in text
    for said in (STUDY.controller, STUDY.controller_address, STUDY.contact, STUDY.independent_contact):
        assert said in text
    for category in Category:
        assert f"- **{template(language).tables['names'][category]}**" in text
    assert {"en": "is not consent", "de": "keine Einwilligung"}[language] in text


@given(LANGUAGE, st.sampled_from(["controller", "controller_address", "contact", "independent_contact"]))
def test_without_somebody_who_answers_there_is_none(language: str, name: str) -> None:
    with pytest.raises(IncompleteError):
        build(replace(STUDY, **{name: ""}), [MonitoringLaw.DELAWARE], language)


@given(LANGUAGE, st.sampled_from([*PLACES, *MonitoringLaw]))
def test_a_text_that_leaves_anything_out_is_none(language: str, name: str) -> None:
    text = re.sub(rf"^{re.escape(name)} = .*\n", "", text_of(language), flags=re.M)
    assert text != text_of(language)
    with pytest.raises(IncompleteError):
        parse(text, language)
