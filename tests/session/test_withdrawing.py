"""Withdrawing what was shared: noted first, told to all its readers, through crashes, and once and for all."""

import json
import os
import shutil
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from file_secrets import FileSecrets, strike
from small_world import ALL, STUDY, held_one, recording, studying

from capture_agent.bundle import tombstone
from capture_agent.bundle.manifest import NO_WITHDRAWALS
from capture_agent.bundle.read import Bundle, Standing, read_tombstone
from capture_agent.bundle.tombstone import Withdrawable
from capture_agent.core.errors import ConsentError, StorageError
from capture_agent.core.events import Category
from capture_agent.core.policy import Recipient, RecipientKind
from capture_agent.keys import age
from capture_agent.keys.vault import Vault
from capture_agent.ledger.receipt_release import schema
from capture_agent.ledger.record import Ledger
from capture_agent.ledger.standing import Kind
from capture_agent.session.holdings import Holdings
from capture_agent.session.intent import AGAIN
from capture_agent.session.profile import Profile
from capture_agent.session.receipts import Form, forms_of, write

pytestmark = pytest.mark.promise("P12")

LAB, ARCHIVE = age.new_classical(), age.new_hybrid()
READERS = (
    Recipient("Lab", LAB.recipient, RecipientKind.CLASSICAL, ALL),
    Recipient("Archive", ARCHIVE.recipient, RecipientKind.HYBRID, frozenset({Category.TASKS})),
)


class Anyone:
    def judge(self, study, pseudonym, key):
        return Standing.TRUSTED


def sharing(person, **changes):
    """Return the agent of somebody who shared a recording with two readers, and the recording."""
    agent = studying(person, recipients=READERS, **changes)
    session = held_one(person, agent)
    agent.release(session)
    return agent, session


def manifest_of(path, identity):
    with path.open("rb") as stream:
        return Bundle(stream, [identity], Anyone()).manifest


def stone_of(path, identity):
    with path.open("rb") as stream:
        return read_tombstone(stream, [identity])


def bundles(person):
    """Return the manifest of each bundle in the outbox, as the lab reads it."""
    found = []
    for path in person.profile.outbox.iterdir():
        try:
            found.append(manifest_of(path, LAB))
        except Exception as error:  # noqa: BLE001 - sealed to others, or a tombstone
            assert type(error).__name__ in {"KeyError_", "VerificationError"}
    return found


def kinds(agent):
    return [entry.kind for entry in agent._agreement.ledger.entries]


def test_every_reader_gets_a_withdrawal_of_exactly_this_recording(person):
    agent, session = sharing(person)
    (manifest,) = bundles(person)
    withdrawn = agent.withdraw_shared(session[:8])
    assert (withdrawn.session, withdrawn.to, withdrawn.pending) == (session, ("Lab", "Archive"), False)
    assert {Path(one) for one in withdrawn.files} == set(person.profile.outbox.iterdir())  # the bundles there are gone
    stones = []
    for path in map(Path, withdrawn.files):
        for identity in (LAB, ARCHIVE):
            try:
                stones.append(stone_of(path, identity))
            except Exception as error:  # noqa: BLE001 - sealed to the other one
                assert type(error).__name__ == "KeyError_"
    assert len(stones) == 2
    released = Withdrawable(manifest.study, manifest.device, manifest.withdrawal_sha256)
    assert all(one.withdraws(released) for one in stones)
    assert not any(one.withdraws(replace(released, withdrawal_sha256="0" * 64)) for one in stones)
    assert [(one.state, one.pending) for one in agent.sessions()] == [("withdrawn", False)]
    assert kinds(agent)[-2:] == [Kind.RELEASE_WITHDRAWN, Kind.TOMBSTONED]


def test_withdrawing_twice_is_as_once_and_it_is_not_shared_again(person):
    agent, session = sharing(person)
    first = agent.withdraw_shared(session)
    before = kinds(agent)
    assert agent.withdraw_shared(session) == first
    assert kinds(agent) == before
    with pytest.raises(ConsentError, match="withdrawn cannot be released"):
        agent.release(session)
    agent.delete(session, for_good=True)
    assert [(one.state, one.here) for one in agent.sessions()] == [("withdrawn", False)]


def test_withdrawn_while_another_bundle_of_it_is_composed_leaves_no_bundle(person):
    agent, session = sharing(person)

    def withdraw(_what, _done, _total):
        if Kind.RELEASE_WITHDRAWN not in kinds(agent):
            agent.withdraw_shared(session)

    late = Recipient("Late", age.new_hybrid().recipient, RecipientKind.HYBRID, ALL)
    policy, standing = agent._agreement.check_release(), agent._agreement.standing
    policy = replace(policy, recipients=(*READERS, late))
    with pytest.raises(ConsentError, match="withdrawn cannot be released"):
        agent._holdings.release(session, policy, standing, withdraw)
    assert {str(path) for path in person.profile.outbox.iterdir()} == set(agent.withdraw_shared(session).files)


def test_what_is_gone_from_this_disk_can_still_be_withdrawn(person):
    agent, session = sharing(person)
    agent.delete(session, for_good=True)
    ((line),) = agent.sessions()
    assert (line.state, line.here, line.released_to) == ("released", False, ("Lab", "Archive"))
    agent.withdraw(destroy=True)
    person.tick(20)
    agent = person.crash()
    assert agent.withdraw_shared(session).pending is False


def test_what_was_not_shared_is_not_withdrawn(person):
    agent = recording(person)
    session = held_one(person, agent)
    before = kinds(agent)
    with pytest.raises(ConsentError, match="was not shared"):
        agent.withdraw_shared(session)
    with pytest.raises(StorageError, match="no recording begins"):
        agent.withdraw_shared("nothing")
    assert kinds(agent) == before


def test_a_locked_keyring_does_not_hold_it_up(person):
    agent, session = sharing(person)
    person.secrets.locked = True
    withdrawn = agent.withdraw_shared(session)
    assert (withdrawn.pending, len(withdrawn.files)) == (False, 2)
    person.secrets.locked = False
    assert [one.state for one in person.crash().sessions()] == ["withdrawn"]


def test_a_place_that_is_gone_is_said_and_it_is_told_later(person):
    agent, session = sharing(person)
    away = person.profile.outbox.with_name("away")
    person.profile.outbox.rename(away)
    withdrawn = agent.withdraw_shared(session)
    assert (withdrawn.pending, withdrawn.files) == (True, ())
    assert "cannot be written yet" in agent.snapshot().problem
    assert [(one.state, one.pending) for one in agent.sessions()] == [("withdrawn", True)]
    person.tick(AGAIN.total_seconds() + 1)
    assert agent.sessions()[0].pending is True
    away.rename(person.profile.outbox)
    person.tick(AGAIN.total_seconds() + 1)
    assert [(one.state, one.pending) for one in agent.sessions()] == [("withdrawn", False)]
    assert agent.snapshot().problem == ""
    assert len(list(person.profile.outbox.iterdir())) == 2


def test_each_later_release_counts_the_withdrawals_before_it(person):
    agent, first = sharing(person)
    (manifest,) = bundles(person)
    assert manifest.withdrawals == NO_WITHDRAWALS
    agent.withdraw_shared(first)
    agent.start()
    person.tick()
    second = next(one for one in [held_one_more(person, agent, first)])
    agent.release(second)
    (later,) = bundles(person)
    assert later.withdrawals == tombstone.after(NO_WITHDRAWALS, manifest.withdrawal_sha256)
    files = agent.withdraw_shared(second).files
    stones = [stone_of(Path(one), LAB) for one in files if opens(Path(one), LAB)]
    assert [one.withdrawals for one in stones] == [tombstone.after(later.withdrawals, later.withdrawal_sha256)]


def opens(path, identity):
    try:
        stone_of(path, identity)
    except Exception:  # noqa: BLE001 - sealed to the other one
        return False
    return True


def held_one_more(person, agent, other):
    agent.start_task("y")
    agent.stop()
    return next(one.id for one in agent.sessions() if one.id != other)


def test_the_code_on_the_receipt_withdraws_from_anywhere(person, tmp_path):
    agent, _ = sharing(person)
    (manifest,) = bundles(person)
    receipts = [one for one in agent.receipts() if one["event"]["event_kind"] == "released"]
    assert len(receipts) == 2
    for one in receipts:
        jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(one)
    codes = {one["withdrawal"]["code"] for one in receipts}
    stone = tombstone.parse(tombstone.from_code(codes.pop()))
    assert codes == set()
    assert stone.withdraws(Withdrawable(manifest.study, manifest.device, manifest.withdrawal_sha256))
    files = write(receipts, list(Form), tmp_path / "out", "de", lambda page, _title: page.encode())
    assert sorted({path.suffix for path in files}) == [".html", ".json", ".pdf"]
    assert all(forms_of(one, Form) == [Form.JSON, Form.HTML, Form.PDF] for one in receipts)
    page = next(path for path in files if path.suffix == ".html").read_text("utf-8")
    shown = page[page.index("withdrawal-1") :]
    assert tombstone.code_sha256(tombstone.parse_code(shown[: shown.index("<")])) == manifest.withdrawal_sha256
    assert "Sie haben eine Aufnahme geteilt." in page
    assert "lab@example.org" in page
    assert json.loads(json.dumps(receipts)) == receipts


def test_the_schema_of_a_receipt_is_published_and_lets_nothing_else_pass(person):
    agent, session = sharing(person)
    agent.withdraw_shared(session)
    published = Path(__file__).parents[2] / "docs" / "schemas" / "release-receipt.schema.json"
    assert json.loads(published.read_text("utf-8")) == schema()
    last = agent.receipts()[-1]
    assert last["event"]["event_kind"] == "release-withdrawn"
    assert last["recording"]["recipients"] == ["Lab", "Archive"]
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate(last)
    assert '"keyboard"' in json.dumps(last)
    for category in (Category.SHORTCUTS, Category.COUNTS):
        validator.validate(json.loads(json.dumps(last).replace('"keyboard"', f'"{category}"')))
    for name in last:
        assert not validator.is_valid({key: value for key, value in last.items() if key != name})
    assert not validator.is_valid({**last, "more": 1})


def test_forgetting_names_what_was_withdrawn_as_such(person):
    agent, session = sharing(person)
    assert {one.withdrawn for one in agent.would_forget(15).shared} == {False}
    agent.withdraw_shared(session)
    assert {one.withdrawn for one in agent.would_forget(15).shared} == {True}


# --- killed at every step


def restart(folder):
    profile = Profile(folder / "profile", folder / "settings.toml")
    profile.create()
    vault = Vault(profile.vault, FileSecrets(folder / "keyring.json"))
    return Holdings(profile, vault, Ledger(profile.ledger, vault), lambda: datetime.now(UTC))


def withdraw_all(holdings):
    for one in holdings.sessions():
        holdings.withdraw(one.id)


def killed_at(step, folder):
    child = os.fork()
    if child == 0:
        holdings = restart(folder)
        strike(folder, step)
        withdraw_all(holdings)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0) or os.WTERMSIG(status) == signal.SIGKILL
    return os.WIFEXITED(status)


def test_a_kill_at_every_step_withdraws_it_whole_or_not_at_all(person, tmp_path):
    """Whole: noted, one valid file for each kind of key, and nothing that is not named."""
    person.world.study = STUDY
    agent, _ = sharing(person)
    made = tmp_path / "made"
    shutil.copytree(person.profile.folder, made / "profile")
    (made / "keyring.json").write_text(json.dumps(person.secrets.kept))
    agent.shut_down()
    outcomes = set()
    for step in range(1, 300):
        folder = tmp_path / str(step)
        shutil.copytree(made, folder)
        done = killed_at(step, folder)
        holdings = restart(folder)
        holdings.recover()
        (line,) = holdings.sessions()
        outcomes.add(line.state)
        assert (line.state, line.pending) in {("released", False), ("withdrawn", False)}
        outbox = sorted(holdings.shelf.outbox.iterdir())
        stones = [path for path in outbox if (opens(path, LAB) and stone_of(path, LAB)) or opens(path, ARCHIVE)]
        assert len(outbox) == 2
        assert holdings.shelf.ledger.open_intents() == ()
        if line.state == "withdrawn":
            assert len(stones) == 2
            assert sorted(holdings.withdraw(line.id)[0].files) == list(map(str, outbox))
        shutil.rmtree(folder)
        if done:
            break
    assert outcomes == {"released", "withdrawn"}
    assert done
    assert step > 10
