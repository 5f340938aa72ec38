"""Policies: settings only narrow, and whatever goes beyond what was agreed is found."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from capture_agent.core.events import Category
from capture_agent.core.keyboard import implied
from capture_agent.core.policy import (
    LegalBasis,
    Notice,
    Policy,
    Recipient,
    RecipientKind,
    Right,
    Settings,
    effective,
    widenings,
)
from capture_agent.core.schedule import parse

categories = st.frozensets(st.sampled_from(Category))
names = st.sampled_from(["lab", "uni"])
recipients = st.lists(
    st.builds(
        Recipient, names, st.sampled_from(["age1a", "age1b"]),
        st.just(RecipientKind.CLASSICAL), categories,
    ),
    max_size=2, unique_by=lambda r: r.key,
).map(tuple)  # fmt: skip
policies = st.builds(
    Policy,
    study=st.sampled_from(["s1", "s2"]),
    version=st.integers(1, 3),
    title=st.sampled_from(["A", "B"]),
    controller=st.sampled_from(["Lab", "Uni"]),
    contact=st.just("c@example.org"),
    purposes=st.dictionaries(st.sampled_from(["p", "q"]), st.sampled_from(["x", "y"])),
    categories=categories,
    recipients=recipients,
    retention_days=st.integers(1, 3),
    notices=st.just((Notice("en", 1, "text"),)),
    apps=st.none() | st.frozensets(st.sampled_from(["a", "b"])),
    destination=st.none() | st.sampled_from(["x", "y"]),
    max_fps=st.integers(1, 3),
    controller_address=st.sampled_from(["here", "there"]),
    legal_basis=st.sampled_from([LegalBasis.CONSENT, LegalBasis.CONTRACT]),
    rights=st.lists(st.sampled_from(Right), unique=True).map(tuple),
    consent_months=st.integers(1, 6),
    max_held_mb=st.integers(10, 12),
    min_hold_days=st.integers(1, 3),
    schedule=st.none()
    | st.sampled_from([parse("mon-fri 09:00-17:00"), parse("mon 10:00-12:00"), parse("sat 22:00-06:00")]),
    expires=st.none() | st.sampled_from([datetime(year, 1, 1, tzinfo=UTC) for year in (2030, 2031)]),
)


@st.composite
def pushed(draw):
    """Return a policy and the next one, which changes little: of two that have nothing in common all is different."""
    agreed, other = draw(policies), draw(policies)
    changed = draw(st.sets(st.sampled_from([one.name for one in fields(Policy)]), max_size=3))
    new = replace(agreed, **{name: getattr(other, name) for name in changed})
    if draw(st.booleans()):
        again = [replace(one, name=draw(names), categories=draw(categories)) for one in agreed.recipients]
        new = replace(new, recipients=tuple(again))
    return agreed, new


settings = st.builds(
    Settings,
    st.none() | categories,
    max_fps=st.none() | st.integers(1, 30),
    max_held_mb=st.none() | st.integers(10, 12),
)


@pytest.mark.promise("P7")
@given(policies, settings)
def test_settings_only_narrow(policy, chosen):
    left = effective(policy, chosen)
    assert left.categories <= policy.categories
    assert left.max_fps <= policy.max_fps
    assert left.max_held_mb == min(policy.max_held_mb, chosen.max_held_mb or policy.max_held_mb)


@pytest.mark.promise("P7")
@given(pushed())
@examples(max_examples=1000)
def test_no_widening_means_that_nothing_goes_beyond_what_was_agreed(pair):
    agreed, new = pair
    if widenings(agreed, new):
        return
    assert (new.study, new.title, new.controller) == (agreed.study, agreed.title, agreed.controller)
    assert new.categories <= implied(agreed.categories)
    assert set(new.purposes.items()) <= set(agreed.purposes.items())
    assert (new.controller_address, new.legal_basis) == (agreed.controller_address, agreed.legal_basis)
    assert set(new.rights) >= set(agreed.rights)
    assert new.consent_months <= agreed.consent_months
    assert new.retention_days <= agreed.retention_days
    assert new.max_fps <= agreed.max_fps
    assert new.max_held_mb <= agreed.max_held_mb
    assert new.min_hold_days >= agreed.min_hold_days
    assert new.destination in {None, agreed.destination}
    gets = {(r.key, r.name): r.categories for r in agreed.recipients}
    assert all((r.key, r.name) in gets and r.categories <= implied(gets[r.key, r.name]) for r in new.recipients)
    assert agreed.expires is None or (new.expires is not None and new.expires <= agreed.expires)
    if agreed.schedule is not None:
        assert new.schedule is not None
        assert new.schedule.within(agreed.schedule)
    assert agreed.apps is None or (new.apps is not None and new.apps <= agreed.apps)


@given(policies)
def test_the_same_policy_and_a_narrower_one_widen_nothing(policy):
    assert widenings(policy, policy) == ()
    narrower = replace(policy, categories=frozenset(), recipients=(), destination=None, version=policy.version + 1)
    assert widenings(policy, narrower) == ()


PARTICULARS = {
    "controller_address": "controller's address", "independent_contact": "independent contact",
    "complaint_authority": "complaint authority", "jurisdiction": "jurisdiction", "storage": "storage",
    "dpia": "impact assessment", "agreement": "agreement",
}  # fmt: skip


@pytest.mark.promise("P7")
@pytest.mark.parametrize("name", PARTICULARS)
def test_a_study_that_changes_what_people_were_told_about_it_asks_again(name):
    base = Policy("s", 1, "T", "C", "c", {}, frozenset(), (), 1, (Notice("en", 1, "text"),))
    found = widenings(base, replace(base, **{name: "another"}))
    assert [(w.what, w.was, w.wants) for w in found] == [(PARTICULARS[name], "not there", "another")]


@pytest.mark.promise("P7")
def test_a_changed_notice_is_a_widening_and_says_so():
    base = Policy("s", 1, "T", "C", "c", {}, frozenset(), (), 1, (Notice("en", 1, "old"),))
    found = widenings(base, replace(base, notices=(Notice("en", 2, "new"),)))
    assert [(w.what, w.was, w.wants) for w in found] == [("notice (en)", "version 1", "version 2")]


# One wider value for each field; what is not here is said to be harmless, with the reason.
WIDER = {
    "study": "another",
    "title": "Another",
    "controller": "Somebody else",
    "purposes": {"p": "something else"},
    "categories": frozenset(Category),
    "recipients": (Recipient("lab", "age1c", RecipientKind.CLASSICAL, frozenset()),),
    "retention_days": 99,
    "notices": (Notice("en", 2, "another text"),),
    "apps": None,
    "destination": "/elsewhere",
    "max_fps": 30,
    "expires": None,
    "controller_address": "elsewhere",
    "independent_contact": "somebody else",
    "complaint_authority": "another one",
    "jurisdiction": "elsewhere",
    "storage": "elsewhere",
    "legal_basis": "other",
    "rights": (),
    "consent_months": 6,
    "dpia": "another",
    "agreement": "another",
    "schedule": None,
    "max_held_mb": 11,
    "min_hold_days": 1,
}
HARMLESS = {
    "version": "counts only",
    "contact": "whom to ask; nobody reads more than before",
    "tasks": "suggestions; tasks that are recorded are a category",
    "enabled": "switching off narrows, and switching on resumes nothing",
    "monitoring": "an event of its own, which enables no capture",
}


@pytest.mark.promise("P7")
@pytest.mark.parametrize("name", sorted(one.name for one in fields(Policy)))
def test_every_field_of_a_policy_is_either_compared_or_known_to_be_harmless(name):
    """A new field has to be put into one of the two, before it can change behind somebody's back."""
    agreed = Policy(
        "s", 1, "T", "C", "c", {"p": "x"}, frozenset(), (), 1, (Notice("en", 1, "old"),), apps=frozenset({"a"}),
        expires=datetime(2030, 1, 1, tzinfo=UTC), max_fps=1, consent_months=1, storage="here", dpia="one",
        schedule=parse("mon-fri 09:00-17:00"), max_held_mb=10, min_hold_days=2,
    )  # fmt: skip
    assert (name in WIDER) != (name in HARMLESS)
    if name in WIDER:
        (found, *_) = widenings(agreed, replace(agreed, **{name: WIDER[name]}))
        assert found.was
        assert found.wants
        assert found.was != found.wants
