"""Delivering what was shared: by itself, noted, once and only once, through faults, crashes and changes of mind."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from file_secrets import FileSecrets, strike
from small_world import STUDY, held_one, studying
from store_server import ACCESS, answers, create_only, moto, passes

from capture_agent.core.delivery import LONGEST_S
from capture_agent.core.errors import CaptureAgentError, KeyError_
from capture_agent.core.policy import Settings
from capture_agent.desktop.clock import now_us
from capture_agent.keys.vault import Vault
from capture_agent.ledger.deliveries import deliveries
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.delivering import Delivering
from capture_agent.session.holdings import Holdings
from capture_agent.session.profile import Profile


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def shared(person, destination, **changes):
    """Return the agent of somebody who shared a recording, the recording, and the path of its bundle."""
    agent = studying(person, destination=str(destination), **changes)
    session = held_one(person, agent)
    (path,) = agent.release(session)
    return agent, session, Path(path)


def until_tried(person, seconds=LONGEST_S):
    """Let so much time pass that what waits is due, and wait until it was tried."""
    person.tick(seconds)
    for _ in range(2400):
        if not person.agent.delivering.going:
            return person.agent.snapshot().delivery
        time.sleep(0.025)
    raise AssertionError("the delivery hangs")


def entries(agent, kind):
    return [entry for entry in agent._agreement.ledger.entries if entry.kind is kind]


def outbox(person):
    return sorted(path.name for path in person.profile.outbox.iterdir())


# --- into a folder


@pytest.mark.promise("P4")
@pytest.mark.promise("P14")
def test_what_was_shared_is_delivered_by_itself_and_nothing_before(person, inbox):
    agent = studying(person, destination=str(inbox))
    session = held_one(person, agent)
    assert until_tried(person) is None
    assert list(inbox.iterdir()) == []
    (path,) = map(Path, agent.release(session))
    data = path.read_bytes()
    waiting = agent.snapshot().delivery
    assert (waiting.waiting, waiting.to, waiting.problem) == (1, (str(inbox),), "")
    (line,) = agent.sessions()
    assert (line.state, line.waiting, line.delivered_to) == ("released", True, ())
    assert until_tried(person) is None
    assert [(one.name, one.read_bytes()) for one in inbox.iterdir()] == [(path.name, data)]
    assert outbox(person) == []
    (line,) = agent.sessions()
    assert (line.state, line.waiting, line.delivered_to) == ("delivered", False, (str(inbox),))
    (entry,) = entries(agent, Kind.DELIVERED)
    assert (entry.body["file"], entry.body["destination"], entry.body["bytes"]) == (path.name, str(inbox), len(data))
    assert [one.state for one in person.crash().sessions()] == ["delivered"]


def test_without_a_destination_it_stays_for_the_person_to_hand_over(person):
    agent = studying(person)
    agent.release(held_one(person, agent))
    before = outbox(person)
    assert until_tried(person) is None
    assert outbox(person) == before
    assert [one.state for one in agent.sessions()] == ["released"]


def test_a_share_that_is_away_is_said_and_tried_again_later_each_time(person, inbox):
    inbox.rmdir()
    agent, _, path = shared(person, inbox)
    seen = until_tried(person)
    assert (seen.waiting, seen.code) == (1, 1)
    assert "cannot be reached" in seen.problem
    assert seen.again is not None
    assert outbox(person) == [path.name]
    inbox.mkdir()
    agent.deliver()
    assert until_tried(person) is None
    assert [one.name for one in inbox.iterdir()] == [path.name]


def test_a_crash_between_receipt_and_removal_leaves_nothing_behind_after_the_next_start(person, inbox):
    agent, _, path = shared(person, inbox)
    kept = path.read_bytes()
    assert until_tried(person) is None
    path.write_bytes(kept)
    person.crash()
    assert outbox(person) == []
    assert len(entries(person.agent, Kind.DELIVERED)) == 1
    assert len(agent.sessions()) == 1


@pytest.mark.promise("P12")
def test_a_withdrawal_goes_the_way_that_the_recording_went(person, inbox):
    agent, session, path = shared(person, inbox)
    assert until_tried(person) is None
    withdrawn = agent.withdraw_shared(session)
    assert withdrawn.places == (str(inbox),)
    (told,) = map(Path, withdrawn.files)
    assert [(one.state, one.waiting) for one in agent.sessions()] == [("withdrawn", True)]
    assert until_tried(person) is None
    assert {one.name for one in inbox.iterdir()} == {path.name, told.name}
    assert [(one.state, one.waiting, one.delivered_to) for one in agent.sessions()] == [
        ("withdrawn", False, (str(inbox),))
    ]


@pytest.mark.promise("P12")
def test_what_is_withdrawn_before_it_went_is_not_delivered_and_the_withdrawal_is(person, inbox):
    agent, session, path = shared(person, inbox)
    (told,) = map(Path, agent.withdraw_shared(session).files)
    assert until_tried(person) is None
    assert [one.name for one in inbox.iterdir()] == [told.name]
    assert not path.exists()


@pytest.mark.promise("P2")
def test_who_opts_out_has_nothing_more_delivered_but_withdrawals(person, inbox):
    agent, session, path = shared(person, inbox)
    agent.withdraw(destroy=False)
    assert until_tried(person) is None
    assert list(inbox.iterdir()) == []
    assert outbox(person) == [path.name]
    agent.withdraw_shared(session)
    assert until_tried(person) is None
    assert len(list(inbox.iterdir())) == 1


def test_where_it_goes_is_what_was_agreed_when_it_was_shared(person, inbox, tmp_path):
    agent, _, path = shared(person, inbox)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    person.world.study = replace(STUDY, destination=str(elsewhere), version=2)
    agent.reload()
    assert until_tried(person) is None
    assert [one.name for one in inbox.iterdir()] == [path.name]
    assert list(elsewhere.iterdir()) == []


def test_a_locked_keyring_holds_up_no_receipt(person, inbox):
    agent, _, _ = shared(person, inbox)
    person.secrets.locked = True
    assert until_tried(person) is None
    person.secrets.locked = False
    assert [one.state for one in agent.sessions()] == ["delivered"]
    assert [one.state for one in person.crash().sessions()] == ["delivered"]


# --- into a store


@pytest.fixture(scope="module")
def server():
    with moto() as bucket:
        yield bucket


@pytest.fixture
def bucket(server, monkeypatch):
    server.empty()
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def proxy(server):
    from store_server import Proxy

    one = Proxy(server.port)
    yield one
    one.close()


@pytest.mark.promise("P14")
def test_a_store_gets_it_from_a_process_of_its_own_with_an_account_that_may_only_create(person, bucket, proxy):
    proxy.harms = [answers("500 Internal Server Error"), create_only]
    place = bucket.destination(proxy.port)
    agent, _, path = shared(person, place)
    data = path.read_bytes()
    failed = until_tried(person)
    assert (failed.waiting, failed.code, outbox(person)) == (1, 1, [path.name])
    assert until_tried(person) is None
    assert [one.method for one in proxy.seen] == ["PUT", "PUT"]
    assert bucket.names() == [f"in/{path.name}"]
    assert bucket.read(f"in/{path.name}") == data
    assert [(one.state, one.delivered_to) for one in agent.sessions()] == [("delivered", (place,))]


def test_one_destination_that_fails_holds_up_no_other(person, bucket, inbox):
    agent, _, path = shared(person, "/nowhere/at/all")
    entry = entries(agent, Kind.RELEASED)[0]
    body = {**entry.body, "bundle": "f" * 32 + ".capture", "destination": str(inbox)}
    (path.parent / body["bundle"]).write_bytes(b"sealed")
    agent._agreement.ledger.append(Kind.RELEASED, entry.study, body, person.world.wall())
    seen = until_tried(person)
    assert (seen.waiting, seen.to) == (1, ("/nowhere/at/all",))
    assert [one.name for one in inbox.iterdir()] == [body["bundle"]]


@pytest.mark.promise("P3")
def test_what_opens_a_store_is_in_no_message_no_receipt_and_no_file(person, bucket, proxy, capfd, caplog):
    """A canary scan over all that is said and written, with a server that repeats what it was given."""
    secret = ACCESS["AWS_SECRET_ACCESS_KEY"]

    def repeats(seen, client, server):
        return answers("403 Forbidden", f"<Error><Code>AccessDenied</Code>{seen.head} {secret}</Error>")(
            seen, client, server
        )

    proxy.harms = [repeats, repeats, passes]
    agent, _, _ = shared(person, bucket.destination(proxy.port))
    seen = until_tried(person)
    assert seen.code == KeyError_.exit_code
    _, error = agent.delivering.deliver()
    said = [repr(seen), str(error), str(error.hint), repr(error), repr(agent.snapshot())]
    assert until_tried(person) is None
    agent.delivering.keep_access(os.environ)
    said += [*capfd.readouterr(), caplog.text, repr(agent.delivering)]
    files = [path.read_bytes() for path in person.profile.folder.parent.rglob("*") if path.is_file()]
    for canary in ACCESS.values():
        assert [one for one in said if canary in one] == []
        assert [one for one in files if canary.encode() in one] == []
    assert any(secret in one for one in person.secrets.kept.values())  # there alone
    assert any("Credential=" + ACCESS["AWS_ACCESS_KEY_ID"] in one.head for one in proxy.seen)


def test_what_is_kept_goes_before_the_environment_and_can_be_forgotten(person, bucket, proxy, monkeypatch):
    place = bucket.destination(proxy.port)
    agent, _, _ = shared(person, place)
    assert agent.delivering.keep_access(os.environ) == [place]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert until_tried(person) is None
    assert agent.delivering.forget_access() == [place]
    with pytest.raises(CaptureAgentError, match="no access"):
        agent.delivering.keep_access(os.environ)
    agent.start()
    person.tick()
    agent.start_task("y")
    agent.stop()
    agent.release(next(one.id for one in agent.sessions() if one.state == "held"))
    seen = until_tried(person)
    assert seen.code == KeyError_.exit_code
    assert "no access" in seen.problem
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(("allowed", "arrives"), [(False, False), (True, True)])
def test_over_a_network_that_costs_nothing_goes_unless_the_person_wants_it(person, bucket, allowed, arrives):
    person.world.costs, person.world.chosen = True, Settings(deliver_on_metered=allowed)
    shared(person, bucket.destination())
    seen = until_tried(person)
    assert (seen is None) is arrives
    assert bool(bucket.names()) is arrives
    if not arrives:
        assert "costs by volume" in seen.problem
        person.world.costs = False
        assert until_tried(person) is None


def test_with_a_cap_it_takes_as_long_as_the_cap_says(person, inbox):
    agent, _, path = shared(person, inbox)
    size = path.stat().st_size
    person.world.chosen = Settings(max_delivery_kbit=max(64, size * 8 // 1000))  # about a second's worth
    agent.reload()
    began = time.monotonic()
    assert until_tried(person) is None
    assert time.monotonic() - began > 0.9 * size / person.world.chosen.delivery_rate
    assert (inbox / path.name).stat().st_size == size


def test_a_folder_is_no_network(person, inbox):
    person.world.costs = True
    shared(person, inbox)
    assert until_tried(person) is None


# --- killed


def restart(folder):
    profile = Profile(folder / "profile", folder / "settings.toml")
    profile.create()
    vault = Vault(profile.vault, FileSecrets(folder / "keyring.json"))
    return Holdings(profile, vault, Ledger(profile.ledger, vault), lambda: datetime.now(UTC))


def deliver_all(folder):
    holdings = restart(folder)
    holdings.recover()  # as every start does: a kill may have come between the note and the end of the file
    Delivering(holdings.shelf, now_us).deliver()


def make(person, tmp_path, destination, count):
    """Return a profile on the disk with `count` files that wait, and what they are."""
    agent = studying(person, destination=str(destination))
    for n in range(count):
        agent.start()
        person.tick()
        agent.start_task(f"task {n}")
        agent.stop()
        agent.release(next(one.id for one in agent.sessions() if one.state == "held"))
    made = tmp_path / "made"
    shutil.copytree(person.profile.folder, made / "profile")
    (made / "keyring.json").write_text(json.dumps(person.secrets.kept))
    agent.shut_down()
    return made, {path.name: path.read_bytes() for path in (made / "profile" / "outbox").iterdir()}


def noted(folder):
    return Counter(
        str(entry.body["file"]) for entry in restart(folder).shelf.ledger.entries if entry.kind is Kind.DELIVERED
    )


@pytest.mark.promise("P10")
def test_a_kill_at_every_step_loses_nothing_and_notes_it_once(person, tmp_path, inbox):
    made, files = make(person, tmp_path, inbox, 1)
    arrived = set()
    for step in range(1, 200):
        folder = tmp_path / str(step)
        shutil.copytree(made, folder)
        child = os.fork()
        if child == 0:
            holdings = restart(folder)
            strike(tmp_path, step)
            Delivering(holdings.shelf, now_us).deliver()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        left = restart(folder)
        left.recover()
        arrived.add(sum(noted(folder).values()))
        for name in files:
            assert (folder / "profile" / "outbox" / name).exists() or (inbox / name).read_bytes() == files[name]
        deliver_all(folder)
        assert {path.name: path.read_bytes() for path in inbox.iterdir()} == files
        assert noted(folder) == dict.fromkeys(files, 1)
        assert list((folder / "profile" / "outbox").iterdir()) == []
        for path in inbox.iterdir():
            path.unlink()
        shutil.rmtree(folder)
        if os.WIFEXITED(status):
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert arrived == {0, 1}
    assert step > 5


@pytest.mark.long
@pytest.mark.promise("P10")
@pytest.mark.parametrize("kills", [20, pytest.param(500, marks=pytest.mark.soak)])
def test_kill_9_at_random_moments_loses_doubles_and_spoils_nothing(person, tmp_path, bucket, kills):
    made, files = make(person, tmp_path, bucket.destination(), 2)
    began = time.monotonic()
    whole = tmp_path / "whole"
    shutil.copytree(made, whole)
    killed_after(whole, None)
    takes = time.monotonic() - began
    assert noted(whole) == dict.fromkeys(files, 1)
    struck = 0
    while struck < kills:
        bucket.empty()
        folder = tmp_path / "run"
        shutil.copytree(made, folder)
        while True:  # until it is through
            moment = random.uniform(0, 1.2 * takes) if struck < kills else None
            if not killed_after(folder, moment):
                break
            struck += 1
            there = {name: bucket.read(name) for name in bucket.names()}
            assert all(data == files[name.removeprefix("in/")] for name, data in there.items()), "spoiled"
            waiting = {one.name for one in deliveries(restart(folder).shelf.ledger.entries).waiting}
            kept = {path.name for path in (folder / "profile" / "outbox").iterdir()}
            assert waiting <= kept, "lost"
            assert {f"in/{name}" for name in set(files) - waiting} <= set(there), "noted, and not there"
        assert {name: bucket.read(name) for name in bucket.names()} == {f"in/{n}": data for n, data in files.items()}
        assert noted(folder) == dict.fromkeys(files, 1)
        assert list((folder / "profile" / "outbox").iterdir()) == []
        shutil.rmtree(folder)


def killed_after(folder, seconds):
    """Deliver in a process that is killed after so long; return whether it was, and had not ended."""
    child = os.fork()
    if child == 0:
        try:
            deliver_all(folder)
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
