"""The list of recordings: each line is made once, and anew whenever something happens that it tells of."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from small_world import ALL, STUDY, look_at_editor, studying, type_text

from capture_agent.core.policy import Recipient, RecipientKind
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.held.writer import Writer
from capture_agent.keys import age
from capture_agent.ledger.standing import Kind
from capture_agent.session.holdings import Holdings
from capture_agent.session.intent import AGAIN
from capture_agent.session.listing import with_later_readers
from capture_agent.session.snapshot import HeldSession

DAY_S = 86_400


def anew(person):
    """Return the list as it is made by who never made it before."""
    agent = person.agent
    return Holdings(person.profile, agent._vault, agent._agreement.ledger, person.world.wall).sessions()


def line(person, session):
    return next((one for one in person.agent.sessions() if one.id == session), None)


# --- what happens to a recording


def grow(person, _session):
    type_text(person, "more")


def stop(person, _session):
    person.agent.stop()


def mark(person, session):
    person.agent.cut(session, [Span(1_000_000)], What.STRETCH)


def unmark(person, session):
    person.agent.undo_cut(session, person.agent.cuts(session)[0].number)


def cut_what_is_marked(person, session):
    person.agent.cut_for_good(session)


def share(person, session):
    person.agent.release(session)


def arrive(person, session):
    ledger = person.agent._agreement.ledger
    name = next(one.body["bundle"] for one in ledger.entries if one.kind is Kind.RELEASED)
    arrived = {"file": name, "destination": "/lab", "bytes": 1}
    ledger.append(Kind.DELIVERED, STUDY.study, arrived, person.world.wall())


def withdraw(person, session):
    person.profile.outbox.rename(person.profile.outbox.with_name("away"))
    assert person.agent.withdraw_shared(session).pending


def tell(person, _session):
    person.profile.outbox.with_name("away").rename(person.profile.outbox)
    person.tick(AGAIN.total_seconds() + 1)


def delete(person, session):
    person.agent.delete(session, for_good=True)


def delete_for_now(person, session):
    person.agent.delete(session)


def put_back(person, session):
    person.agent.put_back(session)


def a_day_passes(person, _session):
    person.tick(DAY_S)


def a_month_passes(person, _session):
    person.tick(30 * DAY_S)


def agree_to_longer(person, _session):
    person.world.study = replace(STUDY, version=2, retention_days=60)
    person.agent.reload()
    person.agree(ALL)


def lose_the_key(person, session):
    person.agent._vault.destroy([session])


def damage(person, session):
    path = person.profile.held / f"{session}.held"
    path.write_bytes(b"x" * path.stat().st_size)


LIVES = {
    "grows while it is recorded": [grow, stop],
    "marked, undone, cut": [stop, mark, unmark, mark, cut_what_is_marked],
    "shared with cuts": [stop, mark, mark, share],
    "shared, delivered, withdrawn": [stop, share, arrive, withdraw, tell],
    "deleted, undone, deleted": [stop, delete_for_now, put_back, delete_for_now, delete],
    "shared, deleted, withdrawn": [stop, share, delete, withdraw, tell],
    "over": [stop, a_day_passes, a_month_passes],
    "over after it was shared": [stop, share, a_month_passes],
    "kept for longer": [stop, agree_to_longer],
    "without a key": [stop, lose_the_key],
    "damaged": [stop, damage],
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_a_line_always_tells_what_happened_last(person, life):
    agent = studying(person)
    look_at_editor(person)
    type_text(person, "abc")
    (first,) = agent.sessions()
    for happens in life:
        before = line(person, first.id)
        happens(person, first.id)
        assert line(person, first.id) != before, happens.__name__
        assert agent.sessions() == anew(person), happens.__name__


# --- what 10,000 of them cost


def fill(person, first, last):
    """Let there be recordings that were shared, made by the real writer, vault and ledger."""
    agent, began = person.agent, person.world.wall() - timedelta(days=1)
    identities = {f"{number:032x}": age.new_classical() for number in range(first, last)}
    agent._vault.destroy([], replace=identities)
    for number, (session, identity) in enumerate(identities.items(), first):
        when = (began + timedelta(seconds=number)).isoformat()
        about = {"study": STUDY.study, "started": when, "consent": "0" * 64}
        Writer.create(person.profile.held, session, identity.recipient, about).close("stopped", {"withheld_us": "{}"})
        shared = {"session": session, "bundle": f"{session}.capture", "recipients": ["Lab"], "started": when}
        agent._agreement.ledger.append(Kind.RELEASED, STUDY.study, shared, person.world.wall())


def calls(work):
    """Return how many functions are called, in Python and in C, while `work` is done."""
    count = 0

    def counted(_frame, event, _of):
        nonlocal count
        count += event in {"call", "c_call"}

    gc.disable()  # whoever listens to the collector, as Hypothesis does, would be counted with it
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.fixture
def sharer(person):
    studying(person).stop()
    return person


def test_what_happens_to_one_recording_makes_no_other_line_anew(sharer):
    fill(sharer, 0, 20)
    agent = sharer.agent
    gone, other = f"{3:032x}", f"{7:032x}"
    known = {id(one) for one in agent.sessions()}  # as long as they are kept nothing else has their place
    kept = agent.sessions()
    assert {id(one) for one in kept} == known
    agent.delete(gone, for_good=True)
    lose_the_key(sharer, other)
    assert [one.id for one in agent.sessions() if id(one) not in known] == [other, gone]
    agent._agreement.ledger.append(Kind.PAUSED, STUDY.study, {}, sharer.world.wall())
    assert sum(id(one) not in known for one in agent.sessions()) == 2


def test_the_list_grows_by_few_calls_with_each_recording_and_fewer_when_it_is_asked_for_again(sharer):
    found = []
    for last in (20, 60):
        fill(sharer, 0 if last == 20 else 20, last)
        sharer.crash()
        first = calls(sharer.agent.sessions)
        found.append((first, calls(sharer.agent.sessions)))
    cold, warm = ((more - less) / 40 for less, more in zip(*found, strict=True))
    assert cold <= 48 and warm <= 21, (cold, warm)


@pytest.mark.promise("P4")
def test_a_start_counts_the_recordings_once_and_not_again_with_the_first_tick(sharer):
    found = []
    for first, last in (0, 20), (20, 60):
        fill(sharer, first, last)
        sharer.crash()
        found.append(calls(lambda: sharer.tick(1)))
    assert found[1] - found[0] < 40 * 5, found  # of a count 15 for each recording


def test_later_readers_are_those_whose_key_opens_no_file_of_what_is_shared_and_here():
    lab, late = (Recipient(name, f"age1{name}", RecipientKind.CLASSICAL, ALL) for name in ("lab", "late"))
    shared = HeldSession("1", "s", datetime.now(UTC), 1.0, 1, "delivered", complete=True, days_left=3)
    shared = replace(shared, released_to=("lab",))
    both = {"id": "2", "released_to": ("lab", "late")}
    others = (both, {"study": "t"}, {"here": False}, {"state": "held"}, {"state": "withdrawn"})
    lines = (shared, *(replace(shared, **other) for other in others))
    for got in (None, {"1": (lab,), "2": (lab, late)}):
        found = with_later_readers(lines, "s", (lab, late), got)
        assert [one.later_readers for one in found] == [("late",), (), (), (), (), ()]
        assert found[1:] == lines[1:]
    renewed = with_later_readers(lines, "s", (replace(lab, key="age1new"), late), {"1": (lab,), "2": (lab, late)})
    assert [one.later_readers for one in renewed[:2]] == [("lab", "late"), ("lab",)]
