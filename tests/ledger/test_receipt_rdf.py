"""Receipts as JSON-LD, read by an RDF library that knows nothing of this program, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rdflib import RDF, Graph, Literal, Namespace, URIRef

from capture_agent.core.events import Category
from capture_agent.core.policy import OWN_PURPOSE, OWN_STUDY
from capture_agent.keys.strict_json import strict_json
from capture_agent.ledger.notices import own_policy
from capture_agent.ledger.receipt_json import decisions, receipt
from capture_agent.ledger.receipt_jsonld import context, jsonld
from capture_agent.ledger.receipts import accepted_body, asked_body, refused_body
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.settings import read_policy

# The library's own parser uses a class of its own that it wants nobody to use any more.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
DPV = Namespace("https://w3id.org/dpv#")
GDPR = Namespace("https://w3id.org/dpv/legal/eu/gdpr#")
DCT = Namespace("http://purl.org/dc/terms/")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STUDY = read_policy(Path(__file__).parents[2] / "config.example.toml").policy
AGREED = {("research", Category.SCREEN), ("research", Category.TASKS), ("train-computer-use-models", Category.TASKS)}
# Names of the Data Privacy Vocabulary 2.2 and its GDPR extension, from https://github.com/w3c/dpv at f01a55c3c098.
TERMS = set((Path(__file__).parent / "dpv-2.2-terms.txt").read_text("utf-8").split())


@pytest.fixture
def documents(load: Callable[[], Ledger]) -> list[str]:
    ledger = load()
    for kind, body in [
        (Kind.ASKED, asked_body(STUDY)),
        (Kind.REFUSED, refused_body(STUDY)),
        (Kind.ASKED, asked_body(STUDY)),
        (Kind.ACCEPTED, accepted_body(STUDY, AGREED, {"xterm"}, "en_GB", "What was shown")),
        (Kind.EXPIRED, {}),
        (Kind.WITHDRAWN, {"method": "opt out"}),
    ]:
        ledger.append(kind, STUDY.study, body, NOW)
    found = decisions(ledger.entries, STUDY.study)
    return [json.dumps(jsonld(json.loads(json.dumps(receipt(one, "quiet-otter", "key"))))) for one in found]


def read(text: str) -> tuple[Graph, URIRef]:
    graph = Graph().parse(data=text, format="json-ld")
    (root,) = graph.subjects(RDF.type, DPV.ConsentReceipt)
    assert isinstance(root, URIRef)
    return graph, root


def test_every_decision_is_said_in_the_words_of_the_vocabulary(documents: list[str]) -> None:
    states = []
    for text in documents:
        graph, root = read(text)
        states.append(graph.value(root, DPV.hasConsentStatus))
        names = {term for triple in graph for term in triple if isinstance(term, URIRef)}
        for prefix, space in (("dpv", DPV), ("eu-gdpr", GDPR)):
            used = {f"{prefix}:{name.removeprefix(space)}" for name in names if name.startswith(space)}
            assert used - TERMS == set()
    assert states == [DPV.ConsentRefused, DPV.ConsentGiven, DPV.ConsentExpired, DPV.ConsentWithdrawn]


def test_a_yes_can_be_asked_for_its_purposes_data_and_people(documents: list[str]) -> None:
    graph, root = read(documents[1])
    given = {
        (str(graph.value(purpose, DCT.identifier)), str(graph.value(data, DCT.identifier)))
        for process in graph.objects(root, DPV.hasProcess)
        if (process, DPV.hasConsentStatus, DPV.ConsentGiven) in graph
        for purpose in graph.objects(process, DPV.hasPurpose)
        for data in graph.objects(process, DPV.hasPersonalData)
    }
    assert given == {(purpose, category.value) for purpose, category in AGREED}
    process = next(graph.objects(root, DPV.hasProcess))
    assert (process, DPV.hasLegalBasis, GDPR["A6-1-a"]) in graph
    assert set(graph.objects(process, DPV.hasRight)) == {
        GDPR[a] for a in ("A7-3", "A15", "A16", "A17", "A18", "A20", "A21")
    }
    controller = graph.value(root, DPV.hasDataController)
    assert graph.value(controller, DPV.hasName) == Literal("Example Institute")
    assert graph.value(controller, DPV.hasAddress) == Literal("1 Example Street, Example Town")
    assert graph.value(process, DPV.hasDataController) == controller
    assert graph.value(root, DPV.hasAuthority) is not None
    assert graph.value(root, DPV.hasDataProtectionOfficer) is not None
    assert str(graph.value(root, DPV.isIndicatedAtTime)) == "2026-11-23T12:00:00+00:00"
    notice = graph.value(root, DPV.hasNotice)
    assert graph.value(notice, DCT.description) == Literal("What was shown", lang="en")


def test_whatever_can_be_many_is_an_array_and_no_key_stands_twice(documents: list[str]) -> None:
    many = {name for name, term in context().items() if isinstance(term, dict) and term.get("@container") == "@set"}

    def check(value: Any) -> None:
        if isinstance(value, list):
            for one in value:
                check(one)
        elif isinstance(value, dict):
            for name, one in value.items():
                if name == "@context":
                    continue
                assert name in many or name.startswith("@"), name
                assert isinstance(one, list) or name in {"@id", "@value", "@language"}, name
                check(one)

    for text in documents:
        check(strict_json(text.encode(), "a receipt"))  # refuses repeated keys


def test_recording_for_oneself_has_such_a_receipt_too(load: Callable[[], Ledger]) -> None:
    ledger, policy = load(), own_policy()
    ledger.append(Kind.ASKED, OWN_STUDY, asked_body(policy), NOW)
    body = accepted_body(policy, {(OWN_PURPOSE, Category.SCREEN)}, [], "de", "x")
    ledger.append(Kind.ACCEPTED, OWN_STUDY, body, NOW)
    (one,) = decisions(ledger.entries, OWN_STUDY)
    graph, root = read(json.dumps(jsonld(json.loads(json.dumps(receipt(one, "p", "k"))))))
    assert (root, DPV.hasConsentStatus, DPV.ConsentGiven) in graph


def test_every_short_name_stands_for_something_that_the_vocabulary_has() -> None:
    ids = [term["@id"] for term in context().values() if isinstance(term, dict)]
    assert {name for name in ids if name.startswith(("dpv:", "eu-gdpr:"))} - TERMS == set()
