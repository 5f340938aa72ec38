from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.errors import VerificationError
from capture_agent.core.events import Category
from capture_agent.core.policy import (
    LegalBasis,
    Monitoring,
    MonitoringLaw,
    Notice,
    Policy,
    Recipient,
    RecipientKind,
    Right,
    widenings,
)
from capture_agent.core.schedule import parse
from capture_agent.keys import age
from capture_agent.keys.strict_json import canonical_json, strict_json
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.snapshot import policy_from_json, policy_to_json

KEYS = [age.new_classical().recipient, age.example_identity().recipient]
CATEGORIES = st.frozensets(st.sampled_from(Category))
TEXT = st.text(max_size=20)
POLICIES = st.builds(
    Policy,
    study=TEXT,
    version=st.integers(0, 10**6),
    title=TEXT,
    controller=TEXT,
    contact=TEXT,
    purposes=st.dictionaries(TEXT, TEXT, max_size=3),
    categories=CATEGORIES,
    recipients=st.lists(
        st.builds(Recipient, TEXT, st.sampled_from(KEYS), st.sampled_from(RecipientKind), CATEGORIES, st.booleans()),
        max_size=2,
    ).map(tuple),
    retention_days=st.integers(1, 3650),
    notices=st.lists(st.builds(Notice, TEXT, st.integers(1, 9), TEXT), max_size=2).map(tuple),
    apps=st.none() | st.frozensets(TEXT, max_size=3),
    tasks=st.lists(TEXT, max_size=3).map(tuple),
    destination=st.none() | TEXT,
    max_fps=st.integers(1, 30),
    max_held_mb=st.integers(10, 5000),
    min_hold_days=st.integers(1, 90),
    schedule=st.none() | st.sampled_from([parse("mon-fri 09:00-17:00"), parse("sat,sun 22:00-06:00")]),
    expires=st.none() | st.datetimes(timezones=st.just(UTC)),
    enabled=st.booleans(),
    controller_address=TEXT,
    independent_contact=TEXT,
    complaint_authority=TEXT,
    jurisdiction=TEXT,
    storage=TEXT,
    legal_basis=st.sampled_from(LegalBasis),
    rights=st.lists(st.sampled_from(Right), unique=True).map(tuple),
    consent_months=st.integers(1, 6),
    dpia=TEXT,
    agreement=TEXT,
    monitoring=st.none()
    | st.builds(
        Monitoring,
        st.lists(st.sampled_from(MonitoringLaw), unique=True).map(tuple),
        st.lists(st.builds(Notice, TEXT, st.integers(1, 9), TEXT), max_size=2).map(tuple),
        st.booleans(),
    ),
)
# Records of before these existed do not have them.
LATER = {
    "independent_contact", "complaint_authority", "jurisdiction", "legal_basis", "rights", "storage",
    "consent_months", "dpia", "agreement", "monitoring", "schedule", "max_held_mb", "min_hold_days",
}  # fmt: skip


@pytest.mark.promise("P7")
@given(POLICIES)
def test_a_policy_comes_back_from_the_record_as_it_was_agreed_to(policy: Policy) -> None:
    assert policy_from_json(strict_json(canonical_json(policy_to_json(policy)))) == policy


@pytest.mark.promise("P7")
def test_what_an_admin_adds_later_shows_against_the_record() -> None:
    agreed = policy_from_json(json.loads(json.dumps(policy_to_json(own_policy()))))
    assert widenings(agreed, own_policy()) == ()
    assert [one.what for one in widenings(agreed, replace(own_policy(), retention_days=31))] == ["days kept"]
    assert [one.what for one in widenings(agreed, replace(own_policy(), destination="s3://x"))] == ["destination"]


def test_a_record_of_before_a_study_told_more_still_reads_and_asks_for_nothing_again() -> None:
    stored = policy_to_json(own_policy())
    before = {key: value for key, value in stored.items() if key not in LATER}
    before["controller"] = {"name": "You", "contact": ""}
    assert policy_from_json(before) == own_policy()


def test_a_recipient_stands_in_the_record_with_its_nine_words() -> None:
    me = age.new_hybrid()
    (stored,) = policy_to_json(own_policy(me.recipient))["recipients"]  # type: ignore[misc, attr-defined]
    assert stored["fingerprint"] == age.fingerprint(me.recipient)


@given(st.data())
def test_a_damaged_policy_is_refused(draw: st.DataObject) -> None:
    stored = policy_to_json(replace(own_policy(), expires=datetime(2027, 1, 1, tzinfo=UTC)))
    name = draw.draw(st.sampled_from(sorted(set(stored) - {"enabled"})))
    wrong = draw.draw(st.sampled_from([{}, 1.5, [[]], object(), *([] if name in LATER else ["gone"])]))
    damaged = {key: value for key, value in stored.items() if key != name or wrong != "gone"} | (
        {} if wrong == "gone" else {name: wrong}
    )
    if name == "purposes" and wrong == {}:
        return  # no purpose at all is a policy, too
    with pytest.raises(VerificationError):
        policy_from_json(damaged)
