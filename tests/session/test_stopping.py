"""Long work that is stopped on its way: at whichever step, it leaves nothing behind."""

from small_world import held_one, recording, studying

from capture_agent.core.events import Category
from capture_agent.core.policy import Recipient, RecipientKind
from capture_agent.core.progress import NOTING, CancelledError
from capture_agent.keys import age


class Stopping:
    """Progress that is stopped at its call number `at`, from 0."""

    def __init__(self, at):
        self.at = at
        self.told = []

    def __call__(self, what, done, total):
        self.told.append((what, done, total))
        if len(self.told) > self.at:
            raise CancelledError


def everywhere(work):
    """Do `work` again and again, stopped one call later each time, until it ends well; return what was told then."""
    for at in range(1000):
        progress = Stopping(at)
        try:
            work(progress)
        except CancelledError:
            yield progress.told
        else:
            return


def test_a_release_that_is_stopped_anywhere_leaves_no_bundle_and_no_note(person):
    readers = [
        Recipient(name, age.new_classical().recipient, RecipientKind.CLASSICAL, frozenset(gets))
        for name, gets in (("Lab", {Category.TASKS}), ("Archive", {Category.TASKS, Category.KEYBOARD}))
    ]
    agent = studying(person, recipients=tuple(readers))
    held = held_one(person, agent)
    before = agent._agreement.ledger.entries
    made, stops = [], 0
    for told in everywhere(lambda progress: made.extend(agent.release(held, progress))):
        stops += 1
        assert list(person.profile.outbox.iterdir()) == [], told[-1]
        assert agent._agreement.ledger.entries == before
        assert [(one.id, one.state) for one in agent.sessions()] == [(held, "held")]
    assert told[-1][0] == NOTING  # after both bundles were written
    assert stops > 4
    assert sorted(map(str, person.profile.outbox.iterdir())) == sorted(made)
    assert len(made) == 2
    assert [one.state for one in agent.sessions()] == ["released"]


def test_opening_that_is_stopped_anywhere_leaves_no_folder(person, tmp_path):
    agent = recording(person)
    held = held_one(person, agent)
    parent = tmp_path / "mine"
    parent.mkdir()
    stops = 0
    for told in everywhere(lambda progress: agent.open_own(held, str(parent / "opened"), progress)):
        stops += 1
        assert list(parent.iterdir()) == [], told[-1]
    assert stops > 2
    assert (parent / "opened" / "report.json").exists()


def test_how_much_there_is_to_read_is_told_from_the_first_step(person, tmp_path):
    agent = recording(person)
    for _ in range(5):
        person.tick(2)
    held = held_one(person, agent)
    progress = Stopping(10**6)
    agent.open_own(held, str(tmp_path / "opened"), progress)
    read = [(done, total) for what, done, total in progress.told if what == "reading"]
    assert read == [(done, len(read)) for done in range(1, len(read) + 1)]
    assert progress.told[-1][1:] == (progress.told[-1][2],) * 2
