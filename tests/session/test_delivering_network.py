"""Deliveries of a computer that is in no network, in another one, or in one that costs: nothing in vain, and soon."""

from __future__ import annotations

import pytest
from store_server import ACCESS, moto
from test_delivering import outbox, shared, until_tried

from capture_agent.core.delivery import BACK_S, FIRST_S
from capture_agent.core.network import NOWHERE
from capture_agent.session.delivering import LOOK_US

HOME, CAFE = frozenset({"192.0.2.7"}), frozenset({"198.51.100.7"})
STORE = "s3://study/in?endpoint=https://0.0.0.0:1"  # who tries it is refused: it "cannot be reached"
LOOK_S = LOOK_US / 1e6


@pytest.fixture(autouse=True)
def access(monkeypatch):
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def bucket():
    with moto() as one:
        yield one


@pytest.fixture
def inbox(tmp_path):
    return tmp_path / "inbox"


def fail(person, times=12):
    """Let it be tried so often, each time in vain; after that many the next wait may be an hour."""
    for _ in range(times):
        seen = until_tried(person)
    return seen


def move(person, networks):
    """Take the computer to another network, and let that be seen."""
    person.world.networks = lambda: networks
    return until_tried(person, LOOK_S)


def test_without_a_network_nothing_is_tried_and_that_is_said(person):
    person.world.networks = lambda: NOWHERE
    agent, _, path = shared(person, STORE)
    seen = fail(person)
    assert (seen.waiting, seen.code, seen.again) == (1, 1, None)
    assert "no network" in seen.problem
    assert "by itself" in seen.hint
    agent.deliver()
    assert "no network" in until_tried(person, 0).problem
    _, error = agent.delivering.deliver()  # what the command does while no agent runs
    assert "no network" in str(error)
    assert outbox(person) == [path.name]


def test_once_there_is_a_network_it_is_tried_within_seconds(person):
    person.world.networks = lambda: NOWHERE
    shared(person, STORE)
    fail(person)
    assert move(person, HOME).problem == ""
    seen = until_tried(person, BACK_S)
    assert "cannot be reached" in seen.problem
    assert seen.again is not None


def test_a_network_that_goes_while_a_try_is_waited_for_is_said_soon(person):
    person.world.networks = lambda: HOME
    shared(person, STORE)
    assert "cannot be reached" in fail(person, 2).problem
    assert "no network" in move(person, NOWHERE).problem


def test_a_network_that_was_away_at_the_moment_of_a_try_alone_is_missed_by_nobody(person):
    told = [HOME, NOWHERE]  # before the try, and at it
    person.world.networks = lambda: told.pop(0) if told else HOME
    shared(person, STORE)
    assert "no network" in until_tried(person, 1).problem
    assert until_tried(person, LOOK_S).problem == ""
    assert "cannot be reached" in until_tried(person, BACK_S).problem


@pytest.mark.parametrize("between", [NOWHERE, CAFE])
def test_what_failed_in_one_network_is_tried_soon_in_another_and_often_at_first(person, inbox, between):
    """A share: it is back some seconds after the network, and not an hour."""
    person.world.networks = lambda: HOME
    shared(person, inbox)
    fail(person)
    move(person, between)
    move(person, HOME)
    assert "cannot be reached" in until_tried(person, BACK_S).problem
    inbox.mkdir()
    assert until_tried(person, 4 * FIRST_S) is None  # after the third failure at most: the twelve count no more


def test_not_all_computers_of_an_office_come_back_in_one_second(person, inbox):
    person.world.networks = lambda: HOME
    shared(person, inbox)
    waits = []
    for network in (CAFE, HOME) * 6:
        fail(person, 6)
        seen = move(person, network)
        waits.append((seen.again - person.world.wall()).total_seconds())
    assert max(waits) <= BACK_S
    assert max(waits) - min(waits) > BACK_S / 10


def test_a_folder_needs_no_network(person, inbox):
    person.world.networks = lambda: NOWHERE
    inbox.mkdir()
    shared(person, inbox)
    assert until_tried(person) is None


def test_a_store_on_this_computer_needs_no_network(person, bucket):
    person.world.networks = lambda: NOWHERE
    shared(person, bucket.destination())
    assert until_tried(person) is None


def test_a_proxy_on_this_computer_may_lead_out_by_ways_that_nobody_knows(person, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    person.world.networks = lambda: NOWHERE
    shared(person, STORE)
    assert "cannot be reached" in until_tried(person).problem


def test_what_a_costly_network_held_up_goes_in_the_next_one(person, bucket):
    person.world.networks, person.world.costs = lambda: CAFE, True
    shared(person, bucket.destination())
    assert "costs by volume" in fail(person).problem
    person.world.costs = False
    move(person, HOME)
    assert until_tried(person, BACK_S) is None


def test_a_network_that_nobody_knows_anything_of_changes_nothing(person, inbox):
    person.world.networks = lambda: HOME
    shared(person, inbox)
    before = fail(person).again
    assert move(person, None).again == before
    assert move(person, HOME).again == before
