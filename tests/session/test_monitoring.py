"""A monitoring notice is acknowledged beside consent, and changes nothing about what may be recorded."""

from dataclasses import replace

import pytest
from small_world import ALL, STUDY

from capture_agent.core.errors import ConsentError
from capture_agent.core.policy import Monitoring, MonitoringLaw, Notice
from capture_agent.ledger.standing import Kind

NOTICE = Monitoring((MonitoringLaw.NEW_YORK,), (Notice("en", 1, "Told."), Notice("de", 1, "Gesagt.")))
WATCHED = replace(STUDY, monitoring=NOTICE)


def joined(person, study=WATCHED):
    person.world.study = study
    person.agent.join("study.toml")
    return person.agent


@pytest.mark.promise("P1")
def test_acknowledging_a_monitoring_notice_enables_no_capture(person):
    agent = joined(person)
    before = agent.snapshot()
    agent.acknowledge("en", "Told, as shown.")
    after = agent.snapshot()
    assert (before.acknowledge, after.acknowledge) == (True, False)
    assert replace(after, acknowledge=True) == before
    with pytest.raises(ConsentError):
        agent.start()
    person.tick()
    assert person.world.started == []
    assert agent._agreement.standing.consent.states == {}


@pytest.mark.promise("P1")
def test_it_brings_no_consent_back_that_was_refused_or_withdrawn(person):
    agent = joined(person)
    agent.asked()
    agent.refuse()
    agent.acknowledge("en", "Told.")
    assert agent.snapshot().consented == frozenset()
    assert agent.snapshot().refused
    agent = person.crash()
    assert not agent._agreement.standing.consent.permitting()
    with pytest.raises(ConsentError):
        agent.start()
    assert person.world.started == []


def test_who_consented_without_reading_it_records_all_the_same(person):
    """It is no condition for anything: the law wants it told, and consent stands for itself."""
    agent = joined(person)
    person.agree(ALL)
    agent.start()
    person.tick()
    assert person.world.running
    assert agent.snapshot().acknowledge


def test_what_was_read_is_remembered_and_another_text_is_asked_for_again(person):
    agent = joined(person)
    agent.acknowledge("de_AT", "Gesagt, wie gezeigt.")
    (entry,) = [one for one in agent._agreement.ledger.entries if one.kind is Kind.ACKNOWLEDGED]
    notice = entry.body["notice"]
    assert (notice["locale"], notice["text"]) == ("de", "Gesagt, wie gezeigt.")
    person.crash()
    agent = person.agent
    assert not agent.snapshot().acknowledge
    person.world.study = replace(WATCHED, version=2, monitoring=replace(NOTICE, notices=(Notice("en", 2, "More."),)))
    agent.reload()
    assert agent.snapshot().acknowledge
    assert agent.snapshot().widened == ()


def test_a_study_without_such_a_notice_has_nothing_to_acknowledge(person):
    agent = joined(person, STUDY)
    assert not agent.snapshot().acknowledge
    with pytest.raises(ConsentError):
        agent.acknowledge("en", "Told.")


def test_every_decision_has_a_receipt_and_reading_a_notice_is_none(person):
    agent = joined(person)
    assert not agent.snapshot().decided
    agent.acknowledge("en", "Told.")
    assert not agent.snapshot().decided
    person.agree(ALL)
    agent.withdraw(destroy=False)
    assert agent.snapshot().decided
    assert [one["event"]["event_kind"] for one in agent.receipts()] == ["accepted", "withdrawn"]
