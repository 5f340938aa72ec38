from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_PURPOSE, OWN_STUDY, TRAINING_PURPOSE, Policy, Recipient, RecipientKind
from capture_agent.keys import age, dsse
from capture_agent.keys.vault import Vault
from capture_agent.ledger.notices import own_notices, own_policy
from capture_agent.ledger.receipt_html import html
from capture_agent.ledger.receipt_json import accepted, decisions, receipt, schema
from capture_agent.ledger.receipt_jsonld import jsonld
from capture_agent.ledger.receipts import accepted_body, asked_body, offered_keys, refused_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = own_policy()
TICKED = {(OWN_PURPOSE, Category.SCREEN), (OWN_PURPOSE, Category.TASKS)}
PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas" / "consent-receipt.schema.json"
EVERYTHING = frozenset(Category)
STUDY = Policy(
    "work", 7, "Work & <desk>", "The Institute", "ask@example.org",
    {"research": "Research.", TRAINING_PURPOSE: "To train models."}, EVERYTHING,
    (Recipient("The lab", age.example_identity().recipient, RecipientKind.HYBRID, EVERYTHING),), 90, own_notices(),
    destination="/srv/inbox", controller_address="1 Street", independent_contact="officer@example.org",
    complaint_authority="The Authority", jurisdiction="DE", storage="A server in Town", consent_months=5,
    dpia="DPIA 1", agreement="Vote 2",
)  # fmt: skip
AGREED = {("research", Category.SCREEN), ("research", Category.TASKS)}
# What is done one after another: each kind of decision there is, in a study that asks for everything.
STORY: list[tuple[Kind, dict[str, object]]] = [
    (Kind.ASKED, asked_body(STUDY)),
    (Kind.REFUSED, refused_body(STUDY)),
    (Kind.ASKED, asked_body(STUDY)),
    (Kind.ACCEPTED, accepted_body(STUDY, AGREED, {"xterm"}, "de", "Was <gezeigt> wurde\nZeile 2")),
    (Kind.EXPIRED, {}),
    (Kind.ASKED, asked_body(STUDY)),
    (Kind.ACCEPTED, accepted_body(STUDY, AGREED, {"xterm"}, "en", "What was shown")),
    (Kind.ACCEPTED, accepted_body(STUDY, AGREED, {"xterm"}, "en", "What was shown")),
    (Kind.WITHDRAWN, {"keys": [["research", "screen"]]}),
    (Kind.INVALIDATED, {"widened": []}),
    (Kind.WITHDRAWN, {"method": "opt out"}),
    (Kind.LEFT, {}),
]
STATES = ["Refused", "Given", "Expired", "Given", "RenewedGiven", "Withdrawn", "Invalidated", "Withdrawn", "Withdrawn"]


@pytest.fixture
def story(load: Callable[[], Ledger], tmp_path: Path, secrets: Any) -> list[dict[str, Any]]:
    """The receipts of `STORY`, as they are read from JSON."""
    ledger = load()
    for kind, body in STORY:
        ledger.append(kind, STUDY.study, body, NOW)
    vault = Vault(tmp_path / "profile" / "vault", secrets)
    key = vault.signing_key(STUDY.study).public
    found = [receipt(one, "quiet-otter", key) for one in decisions(ledger.entries, STUDY.study)]
    loaded: list[dict[str, Any]] = json.loads(json.dumps(found))
    return loaded


def test_every_decision_has_a_receipt_that_fits_the_schema(story: list[dict[str, Any]]) -> None:
    validator = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())
    for one in story:
        assert list(map(str, validator.iter_errors(one))) == []
    assert [one["event"]["event_state"] for one in story] == STATES
    assert len({one["receipt_id"] for one in story}) == len(story)


def test_the_schema_is_published_and_lets_nothing_else_pass(story: list[dict[str, Any]]) -> None:
    assert json.loads(PUBLISHED.read_text("utf-8")) == schema()
    validator = jsonschema.Draft202012Validator(schema())
    assert not validator.is_valid(story[0] | {"more": 1})
    for name in story[0]:
        assert not validator.is_valid({key: value for key, value in story[0].items() if key != name})


def test_a_receipt_has_the_fields_that_27560_and_the_gdpr_want(story: list[dict[str, Any]]) -> None:
    yes = story[1]
    research, training = yes["pii_processing"]
    assert research["purpose"] == "research"
    assert {one["pii_type"]: one["consent_state"] for one in research["pii_information"]} == {
        "keyboard": "Refused", "shortcuts": "Refused", "counts": "Refused",
        "pointer": "Refused", "windows": "Refused", "screen": "Given", "tasks": "Given",
    }  # fmt: skip
    assert {one["consent_state"] for one in training["pii_information"]} == {"Refused"}
    assert research["lawful_basis"] == "consent"
    assert research["storage_locations"] == ["A server in Town", "/srv/inbox"]
    assert (research["retention_period"], research["jurisdictions"]) == ("P90D", ["DE"])
    assert (research["impact_assessment"], research["agreement"]) == ("DPIA 1", "Vote 2")
    assert len(research["privacy_rights"]) == 7
    assert "Opt out" in research["withdrawal_method"]
    parties = {one["party_id"]: one for one in yes["party_identification"]}
    assert (parties["controller"]["party_name"], parties["controller"]["party_address"]) == (
        "The Institute",
        "1 Street",
    )
    assert parties["independent-contact"]["party_contact"] == "officer@example.org"
    assert parties[research["authority_party"]]["party_name"] == "The Authority"
    (reader,) = research["recipient_third_parties"]
    assert parties[reader]["fingerprint"] == age.fingerprint(age.example_identity().recipient)
    assert yes["event"]["event_time"] == "2026-11-23T12:00:00+00:00"
    assert (yes["event"]["validity_duration"], yes["event"]["entity_id"]) == ("P5M", "quiet-otter")
    assert yes["privacy_notice"]["text"] == "Was <gezeigt> wurde\nZeile 2"
    assert yes["privacy_notice"]["sha256"] == hashlib.sha256(b"Was <gezeigt> wurde\nZeile 2").hexdigest()
    assert yes["programs"] == ["xterm"]


def test_who_withdraws_gets_a_receipt_of_what_was_agreed_and_is_no_more(story: list[dict[str, Any]]) -> None:
    gone = story[-2]
    assert gone["event"]["event_kind"] == "withdrawn"
    states = {one["consent_state"] for part in gone["pii_processing"] for one in part["pii_information"]}
    assert states == {"Withdrawn"}
    assert gone["party_identification"] == story[1]["party_identification"]
    assert gone["event"]["validity_duration"] is None


def test_who_takes_one_category_back_keeps_the_others(story: list[dict[str, Any]]) -> None:
    research, _training = story[5]["pii_processing"]
    states = {one["pii_type"]: one["consent_state"] for one in research["pii_information"]}
    assert (states["screen"], states["tasks"]) == ("Withdrawn", "RenewedGiven")


def test_the_entry_in_a_receipt_is_signed(story: list[dict[str, Any]]) -> None:
    for one in story:
        signed = one["signature"]["dsse"].encode()
        assert hashlib.sha256(signed).hexdigest() == one["record_id"]
        payload = json.loads(dsse.verify(signed, dsse.LEDGER_ENTRY, [one["signature"]["public_key"]]).payload)
        assert payload["kind"] == one["event"]["event_kind"]


def test_what_a_bundle_rests_on_says_the_same_as_its_receipt(load: Callable[[], Ledger]) -> None:
    ledger = load()
    ledger.append(Kind.ASKED, OWN_STUDY, asked_body(POLICY), NOW)
    body = accepted_body(POLICY, TICKED, {"xterm", "mousepad"}, "de_DE", "Was das Fenster zeigte")
    entry = ledger.append(Kind.ACCEPTED, OWN_STUDY, body, NOW)
    (whole,) = decisions(ledger.entries, OWN_STUDY)
    alone = receipt(accepted(entry), "p", "k")
    assert alone == receipt(whole, "p", "k")
    assert alone["privacy_notice"]["id"] == "myself/de/4"  # type: ignore[index]
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(alone)))
    with pytest.raises(ConsentError):
        accepted(replace(entry, kind=Kind.REFUSED))


def test_a_no_of_an_early_version_has_a_receipt_too(load: Callable[[], Ledger]) -> None:
    ledger = load()
    ledger.append(Kind.ASKED, OWN_STUDY, asked_body(POLICY), NOW)
    ledger.append(Kind.REFUSED, OWN_STUDY, asked_body(POLICY), NOW)
    (no,) = decisions(ledger.entries, OWN_STUDY)
    said = json.loads(json.dumps(receipt(no, "p", "k")))
    jsonschema.Draft202012Validator(schema()).validate(said)
    assert said["party_identification"] == []
    assert "You said no" in html(said, "en")


@pytest.mark.parametrize(("locale", "said"), [("en", "You agreed"), ("de", "Sie haben der Aufnahme zugestimmt")])
def test_a_page_says_it_in_words_and_holds_nothing_from_elsewhere(
    story: list[dict[str, Any]], locale: str, said: str
) -> None:
    page = html(story[1], locale)
    assert said in page
    assert f'<html lang="{locale}">' in page
    assert "Work &amp; &lt;desk&gt;" in page
    assert "Was &lt;gezeigt&gt; wurde<br>" in page
    assert "The Institute" in page
    assert age.fingerprint(age.example_identity().recipient) in page
    for outside in ("<script", "<img", "<link", "http://", "https://", "url(", "@import", "<gezeigt>"):
        assert outside not in page
    assert html(story[1]) == html(story[1], "de")  # without a language, that of the notice


def test_how_to_take_it_back_is_said_as_long_as_there_is_something_to_take_back(story: list[dict[str, Any]]) -> None:
    says = ["How to take it back" in html(one, "en") for one in story]
    assert says == [state in {"Given", "RenewedGiven"} or n == 5 for n, state in enumerate(STATES)]


def test_every_decision_can_be_read_in_every_language(story: list[dict[str, Any]]) -> None:
    for one in story:
        assert "{" not in html(one, "de").partition("</style>")[2]
        assert html(one, "de") != html(one, "en")


@pytest.mark.promise("P1")
def test_more_than_is_offered_cannot_be_accepted() -> None:
    narrow = replace(POLICY, categories=frozenset({Category.SCREEN}), apps=frozenset({"xterm"}))
    accepted_body(narrow, offered_keys(narrow), {"xterm", "desktop"}, "en", "")
    with pytest.raises(ConsentError):
        accepted_body(narrow, TICKED, {"xterm"}, "en", "")
    with pytest.raises(ConsentError):
        accepted_body(narrow, [("another purpose", Category.SCREEN)], {"xterm"}, "en", "")
    with pytest.raises(ConsentError):
        accepted_body(narrow, [], {"xterm", "mousepad"}, "en", "")


def test_what_is_not_ticked_is_refused() -> None:
    body = accepted_body(POLICY, [], [], "en", "")
    assert body["agreed"] == []
    assert len(body["refused"]) == len(Category)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["keyboard", "shortcuts", "counts"])
def test_a_receipt_says_in_each_form_how_much_of_the_keyboard_was_agreed_to(
    load: Callable[[], Ledger], mode: str
) -> None:
    ledger = load()
    keys = [("research", Category(mode))]
    ledger.append(Kind.ASKED, STUDY.study, asked_body(STUDY), NOW)
    ledger.append(Kind.ACCEPTED, STUDY.study, accepted_body(STUDY, keys, {"xterm"}, "en", "shown"), NOW)
    (decision,) = decisions(ledger.entries, STUDY.study)
    made: Any = json.loads(json.dumps(receipt(decision, "quiet-otter", "key")))
    states = {one["pii_type"]: one["consent_state"] for one in made["pii_processing"][0]["pii_information"]}
    assert {name for name, state in states.items() if state == "Given"} == {mode}
    names = {"keyboard": "Keyboard", "shortcuts": "Keyboard, shortcuts only", "counts": "Keyboard, counts only"}
    assert f">{names[mode]}</th><td>yes</td>" in html(made, "en")
    given = [one for one in jsonld(made)["hasProcess"] if one["@id"].endswith(":Given")]
    assert f"urn:capture-agent:category:{mode}" in json.dumps(given)
