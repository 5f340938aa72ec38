from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from capture_agent.core.errors import ConsentError
from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_PURPOSE, OWN_STUDY
from capture_agent.keys import dsse
from capture_agent.keys.vault import Vault
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipts import accepted_body, asked_body, offered_keys, receipt
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Entry, Kind

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = own_policy()
TICKED = {(OWN_PURPOSE, Category.SCREEN), (OWN_PURPOSE, Category.TASKS)}


@pytest.fixture
def accepted(load: Callable[[], Ledger]) -> Entry:
    ledger = load()
    ledger.append(Kind.ASKED, OWN_STUDY, asked_body(POLICY), NOW)
    body = accepted_body(POLICY, TICKED, {"xterm", "mousepad"}, "de_DE", "Was das Fenster zeigte")
    return ledger.append(Kind.ACCEPTED, OWN_STUDY, body, NOW)


def test_a_receipt_says_who_what_why_how_long_and_how_to_leave(accepted: Entry, tmp_path: Path, secrets: Any) -> None:
    vault = Vault(tmp_path / "profile" / "vault", secrets)
    key = vault.signing_key(OWN_STUDY).public
    found = json.loads(json.dumps(receipt(accepted, vault.pseudonym(OWN_STUDY), key)))
    assert found["pii_principal_id"] == vault.pseudonym(OWN_STUDY)
    assert found["pii_controllers"] == [{"name": "You", "address": "", "contact": ""}]
    assert found["notice"]["id"] == "myself/de/2"
    assert found["notice"]["text"] == "Was das Fenster zeigte"
    assert found["notice"]["sha256"] == hashlib.sha256(b"Was das Fenster zeigte").hexdigest()
    assert found["notice"]["source_sha256"] == hashlib.sha256(POLICY.notice("de").text.encode()).hexdigest()
    (processing,) = found["processing"]
    assert processing["pii_categories"] == ["screen", "tasks"]
    assert processing["pii_categories_refused"] == ["keyboard", "pointer", "windows"]
    assert processing["retention_period"] == "P30D"
    assert processing["withdrawal_method"]
    assert found["programs"] == ["mousepad", "xterm"]
    assert found["event"]["event_time"] == "2026-11-23T12:00:00+00:00"
    signed = dsse.verify(found["signature"]["dsse"].encode(), dsse.LEDGER_ENTRY, [found["signature"]["public_key"]])
    assert json.loads(signed.payload)["body"] == accepted.body


def test_there_is_no_receipt_for_anything_but_a_yes(accepted: Entry) -> None:
    with pytest.raises(ConsentError):
        receipt(replace(accepted, kind=Kind.REFUSED), "", "")


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
