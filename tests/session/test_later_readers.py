"""Who joins a study later gets what was shared before in a file of their own, by a click; nobody gets it twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from small_world import ALL, held_one, studying

from capture_agent.bundle.read import Bundle, Standing
from capture_agent.core.errors import ConsentError, KeyError_
from capture_agent.core.policy import Recipient
from capture_agent.held.cut import Span
from capture_agent.held.spans import What
from capture_agent.keys import age

pytestmark = pytest.mark.promise("P4")

LAB, ARCHIVE, LATE = age.new_classical(), age.new_hybrid(), age.new_hybrid()


class Anyone:
    def judge(self, study, pseudonym, key):
        return Standing.TRUSTED


def reader(name, identity):
    return Recipient(name, identity.recipient, identity.kind, ALL)


FIRST = (reader("Lab", LAB), reader("Archive", ARCHIVE))


def manifest_of(path, identity):
    with Path(path).open("rb") as stream:
        return Bundle(stream, [identity], Anyone()).manifest


def change(person, *recipients):
    """Let the study name other recipients, in its next version."""
    study = person.world.study
    person.world.study = replace(study, version=study.version + 1, recipients=recipients)
    person.agent.reload()


@pytest.fixture
def shared(person):
    """Return the recording that somebody shared with the readers whom the study named then, in two files."""
    agent = studying(person, recipients=FIRST)
    session = held_one(person, agent)
    assert len(agent.release(session)) == 2
    return session


def later(person):
    (line,) = person.agent.sessions()
    return line.later_readers


def test_a_later_reader_gets_a_file_of_their_own_once_that_was_agreed_to(person, shared):
    agent, first = person.agent, set(person.profile.outbox.iterdir())
    change(person, *FIRST, reader("Late", LATE))
    assert later(person) == ()
    with pytest.raises(ConsentError, match="did not agree"):
        agent.release(shared)
    person.agree(ALL)
    assert later(person) == ("Late",)
    (path,) = agent.release(shared)
    manifest = manifest_of(path, LATE)
    assert [one.name for one in manifest.recipients] == ["Late"]
    assert (manifest.session, manifest.revision, manifest.release.counter) == (shared, 2, 3)
    for other in (LAB, ARCHIVE):
        with pytest.raises(KeyError_):
            manifest_of(path, other)
    assert set(person.profile.outbox.iterdir()) == first | {Path(path)}
    (line,) = person.crash().sessions()
    assert (line.later_readers, line.released_to) == ((), ("Lab", "Archive", "Late"))


def test_who_has_a_recording_does_not_get_it_again_and_nothing_is_cut_out_of_it_for_that(person, shared):
    agent, before = person.agent, set(person.profile.outbox.iterdir())
    agent.cut(shared, [Span(0, 1)], What.STRETCH)
    assert later(person) == ()
    with pytest.raises(ConsentError, match="have it already"):
        agent.release(shared)
    assert set(person.profile.outbox.iterdir()) == before
    assert len(agent.cuts(shared)) == 1


def test_a_reader_with_a_new_key_is_a_later_one_because_it_opens_no_older_file(person, shared):
    new = age.new_classical()
    change(person, reader("Lab", new))
    person.agree(ALL)
    assert later(person) == ("Lab",)
    (path,) = person.agent.release(shared)
    assert manifest_of(path, new).revision == 2
    assert later(person) == ()


def test_a_reader_with_a_new_name_has_what_was_shared_before(person, shared):
    change(person, reader("The new lab", LAB))
    person.agree(ALL)
    assert later(person) == ()
    with pytest.raises(ConsentError, match="have it already"):
        person.agent.release(shared)


def test_what_was_withdrawn_is_not_there_for_later_readers(person, shared):
    person.agent.withdraw_shared(shared)
    change(person, *FIRST, reader("Late", LATE))
    person.agree(ALL)
    assert later(person) == ()
    with pytest.raises(ConsentError, match="withdrawn cannot be released"):
        person.agent.release(shared)


def test_what_is_no_longer_here_is_not_there_for_later_readers(person, shared):
    person.agent.delete(shared, for_good=True)
    change(person, *FIRST, reader("Late", LATE))
    person.agree(ALL)
    assert later(person) == ()
