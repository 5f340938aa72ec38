from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.consent import State
from capture_agent.core.errors import ConsentError, VerificationError
from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_PURPOSE, OWN_STUDY
from capture_agent.core.schedule import parse
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipts import accepted_body, asked_body, offered_keys
from capture_agent.ledger.standing import CLOSES, Entry, Kind, Standing, fold, keys_of, keys_to_json, open_intents

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = own_policy()
KEYBOARD = (OWN_PURPOSE, Category.KEYBOARD)
BODIES = {
    Kind.ASKED: asked_body(POLICY),
    Kind.REFUSED: asked_body(POLICY),
    Kind.SCHEDULED: {"schedule": "mon-fri 09:00-17:00"},
    Kind.SHARING_ITSELF: {"days": 3},
    Kind.ACCEPTED: accepted_body(POLICY, offered_keys(POLICY) - {KEYBOARD}, {"xterm"}, "de", "gezeigt"),
}


def entry(seq: int, kind: Kind, study: str = OWN_STUDY) -> Entry:
    return Entry(seq, study, kind, NOW + timedelta(seconds=seq), BODIES.get(kind, {"intent": 0}), f"{seq:064}", b"")


def after(*kinds: Kind) -> Standing:
    return fold([entry(n, kind) for n, kind in enumerate(kinds, 1)], OWN_STUDY)


@pytest.mark.promise("P1")
@given(st.lists(st.sampled_from([kind for kind in Kind if kind not in {*CLOSES, *CLOSES.values()}]), max_size=25))
def test_nothing_is_permitted_without_a_yes_since_the_last_no(kinds: list[Kind]) -> None:
    """The property of consent itself, over every order in which a record can say things."""
    standing = Standing()
    yes = False
    for n, kind in enumerate(kinds, 1):
        try:
            standing = standing.after(entry(n, kind))
        except ConsentError:
            continue  # refused, so never in a record
        if kind is Kind.ACCEPTED:
            yes = True
        if kind in {Kind.REFUSED, Kind.WITHDRAWN, Kind.EXPIRED, Kind.INVALIDATED, Kind.LEFT}:
            yes = False
        assert bool(standing.categories) == yes
        assert Category.KEYBOARD not in standing.categories, "what was left unticked is never permitted"
        if yes:
            assert standing.policy == POLICY
            assert standing.accepted is not None


def test_withdrawing_is_always_allowed() -> None:
    ways: list[tuple[Kind, ...]] = [
        (),
        (Kind.ASKED,),
        (Kind.ASKED, Kind.ACCEPTED),
        (Kind.ASKED, Kind.REFUSED),
        (Kind.ASKED, Kind.ACCEPTED, Kind.EXPIRED),
    ]
    for way in ways:
        for leaving in (Kind.WITHDRAWN, Kind.LEFT):
            assert after(Kind.JOINED, *way, leaving, leaving).categories == set()


def test_what_was_agreed_to_is_known_until_it_is_withdrawn() -> None:
    agreed = after(Kind.ASKED, Kind.ACCEPTED, Kind.INVALIDATED)
    assert agreed.policy == POLICY, "needed to show what has changed since"
    assert agreed.consent.state(OWN_PURPOSE, Category.SCREEN) is State.INVALIDATED
    withdrawn = after(Kind.ASKED, Kind.ACCEPTED, Kind.WITHDRAWN)
    assert withdrawn.policy is None
    assert withdrawn.apps == set()
    assert withdrawn.consent_hash == ""


def test_when_the_person_said_no_is_known_until_a_yes() -> None:
    assert after(Kind.ASKED, Kind.REFUSED).refused == NOW + timedelta(seconds=2)
    assert after(Kind.ASKED, Kind.REFUSED, Kind.ASKED, Kind.ACCEPTED).refused is None


def test_agreeing_again_renews() -> None:
    again = after(Kind.ASKED, Kind.ACCEPTED, Kind.ASKED, Kind.ACCEPTED)
    assert again.consent.state(OWN_PURPOSE, Category.SCREEN) is State.RENEWED
    assert again.consent_hash == f"{4:064}"


@pytest.mark.promise("P1")
def test_what_is_unticked_when_agreeing_again_is_withdrawn() -> None:
    everything = accepted_body(POLICY, offered_keys(POLICY), [], "en", "shown")
    first = Entry(2, OWN_STUDY, Kind.ACCEPTED, NOW, everything, "", b"")
    standing = fold([entry(1, Kind.ASKED), first], OWN_STUDY)
    assert Category.KEYBOARD in standing.categories
    standing = standing.after(entry(3, Kind.ASKED)).after(entry(4, Kind.ACCEPTED))
    assert standing.categories == set(Category) - {Category.KEYBOARD}
    assert standing.consent.state(*KEYBOARD) is State.WITHDRAWN


def test_other_studies_do_not_count() -> None:
    entries = [entry(1, Kind.ASKED), entry(2, Kind.ACCEPTED), entry(3, Kind.WITHDRAWN, "other")]
    assert fold(entries, OWN_STUDY).categories
    assert fold(entries, "other") == Standing(apps=frozenset())


@given(st.frozensets(st.tuples(st.text(), st.sampled_from(Category))))
def test_pairs_come_back_as_they_were(keys: frozenset[tuple[str, Category]]) -> None:
    assert keys_of({"keys": keys_to_json(keys)}, "keys") == keys


@pytest.mark.parametrize("body", [{}, {"keys": None}, {"keys": [1]}, {"keys": [["a"]]}, {"keys": [["a", "sound"]]}])
def test_pairs_of_unknown_things_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(VerificationError):
        keys_of(body, "keys")


def test_an_intent_is_closed_by_its_own_kind_only() -> None:
    intended = entry(1, Kind.CUT_INTENDED)
    for kind in CLOSES:
        done = Entry(2, OWN_STUDY, kind, NOW, {"intent": 1}, "", b"")
        if kind in {Kind.CUT, Kind.CUT_UNDONE}:
            assert open_intents([intended, done]) == ()
        else:
            with pytest.raises(VerificationError):
                open_intents([intended, done])
    assert open_intents([intended]) == (intended,)


def test_hours_are_chosen_until_they_are_taken_back_or_the_person_says_no() -> None:
    hours = parse("mon-fri 09:00-17:00")
    assert after(Kind.SCHEDULED).schedule == hours
    assert after(Kind.SCHEDULED).categories == frozenset()
    assert after(Kind.SCHEDULED, Kind.UNSCHEDULED).schedule is None
    for no in (Kind.REFUSED, Kind.WITHDRAWN, Kind.LEFT):
        assert after(Kind.ASKED, Kind.ACCEPTED, Kind.SCHEDULED, Kind.ASKED, no).schedule is None
    assert after(Kind.ASKED, Kind.ACCEPTED, Kind.SCHEDULED, Kind.ASKED, Kind.ACCEPTED).schedule == hours
    assert (after(Kind.WAKING).waking, after(Kind.WAKING, Kind.NOT_WAKING).waking) == (True, False)
    assert (after(Kind.SHARED).shared, after(Kind.SHARED, Kind.UNSHARED).shared) == (True, False)
    wrong = replace(entry(1, Kind.SCHEDULED), body={"schedule": "always"})
    with pytest.raises(VerificationError):
        Standing().after(wrong)


@pytest.mark.promise("P4")
def test_sharing_by_itself_is_over_with_what_was_agreed_and_never_given_by_a_yes() -> None:
    agreed = (Kind.ASKED, Kind.ACCEPTED)
    assert after(*agreed).hold_days is None
    assert after(*agreed, Kind.SHARING_ITSELF).hold_days == 3
    assert after(*agreed, Kind.SHARING_ITSELF, Kind.ASKED, Kind.ACCEPTED).hold_days == 3
    for over in (Kind.SHARING_BY_HAND, Kind.EXPIRED, Kind.INVALIDATED, Kind.WITHDRAWN, Kind.LEFT):
        assert after(*agreed, Kind.SHARING_ITSELF, over).hold_days is None
        assert after(*agreed, Kind.SHARING_ITSELF, over, *agreed).hold_days is None
    assert after(Kind.SHARING_ITSELF).categories == frozenset()
    for days in (0, -1, True, "3", None):
        with pytest.raises(VerificationError):
            Standing().after(replace(entry(1, Kind.SHARING_ITSELF), body={"days": days}))


def test_every_kind_of_entry_is_explained() -> None:
    text = (Path(__file__).parents[2] / "docs" / "consent.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {kind for kind in Kind if not any(f"`{kind.value}`" in row for row in rows)} == set()
